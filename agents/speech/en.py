"""English."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from agents.speech.base import Booking, Speech
from agents.speech.words import Clock, sentence, spelt, spread


class English(Speech):
    weekdays = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    months = (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    )
    today, tomorrow = "today", "tomorrow"
    conjunction, alternative = "and", "or"
    currencies = {
        "USD": ("dollar", "dollars"),
        "EUR": ("euro", "euros"),
        "GBP": ("pound", "pounds"),
        "CHF": ("franc", "francs"),
    }
    units = {"minute": ("minute", "minutes"), "hour": ("hour", "hours"), "day": ("day", "days")}
    decimal_point = "."
    passes = ("before the clocks go back", "after the clocks go back")

    def time_of_day(self, moment: Clock) -> str:
        hour = moment.hour % 12 or 12
        half = "AM" if moment.hour < 12 else "PM"
        return f"{hour}:{moment.minute:02d} {half}" if moment.minute else f"{hour} {half}"

    def at(self, moment: Clock) -> str:
        return f"at {self.clock(moment)}"

    def on(self, day: date, today: date) -> str:
        said = self.date(day, today)
        return said if self.is_near(day, today) else f"on {said}"

    def full_date(self, day: date) -> str:
        return f"{self.weekdays[day.weekday()]}, {self.months[day.month - 1]} {day.day}"

    def with_year(self, said: str, year: int) -> str:
        return f"{said}, {year}"

    def days(self, days: Sequence[int]) -> str:
        first, last = self.weekdays[days[0]], self.weekdays[days[-1]]
        if len(days) == 1:
            return first
        return f"{first} and {last}" if len(days) == 2 else f"{first} through {last}"

    def opening(self, opens: time, closes: time) -> str:
        return f"from {opens:%H:%M} to {closes:%H:%M}"

    def open_on(self, hours: str) -> str:
        return f"We're open {hours}."

    never_open = "We have no regular opening hours."

    def greeting(self, business: str) -> str:
        return f"Hello! Welcome to {business}."

    def tenant_info(self, *, name: str, address: str = "", phone: str = "") -> str:
        where = f" at {address}" if address else ""
        reach = f" Our number is {phone}." if phone else ""
        return f"This is {name}{where}.{reach}"

    def current_time(self, local: datetime) -> str:
        return f"It is {self.clock(local)} on {self.full_date(local)}."

    no_services = "We have no services to book at the moment."

    def offers(self, names: Sequence[str], *, more: bool) -> str:
        return f"We offer: {', '.join(names)}{', and more' if more else ''}."

    def service_details(
        self,
        *,
        name: str,
        minutes: int,
        price: Decimal,
        currency: str,
        description: str = "",
        extras: Sequence[str] = (),
    ) -> str:
        costs = f" and costs {self.price(price, currency)}" if price else ""
        told = [f"{name} takes {self.duration(minutes)}{costs}.", sentence(description)]
        if extras:
            told.append(f"You can add {self.choice(spread(extras))}.")
        return " ".join(filter(None, told))

    def times_offered(self, *, service: str, day: date, today: date, times: Sequence[Clock]) -> str:
        return (
            f"For {service} {self.on(day, today)} I have {self.choice(list(map(self.clock, spread(times))))}."
        )

    def nothing_that_day_but(self, *, service: str, day: date, today: date, next_local: datetime) -> str:
        following = f"{self.date(next_local.date(), today)} {self.at(next_local)}"
        return f"Nothing is free for {service} {self.on(day, today)}. The next is {following}."

    def nothing_in_weeks(self, *, service: str) -> str:
        return f"I'm sorry, nothing is free for {service} in the coming weeks."

    which_service_question = "Which service would you like?"
    service_not_found = "I can't find that service."
    employee_not_found = "I can't find that person in our team."
    extra_not_found = "I can't find that extra."

    nothing_at_that_time = "Nothing is free at that time."
    time_needed = "What time would suit you?"
    name_needed = "May I have your name?"
    contact_needed = "I need a name and a phone number to book."
    phone_not_understood = "I did not catch that phone number. Could you say it again?"
    say_again = "I did not get that right. Could you say it again?"
    slot_unknown = "I no longer have that time at hand. Shall I look again?"

    def booked(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"You're booked for {self.booking((service, employee, local), today)}."

    def slot_held(self, *, local: datetime, today: date, minutes: int) -> str:
        return f"I'm keeping {self._plain(local, today)} for you for {self.duration(minutes)}."

    def could_offer(self, *, times: Sequence[datetime], today: date) -> str:
        return f"I could offer {self.choice(self.moments(times, today))}."

    def clocks_go_forward(self, *, after_local: datetime) -> str:
        return f"{self.refusals['NONEXISTENT']} The next is {self.clock(after_local)}."

    def too_soon(self, *, minutes: int) -> str:
        return f"That time is too soon to book. We need {self.duration(minutes)} of notice."

    def too_far(self, *, days: int) -> str:
        return f"That date is too far ahead to book. We book up to {self.count(days, 'day')} ahead."

    refusals = {
        "INACTIVE": "That service is not offered like this at the moment.",
        "NOT_PERFORMED": "That person does not offer this service.",
        "NONEXISTENT": "The clocks go forward then, so that time does not exist.",
        "IN_THE_PAST": "That time has already passed.",
        "TOO_SOON": "That time is too soon to book.",
        "TOO_FAR": "That date is too far ahead to book.",
        "OUTSIDE_HOURS": "That time is outside our opening hours.",
        "CLOSED": "We are closed at that time.",
        "NOT_WORKING": "Nobody is available at that time.",
        "TIME_OFF": "Nobody is available at that time.",
        "BUSY": "That time is already taken.",
        "HELD": "That time is already taken.",
        "RESOURCE_FULL": "That time is already taken.",
        "GROUP_FULL": "That group is already full.",
        "OFF_GRID": "Appointments do not start at that time.",
        "NOT_FOUND": "That service is not offered like this at the moment.",
        "NONEXISTENT_TIME": "The clocks go forward then, so that time does not exist.",
        "TIME_SLOT_CONFLICT": "That time is already taken.",
    }
    not_bookable = "That time cannot be booked."

    no_appointments_found = "I can't find an upcoming appointment with those details."

    def booking(self, booking: Booking, today: date) -> str:
        service, employee, local = booking
        return f"{service} with {employee} {self.moment(local, today)}"

    def appointments_are(self, bookings: Sequence[str], *, total: int) -> str:
        if total == 1:
            return f"You have one appointment: {bookings[0]}."
        which = "" if total == len(bookings) else f" The next {len(bookings)} are"
        return f"You have {total} appointments{'.' if which else ''}{which}: {'; '.join(bookings)}."

    need_identity = "May I have your booking code, or your surname and the time of your appointment?"

    def code_sent(self, *, last_digits: str) -> str:
        return f"I have sent a code to the number that ends in {spelt(last_digits)}. Could you read it to me?"

    def code_text(self, *, business: str, code: str) -> str:
        return f"{business}: your code is {code}. Tell it to nobody but our assistant, in this call."

    verified = "Thank you, that is right."
    code_wrong = "That code is not right. Could you read it to me again?"
    too_many_lookups = "I'm sorry, I can't look up any more appointments in this call."

    def confirm_cancel(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Shall I cancel your appointment for {self.booking((service, employee, local), today)}?"

    def cancelled(self, *, service: str, local: datetime, today: date) -> str:
        return f"Your appointment for {service} {self.moment(local, today)} is cancelled."

    already_cancelled = "That appointment is already cancelled."
    cannot_change = "I'm sorry, that appointment can no longer be changed."

    def change_until(self, notice: str) -> str:
        return (
            f"I'm sorry, it is too late to change that appointment. That is possible up to {notice} before."
        )

    def confirm_reschedule(
        self, *, service: str, old_local: datetime, new_local: datetime, today: date, employee: str = ""
    ) -> str:
        old, new = self._plain(old_local, today), self._plain(new_local, today)
        whom = f", with {employee}" if employee else ""
        return f"Shall I move your appointment for {service} from {old} to {new}{whom}?"

    def rescheduled(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Your appointment for {service} with {employee} is now {self.moment(local, today)}."

    transferring = "One moment, please. I'll connect you with a colleague."
    no_person_now = "I'm sorry, nobody can come to the phone right now. May I take a message?"
    team_is_away = "I'm sorry, nobody of our team is there at this hour. May I take a message?"
    nobody_came = (
        "I'm sorry, nobody can come to the phone right now. "
        "Shall I take a message, find you an appointment, or will you call again later?"
    )

    def call_for(self, *, business: str, caller: str, number: str) -> str:
        return f"A call for {business}, from {caller or 'a caller'}, {number or 'number withheld'}."

    def wish_is(self, *, wish: str) -> str:
        return f"It is about: {wish}."

    def caller_said(self, *, words: str) -> str:
        return f"They said: {words}."

    press_to_take = "Press 1 to take the call."
    call_is_gone = "Thank you, nobody is waiting any more. Goodbye."
    message_needed = "What message may I pass on?"
    message_taken = "Thank you, I have noted your message and will pass it on."

    def on_waitlist(self, *, service: str, position: int) -> str:
        return f"You're on the waiting list for {service}, at place {position}."

    goodbye = "Thank you for calling. Goodbye!"
    ending = "I will end the call now. Goodbye!"
    calendar_unavailable = "I can't reach the calendar just now."
    cannot_do_that = "I'm sorry, I can't do that."

    not_in_service = "This number is not in service."
    assistant_unavailable = "Our AI assistant is temporarily unavailable."
    assistant_not_configured = "Our AI assistant is not properly configured."
    call_failed = "We encountered an error. Please try again later."
    connecting_instead = (
        "I'm sorry, our assistant is not available. One moment, I'm connecting you with someone."
    )
    voicemail = "I'm sorry, nobody can take your call right now. Please leave a message after the tone."
    message_after_tone = "Please leave your message after the tone."
    we_call_back = "Thank you. We will call you back. Goodbye."
    lines_busy = "I'm sorry, all our lines are busy. Please call again in a few minutes."
    called_too_often = "I'm sorry, you have called us very often today. Please call again tomorrow."
    time_is_up = "I'm sorry, this call has lasted as long as it may. Please call again. Goodbye."
    nobody_speaks = "I can't hear anybody, so I am ending the call. Please call again. Goodbye."
    let_us_go_on = "I'm sorry, I lost you for a moment. Let's go on."
    please_repeat = "Could you say that once more, please?"

    options = {
        "menu": "To book or cancel with the keys of your phone, press {key}.",
        "book": "To book an appointment, press {key}.",
        "appointments": "To hear or cancel your appointments, press {key}.",
        "message": "To leave a message, press {key}.",
        "person": "To speak with someone, press {key}.",
        "more": "For more, press {key}.",
        "main": "For the main menu, press {key}.",
        "another_day": "For another day, press {key}.",
        "another_time": "For another time, press {key}.",
        "confirm": "To book it, press {key}.",
        "yes": "For yes, press {key}.",
        "no": "For no, press {key}.",
        "repeat": "To hear this again, press the star key.",
    }

    def press_for(self, *, what: str, key: str) -> str:
        return f"For {what}, press {key}."

    def free_on(self, *, service: str, day: date, today: date) -> str:
        return f"{service} is free {self.on(day, today)} at these times."

    def press_to_cancel(self, *, local: datetime, today: date, key: str) -> str:
        return f"To cancel the one {self.moment(local, today)}, press {key}."

    def chosen(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"You have chosen {self.booking((service, employee, local), today)}."

    key_not_understood = "I'm sorry, I did not get that."
    say_name_now = "Please say your name now."
    key_in_phone = "Please key in your phone number, and then press the hash key."
    say_message_now = "Please say your message now."

    def _plain(self, local: datetime, today: date) -> str:
        """`tomorrow at 9 AM`, `Tuesday, November 24 at 9 AM`: after another preposition."""
        return f"{self.date(local.date(), today)} {self.at(local)}"

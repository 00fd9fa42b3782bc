"""Every sentence that there is.

A sentence that tells nothing but itself is an attribute, `speech.name_needed`; one that tells facts is a method
with keyword arguments, `speech.on_waitlist(service="Haircut", position=2)`. Both are abstract: a language that
lacks one cannot be made. One or two short sentences each; never more than MAX_OPTIONS to choose from.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from agents.speech.words import MAX_OPTIONS, Clock, Words

Booking = tuple[str, str, datetime]
"""Service, employee, local start."""


class Speech(Words):
    # --- the business

    @abstractmethod
    def greeting(self, business: str) -> str:
        """The first words of a call."""

    @abstractmethod
    def tenant_info(self, *, name: str, address: str = "", phone: str = "") -> str:
        """Who we are; where, and under which number, as far as known."""

    @abstractmethod
    def current_time(self, local: datetime) -> str: ...

    @property
    @abstractmethod
    def no_services(self) -> str: ...

    @abstractmethod
    def offers(self, names: Sequence[str], *, more: bool) -> str:
        """The services by name; `more` when these are not all."""

    @abstractmethod
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
        """A price of 0 is not mentioned: that it is free, nobody has said."""

    def services(self, names: Iterable[str]) -> str:
        every = list(names)
        if not every:
            return self.no_services
        return self.offers(every[:MAX_OPTIONS], more=len(every) > MAX_OPTIONS)

    # --- availability

    @abstractmethod
    def times_offered(self, *, service: str, day: date, today: date, times: Sequence[Clock]) -> str:
        """At least one time; of many, a few from the first to the last."""

    @abstractmethod
    def nothing_that_day_but(self, *, service: str, day: date, today: date, next_local: datetime) -> str: ...

    @abstractmethod
    def nothing_in_weeks(self, *, service: str) -> str: ...

    @property
    @abstractmethod
    def which_service_question(self) -> str: ...

    def which_service(self, names: Iterable[str]) -> str:
        return f"{self.which_service_question} {self.services(names)}"

    @property
    @abstractmethod
    def service_not_found(self) -> str: ...

    @property
    @abstractmethod
    def employee_not_found(self) -> str: ...

    @property
    @abstractmethod
    def extra_not_found(self) -> str: ...

    # --- what is missing, or was not understood

    @property
    @abstractmethod
    def nothing_at_that_time(self) -> str: ...

    @property
    @abstractmethod
    def time_needed(self) -> str: ...

    @property
    @abstractmethod
    def name_needed(self) -> str: ...

    @property
    @abstractmethod
    def contact_needed(self) -> str: ...

    @property
    @abstractmethod
    def phone_not_understood(self) -> str: ...

    @property
    @abstractmethod
    def say_again(self) -> str: ...

    @property
    @abstractmethod
    def slot_unknown(self) -> str:
        """What was offered has been offered too long ago, or never."""

    # --- booking

    @abstractmethod
    def booked(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        """Whoever asks for the same appointment again hears the same."""

    @abstractmethod
    def slot_held(self, *, local: datetime, today: date, minutes: int) -> str:
        """Nobody else gets that time for so long."""

    @abstractmethod
    def could_offer(self, *, times: Sequence[datetime], today: date) -> str:
        """Times instead, the best first; to be said after a refusal."""

    @abstractmethod
    def clocks_go_forward(self, *, after_local: datetime) -> str:
        """There is no such time; the first after it."""

    @abstractmethod
    def too_soon(self, *, minutes: int) -> str: ...

    @abstractmethod
    def too_far(self, *, days: int) -> str: ...

    @property
    @abstractmethod
    def refusals(self) -> Mapping[str, str]:
        """By the engine's reason (`BUSY`), or by the code that goes out for it (`TIME_SLOT_CONFLICT`).

        Which employee has time off, and what for, is not the caller's business: several say the same.
        """

    @property
    @abstractmethod
    def not_bookable(self) -> str:
        """For a reason that has no sentence of its own."""

    def refused(self, reason: str, *, notice_minutes: int = 0, window_days: int = 0) -> str:
        """Why not, from the reason or its code; by how much, where that is known."""
        if reason == "TOO_SOON" and notice_minutes:
            return self.too_soon(minutes=notice_minutes)
        if reason == "TOO_FAR" and window_days:
            return self.too_far(days=window_days)
        return self.refusals.get(reason, self.not_bookable)

    # --- whose appointment

    @property
    @abstractmethod
    def no_appointments_found(self) -> str:
        """The same whether or not there is such a customer, or such an appointment of somebody else."""

    @property
    def not_yours(self) -> str:
        return self.no_appointments_found

    def your_appointments(self, *, appointments: Sequence[Booking], today: date) -> str:
        """The next MAX_OPTIONS of them, and how many there are."""
        if not appointments:
            return self.no_appointments_found
        said = [self.booking(one, today) for one in appointments[:MAX_OPTIONS]]
        return self.appointments_are(said, total=len(appointments))

    @abstractmethod
    def booking(self, booking: Booking, today: date) -> str:
        """`Haircut with Ana tomorrow at 9 AM`, inside a sentence."""

    @abstractmethod
    def appointments_are(self, bookings: Sequence[str], *, total: int) -> str: ...

    @property
    @abstractmethod
    def need_identity(self) -> str:
        """The booking code; or the surname, and when the appointment is."""

    @abstractmethod
    def code_sent(self, *, last_digits: str) -> str:
        """To the number that ends like this."""

    @abstractmethod
    def code_text(self, *, business: str, code: str) -> str:
        """The text message that carries a one-time code."""

    @property
    @abstractmethod
    def verified(self) -> str:
        """We know who the caller is now."""

    @property
    @abstractmethod
    def code_wrong(self) -> str: ...

    @property
    @abstractmethod
    def too_many_lookups(self) -> str: ...

    # --- cancelling and moving

    @abstractmethod
    def confirm_cancel(self, *, service: str, employee: str, local: datetime, today: date) -> str: ...

    @abstractmethod
    def cancelled(self, *, service: str, local: datetime, today: date) -> str: ...

    @property
    @abstractmethod
    def already_cancelled(self) -> str: ...

    @property
    @abstractmethod
    def cannot_change(self) -> str: ...

    @abstractmethod
    def change_until(self, notice: str) -> str:
        """It is too late; it would have been possible up to `2 hours` before."""

    def too_late_to_cancel(self, *, minutes: int) -> str:
        """To cancel or to move; `minutes` of notice are asked for."""
        return self.change_until(self.duration(minutes)) if minutes else self.cannot_change

    @abstractmethod
    def confirm_reschedule(
        self, *, service: str, old_local: datetime, new_local: datetime, today: date, employee: str = ""
    ) -> str:
        """With an employee where it is to be another one."""

    @abstractmethod
    def rescheduled(self, *, service: str, employee: str, local: datetime, today: date) -> str: ...

    # --- people, waiting, the end

    @property
    @abstractmethod
    def transferring(self) -> str: ...

    @property
    @abstractmethod
    def no_person_now(self) -> str: ...

    @property
    @abstractmethod
    def team_is_away(self) -> str:
        """There is somebody, at other hours."""

    @property
    @abstractmethod
    def nobody_came(self) -> str:
        """The agent is back: people were rung in vain. What else there is."""

    @abstractmethod
    def call_for(self, *, business: str, caller: str, number: str) -> str:
        """To a person who picked up: who calls. `caller` and `number` may be ""; the number is in words or digits."""

    @abstractmethod
    def wish_is(self, *, wish: str) -> str:
        """To that person: why, as the agent put it."""

    @abstractmethod
    def caller_said(self, *, words: str) -> str:
        """To that person: what the call was about so far."""

    @property
    @abstractmethod
    def press_to_take(self) -> str:
        """To that person: one is the key."""

    @property
    @abstractmethod
    def call_is_gone(self) -> str:
        """To that person: the caller has left, or somebody else has them."""

    @property
    @abstractmethod
    def message_needed(self) -> str: ...

    @property
    @abstractmethod
    def message_taken(self) -> str: ...

    @abstractmethod
    def on_waitlist(self, *, service: str, position: int) -> str: ...

    @property
    @abstractmethod
    def goodbye(self) -> str:
        """The caller is done."""

    @property
    @abstractmethod
    def ending(self) -> str:
        """We hang up."""

    @property
    @abstractmethod
    def calendar_unavailable(self) -> str: ...

    @property
    @abstractmethod
    def cannot_do_that(self) -> str: ...

    # --- the line itself, where no agent speaks

    @property
    @abstractmethod
    def not_in_service(self) -> str: ...

    @property
    @abstractmethod
    def assistant_unavailable(self) -> str: ...

    @property
    @abstractmethod
    def assistant_not_configured(self) -> str: ...

    @property
    @abstractmethod
    def call_failed(self) -> str:
        """Nothing else is left to offer."""

    @property
    @abstractmethod
    def connecting_instead(self) -> str:
        """The agent is gone; a person is rung."""

    @property
    @abstractmethod
    def voicemail(self) -> str:
        """Nobody is there; a tone follows."""

    @property
    @abstractmethod
    def message_after_tone(self) -> str:
        """The caller wants to leave one."""

    @property
    @abstractmethod
    def we_call_back(self) -> str: ...

    @property
    @abstractmethod
    def lines_busy(self) -> str: ...

    @property
    @abstractmethod
    def called_too_often(self) -> str: ...

    @property
    @abstractmethod
    def time_is_up(self) -> str:
        """The call has reached the longest that a call may last."""

    @property
    @abstractmethod
    def nobody_speaks(self) -> str:
        """Neither side has said anything for minutes: the line is given up."""

    @property
    @abstractmethod
    def let_us_go_on(self) -> str:
        """Said by an agent that takes over from one whose line broke."""

    @property
    @abstractmethod
    def please_repeat(self) -> str:
        """Asked after that, when it was the agent's turn."""

    # --- the menu of keys

    @property
    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """By what a key does; `{key}` stands for it."""

    def press(self, option: str, *, key: str) -> str:
        return self.options[option].format(key=key)

    @abstractmethod
    def press_for(self, *, what: str, key: str) -> str:
        """A service, or what `clock` says."""

    def press_for_time(self, moment: Clock, *, key: str) -> str:
        return self.press_for(what=self.clock(moment), key=key)

    @abstractmethod
    def free_on(self, *, service: str, day: date, today: date) -> str:
        """The keys for its times follow."""

    @abstractmethod
    def press_to_cancel(self, *, local: datetime, today: date, key: str) -> str:
        """The appointment at that time."""

    @abstractmethod
    def chosen(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        """What will be booked, once the caller agrees."""

    @property
    @abstractmethod
    def key_not_understood(self) -> str: ...

    @property
    @abstractmethod
    def say_name_now(self) -> str: ...

    @property
    @abstractmethod
    def key_in_phone(self) -> str:
        """The caller's own number, and the hash key."""

    @property
    @abstractmethod
    def say_message_now(self) -> str: ...

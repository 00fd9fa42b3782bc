"""German. The caller is Sie."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from agents.speech.base import Booking, Speech
from agents.speech.words import Clock, sentence, spelt, spread


class German(Speech):
    weekdays = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
    months = (
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    )
    today, tomorrow = "heute", "morgen"
    conjunction, alternative = "und", "oder"
    currencies = {
        "USD": ("Dollar", "Dollar"),
        "EUR": ("Euro", "Euro"),
        "GBP": ("Pfund", "Pfund"),
        "CHF": ("Franken", "Franken"),
    }
    units = {"minute": ("Minute", "Minuten"), "hour": ("Stunde", "Stunden"), "day": ("Tag", "Tage")}
    passes = ("vor der Zeitumstellung", "nach der Zeitumstellung")

    def time_of_day(self, moment: Clock) -> str:
        return f"{self._digits(moment)} Uhr"

    def at(self, moment: Clock) -> str:
        return f"um {self.clock(moment)}"

    def on(self, day: date, today: date) -> str:
        said = self.date(day, today)
        return said if self.is_near(day, today) else f"am {said.replace(', ', ', dem ', 1)}"

    def full_date(self, day: date) -> str:
        return f"{self.weekdays[day.weekday()]}, {day.day}. {self.months[day.month - 1]}"

    def with_year(self, said: str, year: int) -> str:
        return f"{said} {year}"

    def days(self, days: Sequence[int]) -> str:
        first, last = self.weekdays[days[0]], self.weekdays[days[-1]]
        if len(days) == 1:
            return first
        return f"{first} und {last}" if len(days) == 2 else f"{first} bis {last}"

    def opening(self, opens: time, closes: time) -> str:
        until = self._digits(closes) if closes != time.min else "24"
        return f"von {self._digits(opens)} bis {until} Uhr"

    def open_on(self, hours: str) -> str:
        return f"Wir haben {hours} geöffnet."

    never_open = "Wir haben keine festen Öffnungszeiten."

    def greeting(self, business: str) -> str:
        return f"Guten Tag! Willkommen bei {business}."

    def tenant_info(self, *, name: str, address: str = "", phone: str = "") -> str:
        where = f" Unsere Adresse ist {address}." if address else ""
        reach = f" Unsere Nummer ist {phone}." if phone else ""
        return f"Sie sprechen mit {name}.{where}{reach}"

    def current_time(self, local: datetime) -> str:
        return f"Es ist {self.full_date(local)}, {self.clock(local)}."

    no_services = "Zurzeit kann man bei uns nichts buchen."

    def offers(self, names: Sequence[str], *, more: bool) -> str:
        return f"Wir bieten an: {', '.join(names)}{' und mehr' if more else ''}."

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
        costs = f" und kostet {self.price(price, currency)}" if price else ""
        told = [f"{name} dauert {self.duration(minutes)}{costs}.", sentence(description)]
        if extras:
            told.append(f"Dazu können Sie {self.choice(spread(extras))} wählen.")
        return " ".join(filter(None, told))

    def times_offered(self, *, service: str, day: date, today: date, times: Sequence[Clock]) -> str:
        free = self.choice([self.at(one) for one in spread(times)])
        return f"Für {service} ist {self.on(day, today)} noch frei: {free}."

    def nothing_that_day_but(self, *, service: str, day: date, today: date, next_local: datetime) -> str:
        following = self.moment(next_local, today)
        return f"Für {service} ist {self.on(day, today)} nichts frei. Der nächste Termin ist {following}."

    def nothing_in_weeks(self, *, service: str) -> str:
        return f"Es tut mir leid, für {service} ist in den kommenden Wochen nichts frei."

    which_service_question = "Welche Leistung wünschen Sie?"
    service_not_found = "Diese Leistung finde ich nicht."
    employee_not_found = "Diese Person finde ich nicht in unserem Team."
    extra_not_found = "Diesen Zusatz finde ich nicht."

    nothing_at_that_time = "Um diese Zeit ist nichts frei."
    time_needed = "Welche Zeit würde Ihnen passen?"
    name_needed = "Wie ist Ihr Name, bitte?"
    contact_needed = "Für die Buchung brauche ich einen Namen und eine Telefonnummer."
    phone_not_understood = "Die Telefonnummer habe ich nicht verstanden. Können Sie sie bitte wiederholen?"
    say_again = "Das habe ich nicht richtig verstanden. Können Sie es bitte wiederholen?"
    slot_unknown = "Diese Zeit habe ich nicht mehr vorliegen. Soll ich noch einmal nachsehen?"

    def booked(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Ihr Termin ist gebucht: {self.booking((service, employee, local), today)}."

    def slot_held(self, *, local: datetime, today: date, minutes: int) -> str:
        return f"Ich halte den Termin {self.moment(local, today)} für {self.duration(minutes)} für Sie frei."

    def could_offer(self, *, times: Sequence[datetime], today: date) -> str:
        return f"Möglich wäre {self.choice(self.moments(times, today))}."

    def clocks_go_forward(self, *, after_local: datetime) -> str:
        return f"{self.refusals['NONEXISTENT']} Die nächste ist {self.clock(after_local)}."

    def too_soon(self, *, minutes: int) -> str:
        return f"Das ist zu kurzfristig. Unser Vorlauf beträgt {self.duration(minutes)}."

    def too_far(self, *, days: int) -> str:
        span = "einen Tag" if days == 1 else self.count(days, "day")
        return f"Das liegt zu weit in der Zukunft. Wir buchen bis zu {span} im Voraus."

    refusals = {
        "INACTIVE": "Diese Leistung bieten wir so zurzeit nicht an.",
        "NOT_PERFORMED": "Diese Person bietet diese Leistung nicht an.",
        "NONEXISTENT": "Dann wird die Uhr vorgestellt, diese Zeit gibt es nicht.",
        "IN_THE_PAST": "Diese Zeit ist schon vorbei.",
        "TOO_SOON": "Das ist für eine Buchung zu kurzfristig.",
        "TOO_FAR": "Das liegt für eine Buchung zu weit in der Zukunft.",
        "OUTSIDE_HOURS": "Das liegt außerhalb unserer Öffnungszeiten.",
        "CLOSED": "Zu dieser Zeit haben wir geschlossen.",
        "NOT_WORKING": "Zu dieser Zeit ist niemand verfügbar.",
        "TIME_OFF": "Zu dieser Zeit ist niemand verfügbar.",
        "BUSY": "Diese Zeit ist schon vergeben.",
        "HELD": "Diese Zeit ist schon vergeben.",
        "RESOURCE_FULL": "Diese Zeit ist schon vergeben.",
        "GROUP_FULL": "Diese Gruppe ist schon voll.",
        "OFF_GRID": "Zu dieser Uhrzeit beginnen keine Termine.",
        "NOT_FOUND": "Diese Leistung bieten wir so zurzeit nicht an.",
        "NONEXISTENT_TIME": "Dann wird die Uhr vorgestellt, diese Zeit gibt es nicht.",
        "TIME_SLOT_CONFLICT": "Diese Zeit ist schon vergeben.",
    }
    not_bookable = "Diese Zeit kann nicht gebucht werden."

    no_appointments_found = "Mit diesen Angaben finde ich keinen bevorstehenden Termin."

    def booking(self, booking: Booking, today: date) -> str:
        service, employee, local = booking
        return f"{service} bei {employee}, {self.moment(local, today)}"

    def appointments_are(self, bookings: Sequence[str], *, total: int) -> str:
        if total == 1:
            return f"Sie haben einen Termin: {bookings[0]}."
        which = "" if total == len(bookings) else f" Die nächsten {len(bookings)} sind"
        return f"Sie haben {total} Termine{'.' if which else ''}{which}: {'; '.join(bookings)}."

    need_identity = (
        "Nennen Sie mir bitte Ihren Buchungscode, oder Ihren Nachnamen und die Zeit Ihres Termins."
    )

    def code_sent(self, *, last_digits: str) -> str:
        ending = spelt(last_digits)
        return f"Ich habe einen Code an die Nummer geschickt, die auf {ending} endet. Wie lautet er, bitte?"

    def code_text(self, *, business: str, code: str) -> str:
        return (
            f"{business}: Ihr Code lautet {code}. Nennen Sie ihn nur unserem Assistenten in diesem Gespräch."
        )

    verified = "Danke, das stimmt."
    code_wrong = "Dieser Code stimmt nicht. Können Sie ihn bitte noch einmal vorlesen?"
    too_many_lookups = "Es tut mir leid, ich kann in diesem Gespräch keine weiteren Termine nachsehen."

    def confirm_cancel(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Soll ich diesen Termin absagen: {self.booking((service, employee, local), today)}?"

    def cancelled(self, *, service: str, local: datetime, today: date) -> str:
        return f"Ihr Termin für {service} {self.moment(local, today)} ist abgesagt."

    already_cancelled = "Dieser Termin ist schon abgesagt."
    cannot_change = "Es tut mir leid, dieser Termin lässt sich nicht mehr ändern."

    def change_until(self, notice: str) -> str:
        return f"Es tut mir leid, für eine Änderung ist es zu spät. Die Frist beträgt {notice}."

    def confirm_reschedule(
        self, *, service: str, old_local: datetime, new_local: datetime, today: date, employee: str = ""
    ) -> str:
        old, new = self.moment(old_local, today), self._to(new_local, today)
        whom = f", dann bei {employee}" if employee else ""
        return f"Ihr Termin für {service} ist bisher {old}. Soll ich ihn auf {new} verlegen{whom}?"

    def rescheduled(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Ihr Termin für {service} bei {employee} ist jetzt {self.moment(local, today)}."

    transferring = "Einen Moment, bitte. Ich verbinde Sie mit unserem Team."
    no_person_now = "Es tut mir leid, gerade kann niemand ans Telefon kommen. Möchten Sie etwas ausrichten?"
    team_is_away = "Es tut mir leid, um diese Zeit ist niemand von uns da. Möchten Sie etwas ausrichten?"
    nobody_came = (
        "Es tut mir leid, gerade kann niemand ans Telefon kommen. "
        "Soll ich etwas ausrichten, einen Termin suchen, oder rufen Sie später wieder an?"
    )

    def call_for(self, *, business: str, caller: str, number: str) -> str:
        return f"Ein Anruf für {business}, von {caller or 'jemandem'}, {number or 'Nummer unterdrückt'}."

    def wish_is(self, *, wish: str) -> str:
        return f"Es geht um: {wish}."

    def caller_said(self, *, words: str) -> str:
        return f"Gesagt wurde: {words}."

    press_to_take = "Drücken Sie die 1, um den Anruf anzunehmen."
    call_is_gone = "Vielen Dank, es wartet niemand mehr. Auf Wiederhören."
    message_needed = "Was darf ich ausrichten?"
    message_taken = "Vielen Dank, ich habe Ihre Nachricht notiert und gebe sie weiter."

    def on_waitlist(self, *, service: str, position: int) -> str:
        return f"Sie stehen auf der Warteliste für {service}, auf Platz {position}."

    goodbye = "Vielen Dank für Ihren Anruf. Auf Wiederhören!"
    ending = "Ich beende jetzt das Gespräch. Auf Wiederhören!"
    calendar_unavailable = "Ich erreiche den Kalender gerade nicht."
    cannot_do_that = "Es tut mir leid, das kann ich nicht."

    not_in_service = "Diese Nummer ist nicht vergeben."
    assistant_unavailable = "Unser KI-Assistent ist vorübergehend nicht erreichbar."
    assistant_not_configured = "Unser KI-Assistent ist nicht richtig eingerichtet."
    call_failed = "Es ist ein Fehler aufgetreten. Bitte versuchen Sie es später noch einmal."
    connecting_instead = (
        "Es tut mir leid, unser Assistent ist nicht erreichbar. Einen Moment, ich verbinde Sie mit jemandem."
    )
    voicemail = (
        "Es tut mir leid, gerade kann niemand ans Telefon kommen. "
        "Bitte hinterlassen Sie nach dem Ton eine Nachricht."
    )
    message_after_tone = "Bitte sprechen Sie Ihre Nachricht nach dem Ton."
    we_call_back = "Vielen Dank. Wir rufen Sie zurück. Auf Wiederhören."
    lines_busy = (
        "Es tut mir leid, alle unsere Leitungen sind belegt. Bitte rufen Sie in einigen Minuten wieder an."
    )
    called_too_often = (
        "Es tut mir leid, Sie haben uns heute schon sehr oft angerufen. Bitte rufen Sie morgen wieder an."
    )
    time_is_up = (
        "Es tut mir leid, die längste Dauer für ein Gespräch ist erreicht. "
        "Bitte rufen Sie wieder an. Auf Wiederhören."
    )
    nobody_speaks = "Ich höre niemanden und lege jetzt auf. Bitte rufen Sie wieder an. Auf Wiederhören."
    let_us_go_on = "Entschuldigung, ich war kurz weg. Machen wir weiter."
    please_repeat = "Könnten Sie das bitte noch einmal sagen?"

    options = {
        "menu": "Um mit den Tasten Ihres Telefons zu buchen oder abzusagen, drücken Sie {key}.",
        "book": "Um einen Termin zu buchen, drücken Sie {key}.",
        "appointments": "Um Ihre Termine zu hören oder abzusagen, drücken Sie {key}.",
        "message": "Um eine Nachricht zu hinterlassen, drücken Sie {key}.",
        "person": "Um mit jemandem zu sprechen, drücken Sie {key}.",
        "more": "Für weitere drücken Sie {key}.",
        "main": "Für das Hauptmenü drücken Sie {key}.",
        "another_day": "Für einen anderen Tag drücken Sie {key}.",
        "another_time": "Für eine andere Zeit drücken Sie {key}.",
        "confirm": "Um ihn zu buchen, drücken Sie {key}.",
        "yes": "Für Ja drücken Sie {key}.",
        "no": "Für Nein drücken Sie {key}.",
        "repeat": "Um das noch einmal zu hören, drücken Sie die Sterntaste.",
    }

    def press_for(self, *, what: str, key: str) -> str:
        return f"Für {what} drücken Sie {key}."

    def free_on(self, *, service: str, day: date, today: date) -> str:
        return f"{service} ist {self.on(day, today)} zu diesen Zeiten frei."

    def press_to_cancel(self, *, local: datetime, today: date, key: str) -> str:
        return f"Um den Termin {self.moment(local, today)} abzusagen, drücken Sie {key}."

    def chosen(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Sie haben gewählt: {self.booking((service, employee, local), today)}."

    key_not_understood = "Es tut mir leid, das habe ich nicht verstanden."
    say_name_now = "Bitte sagen Sie jetzt Ihren Namen."
    key_in_phone = "Bitte geben Sie Ihre Telefonnummer ein und drücken Sie dann die Rautetaste."
    say_message_now = "Bitte sagen Sie jetzt Ihre Nachricht."

    def _digits(self, moment: Clock) -> str:
        return f"{moment.hour}:{moment.minute:02d}" if moment.minute else f"{moment.hour}"

    def _to(self, local: datetime, today: date) -> str:
        """`morgen um 9 Uhr`, `Dienstag, den 24. November um 9 Uhr`: after auf."""
        day = self.date(local.date(), today).replace(", ", ", den ", 1)
        return f"{day} {self.at(local)}"

"""Spanish. The caller is usted."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from agents.speech.base import Booking, Speech
from agents.speech.words import Clock, sentence, spelt, spread

_SOUNDS_LIKE_Y = re.compile(r"h?[ií](?![aeé])", re.IGNORECASE)
_SOUNDS_LIKE_O = re.compile(r"h?[oó]|8|11\b", re.IGNORECASE)


class Spanish(Speech):
    weekdays = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
    months = (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    )
    today, tomorrow = "hoy", "mañana"
    conjunction, alternative = "y", "o"
    currencies = {
        "USD": ("dólar", "dólares"),
        "EUR": ("euro", "euros"),
        "GBP": ("libra", "libras"),
        "CHF": ("franco", "francos"),
    }
    units = {"minute": ("minuto", "minutos"), "hour": ("hora", "horas"), "day": ("día", "días")}
    passes = ("antes del cambio de hora", "después del cambio de hora")

    def join(self, words: Sequence[str], last: str = "") -> str:
        """`y` is `e` before an i, and `o` is `u` before an o: `Corte e Hidratación`."""
        last = last or self.conjunction
        if last == "y" and words and _SOUNDS_LIKE_Y.match(words[-1]):
            last = "e"
        if last == "o" and words and _SOUNDS_LIKE_O.match(words[-1]):
            last = "u"
        return super().join(words, last)

    def time_of_day(self, moment: Clock) -> str:
        return f"{'la' if moment.hour % 12 == 1 else 'las'} {self._digits(moment)}"

    def at(self, moment: Clock) -> str:
        return f"a {self.clock(moment)}"

    def on(self, day: date, today: date) -> str:
        said = self.date(day, today)
        return said if self.is_near(day, today) else f"el {said}"

    def full_date(self, day: date) -> str:
        return f"{self.weekdays[day.weekday()]} {day.day} de {self.months[day.month - 1]}"

    def with_year(self, said: str, year: int) -> str:
        return f"{said} de {year}"

    def days(self, days: Sequence[int]) -> str:
        first, last = self.weekdays[days[0]], self.weekdays[days[-1]]
        if len(days) == 1:
            return f"el {first}"
        return f"el {first} y el {last}" if len(days) == 2 else f"de {first} a {last}"

    def opening(self, opens: time, closes: time) -> str:
        return f"de {self._digits(opens)} a {self._digits(closes)}"

    def open_on(self, hours: str) -> str:
        return f"Abrimos {hours}."

    never_open = "No tenemos un horario fijo."

    def greeting(self, business: str) -> str:
        return f"¡Hola! Le damos la bienvenida a {business}."

    def tenant_info(self, *, name: str, address: str = "", phone: str = "") -> str:
        where = f" Nuestra dirección es {address}." if address else ""
        reach = f" Nuestro número es el {phone}." if phone else ""
        return f"Ha llamado a {name}.{where}{reach}"

    def current_time(self, local: datetime) -> str:
        verb = "Es" if local.hour % 12 == 1 else "Son"
        return f"{verb} {self.clock(local)} del {self.full_date(local)}."

    no_services = "En este momento no tenemos servicios para reservar."

    def offers(self, names: Sequence[str], *, more: bool) -> str:
        return f"Ofrecemos: {', '.join(names)}{' y más' if more else ''}."

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
        costs = f" y cuesta {self.price(price, currency)}" if price else ""
        told = [f"{name} dura {self.duration(minutes)}{costs}.", sentence(description)]
        if extras:
            told.append(f"Puede añadir {self.choice(spread(extras))}.")
        return " ".join(filter(None, told))

    def times_offered(self, *, service: str, day: date, today: date, times: Sequence[Clock]) -> str:
        free = self.choice([self.at(one) for one in spread(times)])
        return f"Para {service}, {self.on(day, today)} tengo libre {free}."

    def nothing_that_day_but(self, *, service: str, day: date, today: date, next_local: datetime) -> str:
        following = self.moment(next_local, today)
        return f"Para {service} no hay nada libre {self.on(day, today)}. Lo próximo es {following}."

    def nothing_in_weeks(self, *, service: str) -> str:
        return f"Lo siento, no hay nada libre para {service} en las próximas semanas."

    which_service_question = "¿Qué servicio desea?"
    service_not_found = "No encuentro ese servicio."
    employee_not_found = "No encuentro a esa persona en nuestro equipo."
    extra_not_found = "No encuentro ese extra."

    nothing_at_that_time = "A esa hora no hay nada libre."
    time_needed = "¿Qué hora le vendría bien?"
    name_needed = "¿Me dice su nombre, por favor?"
    contact_needed = "Para reservar necesito un nombre y un número de teléfono."
    phone_not_understood = "No he entendido el número de teléfono. ¿Puede repetirlo, por favor?"
    say_again = "No lo he entendido bien. ¿Puede repetirlo, por favor?"
    slot_unknown = "Ya no tengo esa hora disponible aquí. ¿Quiere que vuelva a mirar?"

    def booked(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Su cita está reservada: {self.booking((service, employee, local), today)}."

    def slot_held(self, *, local: datetime, today: date, minutes: int) -> str:
        return f"Le guardo la cita {self._of(local, today)} durante {self.duration(minutes)}."

    def could_offer(self, *, times: Sequence[datetime], today: date) -> str:
        return f"Podría ofrecerle {self.choice(self.moments(times, today))}."

    def clocks_go_forward(self, *, after_local: datetime) -> str:
        return f"{self.refusals['NONEXISTENT']} La siguiente es {self.at(after_local)}."

    def too_soon(self, *, minutes: int) -> str:
        return f"Hay muy poca antelación. Hace falta una antelación de {self.duration(minutes)}."

    def too_far(self, *, days: int) -> str:
        return (
            f"Esa fecha está demasiado lejos. Reservamos con hasta {self.count(days, 'day')} de antelación."
        )

    refusals = {
        "INACTIVE": "En este momento no ofrecemos así ese servicio.",
        "NOT_PERFORMED": "Esa persona no ofrece ese servicio.",
        "NONEXISTENT": "Entonces se adelantan los relojes, así que esa hora no existe.",
        "IN_THE_PAST": "Esa hora ya ha pasado.",
        "TOO_SOON": "Hay muy poca antelación para reservar esa hora.",
        "TOO_FAR": "Esa fecha está demasiado lejos para reservar.",
        "OUTSIDE_HOURS": "Esa hora está fuera de nuestro horario.",
        "CLOSED": "A esa hora estamos cerrados.",
        "NOT_WORKING": "A esa hora no hay nadie disponible.",
        "TIME_OFF": "A esa hora no hay nadie disponible.",
        "BUSY": "Esa hora ya está ocupada.",
        "HELD": "Esa hora ya está ocupada.",
        "RESOURCE_FULL": "Esa hora ya está ocupada.",
        "GROUP_FULL": "Ese grupo ya está completo.",
        "OFF_GRID": "A esa hora no empieza ninguna cita.",
        "NOT_FOUND": "En este momento no ofrecemos así ese servicio.",
        "NONEXISTENT_TIME": "Entonces se adelantan los relojes, así que esa hora no existe.",
        "TIME_SLOT_CONFLICT": "Esa hora ya está ocupada.",
    }
    not_bookable = "Esa hora no se puede reservar."

    no_appointments_found = "No encuentro ninguna cita próxima con esos datos."

    def booking(self, booking: Booking, today: date) -> str:
        service, employee, local = booking
        return f"{service} con {employee}, {self.moment(local, today)}"

    def appointments_are(self, bookings: Sequence[str], *, total: int) -> str:
        if total == 1:
            return f"Tiene una cita: {bookings[0]}."
        which = "" if total == len(bookings) else f". Las {len(bookings)} próximas son"
        return f"Tiene {total} citas{which}: {'; '.join(bookings)}."

    need_identity = "¿Me dice su código de reserva, o su apellido y la hora de la cita?"

    def code_sent(self, *, last_digits: str) -> str:
        return f"He enviado un código al número que termina en {spelt(last_digits)}. ¿Me lo puede leer?"

    def code_text(self, *, business: str, code: str) -> str:
        return f"{business}: su código es {code}. Dígaselo solo a nuestro asistente, en esta llamada."

    verified = "Gracias, es correcto."
    code_wrong = "Ese código no es correcto. ¿Me lo puede leer otra vez?"
    too_many_lookups = "Lo siento, no puedo buscar más citas en esta llamada."

    def confirm_cancel(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"¿Quiere cancelar esta cita: {self.booking((service, employee, local), today)}?"

    def cancelled(self, *, service: str, local: datetime, today: date) -> str:
        return f"Su cita para {service} {self._of(local, today)} queda cancelada."

    already_cancelled = "Esa cita ya está cancelada."
    cannot_change = "Lo siento, esa cita ya no se puede cambiar."

    def change_until(self, notice: str) -> str:
        return f"Lo siento, ya es tarde para cambiar esa cita. La antelación mínima es de {notice}."

    def confirm_reschedule(
        self, *, service: str, old_local: datetime, new_local: datetime, today: date, employee: str = ""
    ) -> str:
        old, new = self._of(old_local, today), self.moment(new_local, today)
        whom = f", con {employee}" if employee else ""
        return f"¿Quiere cambiar su cita para {service} {old} por otra {new}{whom}?"

    def rescheduled(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Su cita para {service} con {employee} es ahora {self.moment(local, today)}."

    transferring = "Un momento, por favor. Le paso con alguien del equipo."
    no_person_now = "Lo siento, ahora nadie puede atenderle. ¿Quiere dejar un mensaje?"
    team_is_away = "Lo siento, a esta hora no hay nadie del equipo. ¿Quiere dejar un mensaje?"
    nobody_came = (
        "Lo siento, ahora nadie puede atenderle. "
        "¿Quiere dejar un mensaje, buscar una cita o volver a llamar más tarde?"
    )

    def call_for(self, *, business: str, caller: str, number: str) -> str:
        return f"Una llamada para {business}, de {caller or 'alguien'}, {number or 'número oculto'}."

    def wish_is(self, *, wish: str) -> str:
        return f"Se trata de: {wish}."

    def caller_said(self, *, words: str) -> str:
        return f"Ha dicho: {words}."

    press_to_take = "Pulse 1 para atender la llamada."
    call_is_gone = "Gracias, ya no espera nadie. Adiós."
    message_needed = "¿Qué mensaje quiere dejar?"
    message_taken = "Gracias, he anotado su mensaje y lo transmitiré."

    def on_waitlist(self, *, service: str, position: int) -> str:
        return f"Está en la lista de espera para {service}, en el puesto {position}."

    goodbye = "Gracias por llamar. ¡Hasta luego!"
    ending = "Voy a terminar la llamada. ¡Hasta luego!"
    calendar_unavailable = "Ahora mismo no puedo acceder al calendario."
    cannot_do_that = "Lo siento, no puedo hacer eso."

    not_in_service = "Este número no está en servicio."
    assistant_unavailable = "Nuestro asistente virtual no está disponible por el momento."
    assistant_not_configured = "Nuestro asistente virtual no está bien configurado."
    call_failed = "Se ha producido un error. Por favor, inténtelo más tarde."
    connecting_instead = (
        "Lo siento, nuestro asistente no está disponible. Un momento, le paso con una persona."
    )
    voicemail = (
        "Lo siento, ahora mismo nadie puede atender su llamada. Por favor, deje un mensaje después del tono."
    )
    message_after_tone = "Por favor, deje su mensaje después del tono."
    we_call_back = "Gracias. Le devolveremos la llamada. Adiós."
    lines_busy = (
        "Lo siento, todas nuestras líneas están ocupadas. Por favor, vuelva a llamar en unos minutos."
    )
    called_too_often = "Lo siento, hoy nos ha llamado muchas veces. Por favor, vuelva a llamar mañana."
    time_is_up = "Lo siento, esta llamada ha alcanzado la duración máxima. Por favor, vuelva a llamar. Adiós."
    nobody_speaks = "No oigo a nadie, así que termino la llamada. Por favor, vuelva a llamar. Adiós."
    let_us_go_on = "Disculpe, le perdí un momento. Sigamos."
    please_repeat = "¿Podría repetirlo, por favor?"

    options = {
        "menu": "Para reservar o cancelar con las teclas de su teléfono, pulse {key}.",
        "book": "Para reservar una cita, pulse {key}.",
        "appointments": "Para escuchar o cancelar sus citas, pulse {key}.",
        "message": "Para dejar un mensaje, pulse {key}.",
        "person": "Para hablar con una persona, pulse {key}.",
        "more": "Para más opciones, pulse {key}.",
        "main": "Para volver al menú principal, pulse {key}.",
        "another_day": "Para otro día, pulse {key}.",
        "another_time": "Para otra hora, pulse {key}.",
        "confirm": "Para reservarla, pulse {key}.",
        "yes": "Para decir que sí, pulse {key}.",
        "no": "Para decir que no, pulse {key}.",
        "repeat": "Para escucharlo otra vez, pulse asterisco.",
    }

    def press_for(self, *, what: str, key: str) -> str:
        return f"Para {what}, pulse {key}."

    def free_on(self, *, service: str, day: date, today: date) -> str:
        return f"Para {service} hay estas horas libres {self.on(day, today)}."

    def press_to_cancel(self, *, local: datetime, today: date, key: str) -> str:
        return f"Para cancelar la cita {self._of(local, today)}, pulse {key}."

    def chosen(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Ha elegido {self.booking((service, employee, local), today)}."

    key_not_understood = "Lo siento, no le he entendido."
    say_name_now = "Por favor, diga ahora su nombre."
    key_in_phone = "Por favor, marque su número de teléfono y después la tecla almohadilla."
    say_message_now = "Por favor, diga ahora su mensaje."

    def _digits(self, moment: Clock) -> str:
        """`2:15 de la tarde`."""
        minutes = f":{moment.minute:02d}" if moment.minute else ""
        return f"{moment.hour % 12 or 12}{minutes} {_part_of_day(moment.hour)}"

    def _of(self, local: datetime, today: date) -> str:
        """`de mañana a las 9 de la mañana`, `del martes 24 de noviembre a las 9 de la mañana`."""
        day = self.date(local.date(), today)
        return f"{'de' if self.is_near(local.date(), today) else 'del'} {day} {self.at(local)}"


def _part_of_day(hour: int) -> str:
    if 1 <= hour < 6:
        return "de la madrugada"
    if 6 <= hour < 12:
        return "de la mañana"
    return "de la tarde" if 12 <= hour < 20 else "de la noche"

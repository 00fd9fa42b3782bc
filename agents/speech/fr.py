"""French. The caller is vous. Two-part marks have their space before them."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from agents.speech.base import Booking, Speech
from agents.speech.words import Clock, sentence, spelt, spread


class French(Speech):
    weekdays = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
    months = (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    )
    today, tomorrow = "aujourd'hui", "demain"
    conjunction, alternative = "et", "ou"
    currencies = {
        "USD": ("dollar", "dollars"),
        "EUR": ("euro", "euros"),
        "GBP": ("livre", "livres"),
        "CHF": ("franc", "francs"),
    }
    units = {"minute": ("minute", "minutes"), "hour": ("heure", "heures"), "day": ("jour", "jours")}
    passes = ("avant le changement d'heure", "après le changement d'heure")

    def time_of_day(self, moment: Clock) -> str:
        return f"{moment.hour} h {moment.minute:02d}" if moment.minute else f"{moment.hour} h"

    def at(self, moment: Clock) -> str:
        return f"à {self.clock(moment)}"

    def on(self, day: date, today: date) -> str:
        said = self.date(day, today)
        return said if self.is_near(day, today) else f"le {said}"

    def full_date(self, day: date) -> str:
        number = "1er" if day.day == 1 else f"{day.day}"
        return f"{self.weekdays[day.weekday()]} {number} {self.months[day.month - 1]}"

    def with_year(self, said: str, year: int) -> str:
        return f"{said} {year}"

    def days(self, days: Sequence[int]) -> str:
        first, last = self.weekdays[days[0]], self.weekdays[days[-1]]
        if len(days) == 1:
            return f"le {first}"
        return f"le {first} et le {last}" if len(days) == 2 else f"du {first} au {last}"

    def opening(self, opens: time, closes: time) -> str:
        until = self.clock(closes) if closes != time.min else "minuit"
        return f"de {self.clock(opens)} à {until}"

    def open_on(self, hours: str) -> str:
        return f"Nous sommes ouverts {hours}."

    never_open = "Nous n'avons pas d'horaires réguliers."

    def is_singular(self, amount: Decimal) -> bool:
        return abs(amount) < 2  # 1,50 euro

    def greeting(self, business: str) -> str:
        return f"Bonjour ! Bienvenue chez {business}."

    def tenant_info(self, *, name: str, address: str = "", phone: str = "") -> str:
        where = f" Notre adresse est : {address}." if address else ""
        reach = f" Notre numéro est le {phone}." if phone else ""
        return f"Vous êtes chez {name}.{where}{reach}"

    def current_time(self, local: datetime) -> str:
        return f"Nous sommes le {self.full_date(local)}, il est {self.clock(local)}."

    no_services = "Nous n'avons rien à réserver pour le moment."

    def offers(self, names: Sequence[str], *, more: bool) -> str:
        return f"Nous proposons : {', '.join(names)}{' et plus encore' if more else ''}."

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
        costs = f", prix : {self.price(price, currency)}" if price else ""
        told = [f"{name}, durée : {self.duration(minutes)}{costs}.", sentence(description)]
        if extras:
            told.append(f"Vous pouvez ajouter : {self.choice(spread(extras))}.")
        return " ".join(filter(None, told))

    def times_offered(self, *, service: str, day: date, today: date, times: Sequence[Clock]) -> str:
        free = self.choice([self.clock(one) for one in spread(times)])
        return f"Pour {service}, j'ai {self.on(day, today)} : {free}."

    def nothing_that_day_but(self, *, service: str, day: date, today: date, next_local: datetime) -> str:
        full = f"Pour {service}, il n'y a rien de libre {self.on(day, today)}."
        return f"{full} Le prochain créneau est {self.moment(next_local, today)}."

    def nothing_in_weeks(self, *, service: str) -> str:
        return f"Désolé, il n'y a rien de libre pour {service} dans les semaines à venir."

    which_service_question = "Quelle prestation souhaitez-vous ?"
    service_not_found = "Je ne trouve pas cette prestation."
    employee_not_found = "Je ne trouve pas cette personne dans notre équipe."
    extra_not_found = "Je ne trouve pas ce supplément."

    nothing_at_that_time = "Rien n'est libre à ce moment-là."
    time_needed = "Quelle heure vous conviendrait ?"
    name_needed = "Puis-je avoir votre nom ?"
    contact_needed = "Pour réserver, il me faut un nom et un numéro de téléphone."
    phone_not_understood = "Je n'ai pas compris le numéro de téléphone. Pouvez-vous le répéter ?"
    say_again = "Je n'ai pas bien compris. Pouvez-vous répéter ?"
    slot_unknown = "Je n'ai plus cet horaire sous les yeux. Voulez-vous que je regarde à nouveau ?"

    def booked(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"C'est réservé : {self.booking((service, employee, local), today)}."

    def slot_held(self, *, local: datetime, today: date, minutes: int) -> str:
        kept = self.duration(minutes)
        return f"Je vous garde le rendez-vous suivant pendant {kept} : {self.moment(local, today)}."

    def could_offer(self, *, times: Sequence[datetime], today: date) -> str:
        return f"Je peux vous proposer {self.choice(self.moments(times, today))}."

    def clocks_go_forward(self, *, after_local: datetime) -> str:
        return f"{self.refusals['NONEXISTENT']} La suivante est {self.clock(after_local)}."

    def too_soon(self, *, minutes: int) -> str:
        return f"Le délai est trop court. Il faut un délai de {self.duration(minutes)}."

    def too_far(self, *, days: int) -> str:
        return f"Cette date est trop lointaine. Nous réservons jusqu'à {self.count(days, 'day')} à l'avance."

    refusals = {
        "INACTIVE": "Nous ne proposons pas cette prestation ainsi pour le moment.",
        "NOT_PERFORMED": "Cette personne ne propose pas cette prestation.",
        "NONEXISTENT": "On avance alors les horloges, cette heure n'existe pas.",
        "IN_THE_PAST": "Cette heure est déjà passée.",
        "TOO_SOON": "Le délai est trop court pour réserver.",
        "TOO_FAR": "Cette date est trop lointaine pour réserver.",
        "OUTSIDE_HOURS": "C'est en dehors de nos heures d'ouverture.",
        "CLOSED": "Nous sommes fermés à ce moment-là.",
        "NOT_WORKING": "Personne n'est disponible à ce moment-là.",
        "TIME_OFF": "Personne n'est disponible à ce moment-là.",
        "BUSY": "Cet horaire est déjà pris.",
        "HELD": "Cet horaire est déjà pris.",
        "RESOURCE_FULL": "Cet horaire est déjà pris.",
        "GROUP_FULL": "Ce groupe est déjà complet.",
        "OFF_GRID": "Aucun rendez-vous ne commence à cette heure-là.",
        "NOT_FOUND": "Nous ne proposons pas cette prestation ainsi pour le moment.",
        "NONEXISTENT_TIME": "On avance alors les horloges, cette heure n'existe pas.",
        "TIME_SLOT_CONFLICT": "Cet horaire est déjà pris.",
    }
    not_bookable = "Cet horaire ne peut pas être réservé."

    no_appointments_found = "Je ne trouve aucun rendez-vous à venir avec ces informations."

    def booking(self, booking: Booking, today: date) -> str:
        service, employee, local = booking
        return f"{service} avec {employee}, {self.moment(local, today)}"

    def appointments_are(self, bookings: Sequence[str], *, total: int) -> str:
        if total == 1:
            return f"Vous avez un rendez-vous : {bookings[0]}."
        which = "" if total == len(bookings) else f". Les {len(bookings)} prochains sont"
        return f"Vous avez {total} rendez-vous{which} : {' ; '.join(bookings)}."

    need_identity = (
        "Puis-je avoir votre code de réservation, ou votre nom de famille et l'heure du rendez-vous ?"
    )

    def code_sent(self, *, last_digits: str) -> str:
        ending = spelt(last_digits)
        return f"J'ai envoyé un code au numéro qui se termine par {ending}. Pouvez-vous me le lire ?"

    def code_text(self, *, business: str, code: str) -> str:
        return f"{business} : votre code est {code}. Ne le donnez qu'à notre assistant, pendant cet appel."

    verified = "Merci, c'est exact."
    code_wrong = "Ce code n'est pas le bon. Pouvez-vous me le relire ?"
    too_many_lookups = "Désolé, je ne peux plus rechercher de rendez-vous pendant cet appel."

    def confirm_cancel(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        which = self.booking((service, employee, local), today)
        return f"Voulez-vous annuler ce rendez-vous : {which} ?"

    def cancelled(self, *, service: str, local: datetime, today: date) -> str:
        return f"Votre rendez-vous pour {service}, {self.moment(local, today)}, est annulé."

    already_cancelled = "Ce rendez-vous est déjà annulé."
    cannot_change = "Désolé, ce rendez-vous ne peut plus être modifié."

    def change_until(self, notice: str) -> str:
        return f"Désolé, il est trop tard pour modifier ce rendez-vous. Le délai est de {notice}."

    def confirm_reschedule(
        self, *, service: str, old_local: datetime, new_local: datetime, today: date, employee: str = ""
    ) -> str:
        old, new = self.moment(old_local, today), self.moment(new_local, today)
        whom = f", avec {employee}" if employee else ""
        return f"Votre rendez-vous pour {service} est prévu {old}. Voulez-vous venir plutôt {new}{whom} ?"

    def rescheduled(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Votre rendez-vous pour {service} avec {employee} est maintenant {self.moment(local, today)}."

    transferring = "Un instant, s'il vous plaît. Je vous passe quelqu'un de l'équipe."
    no_person_now = "Désolé, personne ne peut répondre en ce moment. Puis-je prendre un message ?"
    team_is_away = "Désolé, personne de l'équipe n'est là à cette heure. Puis-je prendre un message ?"
    nobody_came = (
        "Désolé, personne ne peut répondre en ce moment. "
        "Puis-je prendre un message, chercher un rendez-vous, ou rappellerez-vous plus tard ?"
    )

    def call_for(self, *, business: str, caller: str, number: str) -> str:
        who = caller or "quelqu'un"
        return f"Un appel pour {business}, de {who}, {number or 'numéro masqué'}."

    def wish_is(self, *, wish: str) -> str:
        return f"Il s'agit de : {wish}."

    def caller_said(self, *, words: str) -> str:
        return f"La personne a dit : {words}."

    press_to_take = "Appuyez sur 1 pour prendre l'appel."
    call_is_gone = "Merci, plus personne n'attend. Au revoir."
    message_needed = "Quel message puis-je transmettre ?"
    message_taken = "Merci, j'ai noté votre message et je le transmettrai."

    def on_waitlist(self, *, service: str, position: int) -> str:
        return f"Vous êtes sur la liste d'attente pour {service}, en position {position}."

    goodbye = "Merci de votre appel. Au revoir !"
    ending = "Je vais mettre fin à l'appel. Au revoir !"
    calendar_unavailable = "Je n'ai pas accès au calendrier pour le moment."
    cannot_do_that = "Désolé, je ne peux pas faire cela."

    not_in_service = "Ce numéro n'est pas en service."
    assistant_unavailable = "Notre assistant vocal est momentanément indisponible."
    assistant_not_configured = "Notre assistant vocal n'est pas correctement configuré."
    call_failed = "Une erreur s'est produite. Veuillez réessayer plus tard."
    connecting_instead = (
        "Je suis désolé, notre assistant n'est pas disponible. Un instant, je vous mets en relation."
    )
    voicemail = (
        "Je suis désolé, personne ne peut vous répondre pour le moment. "
        "Veuillez laisser un message après le bip."
    )
    message_after_tone = "Veuillez laisser votre message après le bip."
    we_call_back = "Merci. Nous vous rappellerons. Au revoir."
    lines_busy = "Je suis désolé, toutes nos lignes sont occupées. Veuillez rappeler dans quelques minutes."
    called_too_often = (
        "Je suis désolé, vous nous avez appelés très souvent aujourd'hui. Veuillez rappeler demain."
    )
    time_is_up = "Je suis désolé, cet appel a atteint sa durée maximale. Veuillez nous rappeler. Au revoir."
    nobody_speaks = "Je n'entends personne, je mets donc fin à l'appel. Veuillez nous rappeler. Au revoir."
    let_us_go_on = "Excusez-moi, je vous ai perdu un instant. Continuons."
    please_repeat = "Pourriez-vous le redire, s'il vous plaît ?"

    options = {
        "menu": "Pour réserver ou annuler avec les touches de votre téléphone, tapez {key}.",
        "book": "Pour prendre un rendez-vous, tapez {key}.",
        "appointments": "Pour écouter ou annuler vos rendez-vous, tapez {key}.",
        "message": "Pour laisser un message, tapez {key}.",
        "person": "Pour parler à quelqu'un, tapez {key}.",
        "more": "Pour d'autres choix, tapez {key}.",
        "main": "Pour le menu principal, tapez {key}.",
        "another_day": "Pour un autre jour, tapez {key}.",
        "another_time": "Pour une autre heure, tapez {key}.",
        "confirm": "Pour le réserver, tapez {key}.",
        "yes": "Pour oui, tapez {key}.",
        "no": "Pour non, tapez {key}.",
        "repeat": "Pour réécouter, tapez étoile.",
    }

    def press_for(self, *, what: str, key: str) -> str:
        return f"Pour {what}, tapez {key}."

    def free_on(self, *, service: str, day: date, today: date) -> str:
        return f"Pour {service}, ces horaires sont libres {self.on(day, today)}."

    def press_to_cancel(self, *, local: datetime, today: date, key: str) -> str:
        return f"Pour annuler le rendez-vous prévu {self.moment(local, today)}, tapez {key}."

    def chosen(self, *, service: str, employee: str, local: datetime, today: date) -> str:
        return f"Vous avez choisi {self.booking((service, employee, local), today)}."

    key_not_understood = "Je suis désolé, je n'ai pas compris."
    say_name_now = "Veuillez dire votre nom maintenant."
    key_in_phone = "Veuillez taper votre numéro de téléphone, puis la touche dièse."
    say_message_now = "Veuillez dire votre message maintenant."

"""What we say without an agent on calls that we place: to an answering machine, or when the agent fails. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from telephony.notifications.rendering import fill


@dataclass(frozen=True, slots=True)
class Wording:
    about: str
    """On a machine, of an appointment."""
    plain: str
    """On a machine, of anything else: whoever hears it first may not be the customer, so the reason is not said."""
    apology: str


_WORDINGS: Mapping[str, Wording] = {
    "en": Wording(
        "Hello, this is {business}. We are calling about your appointment: {when}. "
        "If you cannot come, please call us at {phone}. Thank you, and goodbye.",
        "Hello, this is {business}. We tried to reach you. Please call us back at {phone}. Thank you, and goodbye.",
        "This was {business}. We are sorry, something went wrong with our call. You can reach us at {phone}.",
    ),
    "de": Wording(
        "Guten Tag, hier ist {business}. Wir rufen wegen Ihres Termins an: {when}. "
        "Wenn Sie nicht kommen können, rufen Sie uns bitte an: {phone}. Vielen Dank, auf Wiederhören.",
        "Guten Tag, hier ist {business}. Wir wollten Sie erreichen. Bitte rufen Sie uns zurück: {phone}. "
        "Vielen Dank, auf Wiederhören.",
        "Hier war {business}. Entschuldigung, bei unserem Anruf ist etwas schiefgegangen. "
        "Sie erreichen uns unter {phone}.",
    ),
    "es": Wording(
        "Hola, le llamamos de {business} por su cita: {when}. Si no puede venir, llámenos al {phone}. "
        "Muchas gracias, adiós.",
        "Hola, le llamamos de {business}. Queríamos hablar con usted. Llámenos al {phone}, por favor. "
        "Muchas gracias, adiós.",
        "Le llamamos de {business}. Lo sentimos, ha habido un problema con la llamada. Puede llamarnos al {phone}.",
    ),
    "fr": Wording(
        "Bonjour, ici {business}. Nous vous appelons au sujet de votre rendez-vous : {when}. "
        "Si vous ne pouvez pas venir, appelez-nous au {phone}. Merci, au revoir.",
        "Bonjour, ici {business}. Nous souhaitions vous joindre. Merci de nous rappeler au {phone}. Au revoir.",
        "C'était {business}. Désolés, notre appel a rencontré un problème. Vous pouvez nous joindre au {phone}.",
    ),
}


def wording_for(language: str) -> Wording:
    return _WORDINGS.get(language.lower().partition("-")[0], _WORDINGS["en"])


def on_machine(own: str | None, language: str, facts: Mapping[str, str]) -> str:
    """`own` is the business's template; None: our words, "": nothing is said."""
    if own is not None:
        return fill(own, facts)
    words = wording_for(language)
    return fill(words.about if facts.get("when") else words.plain, facts)


def apology(language: str, business: str, phone_e164: str) -> str:
    return fill(wording_for(language).apology, {"business": business, "phone": spoken_number(phone_e164)})


def spoken_number(e164: str) -> str:
    """Digit by digit: voices read a long number as billions."""
    return " ".join(char for char in e164 if char.isdigit())

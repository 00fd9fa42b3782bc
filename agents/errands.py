"""Why we call somebody, as the agent is told. Pure.

Whoever picks up may not be who was called: the first words say who calls and ask for them, and nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Errand:
    """`appointment` is told as people tell it: what, with whom, when. All may be empty."""

    purpose: str = ""
    customer_name: str = ""
    appointment: str = ""
    appointment_id: str = ""


_OPENINGS: Mapping[str, tuple[str, str]] = {
    "en": (
        "Hello, this is the virtual assistant of {business}. Am I speaking with {name}?",
        "Hello, this is the virtual assistant of {business}. Do you have a moment?",
    ),
    "de": (
        "Guten Tag, hier ist die digitale Assistentin von {business}. Spreche ich mit {name}?",
        "Guten Tag, hier ist die digitale Assistentin von {business}. Haben Sie einen Moment Zeit?",
    ),
    "es": (
        "Hola, soy la asistente virtual de {business}. ¿Hablo con {name}?",
        "Hola, soy la asistente virtual de {business}. ¿Tiene un momento?",
    ),
    "fr": (
        "Bonjour, ici l'assistante virtuelle de {business}. Est-ce que je parle à {name} ?",
        "Bonjour, ici l'assistante virtuelle de {business}. Avez-vous un instant ?",
    ),
}


def opening(errand: Errand, business: str, language: str) -> str:
    """The first words of a call that we place."""
    named, unnamed = _OPENINGS.get(language.lower().partition("-")[0], _OPENINGS["en"])
    name = errand.customer_name[:LONGEST_NAME]
    # Not by `format`: a name with braces in it is a name.
    return (named if name else unnamed).replace("{business}", business).replace("{name}", name)


def instruction(errand: Errand | None) -> str:
    """One paragraph of the agent's instructions: who has called whom, and why."""
    if errand is None:
        return "They have called the business."
    said = [
        "You have called them, on behalf of the business; they did not call you. "
        "Say who you are, make sure that you speak with the right person before you say more, and ask whether it suits."
    ]
    if errand.customer_name:
        said.append(f"You want to speak with {errand.customer_name[:LONGEST_NAME]}.")
    if errand.purpose:
        said.append(f"Why you call: {errand.purpose}")
    if errand.appointment:
        said.append(f"It is about this appointment: {errand.appointment}.")
    said.append(
        "If they do not want to talk, apologise and say goodbye. If it is an answering machine, say nothing and wait."
    )
    return " ".join(said)

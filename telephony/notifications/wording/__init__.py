"""What texts, mails and the customer's page say, in every language that we speak. Templates and sentences, no rules."""

from collections.abc import Mapping

from telephony.notifications.wording.base import Wording
from telephony.notifications.wording.de import GERMAN
from telephony.notifications.wording.en import ENGLISH
from telephony.notifications.wording.es import SPANISH
from telephony.notifications.wording.fr import FRENCH

__all__ = ["LANGUAGES", "Wording", "wording_for"]

LANGUAGES: Mapping[str, Wording] = {"en": ENGLISH, "es": SPANISH, "de": GERMAN, "fr": FRENCH}


def wording_for(language: str) -> Wording:
    """By language tag, as `agents.speech.speech_for` reads it."""
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    return LANGUAGES.get(primary, ENGLISH)

"""What the receptionist says, in every language that it speaks. Pure: facts in, sentences out.

words.py           times, days, prices, lists: what sentences are made of       Words
base.py            every sentence that there is, and what it must tell          Speech(Words)
en es de fr .py    how one language says it                                     English(Speech), …

>>> speech_for("de-AT").booked(service="Haarschnitt", employee="Ana", local=at, today=today)
'Ihr Termin ist gebucht: Haarschnitt bei Ana, morgen um 9 Uhr.'
"""

from collections.abc import Mapping

from agents.speech.base import Speech
from agents.speech.de import German
from agents.speech.en import English
from agents.speech.es import Spanish
from agents.speech.fr import French
from agents.speech.words import MAX_OPTIONS, Hours, Week, Words, spread

__all__ = ["LANGUAGES", "MAX_OPTIONS", "Hours", "Speech", "Week", "Words", "speech_for", "spread"]

LANGUAGES: Mapping[str, Speech] = {"en": English(), "es": Spanish(), "de": German(), "fr": French()}
"""By ISO 639-1 code."""


def speech_for(language: str) -> Speech:
    """By language tag, whatever its region: `de-AT`, `fr_CA`, `EN`. One that we do not speak is English."""
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    return LANGUAGES.get(primary, LANGUAGES["en"])

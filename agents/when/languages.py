"""The languages that are understood, by tag."""

from collections.abc import Mapping
from dataclasses import replace

from agents.when.de import GERMAN
from agents.when.en import ENGLISH
from agents.when.es import SPANISH
from agents.when.fr import FRENCH
from agents.when.language import Language

__all__ = ["ENGLISH", "language_for"]

_LANGUAGES: Mapping[str, Language] = {
    "en": ENGLISH,
    "en-us": replace(ENGLISH, day_first=False),
    **dict.fromkeys(("en-gb", "en-ie", "en-au", "en-nz"), replace(ENGLISH, day_first=True)),
    "es": SPANISH,
    "de": GERMAN,
    "fr": FRENCH,
}


def language_for(tag: str) -> Language:
    """The region counts where dates are written differently. English for what we do not know."""
    tag = tag.strip().lower().replace("_", "-")
    return _LANGUAGES.get(tag) or _LANGUAGES.get(tag.split("-")[0], ENGLISH)

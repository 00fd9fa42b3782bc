"""What callers are told first, where a business wants or must: that a machine speaks, and that it is recorded. Pure."""

from collections.abc import Mapping

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "en": ("You are speaking with an AI assistant.", "This call may be recorded."),
    "de": ("Sie sprechen mit einem KI-Assistenten.", "Dieses Gespräch kann aufgezeichnet werden."),
    "es": ("Está hablando con un asistente de inteligencia artificial.", "Esta llamada puede ser grabada."),
    "fr": ("Vous parlez à un assistant d'intelligence artificielle.", "Cet appel peut être enregistré."),
}


def disclosed(words: str, language: str, *, as_machine: bool, as_recorded: bool) -> str:
    """The first words of a call, with what is to be said behind them."""
    machine, recorded = _SENTENCES.get(language.lower().replace("_", "-").partition("-")[0], _SENTENCES["en"])
    return " ".join([words, *([machine] if as_machine else []), *([recorded] if as_recorded else [])])

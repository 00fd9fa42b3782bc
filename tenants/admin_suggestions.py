"""Codes that a page offers by their names. Others may be typed: whether they will do is the model's to say."""

import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

LANGUAGE_NAMES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French"}
CURRENCY_NAMES = {
    "AED": "UAE dirham", "AUD": "Australian dollar", "BRL": "Brazilian real", "CAD": "Canadian dollar",
    "CHF": "Swiss franc", "CZK": "Czech koruna", "DKK": "Danish krone", "EUR": "Euro", "GBP": "Pound sterling",
    "HKD": "Hong Kong dollar", "HUF": "Hungarian forint", "ILS": "Israeli shekel", "INR": "Indian rupee",
    "JPY": "Japanese yen", "MXN": "Mexican peso", "NOK": "Norwegian krone", "NZD": "New Zealand dollar",
    "PLN": "Polish zloty", "RON": "Romanian leu", "SEK": "Swedish krona", "SGD": "Singapore dollar",
    "TRY": "Turkish lira", "USD": "US dollar", "ZAR": "South African rand",
}  # fmt: skip

Suggestions = Callable[[], Iterable[tuple[str, str]]]


@cache
def _zones() -> list[tuple[str, str]]:
    places = sorted(name for name in zoneinfo.available_timezones() if "/" in name and name[:4] != "Etc/")
    return [(name, "") for name in ["UTC", *places]]


BY_FIELD: Mapping[str, Suggestions] = {
    "language": LANGUAGE_NAMES.items,
    "currency": CURRENCY_NAMES.items,
    "timezone": _zones,
}


class Suggesting(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """A browser shows those that have what is typed in them."""

    def __init__(self, suggestions: Suggestions) -> None:
        super().__init__()
        self._suggestions = suggestions

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        known = f"{name}-known"
        field = super().render(name, value, {**(attrs or {}), "list": known}, renderer)
        options = format_html_join("", '<option value="{}">{}</option>', self._suggestions())
        return format_html('{}<datalist id="{}">{}</datalist>', field, known, options)


class Suggests:
    """For a page with fields that have suggestions."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in BY_FIELD:
            kwargs["widget"] = Suggesting(BY_FIELD[db_field.name])
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]

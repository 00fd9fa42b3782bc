"""What people write into cells, read the way that their country writes it. Pure. Every refusal is a sentence."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164

MONTH_FIRST = frozenset({"US", "PH", "FM", "PW"})
COMMA_IS_DECIMAL = frozenset({"de", "es", "fr", "it", "nl", "pt", "pl"})
YEARS = range(1990, 2100)
_YES = frozenset({"yes", "y", "true", "1", "x", "on", "active", "ja", "j", "wahr", "sí", "si", "oui", "vrai"})
_NO = frozenset({"no", "n", "false", "0", "-", "off", "inactive", "nein", "falsch", "non", "faux"})
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})([./-])(\d{1,2})\5(\d{4}|\d{2})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_SHORTENED = re.compile(r"\d[.,]?\d*e\+\d+", re.IGNORECASE)


class Misread(ValueError):
    """Why a cell means nothing."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a business writes."""

    region: str | None
    month_first: bool
    comma_is_decimal: bool

    @classmethod
    def of(cls, tenant: Tenant) -> "Manner":
        region = region_of(tenant.phone)
        return cls(region, region in MONTH_FIRST, tenant.language[:2] in COMMA_IS_DECIMAL)

    @property
    def date_order(self) -> str:
        return "month/day/year" if self.month_first else "day/month/year"

    def whole(self, text: str) -> int:
        number = self.decimal(text)
        if number != number.to_integral_value():
            raise Misread(f"“{text}” is not a whole number.")
        return int(number)

    def decimal(self, text: str) -> Decimal:
        plain = re.sub(r"[\s\u00a0'’]|[$€£]|[A-Z]{3}", "", text)
        if not re.fullmatch(r"-?\d+(?:[.,]\d+)*", plain) or len(plain) > 20:
            raise Misread(f"“{text}” is not a number.")
        point = self._decimal_sign(plain)
        thousands = "," if point == "." else "."
        try:
            return Decimal(plain.replace(thousands, "").replace(point, "."))
        except InvalidOperation:
            raise Misread(f"“{text}” is not a number.") from None

    def _decimal_sign(self, plain: str) -> str:
        signs = [sign for sign in plain if sign in ".,"]
        if len(set(signs)) == 2:
            return signs[-1]
        usual = "," if self.comma_is_decimal else "."
        if len(signs) == 1 and len(re.split(r"[.,]", plain)[1]) != 3:
            return signs[0]  # no thousands: 12,50 is a price everywhere
        return "," if len(signs) > 1 and signs[0] == "." else "." if len(signs) > 1 else usual

    def date(self, text: str) -> datetime.date:
        found = _DATE.fullmatch(text.removesuffix(" 00:00").strip())
        if found is None:
            raise Misread(f"“{text}” is not a date such as 2030-03-04.")
        return self._date_of(found, text)

    def wall_time(self, text: str) -> datetime.datetime:
        """Of "2030-03-04 10:00", "4.3.2030 10:00", "3/4/2030 2:30 pm": naive."""
        day, _, clock = text.replace("T", " ").strip().partition(" ")
        found = _DATE.fullmatch(day)
        if found is None or not clock.strip():
            raise Misread(f"“{text}” is not a date and a time such as 2030-03-04 10:00.")
        return datetime.datetime.combine(self._date_of(found, text), self.clock(clock))

    def clock(self, text: str) -> datetime.time:
        found = _TIME.fullmatch(text.strip())
        if found is None:
            raise Misread(f"“{text}” is not a time such as 14:30.")
        hour, minute, half = int(found[1]), int(found[2]), (found[3] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
        if hour > 23 or minute > 59:
            raise Misread(f"“{text}” is no time that a clock shows.")
        return datetime.time(hour, minute)

    def _date_of(self, found: "re.Match[str]", text: str) -> datetime.date:
        if found[1]:
            year, month, day = (int(found[place]) for place in (1, 2, 3))
        else:
            first, second, year = int(found[4]), int(found[6]), int(found[7])
            month_first = self.month_first and found[5] != "."
            month, day = (first, second) if month_first else (second, first)
            year += 2000 if year < 100 else 0
        if year not in YEARS:
            raise Misread(f"“{text}” is too far away.")
        try:
            return datetime.date(year, month, day)
        except ValueError:
            order = "year-month-day" if found[1] else "day.month.year" if found[5] == "." else self.date_order
            raise Misread(f"“{text}” is no date; it was read as {order}.") from None

    def phone(self, text: str) -> str:
        if _SHORTENED.fullmatch(text):
            raise Misread(
                f"“{text}” is a number that your spreadsheet has shortened: "
                "format the column as text and enter it anew."
            )
        try:
            return to_e164(text, self.region)
        except InvalidNumber:
            hint = "" if self.region else ", with its country"
            raise Misread(f"“{text}” is not a telephone number such as +15551234567{hint}.") from None


def yes_or_no(text: str) -> bool:
    told = text.strip().lower()
    if told in _YES or told in _NO:
        return told in _YES
    raise Misread(f"“{text}” is neither yes nor no.")

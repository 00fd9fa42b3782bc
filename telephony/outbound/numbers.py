"""Numbers that are called: of which country, of what kind, and what o'clock it may be there. Pure.

Fraud lives on numbers that cost the caller: premium and shared-cost ones, and islands that look like home (+1 876
is Jamaica). What the numbering plan does not know is not called either, but for the fiction of +1 555.
"""

import re
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

from telephony.outbound.area_codes import CANADIAN, ZONES

NANP = 1
PAY_PER_CALL_EXCHANGE = "976"
DIRECTORY_ASSISTANCE = "5551212"
FICTION = "555"
_KINDS = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number, which may cost anything",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.UAN: "a company's special number",
    PhoneNumberType.VOICEMAIL: "a voicemail service",
}


def country_of(e164: str) -> str:
    """ISO 3166-1 alpha-2, or "" for what is of no country. Of +1, islands are told by their area code alone."""
    number = phonenumbers.parse(e164)
    national = phonenumbers.national_significant_number(number)
    if number.country_code == NANP:
        return _nanp_country(national)
    known = phonenumbers.region_code_for_number(number)
    told = known or phonenumbers.region_code_for_country_code(number.country_code or 0)
    return "" if told in {None, "ZZ", "001"} else str(told)


def _nanp_country(national: str) -> str:
    if national[:3] in CANADIAN:
        return "CA"
    return next((region for region, codes in _islands() if national[:3] in codes), "US")


@cache
def _islands() -> tuple[tuple[str, frozenset[str]], ...]:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[NANP]
    told = ((one, PhoneMetadata.metadata_for_region(one, None)) for one in regions if one not in {"US", "CA"})
    return tuple((one, _area_codes(about.leading_digits or "")) for one, about in told if about is not None)


def _area_codes(pattern: str) -> frozenset[str]:
    """Leading digits are a pattern, such as `658|876` or `8[024]9`."""
    leading = re.compile(pattern)
    return frozenset(
        code for code in map(str, range(200, 1000)) if pattern and leading.match(code + "2000000")
    )


def objection_to(e164: str) -> str:
    """What kind of number it is, where it is none that people have; or "". The one rule of whom we call or ring."""
    number = phonenumbers.parse(e164)
    if not country_of(e164):
        return "a number of no country, such as a satellite's"
    national = phonenumbers.national_significant_number(number)
    if number.country_code == NANP and (
        national[:3] == "900"
        or national[3:6] == PAY_PER_CALL_EXCHANGE
        or national[3:] == DIRECTORY_ASSISTANCE
    ):
        return _KINDS[PhoneNumberType.PREMIUM_RATE]
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN and not _is_fiction(e164):
        return "no number that its country has given out"
    return _KINDS.get(kind, "")


def _is_fiction(e164: str) -> bool:
    """+1 555 …, and 555 in an ordinary area code: what films and demonstrations call."""
    area, exchange = e164[2:5], e164[5:8]
    return e164.startswith("+1") and (area == FICTION or (exchange == FICTION and area in ZONES))


def zones_of(e164: str, home: ZoneInfo) -> tuple[ZoneInfo, ...]:
    """In which zones the callee may be: by area code, else the country's. Never empty.

    Where a country has several and the number does not tell, `home` is meant if it is one of them: a business's
    customers live where it does.
    """
    number = phonenumbers.parse(e164)
    if number.country_code == NANP:
        national = phonenumbers.national_significant_number(number)
        told = ZONES.get(national[:3], ())
        if told:
            return tuple(map(ZoneInfo, told))
    names = _zones_of_countries().get(country_of(e164), ())
    if not names or home.key in names:
        return (home,)
    return tuple(ZoneInfo(name) for name in names)


@cache
def _zones_of_countries() -> dict[str, tuple[str, ...]]:
    """Source: the time zone database's own `zone.tab`."""
    by_country: dict[str, tuple[str, ...]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        country, _, zone = line.split("\t")[:3]
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):  # newer than what this machine has
            continue
        by_country[country] = (*by_country.get(country, ()), zone)
    return by_country

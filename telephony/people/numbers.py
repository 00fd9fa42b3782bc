"""Which telephone numbers may be dialled for a caller: those of the business's own countries, at ordinary rates. Pure.

Whoever talks a model, or a member of staff, into a number that charges by the minute shares in what it earns.
"""

from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumberType

from tenants.phone import region_of

COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PAGER})
NO_COUNTRY = "001"
"""Satellite networks and international services: +870, +881, +882, +979 and the like."""


def refusal(e164: str, *, home: Collection[str], ours: Collection[str] = (), may_cost: bool = False) -> str:
    """Why this number cannot be rung, or "". `home` and `ours` are numbers of the business, and those that come to us.

    `may_cost`: the platform has allowed numbers abroad and at special rates.
    """
    if e164 in ours:
        return "This number leads back to the assistant: a caller would go round in a circle."
    if may_cost:
        return ""
    if is_costly(e164):
        return "This number charges special rates. Ask the platform's operator if it must be dialled."
    countries = {region_of(number) for number in home if number}
    if countries and region_of(e164) not in countries:
        return "This number is in another country. Ask the platform's operator if it must be dialled."
    return ""


def is_costly(e164: str) -> bool:
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return True
    return phonenumbers.number_type(number) in COSTLY or region_of(e164) == NO_COUNTRY

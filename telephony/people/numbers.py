"""Which telephone numbers may be dialled for a caller: those of the business's own countries, at ordinary rates. Pure.

Whoever talks a model, or a member of staff, into a number that charges by the minute shares in what it earns.
"""

from collections.abc import Collection

import phonenumbers

from telephony.outbound.numbers import country_of, objection_to


def refusal(e164: str, *, home: Collection[str], ours: Collection[str] = (), may_cost: bool = False) -> str:
    """Why this number cannot be rung, or "". `home` and `ours` are numbers of the business, and those that come to us.

    `may_cost`: the platform has allowed numbers abroad and at special rates.
    """
    if e164 in ours:
        return "This number leads back to the assistant: a caller would go round in a circle."
    if may_cost:
        return ""
    countries = {country_of(number) for number in home if number}
    where = country_of(e164)
    if where and countries and where not in countries:
        return "This number is in another country. Ask the platform's operator if it must be dialled."
    if objection := objection_to(e164):
        return f"This is {objection}: it may charge special rates. Ask the platform's operator if it must be dialled."
    return ""


def is_costly(e164: str) -> bool:
    """By the rule of the calls that we place: what may not be called is not rung either."""
    try:
        return bool(objection_to(e164))
    except phonenumbers.NumberParseException:
        return True

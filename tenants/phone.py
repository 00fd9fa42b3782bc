"""Phone numbers: E.164 inside, masked in logs."""

import re

import phonenumbers


class InvalidNumber(ValueError):
    """Not a phone number; carriers also send words such as "anonymous" for a withheld caller ID."""


def to_e164(text: str, region: str | None = None) -> str:
    """`+` and digits. `region` (ISO 3166-1 alpha-2) reads national numbers. Raises InvalidNumber.

    Possible numbers pass, not only assigned ones: test ranges such as +1 555 are not assigned.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise InvalidNumber(f"{mask(text)} is not a phone number in the form +15551234567") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidNumber(f"{mask(text)} has the wrong length for a phone number")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if len(e164) > 16:  # E.164 allows fifteen digits, and so does the database
        raise InvalidNumber(f"{mask(text)} has too many digits for a phone number")
    return e164


WITHHELD = frozenset(
    f"+{phonenumbers.convert_alpha_characters_in_number(word)}"
    for word in ("ANONYMOUS", "BLOCKED", "PRIVATE", "RESTRICTED", "UNAVAILABLE", "UNKNOWN")
)
"""What Twilio sends for callers without a number: words as a telephone's keys spell them, `+86282452253`."""


def with_plus(text: str) -> str:
    """In forms and queries a plus that nobody has encoded is a space."""
    return f"+{text[1:]}" if text.startswith(" ") else text


def e164_or_blank(text: str) -> str:
    """E.164, or "" for a withheld or unusable caller ID."""
    try:
        number = to_e164(text)
    except InvalidNumber:
        return ""
    return "" if number in WITHHELD else number


_BETWEEN_DIGITS = re.compile(r"[ ()./-]")


def as_dialled_at(line_e164: str, text: str) -> str:
    """E.164 of a number as it is dialled in the country of that line; "" for what is no number there."""
    digits = _BETWEEN_DIGITS.sub("", text)
    if not digits.isascii() or not digits.isdecimal() or f"+{digits}" in WITHHELD:
        return ""
    try:
        number = phonenumbers.parse(digits, region_of(line_e164), keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return ""
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    is_national = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    # Extensions and numbers of other countries lack the zero that is dialled here.
    if (is_national and digits != _BETWEEN_DIGITS.sub("", national)) or not phonenumbers.is_valid_number(
        number
    ):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def region_of(e164: str) -> str | None:
    """The country of a number, to read national numbers that its callers say."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    # Numbers that are not assigned, such as +1 555, still belong to a country code.
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )


def mask(number: str) -> str:
    """For logs: `+1555...`, at most five characters of it."""
    return f"{number[:5]}..." if number else "withheld"


_NUMBER = re.compile(r"(?<![\w-])(?:\+|%2B|00)?\d(?:[ ().-]{0,2}\d){6,14}(?![\w-])", re.ASCII | re.IGNORECASE)
SHORTEST_NUMBER = 8


def without_numbers(text: str) -> str:
    """For logs: a text of somebody else's, with what may be telephone numbers masked."""
    return _NUMBER.sub(lambda found: _masked(found[0]), text)


def _masked(written: str) -> str:
    digits = "".join(one for one in written if one.isdigit())
    return written if len(digits) < SHORTEST_NUMBER else f"{digits[:3]}..."


def short(e164: str) -> str:
    """For people who know it: enough to recognise it by, `+1…34`."""
    return f"{e164[:2]}…{e164[-2:]}"

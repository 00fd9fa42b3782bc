"""Why a call is not placed; each with a code for programs, a status for HTTP and a sentence for people.

OutboundRefused
├── of the number       NotE164, NumberNotAllowed, CountryNotAllowed, OptedOut
├── of the moment       QuietHours, TooManyCalls, AgentUnavailable
├── of the business     OutboundOff, Suspended, NoNumber, FromNotYours, NoAgent, CarrierNotConfigured
└── of the request      ConsentRequired, UnknownAppointment, NotTheirAppointment, KeyUsed
"""

import datetime
from typing import Any


class OutboundRefused(Exception):
    code, status = "REFUSED", 403

    def __init__(self, error: str, *, code: str = "", **extra: Any) -> None:
        super().__init__(error)
        self.error, self.extra = error, extra
        self.code = code or self.code
        self.until: datetime.datetime | None = None
        """When it may be tried again; None: nobody knows, or never."""


class NotE164(OutboundRefused):
    code, status = "NOT_E164", 400

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: must be a number in E.164, such as +15551234567", field=field)


class NumberNotAllowed(OutboundRefused):
    code = "NUMBER_NOT_ALLOWED"

    def __init__(self, what: str) -> None:
        super().__init__(f"to: this is {what}; such numbers are not called", field="to")


class CountryNotAllowed(OutboundRefused):
    code = "COUNTRY_NOT_ALLOWED"

    def __init__(self, country: str, allowed: frozenset[str]) -> None:
        listed = ", ".join(sorted(allowed)) or "none"
        where = f"numbers of {country}" if country else "numbers of no country"
        super().__init__(f"to: {where} are not called; allowed are: {listed}", field="to", country=country)


class OptedOut(OutboundRefused):
    code = "OPTED_OUT"

    def __init__(self) -> None:
        super().__init__(
            "to: whoever has this number has asked this business to leave them alone", field="to"
        )


class QuietHours(OutboundRefused):
    code, status = "QUIET_HOURS", 409

    def __init__(self, until: datetime.datetime) -> None:
        told = until.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(
            f"to: it is night there; calls are allowed from {told}", field="to", nextAllowedAt=told
        )
        self.until = until


class TooManyCalls(OutboundRefused):
    """`TOO_MANY_PER_MINUTE`, `TOO_MANY_AT_ONCE`, `TOO_MANY_PER_DAY`, `TOO_MANY_TO_NUMBER`, or `LINES_BUSY`."""

    status = 429

    def __init__(self, code: str, error: str, until: datetime.datetime | None = None) -> None:
        super().__init__(error, code=code)
        self.until = until


class AgentUnavailable(OutboundRefused):
    code, status = "AGENT_UNAVAILABLE", 503

    def __init__(self) -> None:
        super().__init__("The agent fails everybody just now: nobody is called only to be told so")


class OutboundOff(OutboundRefused):
    code = "OUTBOUND_OFF"

    def __init__(self) -> None:
        super().__init__("This business places no calls (outboundCalls in its settings)")


class Suspended(OutboundRefused):
    code = "TENANT_SUSPENDED"

    def __init__(self) -> None:
        super().__init__("This account is suspended")


class NoNumber(OutboundRefused):
    code, status = "NO_NUMBER", 409

    def __init__(self) -> None:
        super().__init__("The business has no active number to call from")


class FromNotYours(OutboundRefused):
    code = "FROM_NOT_YOURS"

    def __init__(self) -> None:
        super().__init__("from: is not an active number of this business", field="from")


class NoAgent(OutboundRefused):
    """`AGENT_NOT_CONFIGURED` or `AGENT_NOT_CHOSEN`, as for calls that come in."""

    status = 409


class CarrierNotConfigured(OutboundRefused):
    code, status = "CARRIER_NOT_CONFIGURED", 409


class ConsentRequired(OutboundRefused):
    code = "CONSENT_REQUIRED"

    def __init__(self) -> None:
        super().__init__(
            "consent: nobody is called without it; send true if they have agreed to be called",
            field="consent",
        )


class UnknownAppointment(OutboundRefused):
    code, status = "NOT_FOUND", 404

    def __init__(self) -> None:
        super().__init__("appointmentId: no such appointment", field="appointmentId")


class NotTheirAppointment(OutboundRefused):
    code, status = "NOT_THEIR_APPOINTMENT", 409

    def __init__(self) -> None:
        super().__init__("appointmentId: is of a customer with another number", field="appointmentId")


class KeyUsed(OutboundRefused):
    code, status = "IDEMPOTENCY_CONFLICT", 422

    def __init__(self) -> None:
        super().__init__("The idempotency key was used for another request")


class CarrierRefused(Exception):
    """The carrier did not take a call. `permanent`: it never will; `uncertain`: it may have all the same."""

    def __init__(
        self, message: str, *, code: str = "", permanent: bool = True, uncertain: bool = False
    ) -> None:
        super().__init__(message)
        self.message, self.code = message, code
        self.permanent, self.uncertain = permanent, uncertain

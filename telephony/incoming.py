"""What a carrier tells of a call, in words that every carrier shares."""

from dataclasses import dataclass

from telephony.carriers.registry import DEFAULT


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call that rings at one of our numbers. `from_e164` is "" when the caller ID is withheld."""

    carrier_call_id: str
    account_id: str
    from_e164: str
    to_e164: str
    vouched_for: bool | None = None
    """Whether the caller's own carrier signed for the number; None where the networks in between do not say."""
    carrier: str = DEFAULT


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Where a call stands, as its carrier says: told late, twice and out of order."""

    carrier_call_id: str
    state: str
    sequence: str
    duration_seconds: int | None
    carrier: str = DEFAULT

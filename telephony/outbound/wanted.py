"""One attempt, as a carrier is asked for it. Pure."""

import datetime
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Placing:
    """`reference` is our own name for the call: callbacks bring it back."""

    tenant_id: UUID
    reference: UUID
    from_e164: str
    to_e164: str
    ring_seconds: int
    max_seconds: int
    claimed_at: datetime.datetime

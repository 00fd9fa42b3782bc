"""Whether a chain is as it was written. Reads every entry; needs the platform's scope, or the tenant's."""

from dataclasses import dataclass
from uuid import UUID

from tenants.audit.chain import commitment, link
from tenants.audit.models import AuditDetail, AuditEntry

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken_at` is the first place that is not as it was, or None."""

    entries: int
    erased: int
    head: str
    broken_at: int | None = None
    why: str = ""


def verify(tenant_id: UUID | None) -> Verdict:
    """One tenant's chain; None: the platform's own."""
    entries = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("position")
    announced = _announced(tenant_id)
    previous, place, erased = "", 0, 0
    for entry in entries.select_related("detail").iterator(chunk_size=BATCH):
        place += 1
        detail: AuditDetail | None = getattr(entry, "detail", None)
        why = _fault(entry, place, previous, detail)
        if not why and detail is None and place not in announced:
            why = "what it told is gone, and no erasure says so"
        if why:
            return Verdict(place - 1, erased, previous, place, why)
        erased += detail is None
        previous = entry.hash
    return Verdict(place, erased, previous)


def _announced(tenant_id: UUID | None) -> set[int]:
    told = AuditEntry.objects.filter(tenant_id=tenant_id).exclude(erases="").values_list("erases", flat=True)
    return {int(place) for places in told for place in places.split(",")}


def _fault(entry: AuditEntry, place: int, previous: str, detail: AuditDetail | None) -> str:
    if entry.position != place:
        return "an entry is missing before it" if entry.position is not None else "it was never sealed"
    if entry.previous_hash != previous:
        return "it does not follow from the one before"
    facts = (
        *(entry.actor_kind, entry.actor_id, entry.action),
        *(entry.subject_kind, entry.subject_id, entry.erases),
    )
    expected = link(
        previous,
        tenant_id=entry.tenant_id,
        position=place,
        occurred_at=entry.occurred_at,
        facts=facts,
        commitment=entry.commitment,
    )
    if entry.hash != expected:
        return "it was changed"
    if detail is not None and commitment(detail.salt, detail.content) != entry.commitment:
        return "what it tells in clear was changed"
    return ""

"""The calls before and after one, of the same business."""

from dataclasses import dataclass

from django.db.models import Q

from telephony.models import Call


@dataclass(frozen=True, slots=True)
class Neighbours:
    earlier: Call | None
    later: Call | None


def neighbours_of(call: Call) -> Neighbours:
    """By the moment when they began, and by id where that is the same: every call is somebody's neighbour."""
    calls = Call.objects.for_tenant(call.tenant_id).only("pk", "direction", "from_e164", "to_e164")
    at, pk = call.created_at, call.pk
    before = calls.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk)).order_by("-created_at", "-pk")
    after = calls.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)).order_by("created_at", "pk")
    return Neighbours(before.first(), after.first())

"""What is forgotten here is to be deleted at the vendors, too: noted with the forgetting, asked for until it is done.

What a vendor deletes is a fact of its own (`delete`, in its folder); some delete nothing, or keep nothing.
"""

import datetime
import logging
from collections.abc import Collection, Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from agents.models import Message, ProviderSession
from agents.providers import PROVIDERS
from agents.providers.facts import Provider
from telephony.carriers.facts import Adapter
from telephony.carriers.registry import CARRIERS
from telephony.forgetting.models import VendorErasure
from telephony.models import Call, InboundText, Notification, PhoneNumber
from tenants.models import Tenant
from tenants.scoping import active_scope, platform_scope, tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

T = TypeVar("T", Provider, Adapter)
Kind, State = VendorErasure.Kind, VendorErasure.State
MOST_ATTEMPTS = 12
FIRST_PAUSE = datetime.timedelta(minutes=1)
LONGEST_PAUSE = datetime.timedelta(hours=12)
"""Doubled from the first on: a vendor that is away for three days is waited for."""
AT_A_TIME = 50
SHOWN = datetime.timedelta(days=90)
"""What is done, to whoever is asked for it. What was given up stays: somebody is to delete it there."""
NOT_THERE = 404


# --- What is to be deleted. Needs the tenant's scope, and the rows as they were --------------------


def conversations(ids: Collection[UUID]) -> list[VendorErasure]:
    found: list[VendorErasure] = []
    for provider in _deleting(PROVIDERS.values()):
        rows = ProviderSession.objects.filter(conversation_id__in=ids, provider=provider.name)
        found += _ask(provider.name, Kind.CONVERSATION, rows.values_list("external_id", flat=True))
    return found


def voicemails(which: Q) -> list[VendorErasure]:
    found: list[VendorErasure] = []
    for carrier in _deleting(CARRIERS.values()):
        refs = Message.objects.filter(which, recording_ref__startswith=f"{carrier.name}:")
        told = refs.values_list("recording_ref", flat=True)
        found += _ask(carrier.name, Kind.RECORDING, (one.partition(":")[2] for one in told))
    return found


def calls(ids: Collection[UUID]) -> list[VendorErasure]:
    found: list[VendorErasure] = []
    for carrier in _deleting(CARRIERS.values()):
        rows = Call.objects.filter(pk__in=ids, carrier=carrier.name)
        found += _ask(carrier.name, Kind.CALL, rows.values_list("carrier_call_id", flat=True))
    return found


def texts(sent: Q, received: Q) -> list[VendorErasure]:
    """What came is whose the number is that it came to."""
    found: list[VendorErasure] = []
    for carrier in _deleting(CARRIERS.values()):
        lines = PhoneNumber.objects.filter(carrier=carrier.name).values("e164")
        out = Notification.objects.filter(sent, carrier=carrier.name)
        into = InboundText.objects.filter(received, to_e164__in=lines)
        ids = [one for rows in (out, into) for one in rows.values_list("carrier_message_id", flat=True)]
        found += _ask(carrier.name, Kind.MESSAGE, ids)
    return found


def _deleting(vendors: Iterable[T]) -> list[T]:
    return [one for one in vendors if one.delete is not None]


def _ask(vendor: str, kind: str, external_ids: Iterable[str]) -> list[VendorErasure]:
    tenant_id, now = active_scope().tenant_id, timezone.now()
    if tenant_id is None:
        raise ValueError("What vendors keep is deleted in the scope of the business that it is of")
    rows = [
        VendorErasure(tenant_id=tenant_id, vendor=vendor, kind=kind, external_id=one, due_at=now)
        for one in sorted(filter(None, set(external_ids)))
    ]
    return VendorErasure.objects.bulk_create(rows, ignore_conflicts=True)


# --- Asking ---------------------------------------------------------------------------------------


def tenants_with_work(now: datetime.datetime) -> list[UUID]:
    with platform_scope():
        due = VendorErasure.objects.filter(state=State.WAITING, due_at__lte=now)
        return list(Tenant.objects.filter(pk__in=due.values("tenant_id")).values_list("pk", flat=True))


def work_for(tenant_id: UUID) -> int:
    """How many were asked for. Needs no scope: no transaction waits for a vendor."""
    for done in range(AT_A_TIME):
        row = _claim(tenant_id, timezone.now())
        if row is None:
            return done
        _try(tenant_id, row)
    return AT_A_TIME


def forget_done(now: datetime.datetime) -> int:
    """How many rows. Needs no scope."""
    with platform_scope():
        count, _ = VendorErasure.objects.filter(state=State.DONE, settled_at__lt=now - SHOWN).delete()
        return count


def _claim(tenant_id: UUID, now: datetime.datetime) -> VendorErasure | None:
    """The next one. It is due again later whatever becomes of us: what is gone already may be asked for again."""
    with tenant_scope(tenant_id):
        due = VendorErasure.objects.for_tenant(tenant_id).filter(state=State.WAITING, due_at__lte=now)
        row: VendorErasure | None = due.select_for_update(skip_locked=True).order_by("due_at").first()
        if row is not None:
            row.due_at = now + min(FIRST_PAUSE * 2**row.attempts, LONGEST_PAUSE)
            row.attempts += 1
            row.save(update_fields=["due_at", "attempts"])
        return row


def _try(tenant_id: UUID, row: VendorErasure) -> None:
    try:
        _delete(tenant_id, row)
    except VendorError as error:
        if error.status != NOT_THERE:
            _note_failure(tenant_id, row, error)
            return
    with tenant_scope(tenant_id):
        rows = VendorErasure.objects.for_tenant(tenant_id).filter(pk=row.pk)
        rows.update(state=State.DONE, error="", settled_at=timezone.now())


def _delete(tenant_id: UUID, row: VendorErasure) -> None:
    if row.kind == Kind.CONVERSATION:
        provider = PROVIDERS[row.vendor]
        if provider.delete is not None:
            provider.delete(tenant_id, row.external_id)
    elif (carrier := CARRIERS[row.vendor]).delete is not None:
        carrier.delete(tenant_id, row.kind, row.external_id)


def _note_failure(tenant_id: UUID, row: VendorErasure, error: VendorError) -> None:
    logger.warning("%s has not deleted %s yet: %s", row.vendor, row.pk, error.message)
    changes: dict[str, object] = {"error": str(error)[:240]}
    if row.attempts >= MOST_ATTEMPTS:
        changes |= {"state": State.FAILED, "settled_at": timezone.now()}
    with tenant_scope(tenant_id):
        VendorErasure.objects.for_tenant(tenant_id).filter(pk=row.pk).update(**changes)

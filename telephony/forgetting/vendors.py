"""What is forgotten here is to be deleted at the vendors, too: noted with the forgetting, asked for until it is done.

ElevenLabs deletes a conversation with its transcript and audio; Twilio a recording, a text message and the record of
a call, once each has ended. Infobip's API deletes none of its records, and OpenAI keeps no call to be deleted.
"""

import datetime
import logging
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from agents.models import Message, ProviderSession
from agents.providers.elevenlabs.rest import ElevenLabsRest
from telephony.carriers.twilio.rest import TwilioRest
from telephony.forgetting.models import VendorErasure
from telephony.models import Call, Carrier, InboundText, Notification
from tenants.credentials import secret
from tenants.models import Credential, Tenant
from tenants.scoping import active_scope, platform_scope, tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

Vendor, Kind, State = VendorErasure.Vendor, VendorErasure.Kind, VendorErasure.State
Name = Credential.Name
MOST_ATTEMPTS = 12
FIRST_PAUSE = datetime.timedelta(minutes=1)
LONGEST_PAUSE = datetime.timedelta(hours=12)
"""Doubled from the first on: a vendor that is away for three days is waited for."""
AT_A_TIME = 50
NOT_THERE = 404


# --- What is to be deleted. Needs the tenant's scope, and the rows as they were --------------------


def conversations(ids: Collection[UUID]) -> list[VendorErasure]:
    rows = ProviderSession.objects.filter(conversation_id__in=ids, provider=Vendor.ELEVENLABS)
    return _ask(Vendor.ELEVENLABS, Kind.CONVERSATION, rows.values_list("external_id", flat=True))


def voicemails(which: Q) -> list[VendorErasure]:
    refs = Message.objects.filter(which, recording_ref__startswith=f"{Carrier.TWILIO}:")
    told = refs.values_list("recording_ref", flat=True)
    return _ask(Vendor.TWILIO, Kind.RECORDING, (one.partition(":")[2] for one in told))


def calls(ids: Collection[UUID]) -> list[VendorErasure]:
    rows = Call.objects.filter(pk__in=ids, carrier=Carrier.TWILIO)
    return _ask(Vendor.TWILIO, Kind.CALL, rows.values_list("carrier_call_id", flat=True))


def texts(sent: Q, received: Q) -> list[VendorErasure]:
    """Twilio's ids tell themselves: SM… and MM…."""
    ids = [
        *Notification.objects.filter(sent).values_list("carrier_message_id", flat=True),
        *InboundText.objects.filter(received).values_list("carrier_message_id", flat=True),
    ]
    return _ask(Vendor.TWILIO, Kind.MESSAGE, (one for one in ids if one.startswith(("SM", "MM"))))


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
        _ASK[row.vendor](tenant_id, row)
    except VendorError as error:
        if error.status != NOT_THERE:
            _note_failure(tenant_id, row, error)
            return
    with tenant_scope(tenant_id):
        rows = VendorErasure.objects.for_tenant(tenant_id).filter(pk=row.pk)
        rows.update(state=State.DONE, error="", settled_at=timezone.now())


def _note_failure(tenant_id: UUID, row: VendorErasure, error: VendorError) -> None:
    logger.warning("%s has not deleted %s yet: %s", row.vendor, row.pk, error.message)
    changes: dict[str, object] = {"error": str(error)[:240]}
    if row.attempts >= MOST_ATTEMPTS:
        changes |= {"state": State.FAILED, "settled_at": timezone.now()}
    with tenant_scope(tenant_id):
        VendorErasure.objects.for_tenant(tenant_id).filter(pk=row.pk).update(**changes)


def _at_elevenlabs(tenant_id: UUID, row: VendorErasure) -> None:
    with tenant_scope(tenant_id):
        key = secret(tenant_id, Name.ELEVENLABS_API_KEY)
    with ElevenLabsRest(key) as api:
        api.delete_conversation(row.external_id)


def _at_twilio(tenant_id: UUID, row: VendorErasure) -> None:
    with tenant_scope(tenant_id):
        account, token = secret(tenant_id, Name.TWILIO_ACCOUNT_SID), secret(tenant_id, Name.TWILIO_AUTH_TOKEN)
    with TwilioRest(account, token) as api:
        api.delete(_TWILIO[Kind(row.kind)], row.external_id)


_TWILIO = {Kind.RECORDING: "Recordings", Kind.MESSAGE: "Messages", Kind.CALL: "Calls"}
_ASK: dict[str, Callable[[UUID, VendorErasure], None]] = {
    Vendor.ELEVENLABS: _at_elevenlabs,
    Vendor.TWILIO: _at_twilio,
}

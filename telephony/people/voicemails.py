"""A caller spoke after the tone: that is a message, and the recording is fetched from the carrier for staff to play."""

import datetime
import io
import logging
from uuid import UUID

from django.db.models import F, Q

from agents import recordings
from agents.models import Message
from telephony import calls
from telephony.carriers.registry import CARRIERS
from telephony.models import Call
from telephony.notifications.wording import wording_for
from telephony.people import alerts
from tenants.scoping import platform_scope, tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

MOST_BYTES = 16 * 1024 * 1024
MOST_TRIES = 12
FIRST_PAUSE = datetime.timedelta(seconds=5)
"""Before the first attempt, as carriers tell of a recording before it is ready; twice as long before each one more."""
AT_A_TIME = 50


def left(call: Call, recording_id: str, *, is_file: bool = True) -> None:
    """Told of twice it is one message. Without a file nothing can be fetched, and staff see that there was one."""
    with tenant_scope(call.tenant_id):
        key = f"voicemail:{recording_id}"
        if not calls.add_event(
            call.tenant_id, call.pk, "voicemail", dedupe_key=key, recording_id=recording_id[:128]
        ):
            return
        conversation = Call.objects.select_related("conversation").get(pk=call.pk).conversation
        message = Message.objects.create(
            tenant_id=call.tenant_id,
            conversation=conversation,
            text=wording_for(call.tenant.language).voicemail_left,
            callback_e164=call.from_e164,
            recording_ref=f"{call.carrier}:{recording_id[:128]}" if is_file else "",
        )
        if conversation is None:
            alerts.acknowledge(message, call)


def fetch_waiting(now: datetime.datetime) -> int:
    """What carriers keep still; one that fails is asked for again, less and less often. How many were fetched."""
    # Those that are not due must not take the places of others: there may be very many.
    due = Q()
    for tries in range(MOST_TRIES):
        due |= Q(recording_tries=tries, taken_at__lte=now - FIRST_PAUSE * 2**tries)
    with platform_scope():
        rows = Message.objects.filter(due, recording="").exclude(recording_ref="")
        waiting = list(rows.order_by("taken_at").values_list("tenant_id", "pk")[:AT_A_TIME])
    return sum(fetch(*one) for one in waiting)


def fetch(tenant_id: UUID, message_id: UUID) -> bool:
    """Whether it is there now. The download is no part of a transaction."""
    with tenant_scope(tenant_id):
        rows = Message.objects.filter(pk=message_id, recording="")
        if not rows.update(recording_tries=F("recording_tries") + 1):
            return False
        carrier, _, recording_id = rows.get().recording_ref.partition(":")
        download = CARRIERS[carrier].recordings(tenant_id)
    try:
        audio = download(recording_id, MOST_BYTES)
    except VendorError as error:
        logger.warning("A voicemail could not be fetched: %s", error.message)
        return False
    name = recordings.new_name(tenant_id, "wav" if audio[:4] == b"RIFF" else "mp3")
    try:
        recordings.store(name, io.BytesIO(audio))
    except OSError:  # the next one may have room
        logger.exception("A voicemail could not be stored")
        return False
    with tenant_scope(tenant_id):
        kept = Message.objects.filter(pk=message_id, recording="").update(recording=name)
    if not kept:  # another worker was faster
        recordings.erase(name)
    return bool(kept)

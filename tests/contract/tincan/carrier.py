"""A carrier of two cans and a string, to show what a carrier is made of. What it was asked for is in `asked`."""

import datetime
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

from asgiref.typing import WebSocketScope
from django.conf import settings

from agents.audio import PCM16_8K
from agents.provisioning_log import Log
from telephony.carriers.facts import Adapter, Download
from telephony.carriers.media import MediaCodec, Send, Way
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.frames import StreamStarted
from telephony.incoming import CallStatus
from telephony.models import Call
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.wanted import Placing
from telephony.text_errors import CannotSend
from tenants.credentials import secret
from tenants.findings import Finding, broken
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

STRING = "tincan_string"
asked: list[tuple[str, ...]] = []


def _needs_string(tenant_id: UUID) -> str:
    return "" if secret(tenant_id, STRING) else "There is no string between the cans."


class TincanLeg:
    carrier = "tincan"
    has_lane = has_menu = False

    def __init__(self, scope: WebSocketScope) -> None:
        self.codec: MediaCodec = TwilioCodec()

    async def prove(self, started: StreamStarted) -> None:
        pass

    def mismatch(self) -> str:
        return ""

    @asynccontextmanager
    async def sending(self, send: Send) -> AsyncIterator[Way]:
        yield Way(send)


class TincanDialer:
    def missing(self, tenant_id: UUID) -> str:
        return _needs_string(tenant_id)

    def place(self, wanted: Placing) -> str:
        self._pull(wanted.tenant_id)
        asked.append(("place", wanted.from_e164, wanted.to_e164))
        return f"tug-{wanted.reference}"

    def hang_up(self, call: Call) -> None:
        self._pull(call.tenant_id)

    def look_up(self, call: Call) -> CallStatus | None:
        self._pull(call.tenant_id)
        return None

    def _pull(self, tenant_id: UUID) -> None:
        with tenant_scope(tenant_id):
            if missing := _needs_string(tenant_id):
                raise CarrierRefused(missing)


class TincanTexts:
    takes_replies = False

    def __init__(self, tenant_id: UUID) -> None:
        self._missing = _needs_string(tenant_id)

    def send(self, *, sender: str, to: str, text: str, reference: UUID, attempts: int = 1) -> str:
        if self._missing:
            raise CannotSend(self._missing, permanent=True)
        asked.append(("send", sender, to, text))
        return str(reference)

    def find(
        self, *, sender: str, to: str, text: str, reference: UUID, since: datetime.datetime
    ) -> list[str]:
        raise CannotSend("Nobody remembers what was said through a can.", permanent=True)


def recordings(tenant_id: UUID) -> Download:
    def download(recording_id: str, most_bytes: int) -> bytes:
        raise VendorError("A can keeps nothing.")

    return download


def provision(tenant_id: UUID, log: Log) -> None:
    with tenant_scope(tenant_id):
        if missing := _needs_string(tenant_id):
            raise VendorError(missing, fix="Take a longer one.")
    log.add("updated", "string", "pulled tight")


def examine(tenant_id: UUID) -> Iterator[Finding]:
    with tenant_scope(tenant_id):
        if missing := _needs_string(tenant_id):
            yield broken("TINCAN_WITHOUT_STRING", missing, "Take a longer one.")


CARRIER = Adapter(
    name="tincan",
    label="Tin can",
    secrets=(STRING,),
    open_leg=TincanLeg,
    media_paths=("media-stream/tincan",),
    urls="tests.contract.tincan.urls",
    wire_format=lambda provider: PCM16_8K,
    agent_format=PCM16_8K,
    dialer=TincanDialer(),
    texts=TincanTexts,
    recordings=recordings,
    simulator="tests.contract.tincan",
    is_simulated=lambda: True,
    provision=provision,
    examine=examine,
    addresses=lambda: {"string: other end": f"{settings.APP_BASE_URL}/api/webhooks/tincan/rung"},
    agent_setting="tincanAgentId",
)

"""Calls that we place, in tests: the exchange, with the carrier's REST API at its far end."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from telephony.models import Call, OutboundCall
from telephony.outbound import course, orders, placing
from telephony.simulators.twilio import TwilioRestSimulator
from telephony.simulators.twilio.callees import Callee
from telephony.simulators.twilio.switchboard import OutboundCall as TwilioCall
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.exchange import CALLER, Exchange, open_exchange, open_infobip_exchange
from tonris import demo

DAYTIME = datetime.datetime(2026, 11, 24, 17, 0, tzinfo=datetime.UTC)
"""Noon in New York."""


@dataclass
class Office:
    """Somebody who lets a business call people."""

    exchange: Exchange
    tenant: Tenant
    carrier: Any
    """What has `calls` and callees: Twilio's switchboard, or Infobip's simulator."""

    async def order(self, to: str = CALLER, **wish: Any) -> OutboundCall:
        """As the API does it: ordered, and placed at once."""
        wanted = orders.Wish(to=to, from_e164=self.exchange.number, **wish)
        ordered = await in_thread(placing.order_and_place, self.tenant.pk, wanted)
        return await self.look(ordered.order)

    async def call(self, to: str = CALLER, **wish: Any) -> tuple[OutboundCall, Any]:
        """The order when all is over, and the call as the carrier has seen it."""
        before = len(self.carrier.calls)
        order = await self.order(to, **wish)
        placed = self.carrier.calls[before]
        await placed.wait(60)
        return await self.settled(order), placed

    async def settled(self, order: OutboundCall) -> OutboundCall:
        """Once the streams are written down; what the worker does every few seconds."""
        async with asyncio.timeout(10):
            while await in_thread(self._is_streaming):
                await asyncio.sleep(0.05)
        await in_thread(course.tidy, self.tenant.pk)
        return await self.look(order)

    def _is_streaming(self) -> bool:
        with tenant_scope(self.tenant):
            rows = Call.objects.filter(direction=Call.Direction.OUTBOUND, stream_started_at__isnull=False)
            return rows.filter(stream_ended_at=None).exists()

    async def look(self, order: OutboundCall) -> OutboundCall:
        return await in_thread(self._look, order)

    def _look(self, order: OutboundCall) -> OutboundCall:
        with tenant_scope(self.tenant):
            return OutboundCall.objects.select_related("call__conversation", "number", "notification").get(
                pk=order.pk
            )

    async def kinds(self, call: Call) -> set[str]:
        def events() -> set[str]:
            with tenant_scope(self.tenant):
                return set(call.events.values_list("kind", flat=True))

        return await in_thread(events)


@contextlib.asynccontextmanager
async def open_twilio_office(
    tenant: Tenant, callee: Callee | None = None, **vendor: Any
) -> AsyncIterator[Office]:
    rest = TwilioRestSimulator(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, (demo.SALON.number,))
    async with open_exchange(**vendor) as exchange, rest:
        settings.TWILIO_BASE_URL = rest.base_url
        rest.switchboard.usual = callee or Callee()
        yield Office(exchange, tenant, rest.switchboard)


@contextlib.asynccontextmanager
async def open_infobip_office(
    tenant: Tenant, callee: Callee | None = None, **vendor: Any
) -> AsyncIterator[Office]:
    async with open_infobip_exchange(tenant, **vendor) as exchange:
        exchange.infobip.callee = callee or Callee()
        await in_thread(_configured, tenant)
        yield Office(exchange, tenant, exchange.infobip)


def _configured(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        row = Tenant.objects.get(pk=tenant.pk)
        row.settings["infobipCallsConfigurationId"] = "simulated"
        row.save()


__all__ = ["DAYTIME", "Office", "TwilioCall", "open_infobip_office", "open_twilio_office"]

"""What every agent's socket has, whoever the vendor is."""

import pytest
from websockets.asyncio.client import connect

from agents import vendor_socket
from agents.errors import AgentRefused
from agents.guarded_connection import GuardedConnection
from tests.agents.session_vendors import VENDORS


@pytest.mark.parametrize("vendor", [one() for one in VENDORS], ids=lambda vendor: vendor.provider)
async def test_what_waits_to_be_sent_to_a_vendor_is_bounded(vendor):
    async with vendor.serving():
        session = vendor.session()
        await session.open()
        assert isinstance(session._socket, GuardedConnection)
        await session.close()


async def test_the_certificate_store_is_read_once_and_not_for_each_call(monkeypatch):
    contexts = []

    def noting(url, **options):
        contexts.append(options["ssl"])
        return connect(url.replace("wss:", "ws:"), **{**options, "ssl": None})

    monkeypatch.setattr(vendor_socket, "connect", noting)
    vendor = VENDORS[0]()
    async with vendor.serving("refused"):
        for scheme in ("ws", "wss", "wss"):
            url = vendor.simulator.base_url.replace("http", scheme)
            with pytest.raises(AgentRefused):
                await vendor_socket.dial("Vendor", url, within_seconds=5)
    plain, first, second = contexts
    assert plain is None
    assert first is second is vendor_socket.tls()

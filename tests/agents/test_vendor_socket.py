"""What every agent's socket has, whoever the vendor is."""

import asyncio

import pytest
from trustme import CA
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.http11 import Request
from websockets.server import ServerProtocol

from agents import vendor_socket
from agents.errors import AgentRefused, AgentUnreachable
from agents.guarded_connection import GuardedConnection
from tests.agents.session_vendors import VENDORS
from tests.tls import presenting, trusted


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


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("127.0.0.1", True, "served"),
        ("vendor.example", True, "AgentUnreachable: WebSocket: SSLCertVerificationError"),
        ("127.0.0.1", False, "AgentUnreachable: WebSocket: SSLCertVerificationError"),
    ],
    ids=["its own certificate", "somebody else's", "of an authority that nobody knows"],
)
async def test_only_who_proves_to_be_the_vendor_is_spoken_to(name, known, found, tmp_path, monkeypatch):
    with trusted(tmp_path, monkeypatch) as authority:
        context = presenting(authority if known else CA(), name)
        async with serve(lambda socket: socket.send("served"), "127.0.0.1", 0, ssl=context) as vendor:
            port = vendor.sockets[0].getsockname()[1]
            assert await _answer_of(f"wss://127.0.0.1:{port}") == found


async def _answer_of(url: str) -> str | bytes:
    try:
        socket = await vendor_socket.dial("Vendor", url, within_seconds=5)
    except AgentUnreachable as error:
        return f"{type(error).__name__}: {error.reason}"
    try:
        return await socket.recv()
    finally:
        await vendor_socket.hang_up("Vendor", socket)


async def test_whoever_stops_hanging_up_leaves_no_socket_open():
    left = asyncio.Event()

    async def never_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        [request] = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        writer.writelines(protocol.data_to_send())
        try:
            while await reader.read(4096):
                pass
        except ConnectionResetError:
            pass
        left.set()
        writer.close()

    async with await asyncio.start_server(never_closes, "127.0.0.1", 0) as vendor:
        port = vendor.sockets[0].getsockname()[1]
        socket = await vendor_socket.dial("Vendor", f"ws://127.0.0.1:{port}", within_seconds=5)
        hanging_up = asyncio.create_task(vendor_socket.hang_up("Vendor", socket))
        await asyncio.sleep(0.05)
        assert not left.is_set()
        hanging_up.cancel()
        await asyncio.wait_for(left.wait(), vendor_socket.CLOSE_SECONDS / 2)
        assert hanging_up.cancelled()

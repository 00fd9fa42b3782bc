"""Bodies that are too large, declared or not, on a real server."""

import asyncio
import gc

import httpx2
import pytest
from django.core.exceptions import RequestAborted

from tests.exchange import serving
from tonris import body_limit

pytestmark = pytest.mark.django_db(transaction=True)
WEBHOOK = "/api/ai/webhook/elevenlabs"


async def answer_to(base_url: str, head: str, chunks: int, size: int, path: str = WEBHOOK) -> str:
    """The status line that a sender of so many chunks sees."""
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n\r\n".encode())
    try:
        for _ in range(chunks):
            writer.write(f"{size:x}\r\n".encode() + b"x" * size + b"\r\n")
            await writer.drain()
    except ConnectionError:
        pass  # the server has heard enough
    try:
        async with asyncio.timeout(5):
            return (await reader.readline()).decode()
    finally:
        writer.close()


async def test_a_declared_flood_is_refused_before_it_comes(settings):
    async with serving() as base_url:
        assert " 413 " in await answer_to(base_url, "Content-Length: 500000000", 0, 0)


async def test_an_undeclared_flood_is_cut_off(settings):
    async with serving() as base_url:
        assert " 413 " in await answer_to(base_url, "Transfer-Encoding: chunked", 40, 65_536)


CHUNKED = "Transfer-Encoding: chunked"
PROVEN = f"ElevenLabs-Signature: t=1,v0=00\r\n{CHUNKED}"


async def test_only_who_presents_a_proof_may_send_a_recording_and_only_where_they_go(settings):
    async with serving() as base_url:
        assert " 413 " in await answer_to(base_url, "Content-Length: 2000000", 0, 0)
        assert " 413 " in await answer_to(base_url, PROVEN, 17, 65_536, "/api/ai/tools/get_hours")
        assert " 413 " in await answer_to(
            base_url, "ElevenLabs-Signature: x\r\nContent-Length: 67108865", 0, 0
        )
        assert " 413 " in await answer_to(base_url, PROVEN, 1025, 65_536)


async def test_so_many_large_bodies_at_once_and_no_more(settings, monkeypatch):
    monkeypatch.setattr(body_limit, "LARGE_AT_ONCE", 1)
    monkeypatch.setattr(body_limit, "LARGE_SECONDS", 1.0)
    async with serving() as base_url:
        first = asyncio.create_task(answer_to(base_url, PROVEN, 17, 65_536))
        await asyncio.sleep(0.4)
        assert " 503 " in await answer_to(base_url, PROVEN, 17, 65_536)
        assert " 408 " in await first  # it never ended
        assert " 408 " in await answer_to(base_url, PROVEN, 17, 65_536)  # and its place is free again


async def test_requests_that_are_answered_leave_no_listener_that_failed(settings):
    """Django's task that waits for the client to leave is cancelled, and raises nothing that would keep it."""
    async with serving() as base_url, httpx2.AsyncClient(trust_env=False) as client:
        await client.get(base_url + "/healthz")
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                assert (await client.get(base_url + "/healthz")).status_code == 200
            kept = [one for one in gc.get_objects() if type(one) is RequestAborted]
        finally:
            gc.enable()
    assert kept == []

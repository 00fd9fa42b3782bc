"""Bodies that are too large, declared or not, on a real server."""

import asyncio

import pytest

from tests.exchange import serving

pytestmark = pytest.mark.django_db(transaction=True)
WEBHOOK = "/api/ai/webhook/elevenlabs"


async def answer_to(base_url: str, head: str, chunks: int, size: int) -> str:
    """The status line that a sender of so many chunks sees."""
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {WEBHOOK} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n\r\n".encode())
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

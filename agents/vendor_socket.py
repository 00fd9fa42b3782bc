"""The WebSocket to an agent's vendor: dialled, ended and spoken of in the same way, whoever the vendor is."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from functools import lru_cache

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI

from agents.errors import AgentRefused, AgentUnreachable
from agents.events import Spent
from agents.guarded_connection import GuardedConnection
from agents.session import Closing

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_REASON = 200


async def dial(
    vendor: str,
    url: str,
    *,
    within_seconds: float,
    headers: Mapping[str, str] | None = None,
    ping_seconds: float | None = None,
    max_waiting: int = 2,
    connection: type[ClientConnection] = GuardedConnection,
) -> ClientConnection:
    """At most `max_waiting` messages lie unread. Raises AgentRefused or AgentUnreachable."""
    try:
        return await connect(
            url,
            additional_headers=headers,
            open_timeout=within_seconds,
            close_timeout=CLOSE_SECONDS,
            ping_interval=ping_seconds,
            ping_timeout=ping_seconds,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=max_waiting,
            compression=None,
            proxy=None,
            ssl=tls() if url.startswith("wss:") else None,
            create_connection=connection,
        )
    except InvalidHandshake as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        raise AgentRefused(f"{vendor} refused the WebSocket", status) from None
    except (OSError, InvalidURI) as error:
        raise AgentUnreachable(f"WebSocket: {type(error).__name__}") from None


async def hang_up(vendor: str, socket: ClientConnection) -> None:
    """Never raises, and leaves nothing open behind a vendor that does not answer."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(1000)
    except (TimeoutError, OSError):
        logger.info("%s did not close its socket in time", vendor)
    finally:  # whoever is cancelled waits no longer
        socket.transport.abort()


def opened(socket: ClientConnection | None) -> ClientConnection:
    if socket is None:
        raise RuntimeError("the session is not open")
    return socket


def closing_of(socket: ClientConnection, spent: Spent | None = None) -> Closing:
    """How a socket that is closed was closed."""
    code, reason = socket.close_code, socket.close_reason
    return Closing(code if code is not None else 1006, (reason or "")[:MAX_REASON], spent)


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Reading the certificate store takes tens of milliseconds: once a process, not once a call."""
    return ssl.create_default_context()

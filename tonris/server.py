"""uvicorn with bounded buffers, and a shutdown that lets live calls finish.

No ASGI server waits for WebSockets by itself: on SIGTERM they are closed at once, mid-sentence.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from django.conf import settings
from django.urls import get_resolver

from agents.fast_lane.pump import library
from telephony import doorstep, live, scribe
from telephony.fast_lane import LaneProtocol
from telephony.guarded_socket import GuardedProtocol
from telephony.vendors import every_vendor
from tenants import trips
from tonris import collector, open_files

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 64 * 1024
POLL_SECONDS = 0.1
TICKS_A_LOOK = 10
"""uvicorn's own ticks, ten a second."""
HAND_ON_SECONDS = 5.0
ARRIVAL_SECONDS = 1.0
"""A connection that was accepted at the last moment may be a call that has not said so yet."""
SWITCH_SECONDS = 0.0002
"""For so long a thread that writes to the database may keep audio waiting; Python's own choice is 5 ms."""


class DrainingServer(uvicorn.Server):
    """On SIGTERM: no new calls, live ones go on until they end or the deadline passes. A second one hurries."""

    def __init__(self, config: uvicorn.Config, *, drain_seconds: float, keep_listening: bool) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self._keep_listening = keep_listening
        self._open_files = open_files.OpenFiles()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_LOOK == 0:
            self._open_files.look()
            collector.tidy()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        _settle()
        live.count_tasks_of(asyncio.get_running_loop())
        await trips.begin_all()
        await super().startup(sockets)
        _say_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        live.start_draining()
        if not self._keep_listening:
            for server in self.servers:
                server.close()
        await self._let_calls_finish()
        await scribe.write_all(HAND_ON_SECONDS)
        await super().shutdown(sockets)
        await trips.end_all()
        self._open_files.close()

    async def _let_calls_finish(self) -> None:
        began = time.monotonic()
        if live.count():
            logger.info("Draining: %d calls, at most %g s", live.count(), self._drain_seconds)
        # Polled: an event would have to be set from within every call.
        while not self.force_exit and (seconds := time.monotonic() - began) < self._drain_seconds:
            arriving = self.server_state.connections and seconds < ARRIVAL_SECONDS
            if not (live.count() or doorstep.count() or arriving):
                break
            await asyncio.sleep(POLL_SECONDS)
        live.hand_on()
        goodbye = time.monotonic() + HAND_ON_SECONDS
        while live.count() and time.monotonic() < goodbye:  # noqa: ASYNC110 - as above
            await asyncio.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a clean end is exit code 0: uvicorn raises the signal again when it is done."""
        handlers = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def _settle() -> None:
    """Load what the first request would."""
    open_files.allow_many()
    get_resolver().url_patterns  # noqa: B018 - a cached property, which imports every view
    every_vendor()
    if settings.MEDIA_FAST_LANE and settings.MEDIA_PUMP:
        library.loaded()  # and compiled, the first time
    collector.begin()
    sys.setswitchinterval(SWITCH_SECONDS)


def _say_ready() -> None:
    """To whoever started us and asks for it, as systemd and deploy/handover.py do.  Source: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices, contextlib.suppress(OSError):
        notices.sendto(
            f"READY=1\nMAINPID={os.getpid()}".encode(),
            f"\0{address[1:]}" if address.startswith("@") else address,
        )


def configuration(app: str, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """Small frames, no compression (a frame could unpack to a thousand times its size), pings, no proxy trust."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="auto",
        ws=LaneProtocol if settings.MEDIA_FAST_LANE else GuardedProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=10,
        ws_ping_timeout=10,
        lifespan="off",
        timeout_graceful_shutdown=5,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )


def run(
    app: str, *, host: str, port: int, drain_seconds: float, keep_listening: bool, fd: int | None = None
) -> None:
    """Serve until told to stop. `keep_listening`: HTTP that live calls need is answered while they drain.

    With `fd` on an inherited socket, which others may go on accepting from when we do not any more.
    """
    config = configuration(app, host=host, port=port)
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    DrainingServer(config, drain_seconds=drain_seconds, keep_listening=keep_listening).run(sockets)

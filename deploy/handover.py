#!/usr/bin/env python3
"""Media processes behind one port, replaced without a dropped call.

    python deploy/handover.py --port 8001 --release /srv/tonris/current      # a link, say
    kill -HUP <pid>                     # after a deploy: a process of the new release takes the new calls

It holds the listening socket and lends it to `manage.py media --fd`, so that no moment is without somebody who
accepts. The new process says that it is ready; then the old one is sent SIGTERM, accepts no more, carries its calls
to their end (DRAIN_SECONDS at most) and leaves. A process that ends by itself is started again. SIGTERM: the same
without a successor. Needs nothing but Python; what it starts is the release's own.
"""

import argparse
import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READY_SECONDS = 60.0
RESTART_SECONDS = 1.0
BACKLOG = 2048


def say(*words: object) -> None:
    sys.stderr.write(" ".join(map(str, words)) + "\n")


class Keeper:
    """One port, the process that accepts on it, and those that still carry calls."""

    def __init__(self, host: str, port: int, release: Path) -> None:
        self._release = release
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self._accepting: subprocess.Popen[bytes] | None = None
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._directory = tempfile.mkdtemp(prefix="tonris-media-")
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(f"{self._directory}/notify")
        self._wanted = {"replace": False, "stop": False}
        self._wake, self._woken = socket.socketpair()

    def run(self) -> int:
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, lambda *_: self._wanted.update(replace=True))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._wanted.update(stop=True))
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes us
        try:
            self._replace()
            while not self._wanted["stop"]:
                self._sleep(RESTART_SECONDS)
                self._leaving = [one for one in self._leaving if one.poll() is None]
                if self._wanted["replace"]:
                    self._wanted["replace"] = False
                    self._replace()
                elif self._accepting is None or self._accepting.poll() is not None:
                    say("media ended by itself: starting it again")
                    self._replace()
        finally:
            code = self._stop()
        return code

    def _replace(self) -> None:
        """Start the release's process; once it accepts, its predecessor leaves. One that fails changes nothing."""
        successor = self._start()
        if not self._is_ready(successor):
            say("the new media process is not ready: the old one stays")
            successor.kill()
            successor.wait()
            return
        predecessor, self._accepting = self._accepting, successor
        say("media process", successor.pid, "accepts")
        if predecessor is not None and predecessor.poll() is None:
            predecessor.send_signal(signal.SIGTERM)
            self._leaving.append(predecessor)
            say("media process", predecessor.pid, "carries its calls to their end")

    def _start(self) -> subprocess.Popen[bytes]:
        number = self._listener.fileno()
        return subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "manage.py", "media", "--fd", str(number)],
            cwd=self._release,
            env=os.environ | {"NOTIFY_SOCKET": f"{self._directory}/notify"},
            pass_fds=[number],
        )

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it says so in time, as systemd's services do."""
        deadline = time.monotonic() + READY_SECONDS
        self._notices.settimeout(0.2)
        while process.poll() is None and time.monotonic() < deadline and not self._wanted["stop"]:
            with contextlib.suppress(TimeoutError):
                if self._notices.recv(256) == f"READY=1\nMAINPID={process.pid}".encode():
                    return True
        return False

    def _sleep(self, seconds: float) -> None:
        """Or until a signal comes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            if selector.select(seconds):
                self._wake.recv(256)

    def _stop(self) -> int:
        processes = [*self._leaving, *([self._accepting] if self._accepting else [])]
        for one in processes:
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
        codes = [one.wait() for one in processes]
        Path(f"{self._directory}/notify").unlink()
        Path(self._directory).rmdir()
        return max(codes, default=0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument(
        "--release",
        type=Path,
        required=True,
        help="where manage.py is, such as /srv/tonris/current: a link is followed at each start",
    )
    options = parser.parse_args()
    return Keeper(options.host, options.port, options.release).run()


if __name__ == "__main__":
    sys.exit(main())

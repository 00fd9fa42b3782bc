"""The real thing, killed: every process of a running TONRIS with -9, then `up` again. No booking is lost."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tonris.embedded.ports import free_port
from tonris.home import BASE_DIR

CONFIGURED = (
    "DATABASE_",
    "REDIS_",
    "TWILIO_",
    "ELEVENLABS_",
    "DJANGO_",
    "DEBUG",
    "FIELD_",
    "TONRIS_",
    "APP_",
    "LOG_",
)


class Installation:
    """A TONRIS of its own, as `make run` starts one on a bare machine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        bare = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURED)}
        self.environ = {**bare, "TONRIS_HOME": str(home), "TONRIS_ENV_FILE": os.devnull}
        self.up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(BASE_DIR / "manage.py"), "up", "--no-call", f"--port={self.port}"]
        with (self.home.parent / "up.log").open("ab") as log:
            self.up = subprocess.Popen(
                command, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for(self.is_ready)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert self.up is not None
            assert self.up.poll() is None, (self.home.parent / "up.log").read_text()
            assert time.monotonic() < deadline, (self.home.parent / "up.log").read_text()
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            ready = httpx2.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False
        return ready and {"web", "worker"} <= set(self.state.get("pids", {}))

    @property
    def state(self) -> dict[str, Any]:
        try:
            return json.loads((self.home / "state.json").read_text())
        except (OSError, ValueError):
            return {}

    @property
    def pids(self) -> dict[str, int]:
        return self.state.get("pids", {})

    def book(self) -> dict[str, Any]:
        secret = json.loads((self.home / "development.json").read_text())["ELEVENLABS_WEBHOOK_SECRET"]
        headers = {"Authorization": f"Bearer {secret}"}
        tools = f"http://127.0.0.1:{self.port}/api/ai/tools/"
        agent = {"agent_id": "agent_demo_salon"}
        with httpx2.Client(trust_env=False, headers=headers, timeout=15) as client:
            service = {"serviceId": "87654321-4321-4321-4321-210987654321"}
            free = client.post(tools + "check_availability", json={**agent, **service}).json()
            wish = {"startTime": free["data"]["slots"][-1]["startTimeLocal"], **service, **agent}
            contact = {"customerName": "Grace", "customerPhone": "+15559876543"}
            return client.post(tools + "book_appointment", json={**wish, **contact}).json()

    def book_at_last(self) -> dict[str, Any]:
        """A request may still meet a connection to the server that died: the caller is told so, and asks again."""
        for _ in range(20):
            with contextlib.suppress(KeyError):
                return self.book()
            time.sleep(0.5)
        return self.book()

    def stop(self) -> int:
        assert self.up is not None
        self.up.send_signal(signal.SIGTERM)
        return self.up.wait(40)


@pytest.fixture
def installation(tmp_path):
    home = Path("/var/tmp") / f"tonris-survival-{os.getpid()}" / "home"  # noqa: S108 - servers' user must enter
    home.parent.mkdir(mode=0o755)
    made = Installation(home)
    yield made
    if made.up is not None and made.up.poll() is None:
        made.stop()
    command = [sys.executable, str(BASE_DIR / "manage.py"), "services", "stop", "--erase"]
    subprocess.run(command, env=made.environ, check=True, capture_output=True, timeout=60)
    shutil.rmtree(home.parent)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.long
@pytest.mark.timeout(180)
def test_killed_in_every_process_it_starts_again_and_has_lost_no_booking(installation):
    installation.start()
    booked = installation.book()
    assert booked["success"], booked
    pids = installation.state["pids"]
    assert {"up", "web", "media", "worker", "postgres", "redis", "simulators"} <= set(pids)
    for server in ("postgres", "redis"):  # `up` starts these again by itself
        os.kill(pids[server], signal.SIGKILL)
        installation.wait_for(
            lambda server=server: installation.pids.get(server, pids[server]) != pids[server]
        )
        installation.wait_for(installation.is_ready)
    again = installation.book_at_last()
    assert again["success"], again
    for pid in set(installation.pids.values()):
        os.kill(pid, signal.SIGKILL)
    installation.up.wait(5)
    installation.start()
    with psycopg.connect(installation.state["database_url"]) as connection, connection.transaction():
        connection.execute("SELECT set_config('app.platform', 'on', true)")
        kept = connection.execute("SELECT id::text FROM appointments_appointment").fetchall()
    assert {row[0] for row in kept} == {one["data"]["appointment"]["id"] for one in (booked, again)}
    pids = set(installation.pids.values())
    assert installation.stop() == 0
    assert [pid for pid in pids if alive(pid)] == []

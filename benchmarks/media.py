"""What carrying a call's audio costs, on the fast lane and without it.

Our media server has one core, as production would run it, with the calls of the demo salon; a process on another
core plays the callers and the agent (`benchmarks/media_load.py`). With `node` and its package `ws` at hand, a
bridge in the shape of the usual tutorials stands beside ours. CALLS=50,200,400 in the environment names the loads.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from telephony.calls import open_call
from telephony.dialplan import find_destination, route
from telephony.incoming import IncomingCall
from tonris import demo

CALLS = tuple(int(calls) for calls in os.environ.get("CALLS", "50,200,400").split(","))
SECONDS = 8
ROOT = Path(__file__).parent.parent
NODE_BRIDGE = Path(__file__).with_name("media_node.js")
API_KEY = "benchmarks-only"
SETTLE_SECONDS = 2.0

Line = tuple[str, ...]
HEADINGS = (
    "carrying calls",
    "us a frame",
    "to agent p50",
    "p95",
    "p99",
    "max ms",
    "to caller p50",
    "p95",
    "p99",
    "max ms",
    "lost",
    "unanswered",
    "KiB a call",
    "load late ms",
)


def set_up() -> None:
    settings.ELEVENLABS_API_KEY = API_KEY
    call_command("seed_demo", verbosity=0, stdout=open(os.devnull, "w"))  # noqa: SIM115


def run(_: None) -> Iterator[Line]:
    cores = _cores()
    for calls in CALLS:
        for name, lane in (("fast lane", "1"), ("ordinary path", "0")):
            with serving(lane, cores[0]) as (process, port, agent_port):
                yield (f"{name}, {calls} calls", *_measured(process, port, agent_port, calls, cores[-1]))
        if not _node_has_ws():
            continue
        with serving_node(cores[0]) as (process, port, agent_port):
            yield (f"Node ws, {calls} calls", *_measured(process, port, agent_port, calls, cores[-1]))
    if not _node_has_ws():
        yield ("Node ws", "no node with the package ws here: left out")
    if cores[0] == cores[-1]:
        yield ("one core only: the load shares it", "latencies are not the bridge's alone")


def _measured(process: subprocess.Popen[bytes], port: int, agent_port: int, calls: int, core: int) -> Line:
    starts = "".join(f"{json.dumps(start)}\n" for start in mint(calls))
    command = [sys.executable, "-m", "benchmarks.media_load", str(port), str(agent_port), str(SECONDS)]
    command += [str(process.pid), str(core)]
    done = subprocess.run(command, cwd=ROOT, input=starts.encode(), stdout=subprocess.PIPE, check=True)  # noqa: S603
    found: dict[str, Any] = json.loads(done.stdout)
    latencies = [f"{ms:.2f}" for way in ("up", "down") for ms in found[way]]
    return (
        f"{found['us_a_frame']:.1f}",
        *latencies,
        str(found["lost"]),
        str(found["unanswered"]),
        f"{found['kib_a_call']:.0f}",
        f"{found['late_ms']:.1f}",
    )


def mint(calls: int) -> Iterator[dict[str, Any]]:
    """So many calls that wait for their stream: what their `start` will say. Tokens live a minute."""
    path = route(find_destination(demo.SALON.number))
    for number in range(calls):
        sid = f"CA{time.monotonic_ns():026d}{number:06d}"
        token = open_call(IncomingCall(sid, "AC1", f"+1556{number:07}", demo.SALON.number), path)
        yield {"callSid": sid, "customParameters": {"token": token}}


@contextmanager
def serving(lane: str, core: int) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """Our media server: its process, its port, and the port where it looks for its agent."""
    port, agent_port = _free_port(), _free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        "TONRIS_ROLE": "web",
        "MEDIA_FAST_LANE": lane,
        "APP_BASE_URL": base_url,
        "ELEVENLABS_BASE_URL": f"http://127.0.0.1:{agent_port}",
        "ELEVENLABS_API_KEY": API_KEY,
        "LOG_LEVEL": "CRITICAL",
        "PYTHONWARNINGS": "ignore::UserWarning",
    }
    command = [sys.executable, "manage.py", "media", "--port", str(port)]
    with _running(command, environment, core, port) as process:
        yield process, port, agent_port


@contextmanager
def serving_node(core: int) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    port, agent_port = _free_port(), _free_port()
    environment = {"PORT": str(port), "AGENT_PORT": str(agent_port)}
    with _running(["node", str(NODE_BRIDGE)], environment, core, port) as process:
        yield process, port, agent_port


@contextmanager
def _running(
    command: list[str], environment: dict[str, str], core: int, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)  # noqa: S603
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {core})
        _await_listener(process, port)
        time.sleep(SETTLE_SECONDS)
        yield process
    finally:
        process.kill()  # its calls are over, and what it would drain is ours
        process.wait()


def _await_listener(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the bridge does not listen")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def _node_has_ws() -> bool:
    if shutil.which("node") is None:
        return False
    found = subprocess.run(["node", "-e", "require('ws')"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    return found.returncode == 0

"""What carrying a call's audio costs, on the fast lane and without it.

Our media server has one core, as production would run it, with the calls of the demo salon; a process on another
core plays the callers and the agent (`benchmarks/media_load.py`). Beside it stand a relay that passes bytes unread, and
with `node` and its package `ws` at hand (NODE_PATH) a bridge in the shape of the usual tutorials. What matters are the
ratios within a run: a shared machine is twice as slow at one time as at another.

In the environment: CALLS=50,100,200,400 names the loads, REPEATS=3 takes the median of so many runs.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from telephony.calls import note_session, open_call
from telephony.dialplan import find_destination, route
from telephony.incoming import IncomingCall
from tenants.scoping import tenant_scope
from tonris import demo

CALLS = tuple(int(calls) for calls in os.environ.get("CALLS", "50,100,200,400").split(","))
REPEATS = int(os.environ.get("REPEATS", "1"))
SECONDS = 6
LONGEST_SECONDS = 180
"""A run that takes longer than this has failed: every call waits for one that is never answered, say."""
ROOT = Path(__file__).parent.parent
NODE_BRIDGE = Path(__file__).with_name("media_node.js")
API_KEY = "benchmarks-only"
SETTLE_SECONDS = 2.0

NODE, RELAY = "Node ws", "raw relay"
P99 = 2
"""Of the load's percentiles."""

Line = tuple[str, ...]
Found = dict[str, Any]
Running = tuple[subprocess.Popen[bytes], int, int]
"""A bridge's process, its port, and the port where it looks for its agent."""
HEADINGS = (
    "carrying calls",
    "us a frame",
    "x Node",
    "x relay",
    "to agent p50",
    "p95",
    "p99",
    "max ms",
    "to caller p50",
    "p95",
    "p99",
    "max ms",
    "clear p99",
    "pong p99",
    "lost",
    "unanswered",
    "KiB a call",
    "set-up ms",
    "load late ms",
)


def set_up() -> None:
    settings.ELEVENLABS_API_KEY = API_KEY
    call_command("seed_demo", verbosity=0, stdout=open(os.devnull, "w"))  # noqa: SIM115


def run(_subject: None) -> Iterator[Line]:
    first, *_, last = *cores(), *cores()
    bridges = serving_each(first)
    for calls in CALLS:
        found = {name: _median(serve, calls, last) for name, serve in bridges.items()}
        for name, one in found.items():
            yield (f"{name}, {calls} calls", *_line(one, found))
    if NODE not in bridges:
        yield (NODE, "no node with the package ws here: left out")
    if first == last:
        yield ("one core only: the load shares it", "latencies are not the bridge's alone")


def serving_each(core: int) -> dict[str, Callable[[], AbstractContextManager[Running]]]:
    """What can be measured here, by name."""
    bridges: dict[str, Callable[[], AbstractContextManager[Running]]] = {
        RELAY: lambda: serving_relay(core),
        NODE: lambda: serving_node(core),
        "fast lane": lambda: serving(core),
        "without the pump": lambda: serving(core, pump="0"),
        "ordinary path": lambda: serving(core, lane="0"),
    }
    if not _node_has_ws():
        del bridges[NODE]
    return bridges


def _median(serve: Callable[[], AbstractContextManager[Running]], calls: int, core: int) -> Found:
    """Of several runs the one with the median cost; each has a new process."""
    runs = []
    for _ in range(REPEATS):
        with serve() as bridge:
            runs.append(measure(bridge, calls, core))
    middle = statistics.median_low(found["us_a_frame"] for found in runs)
    return next(found for found in runs if found["us_a_frame"] == middle)


def measure(bridge: Running, calls: int, core: int) -> Found:
    process, port, agent_port = bridge
    starts = "".join(f"{json.dumps(start)}\n" for start in mint(calls, agent_port))
    command = [sys.executable, "-m", "benchmarks.media_load", str(port), str(agent_port), str(SECONDS)]
    command += [str(process.pid), str(core)]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=ROOT,
        input=starts.encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=LONGEST_SECONDS,
    )
    found: Found = json.loads(done.stdout)
    return found


def _line(found: Found, beside: dict[str, Found]) -> Line:
    def times(name: str) -> str:
        other = beside.get(name)
        return f"{found['us_a_frame'] / other['us_a_frame']:.2f}" if other else "-"

    latencies = [f"{ms:.2f}" for way in ("up", "down") for ms in found[way]]
    return (
        f"{found['us_a_frame']:.1f}",
        times(NODE),
        times(RELAY),
        *latencies,
        *(f"{found[way][P99]:.2f}".replace("nan", "-") for way in ("clear", "pong")),
        str(found["lost"]),
        str(found["unanswered"]),
        f"{found['kib_a_call']:.0f}",
        f"{found['set_up_ms']:.1f}",
        f"{found['late_ms']:.1f}",
    )


def mint(calls: int, agent_port: int) -> Iterator[dict[str, Any]]:
    """So many calls that wait for their stream: what their `start` will say. Tokens live a minute.

    Their agents' sessions have been asked for, as they are while a carrier connects (`telephony/head_start.py`).
    """
    path = route(find_destination(demo.SALON.number))
    for number in range(calls):
        sid = f"CA{time.monotonic_ns():026d}{number:06d}"
        token = open_call(IncomingCall(sid, "AC1", f"+1556{number:07}", demo.SALON.number), path)
        with tenant_scope(path.tenant_id):
            note_session(token or "", f"ws://127.0.0.1:{agent_port}/conversation")
        yield {"callSid": sid, "customParameters": {"token": token, "tenant_id": str(path.tenant_id)}}


@contextmanager
def serving(core: int, *, lane: str = "1", pump: str = "1") -> Iterator[Running]:
    """Our media server."""
    port, agent_port = _free_port(), _free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        "TONRIS_ROLE": "web",
        "MEDIA_FAST_LANE": lane,
        "MEDIA_PUMP": pump,
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
def serving_relay(core: int) -> Iterator[Running]:
    port, agent_port = _free_port(), _free_port()
    command = [sys.executable, "-m", "benchmarks.media_relay", str(port), str(agent_port)]
    with _running(command, {}, core, port) as process:
        yield process, port, agent_port


@contextmanager
def serving_node(core: int) -> Iterator[Running]:
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


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def _node_has_ws() -> bool:
    if shutil.which("node") is None:
        return False
    found = subprocess.run(["node", "-e", "require('ws')"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    return found.returncode == 0

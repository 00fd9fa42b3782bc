"""`up` with stand-ins for web, worker and call: small programs that do as they are told.

The servers are real in one test; the others name some in the environment that are never contacted.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tonris import home, supervisor
from tonris.embedded import processes
from tonris.embedded.ports import free_port
from tonris.supervisor.address import choose_port
from tonris.supervisor.console import Console
from tonris.supervisor.leftovers import find_children, stop_children
from tonris.supervisor.lock import UpLock

DRIVER = """
import os, sys
from tonris.supervisor import AddressError, AlreadyRunning, Plan, Program, bring_up, leftovers, run

leftovers.STEPS = ((leftovers.STEPS[0][0], 0.5), leftovers.STEPS[1])
run.READY_SECONDS = float(os.environ.get("READY_SECONDS", "30"))

directory, drain, *options = sys.argv[1:]

def program(name, *words, grace=5.0):
    return Program(name, (sys.executable, "-S", f"{directory}/{name}.py", *words), grace_seconds=grace)

def plan_for(port):
    children = (program("web", str(port), grace=float(drain)), program("worker"))
    return Plan(program("migrate"), program("seed"), children, program("call"), simulator_ports={"elevenlabs": 4321})

try:
    sys.exit(bring_up(plan_for, port=0, once="--once" in options, place_call="--no-call" not in options))
except (AddressError, AlreadyRunning) as error:
    sys.exit(str(error))
"""

WEB = """
import http.server, signal, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass

print("web listens", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""

# A worker with a child of its own, as Celery's has.
WORKER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("worker works", flush=True)
time.sleep(600)
"""

STUBBORN_WEB = WEB.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")


@dataclass
class Up:
    """One running `up`, and the processes it has told of."""

    process: subprocess.Popen[str]
    home: Path
    output: list[str] = field(default_factory=list)

    def read_until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if text in line:
                return
        raise AssertionError(f"{text!r} was never said:\n{''.join(self.output)}")

    def end(self, *signals: signal.Signals) -> int:
        for which in signals:
            self.process.send_signal(which)
            time.sleep(0.2)
        rest, _ = self.process.communicate(timeout=20)
        self.output.append(rest)
        return self.process.returncode

    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "state.json").read_text()))

    @property
    def said(self) -> str:
        return "".join(self.output)


class Stage:
    """A working directory with its programs."""

    def __init__(self, directory: Path) -> None:
        self.home = directory
        self.started: list[Up] = []
        for name, text in {
            "web": WEB,
            "worker": WORKER,
            "migrate": "",
            "seed": "print('password: x')",
        }.items():
            self.program(name, text)
        self.program("call", "print('Hello, Test Salon.')")

    def program(self, name: str, text: str) -> None:
        (self.home / f"{name}.py").write_text(text)

    def up(self, *options: str, drain: float = 5.0, **environ: str) -> Up:
        own = {"DATABASE_URL": "postgresql://nowhere/x", "REDIS_URL": "redis://nowhere", **environ}
        own["DATABASE_OWNER_URL"] = ""
        inherited = {name: value for name, value in os.environ.items() if name != "APP_BASE_URL"}
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.home), str(drain), *options],
            cwd=home.BASE_DIR,
            env={**inherited, "TONRIS_HOME": str(self.home), **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(Up(process, self.home))
        return self.started[-1]

    def ours(self) -> list[str]:
        """The command lines of all living processes that mention this directory."""
        pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        return [command for pid in pids if str(self.home) in (command := processes.command_line(pid))]

    def close(self) -> None:
        for up in self.started:
            if up.process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    up.end(signal.SIGTERM, signal.SIGTERM)
                up.process.kill()
                up.process.communicate()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    directory = Path(tempfile.mkdtemp(prefix="tonris-up-"))
    directory.chmod(0o755)  # root's servers run as another user
    monkeypatch.setenv("TONRIS_HOME", str(directory))
    stage = Stage(directory)
    yield stage
    stage.close()
    left = stage.ours()
    shutil.rmtree(directory)
    assert left == []


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


def test_up_serves_calls_and_ends_without_a_trace(stage: Stage) -> None:
    up = stage.up()
    up.read_until("TONRIS is up: http://127.0.0.1:")
    state = up.state()
    assert state["database_url"] == state["database_owner_url"] == "postgresql://nowhere/x"
    assert state["redis_url"] == "redis://nowhere"
    assert state["app_base_url"] == f"http://127.0.0.1:{state['http_port']}"
    assert state["elevenlabs_base_url"] == "http://127.0.0.1:4321"
    assert state["pids"].keys() == {"up", "web", "media", "worker"}
    assert state["pids"]["media"] == state["pids"]["web"]
    assert (stage.home / "state.json").stat().st_mode & 0o777 == 0o600
    assert "\npassword: x\n" in up.said
    assert "\nHello, Test Salon.\n" in up.said
    assert re.search(r"^web +\| web listens$", up.said, re.MULTILINE)

    assert up.end(signal.SIGINT) == 0
    assert up.said.endswith("Stopped.\n")
    assert up.state() == {}
    assert stage.ours() == []


def test_the_lines_of_a_child_are_kept_and_secrets_printed_by_seed_are_not(stage: Stage) -> None:
    assert (up := stage.up("--once")).end() == 0
    logs = {path.name: path.read_text() for path in (stage.home / "logs").iterdir()}
    assert logs.keys() == {"web.log", "worker.log"}
    assert "web listens" in logs["web.log"]
    assert "password: x" in up.said


def test_a_second_up_is_refused_and_told_where_the_first_is(stage: Stage) -> None:
    first = stage.up("--no-call")
    first.read_until("TONRIS is up")
    second = stage.up()
    assert second.end() == 1
    port = first.state()["http_port"]
    assert second.said == (
        f"TONRIS is already running here: http://127.0.0.1:{port} (process {first.process.pid}). "
        "Stop it with Ctrl-C where it runs, or use its address.\n"
    )
    assert first.process.poll() is None


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 3)])
def test_once_ends_with_the_result_of_the_call(stage: Stage, code: int, expected: int) -> None:
    stage.program("call", f"print('Hello, Test Salon.'); raise SystemExit({code})")
    up = stage.up("--once")
    assert up.end() == expected
    assert "Hello, Test Salon." in up.said
    assert "TONRIS is up" not in up.said


def test_a_failed_migration_is_shown_and_ends_it(stage: Stage) -> None:
    stage.program("migrate", "raise SystemExit('no such column')")
    up = stage.up()
    assert up.end() == 1
    assert "The migrations failed:\n  no such column" in up.said


def test_a_web_process_that_never_gets_ready_is_shown_and_ends_it(stage: Stage) -> None:
    stage.program("web", "raise SystemExit('no module named salon')")
    up = stage.up(READY_SECONDS="1")
    assert up.end() == 1
    assert "The web process was not ready within 1 s." in up.said
    assert "\n  no module named salon" in up.said
    assert "Hello, Test Salon." not in up.said


def test_a_child_that_dies_is_started_again(stage: Stage) -> None:
    up = stage.up("--no-call")
    up.read_until("TONRIS is up")
    before = up.state()["pids"]["worker"]
    os.kill(before, signal.SIGKILL)
    up.read_until("worker ended (SIGKILL); it is started again in 1 s")
    up.read_until("worker works")
    wait_for(lambda: up.state()["pids"].get("worker", before) != before)
    assert up.end(signal.SIGTERM) == 0


def test_a_second_ctrl_c_hurries(stage: Stage) -> None:
    stage.program("web", STUBBORN_WEB)
    up = stage.up("--no-call", drain=60)
    up.read_until("TONRIS is up")
    started = time.monotonic()
    assert up.end(signal.SIGINT, signal.SIGINT) == 0
    assert time.monotonic() - started < 5


def test_ctrl_c_while_it_starts_ends_it(stage: Stage) -> None:
    stage.program("seed", "import time; print('seeding', flush=True); time.sleep(60)")
    up = stage.up()
    up.read_until("seeding")
    assert up.end(signal.SIGINT) == 0


def test_children_end_with_an_up_that_is_killed(stage: Stage) -> None:
    up = stage.up("--no-call")
    up.read_until("TONRIS is up")
    web = up.state()["pids"]["web"]
    up.end(signal.SIGKILL)
    assert processes.wait_gone(web, 5)
    assert stop_children(up.state()) == ["worker"]  # what it forked had no parent's death to notice


def test_the_next_up_ends_what_a_killed_one_left(stage: Stage) -> None:
    stage.program("web", STUBBORN_WEB)
    first = stage.up("--no-call")
    first.read_until("TONRIS is up")
    web = first.state()["pids"]["web"]
    first.end(signal.SIGKILL)
    assert processes.is_alive(web)
    second = stage.up("--once", drain=0.5)
    second.read_until("Ended what an earlier run left: web")
    assert not processes.is_alive(web)
    assert second.end() == 0


def test_a_pid_that_became_somebody_elses_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        state = {"pids": {"web": stranger.pid}, "commands": {"web": [sys.executable, "manage.py", "serve"]}}
        assert list(find_children(state)) == []
        assert stop_children(state) == []
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize(
    "state", [{}, {"pids": None}, {"pids": {}, "commands": {"web": ["x"]}}, {"commands": 3}]
)
def test_a_spoilt_state_names_no_children(state: dict[str, Any]) -> None:
    assert list(find_children(state)) == []


def test_real_servers_come_up_and_go_down_with_it(stage: Stage) -> None:
    up = stage.up("--no-call", DATABASE_URL="", REDIS_URL="")
    up.read_until("TONRIS is up")
    state = up.state()
    assert state["database_url"].startswith("postgresql://tonris_app:")
    assert state["database_owner_url"].startswith("postgresql://tonris_owner:")
    assert state["redis_url"].startswith("redis://:")
    servers = [state["pids"]["postgres"], state["pids"]["redis"]]
    assert all(map(processes.is_alive, servers))
    shown = "\n".join(supervisor.status())
    assert all(str(pid) in shown for pid in {*state["pids"].values()})

    up.end(signal.SIGKILL)
    assert all(map(processes.is_alive, servers))  # they survive, and are stopped by name or by the next start
    said = list(supervisor.stop_everything())
    assert any("Stopped postgres" in line for line in said)
    assert not any(map(processes.is_alive, servers))
    assert list(supervisor.stop_everything()) == ["Nothing of TONRIS was running here."]
    assert list(supervisor.status()) == ["Nothing of TONRIS runs here. `make run` starts it."]
    # Both servers' data; and their programs, where a checkout that is closed to their user had them copied.
    kept = {path for path in stage.home.iterdir() if path.is_dir() and path.name != "logs"}
    assert len({path for path in kept if path.name != "programs"}) == 2
    assert set(supervisor.erase()) == {f"Removed {path}" for path in kept}
    assert not [path for path in stage.home.iterdir() if path.is_dir() and path.name != "logs"]


def test_services_stop_ends_a_running_up(stage: Stage) -> None:
    up = stage.up("--no-call")
    up.read_until("TONRIS is up")
    assert list(supervisor.stop_everything()) == [f"Asking `up` (process {up.process.pid}) to stop"]
    assert up.end() == 0


def test_a_taken_port_is_refused_when_asked_for_and_passed_over_when_not() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(supervisor.AddressError, match=f"Port {port} is in use"):
            choose_port("127.0.0.1", port)
    assert choose_port("127.0.0.1", None) in range(8000, 8011)
    assert choose_port("127.0.0.1", 0) > 1023
    with pytest.raises(supervisor.AddressError, match=r"Cannot listen on 192\.0\.2\.1"):
        choose_port("192.0.2.1", free_port())


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    lock, other = UpLock(tmp_path / "up.lock"), UpLock(tmp_path / "up.lock")
    assert other.holder() is None
    assert lock.acquire()
    assert not other.acquire()
    assert other.holder() == (os.getpid(), "")
    assert "is already starting here" in other.refusal()
    lock.announce("http://127.0.0.1:8000")
    assert other.holder() == (os.getpid(), "http://127.0.0.1:8000")
    lock.release()
    assert other.holder() is None
    assert other.acquire()
    other.release()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_stays_below_the_lines_written_meanwhile() -> None:
    terminal = Terminal()
    console = Console(terminal)
    with console.step("Starting web") as step:
        console.child_line("web", "hello")
        step.text = "Ready: web"
    shown = terminal.getvalue()
    assert re.search(
        r"Starting web \.\.\.\r\x1b\[K\x1b\[36mweb {12} \|\x1b\[0m hello\n  Starting web \.\.\.", shown
    )
    assert re.search(r"  Ready: web \(\d\.\d s\)\n$", shown)


def test_no_colour_where_there_is_no_terminal() -> None:
    out = StringIO()
    console = Console(out)
    with contextlib.suppress(RuntimeError), console.step("Starting web"):
        console.child_line("web", "hello")
        raise RuntimeError
    assert re.fullmatch(r"web {12} \| hello\n  Starting web: not done \(\d\.\d s\)\n", out.getvalue())


def test_a_reader_that_has_gone_away_stops_nothing() -> None:
    out = StringIO()
    console = Console(out)
    out.close()
    console.line("nobody reads this")


def test_the_standard_plan_runs_migrations_as_the_owner_and_the_simulator_only_when_asked() -> None:
    plan = supervisor.standard_plan("127.0.0.1", 8000)
    assert plan.migrate.role == "migrate"
    assert [child.name for child in plan.children] == ["web", "worker"]
    assert [child.role for child in plan.children] == ["web", "worker"]
    with_simulator = supervisor.standard_plan("127.0.0.1", 8000, simulator_ports={"elevenlabs": 9})
    assert with_simulator.children[-1].command[-2:] == ("simulate_vendors", "--elevenlabs-port=9")
    with_both = supervisor.standard_plan("127.0.0.1", 8000, simulator_ports={"elevenlabs": 9, "twilio": 8})
    assert with_both.children[-1].command[-2:] == ("--elevenlabs-port=9", "--twilio-port=8")
    with_all = supervisor.standard_plan(
        "127.0.0.1", 8000, simulator_ports={"elevenlabs": 9, "openai": 7, "twilio": 8}
    )
    assert with_all.children[-1].command[-3:] == ("--elevenlabs-port=9", "--openai-port=7", "--twilio-port=8")

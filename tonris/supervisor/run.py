"""The order of things under `manage.py up`, from an empty directory to a phone call, and back to nothing.

Everything runs in one thread but the start of the servers, which waits. The first signal asks for an orderly
end, the second for a quick one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tonris.embedded import EmbeddedError, Launcher, log_file
from tonris.embedded.logs import tail
from tonris.home import HomeError, home, write_state

from .address import reachable
from .children import Child, run_once
from .console import Console
from .plan import Plan

READY_SECONDS = 30.0
WATCH_SECONDS = 1.0
PREPARE_SECONDS = 600.0
CALL_SECONDS = 180.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_Result = TypeVar("_Result")


class StartFailed(Exception):
    """A step on the way up failed; the message tells which and shows why."""


class Supervisor:
    """One run of TONRIS on this machine. The caller holds the lock and has found the port free."""

    def __init__(
        self,
        plan: Plan,
        console: Console,
        *,
        host: str,
        port: int,
        place_call: bool = True,
        once: bool = False,
        summary: Callable[[str], None] = lambda _: None,
        environ: Mapping[str, str] = os.environ,
        launcher: Launcher | None = None,
    ) -> None:
        self.plan = plan
        self.console = console
        self.address = (reachable(host), port)
        self.place_call = place_call
        self.once = once
        self.summary = summary
        self.environ = environ
        self.launcher = launcher or Launcher(environ)
        self.children: list[Child] = []
        self._stopping = False
        self._hurry = asyncio.Event()
        self._state: dict[str, Any] = {}

    def run(self) -> int:
        """Bring everything up, stay, and take everything down again; the exit code."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        work = asyncio.create_task(self._work())
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # under nohup
            loop.add_signal_handler(number, self._interrupted, work)
        try:
            return await work
        except asyncio.CancelledError:
            return (
                130 if self.once else 0
            )  # stopping is how `up` ends; a demo that was stopped proved nothing
        except (StartFailed, EmbeddedError, HomeError) as error:
            self.console.line(f"\n{error}\n")
            return 1
        finally:
            await self._shut_down()

    def _interrupted(self, work: asyncio.Task[int]) -> None:
        if self._stopping:
            self._hurry.set()
        else:
            self._stopping = True
            self.console.line("\nStopping. A call that is under way may end first; Ctrl-C again hurries.")
            work.cancel()

    # --- up

    async def _work(self) -> int:
        await self._start_servers()
        await self._migrate()
        await self._seed()  # before anybody can ask: who is ready knows the demo numbers
        await self._start_children()
        code = await self._demo_call() if self.place_call else 0
        if self.once:
            return code
        self.summary(self._state["app_base_url"])
        return await self._watch_servers()  # until a signal cancels it

    async def _watch_servers(self) -> int:
        """Children are watched by themselves; the servers, which may outlive us, are looked at."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                revived = await _in_thread(self.launcher.revive)
            except EmbeddedError as error:
                self.console.line(f"A server that died does not start again: {error}")
                continue
            for name in revived:
                self.console.line(f"{name} had died; it is started again")
            if revived:
                self._write_state()

    async def _start_servers(self) -> None:
        for what, start in (
            ("Starting PostgreSQL", self.launcher.start_postgres),
            ("Starting Redis", self.launcher.start_redis),
        ):
            with self.console.step(what) as step:
                step.text = await _in_thread(start)
        host, port = self.address
        services = self.launcher.services
        self._state = {
            "database_url": services.database_url,
            "database_owner_url": services.database_owner_url,
            "redis_url": services.redis_url,
            "http_port": port,
            "app_base_url": self.environ.get("APP_BASE_URL") or f"http://{host}:{port}",
        }
        for vendor, simulator_port in self.plan.simulator_ports.items():
            self._state[f"{vendor}_base_url"] = f"http://127.0.0.1:{simulator_port}"
        self._write_state()

    async def _migrate(self) -> None:
        with self.console.step("Migrating the database") as step:
            said: list[str] = []
            code = await run_once(self.plan.migrate, self._environment(), said.append, PREPARE_SECONDS)
            if code != 0:
                raise StartFailed("The migrations failed:\n" + "\n".join(f"  {line}" for line in said[-15:]))
            step.text = "The database is up to date"

    async def _seed(self) -> None:
        with self.console.step("Making the demo businesses") as step:
            code = await run_once(self.plan.seed, self._environment(), self.console.line, PREPARE_SECONDS)
            if code != 0:
                raise StartFailed(f"The demo data failed (exit code {code}); its output is above.")
            step.text = "The demo businesses are there"

    async def _start_children(self) -> None:
        env = self._environment()
        self.children = [
            Child(program, env, self.console, self._write_state) for program in self.plan.children
        ]
        names = ", ".join(program.name for program in self.plan.children)
        with self.console.step(f"Starting {names}") as step:
            for child in self.children:
                await child.start()
            await self._wait_ready()
            step.text = f"Ready: {names}"

    async def _wait_ready(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while await _status(*self.address, "/readyz") != 200:  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
                return
        web = self.plan.children[0].name
        raise StartFailed(
            f"The web process was not ready within {READY_SECONDS:.0f} s. The end of {log_file(web)}:\n"
            f"{tail(log_file(web), 15)}"
        )

    async def _demo_call(self) -> int:
        self.console.line("\nA demo call: someone dials the salon's number.\n")
        code = await run_once(self.plan.call, self._environment(), self.console.line, CALL_SECONDS)
        if code != 0:
            self.console.line(f"\nThe demo call failed (exit code {code}). Logs: {home() / 'logs'}")
        return code

    # --- down

    async def _shut_down(self) -> None:
        """In the order in which work arrives: no new calls, then no new tasks, then the servers."""
        self._stopping = True
        for web in self.children[:1]:
            await web.stop(self._hurry)
        await asyncio.gather(*(child.stop(self._hurry) for child in self.children[1:]))
        await self._stop_servers()
        with contextlib.suppress(HomeError):
            write_state({})
        self.console.line("Stopped.")

    async def _stop_servers(self) -> None:
        stopping = asyncio.create_task(asyncio.to_thread(self.launcher.stop, hurry=self._hurry.is_set()))
        hurrying = asyncio.create_task(self._hurry.wait())
        await asyncio.wait([stopping, hurrying], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await asyncio.to_thread(self.launcher.stop, hurry=True)
        hurrying.cancel()
        await stopping

    # --- what is written down

    def _environment(self) -> dict[str, str]:
        """What the children add to the environment they inherit."""
        ours = {
            name.upper(): self._state[name] for name in ("database_url", "database_owner_url", "redis_url")
        }
        return {
            **self.environ,
            **ours,
            "DRAIN_SECONDS": str(self.plan.drain_seconds),
            "APP_BASE_URL": self._state["app_base_url"],
            "TONRIS_HOME": str(home()),
            "PYTHONUNBUFFERED": "1",
        }

    def _write_state(self) -> None:
        """The addresses, and who runs now."""
        pids = {"up": os.getpid()}
        servers = self.launcher.services
        if servers.postgres:
            pids["postgres"] = servers.postgres.pid
        if servers.redis:
            pids["redis"] = servers.redis.pid
        running = {child.program: child.pid for child in self.children if child.pid}
        pids |= {program.name: pid for program, pid in running.items()}
        if "web" in pids:
            pids["media"] = pids["web"]  # one process serves both here
        commands = {program.name: program.command for program in running}
        write_state({**self._state, "pids": pids, "commands": commands})


async def _in_thread(function: Callable[[], _Result]) -> _Result:
    """Run something that waits. When cancelled, first let it finish: what it started must be known."""
    task = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await task
        raise


async def _status(host: str, port: int, path: str) -> int:
    """The HTTP status of a GET; 0 when nobody answers properly. Never through a proxy."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            words = (await reader.readline()).split()
            return int(words[1]) if len(words) > 1 else 0
    except (OSError, TimeoutError, ValueError):
        return 0
    finally:
        if writer:
            writer.close()

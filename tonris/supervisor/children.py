"""One child process: started, its output passed on, started again when it dies, stopped when asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tonris.embedded import log_file, processes, tether
from tonris.embedded.logs import open_log
from tonris.home import BASE_DIR

from .console import Console
from .plan import Program

LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
LARGEST_LINE = 1 << 20

Write = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """A process that was started, and the pipe that its output comes through."""

    process: Process
    output: asyncio.StreamReader
    pipe: asyncio.ReadTransport

    async def pass_on(self, write: Write) -> None:
        """Hand every line of the output to `write`, until nobody can write to it any more."""
        rest = b""
        while chunk := await self.output.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LARGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                write(line.decode("utf-8", "replace").rstrip("\r"))
        if rest:
            write(rest.decode("utf-8", "replace"))

    async def end(self) -> None:
        """Kill the process, if it still runs, and whatever is left of its group."""
        processes.kill_group(self.process.pid)
        await self.process.wait()


async def spawn(program: Program, env: Mapping[str, str]) -> Running:
    """Start a program that a terminal's Ctrl-C does not reach and that does not outlive us.

    The pipe is our own: asyncio's would make wait() wait for everybody who holds its other end, and a killed
    worker's children do.
    """
    read_end, write_end = os.pipe()
    pipe = os.fdopen(read_end, "rb", 0)
    keep_user = ("-1", "-1")
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(tether.__file__)),
            *(str(os.getpid()), str(int(signal.SIGTERM)), *keep_user),
            *program.command,
            stdin=DEVNULL,
            stdout=write_end,
            stderr=STDOUT,
            cwd=BASE_DIR,
            env={**env, "TONRIS_ROLE": program.role},
            start_new_session=True,
        )
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(write_end)
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), pipe
    )
    return Running(process, output, transport)


async def run_once(program: Program, env: Mapping[str, str], write: Write, seconds: float) -> int:
    """Run a program to its end; its exit code. After so many seconds it is killed, and the code is 1."""
    running = await spawn(program, env)
    try:
        async with asyncio.timeout(seconds):
            return await _follow(running, write)
    except TimeoutError:
        write(f"{program.name} did not end within {seconds:.0f} s")
        return 1
    finally:
        await running.end()


async def _follow(running: Running, write: Write) -> int:
    """Pass its output on until it ends; its exit code."""
    output = asyncio.create_task(running.pass_on(write))
    try:
        code = await running.process.wait()
        await running.end()  # what it started ends with it, or the next one would find it in its way
        await asyncio.wait([output], timeout=1)
        return code
    finally:
        await _cancel(output)
        running.pipe.close()


class Child:
    """A program that is kept running."""

    def __init__(
        self,
        program: Program,
        env: Mapping[str, str],
        console: Console,
        on_change: Callable[[], None],
    ) -> None:
        self.program = program
        self._env = env
        self._console = console
        self._on_change = on_change
        self._stopping = False
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The pid while the process runs."""
        process = self._running.process if self._running else None
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the process and keep it running from now on."""
        running = await self._spawn()
        self._task = asyncio.create_task(self._keep_running(running), name=self.program.name)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to end, wait as long as it may take, then make it. `hurry` cuts the waiting short."""
        self._stopping = True
        if self._running and self.pid:
            with contextlib.suppress(ProcessLookupError):
                self._running.process.terminate()
            await _wait(self._running.process, self.program.grace_seconds, hurry)
            await self._running.end()
            if self._task:
                await asyncio.wait([self._task], timeout=2)  # the last lines of its output
        if self._task:
            await _cancel(self._task)
        self._on_change()

    async def _spawn(self) -> Running:
        running = self._running = await spawn(self.program, self._env)
        self._on_change()
        return running

    async def _keep_running(self, running: Running) -> None:
        pause = 1.0
        while True:
            started = time.monotonic()
            code = await self._follow(running)
            if self._stopping:
                return
            if time.monotonic() - started > HEALTHY_SECONDS:
                pause = 1.0
            self._on_change()
            self._console.line(
                f"{self.program.name} ended ({_describe(code)}); it is started again in {pause:.0f} s"
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            running = await self._spawn()

    async def _follow(self, running: Running) -> int:
        """Pass its output on, to the console and to its log, until it ends."""
        name = self.program.name
        with open_log(log_file(name)) as log:

            def write(line: str) -> None:
                log.write(f"{line}\n".encode())
                log.flush()
                self._console.child_line(name, line)

            return await _follow(running, write)


async def _wait(process: Process, seconds: float, hurry: asyncio.Event) -> None:
    """Until the process ends, the time is over, or somebody is in a hurry."""
    waiting = [asyncio.create_task(process.wait()), asyncio.create_task(hurry.wait())]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        await _cancel(task)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"

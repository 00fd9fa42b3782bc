"""Descriptors run out: live calls go on, nobody spins, the log says it, and whoever comes afterwards is served."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from telephony.simulators.twilio import Script
from tests import outside
from tonris import demo
from tonris.home import BASE_DIR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

KNOCKS = 200
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def knock(port: int) -> list[socket.socket]:
    """So many connections, on which nothing is ever said."""
    knocking = [socket.socket() for _ in range(KNOCKS)]
    for one in knocking:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    return knocking


async def test_without_descriptors_calls_go_on_and_afterwards_others_are_let_in(salon, tmp_path):
    async with outside.open_exchange(tmp_path / "log") as (server, exchange):
        live = await exchange.carrier.place_call(
            demo.SALON.number, "+15560000001", Script(hang_up_after_s=90)
        )
        await asyncio.wait_for(live.agent_spoke.wait(), 20)
        pid = server.process.pid
        few = len(os.listdir(f"/proc/{pid}/fd")) + 10
        before_that, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, most))
        knocking = knock(server.port)
        try:
            await asyncio.sleep(1)
            before = cpu_seconds(pid)
            async with asyncio.timeout(5):
                while "files that this process may have open" not in server.log:
                    await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            assert cpu_seconds(pid) - before < 2.0
            assert not live.over.is_set()
        finally:
            for one in knocking:
                one.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (before_that, most))
        async with asyncio.timeout(30):
            next_one = await exchange.carrier.place_call(demo.SALON.number, "+15560000002", Script())
            await next_one.agent_spoke.wait()
        assert not live.over.is_set()
        next_one.hang_up()
        live.hang_up()
        await exchange.settled(live, next_one)
    assert server.log.count("files that this process may have open") == 1
    assert live.warnings == []


def test_a_server_takes_as_many_as_it_may_have():
    code = (
        "import resource; from tonris import open_files; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096));"
        "open_files.allow_many(); print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, check=True, text=True
    )
    assert told.stdout.strip() == "(4096, 4096)"

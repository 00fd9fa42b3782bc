"""The commands that make up TONRIS, as `up` runs them. Data only; run.py gives it life."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tonris.home import BASE_DIR, home

DRAIN_SECONDS = 20


@dataclass(frozen=True)
class Program:
    """A command: its words, what it adds to the environment, how long it may take to end when asked to."""

    name: str
    command: tuple[str, ...]
    role: str = "command"
    grace_seconds: float = 10.0


@dataclass(frozen=True)
class Plan:
    """What `up` runs once, in this order, and what it keeps running, in the order in which it is stopped."""

    migrate: Program
    seed: Program
    children: tuple[Program, ...]
    call: Program
    simulator_ports: Mapping[str, int] = field(default_factory=dict)
    """Of simulated vendors, by name."""
    drain_seconds: int = DRAIN_SECONDS


def standard_plan(
    host: str,
    port: int,
    *,
    simulator_ports: Mapping[str, int] = MappingProxyType({}),
    drain_seconds: int = DRAIN_SECONDS,
) -> Plan:
    """The plan of the product. With ports for them, the simulated vendors are one of the children."""
    web = _manage(
        "web",
        "serve",
        f"--host={host}",
        f"--port={port}",
        role="web",
        grace_seconds=drain_seconds + 5,
    )
    worker = Program(
        "worker",
        (
            # Celery's advice not to run as root is for production, and its banner for those who configure it.
            *(sys.executable, "-W", "ignore:You're running the worker with superuser", "-m", "celery", "-q"),
            *("-A", "tonris", "worker", "--beat", "--loglevel", "INFO"),
            *("--concurrency", "2", "--schedule", str(home() / "celerybeat-schedule")),
        ),
        role="worker",
        grace_seconds=15.0,
    )
    children = [web, worker]
    simulated = [f"--{vendor}-port={number}" for vendor, number in simulator_ports.items()]
    if simulated:
        children.append(_manage("simulators", "simulate_vendors", *simulated))
    return Plan(
        migrate=_manage("migrate", "migrate", "--no-input", role="migrate"),
        seed=_manage("seed", "seed_demo"),
        children=tuple(children),
        call=_manage("call", "simulate_call"),
        simulator_ports=simulator_ports,
        drain_seconds=drain_seconds,
    )


def _manage(name: str, *words: str, role: str = "command", grace_seconds: float = 10.0) -> Program:
    command = (sys.executable, str(Path(BASE_DIR, "manage.py")), *words)
    return Program(name, command, role, grace_seconds)

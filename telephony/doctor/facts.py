"""What the doctor's checks look at: values alone, gathered before anything is judged."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.speech import Hours
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Installation:
    app_base_url: str
    debug: bool
    unsigned_allowed: bool
    encryption_keys: Sequence[str] = field(repr=False)
    database: str = "ok"
    redis: str = "ok"
    """`ok`, or what is the matter."""
    workers: int = 1
    simulated: bool = False
    """Every vendor is a simulator on this machine."""


@dataclass(frozen=True, slots=True)
class Person:
    """An active employee. `week` is empty for one without hours of their own."""

    name: str
    services: int
    week: Sequence[Hours]


@dataclass(frozen=True, slots=True)
class Calendar:
    week: Sequence[Hours]
    special_dates: Sequence[datetime.date]
    """Coming dates with hours of their own."""
    people: Sequence[Person]
    performed: Mapping[str, int]
    """Active service -> how many active employees perform it."""
    inactive: Sequence[str]
    """Names of services and employees that are switched off."""


@dataclass(frozen=True, slots=True)
class Business:
    """What its own rows say; what its vendors say, each of them is asked by itself."""

    tenant: Tenant
    provider: str
    """As in its settings, whether or not there is such a one."""
    unreadable_secrets: Sequence[str]
    numbers: Sequence[str]
    """Active ones."""
    numbers_off: Sequence[str]
    carriers: Collection[str]
    """Of the active ones."""
    calendar: Calendar
    rings_groups: bool = False
    """Whether there are ring groups with anybody in them who may be dialled."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.tenant.settings

    @property
    def slug(self) -> str:
        return self.tenant.slug

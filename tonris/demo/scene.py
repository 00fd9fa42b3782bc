"""One business on the day on which its calendar was first filled."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from appointments.booking import Contact
from appointments.models import AddOn, AppointmentChange, Employee, OutboxMessage, Service
from appointments.slots import instants_of_dates
from appointments.wallclock import DAY, resolve
from tenants.models import Tenant
from tonris.demo.businesses import DemoBusiness
from tonris.demo.people import CUSTOMERS

ACTOR = "seed_demo"
"""Who did it, in the history."""


@dataclass(frozen=True)
class Scene:
    """`today` is the date of the first run; `now` is now."""

    tenant: Tenant
    business: DemoBusiness
    today: datetime.date
    now: datetime.datetime

    @property
    def cast(self) -> Sequence[Contact]:
        return CUSTOMERS[self.business.slug]

    @cached_property
    def services(self) -> list[Service]:
        """What one customer at a time books; by name."""
        return list(Service.objects.filter(is_active=True, seats=1))

    @cached_property
    def employees(self) -> list[Employee]:
        return list(Employee.objects.filter(is_active=True))

    @cached_property
    def add_ons(self) -> list[AddOn]:
        return list(AddOn.objects.filter(is_active=True))

    def service(self, name: str) -> Service | None:
        return next((one for one in self.services if one.name == name), None)

    def first(self, weekday: int, days_ahead: int) -> datetime.date:
        """The first such weekday that is at least so many days ahead; Monday is 0."""
        day = self.today + days_ahead * DAY
        return day + (weekday - day.weekday()) % 7 * DAY

    def at(self, day: datetime.date, wall: str) -> datetime.datetime:
        return resolve(datetime.datetime.combine(day, datetime.time.fromisoformat(wall)), self.tenant.zone)

    def midnights(
        self, first: datetime.date, last: datetime.date
    ) -> tuple[datetime.datetime, datetime.datetime]:
        """When the first date begins and the last has ended."""
        times = instants_of_dates(first, last, self.tenant.zone)
        return times[0].start, times[-1].end


def tell_nobody(scene: Scene) -> None:
    """These customers wait for no message; whoever was offered something does."""
    ours = AppointmentChange.objects.filter(actor=ACTOR).values("appointment")
    waiting = OutboxMessage.objects.filter(handled_at=None, appointment__in=ours)
    waiting.exclude(kind="offered").update(handled_at=scene.now)

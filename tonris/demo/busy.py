"""`seed_demo --busy`: weeks of a believable calendar, made by the same calls as everybody's.

    unusual.py    a closure, special hours, time off, a class, a series, a visit; who waits
    ordinary.py   what is booked day by day, and what became of it
    scene.py      what both know

From two weeks behind the day of the first run to four ahead. What is unusual comes first, then each day. Each is
one transaction and is not done again: a run that was cut short is taken up, and after a whole one nothing is new.
"""

import datetime
from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from appointments.models import (
    Appointment,
    AppointmentChange,
    Closure,
    Customer,
    Series,
    SpecialHours,
    TimeOff,
    WaitlistEntry,
)
from appointments.wallclock import DAY, wall_time
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tonris.demo.businesses import DemoBusiness
from tonris.demo.ordinary import days_done, fill_day
from tonris.demo.scene import ACTOR, Scene
from tonris.demo.unusual import is_unusual_already, let_somebody_wait, make_the_unusual

DAYS_BEHIND, DAYS_AHEAD = 14, 28


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made now of each kind, and when the calendar was filled first, in the business's time."""

    business: str
    made: dict[str, int]
    began: datetime.datetime

    def __str__(self) -> str:
        if not self.made:
            return f"{self.business}: nothing new, its calendar was filled on {self.began:%Y-%m-%d}"
        return f"{self.business}: {', '.join(f'{kind} {count}' for kind, count in self.made.items())}"


def fill(tenant: Tenant, business: DemoBusiness) -> Filled:
    """Fill the calendar, or what of it is not filled yet. Needs to be outside of any scope."""
    now = timezone.now()
    with tenant_scope(tenant):
        first = AppointmentChange.objects.filter(actor=ACTOR).order_by("changed_at").first()
        began = wall_time(first.changed_at if first else now, tenant.zone)
        before = _census()
        scene = Scene(tenant, business, began.date(), now)
        if not scene.services or not scene.employees:
            return Filled(tenant.name, {}, began)
        if not is_unusual_already():
            make_the_unusual(scene)
        done = days_done(scene)
    for ahead in range(-DAYS_BEHIND, DAYS_AHEAD + 1):
        if (day := scene.today + ahead * DAY) not in done:
            with tenant_scope(tenant):
                fill_day(scene, day)
    with tenant_scope(tenant):
        let_somebody_wait(scene)
        return Filled(tenant.name, dict(_census() - before), began)


def _census() -> "Counter[str]":
    """How many there are of each kind."""
    rows = list(Appointment.objects.values_list("status", "visit"))
    statuses = Counter(status for status, _ in rows)
    count = Counter({label.lower(): statuses[status] for status, label in Appointment.Status.choices})
    count["visits"] = len({visit for _, visit in rows if visit})
    count["series"] = Series.objects.count()
    count["customers"] = Customer.objects.count()
    count["waiting"] = WaitlistEntry.objects.count()
    count["closures"] = Closure.objects.count()
    count["special hours"] = SpecialHours.objects.count()
    count["times off"] = TimeOff.objects.count()
    return count

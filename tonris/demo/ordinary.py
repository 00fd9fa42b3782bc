"""An ordinary day: some book, most come. The same day of the same business is always the same."""

import datetime
import random
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from appointments import lifecycle
from appointments.availability import Calendar, FreeSlot
from appointments.booking import Contact, book
from appointments.errors import BookingError
from appointments.models import AddOn, Appointment, AppointmentChange, Service
from appointments.wallclock import DAY, wall_time
from tonris.demo.people import NOTES
from tonris.demo.scene import ACTOR, Scene, tell_nobody
from tonris.demo.unusual import CLASS

BOOKED_AHEAD = 3 * DAY
"""How long before its day an appointment was booked, when that is over or near."""
MOST_A_DAY = 14
SOURCES = [Appointment.Source.AGENT] * 5 + [Appointment.Source.STAFF] * 3 + [Appointment.Source.API]
REASONS = ("Ill", "Has to work", "Found an earlier time", "No child care")


def days_done(scene: Scene) -> set[datetime.date]:
    """Where something ordinary was booked before, whatever has become of it."""
    made = AppointmentChange.objects.filter(actor=ACTOR, kind="booked", appointment__series=None)
    made = made.filter(appointment__visit=None).exclude(appointment__service__name=CLASS.name)
    starts = (
        datetime.datetime.fromisoformat(facts["startsAt"]) for facts in made.values_list("after", flat=True)
    )
    return {wall_time(start, scene.tenant.zone).date() for start in starts}


def fill_day(scene: Scene, day: datetime.date) -> None:
    """Book a part of the day, the less the further it is ahead; some of it stays free."""
    usual = Day(scene, day)
    free = len(usual.free(usual.measure))
    enough = free * (1 - _share(day - scene.today))
    for contact in usual.dice.sample(scene.cast, MOST_A_DAY):
        if len(usual.free(usual.measure)) <= enough:
            break
        with suppress(BookingError):
            usual.book(contact)
    tell_nobody(scene)


def _share(ahead: datetime.timedelta) -> float:
    """Of the times that are free when the day begins to fill."""
    if ahead <= 7 * DAY:
        return 0.7
    return 0.5 if ahead <= 14 * DAY else 0.25


class Day:
    """One date as those see it who book for it. `measure` is the service by which the day's fullness is told."""

    def __init__(self, scene: Scene, day: datetime.date) -> None:
        self.scene, self.day = scene, day
        self.dice = random.Random(f"{scene.business.slug} {day}")  # noqa: S311 - a demonstration, no secret
        self.asked_at = min(scene.now, scene.midnights(day, day)[0] - BOOKED_AHEAD)
        self._calendars: dict[tuple[UUID, ...], Calendar] = {}
        self.measure = scene.service(scene.business.services[0].name) or scene.services[0]

    def free(self, service: Service, add_ons: Sequence[AddOn] = ()) -> list[FreeSlot]:
        key = (service.pk, *(one.pk for one in add_ons))
        if key not in self._calendars:
            calendar = Calendar(self.scene.tenant, service, add_ons=add_ons, now=self.asked_at)
            self._calendars[key] = calendar
        return self._calendars[key].free_slots(self.day)

    def book(self, contact: Contact) -> None:
        """Some service at some time; in every third case with anybody. Raises BookingError."""
        dice, scene = self.dice, self.scene
        # Short ones are wanted more often.
        [service] = dice.choices(scene.services, [1 / one.duration_minutes for one in scene.services])
        extras = [one for one in scene.add_ons if one.service_id == service.pk and dice.random() < 0.15]
        slots = self.free(service, extras)
        if not slots:
            return
        slot = dice.choice(slots)
        booked = book(
            scene.tenant,
            service,
            slot.start,
            contact,
            employee=None if dice.random() < 1 / 3 else slot.employee,
            add_ons=extras,
            notes=dice.choice(NOTES[scene.business.slug]) if dice.random() < 0.2 else "",
            source=dice.choice(SOURCES),
            actor=ACTOR,
            now=self.asked_at,
        )
        if booked.appointment.starts_at < scene.now:
            self._look_back(booked.appointment)
        else:
            self._look_ahead(booked.appointment)

    def _look_back(self, appointment: Appointment) -> None:
        chance, tenant = self.dice.random(), self.scene.tenant
        if chance < 0.08:
            lifecycle.cancel(tenant, appointment.pk, reason=self.dice.choice(REASONS), actor=ACTOR)
        elif chance < 0.15:
            lifecycle.no_show(tenant, appointment.pk, actor=ACTOR)
        elif appointment.ends_at <= self.scene.now:
            lifecycle.complete(tenant, appointment.pk, actor=ACTOR)
        else:
            lifecycle.confirm(tenant, appointment.pk, actor=ACTOR)

    def _look_ahead(self, appointment: Appointment) -> None:
        chance, tenant = self.dice.random(), self.scene.tenant
        if chance < 0.35:
            lifecycle.confirm(tenant, appointment.pk, actor=ACTOR)
        elif chance < 0.42:
            lifecycle.cancel(tenant, appointment.pk, reason=self.dice.choice(REASONS), actor=ACTOR)
        elif chance < 0.5:
            self._move(appointment)

    def _move(self, appointment: Appointment) -> None:
        mine = [slot for slot in self.free(appointment.service) if slot.employee == appointment.employee]
        later = [slot for slot in mine if slot.start > max(self.scene.now, appointment.starts_at)]
        if later:
            with suppress(BookingError):
                start = self.dice.choice(later).start
                lifecycle.reschedule(self.scene.tenant, appointment.pk, start, actor=ACTOR, now=self.asked_at)

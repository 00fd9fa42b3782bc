"""What does not happen every day: a closure, special hours, time off, a class, a series, a visit; who waits."""

import datetime
from contextlib import suppress

from appointments import chains, series, waitlist
from appointments.booking import book
from appointments.errors import BookingError
from appointments.models import (
    Appointment,
    Closure,
    Customer,
    EmployeeService,
    Service,
    SpecialHours,
    TimeOff,
    WaitlistEntry,
)
from appointments.wallclock import DAY
from tonris.demo.businesses import DemoService
from tonris.demo.people import ABOUT
from tonris.demo.scene import ACTOR, Scene, tell_nobody
from tonris.demo.seeding import make_service

TUESDAY, THURSDAY, SATURDAY = 1, 3, 5
CLOSURE = "New floor"
CLASS = DemoService(
    "Winter check class",
    60,
    "15",
    "classes",
    "How to bring your own car through the winter",
    terms={"seats": 6},
)
STAFF = Appointment.Source.STAFF


def is_unusual_already() -> bool:
    return Closure.objects.filter(note=CLOSURE).exists()


def make_the_unusual(scene: Scene) -> None:
    _close_next_month(scene)
    _open_late(scene)
    _take_time_off(scene)
    if scene.business.slug == "garage":
        _hold_class(scene)
    _come_every_week(scene)
    _come_for_all(scene)
    _note_about_customers(scene)
    tell_nobody(scene)


def _close_next_month(scene: Scene) -> None:
    """The first whole Monday and Tuesday of it."""
    month = (scene.today.replace(day=1) + 32 * DAY).replace(day=1)
    monday = month + -month.weekday() % 7 * DAY
    begins, ends = scene.midnights(monday, monday + DAY)
    Closure.objects.create(tenant=scene.tenant, starts_at=begins, ends_at=ends, note=CLOSURE)


def _open_late(scene: Scene) -> None:
    """A Thursday next week until eight in the evening, in place of its usual hours."""
    day = scene.first(THURSDAY, 8)
    if not SpecialHours.objects.filter(date=day).exists():
        opens, closes = datetime.time(9), datetime.time(20)
        SpecialHours.objects.create(
            tenant=scene.tenant, date=day, opens=opens, closes=closes, note="Late evening"
        )


def _take_time_off(scene: Scene) -> None:
    """Three days of the last employee's, and an afternoon of the first one's."""
    first, last = scene.employees[0], scene.employees[-1]
    tuesday = scene.first(TUESDAY, 15)
    begins, ends = scene.midnights(tuesday, tuesday + 2 * DAY)
    TimeOff.objects.create(tenant=scene.tenant, employee=last, starts_at=begins, ends_at=ends, note="Holiday")
    begins, ends = (scene.at(scene.first(THURSDAY, 2), wall) for wall in ("13:00", "15:00"))
    TimeOff.objects.create(
        tenant=scene.tenant, employee=first, starts_at=begins, ends_at=ends, note="Dentist"
    )


def _hold_class(scene: Scene) -> None:
    """Two Saturday classes of six seats: one that is nearly full, one that has begun to fill."""
    service = Service.objects.filter(name=CLASS.name).first()
    employee = scene.employees[-1]
    if service is None:
        service = make_service(scene.tenant, scene.business, CLASS)
        service.save(force_insert=True)
        EmployeeService.objects.create(tenant=scene.tenant, employee=employee, service=service)
    for weeks, guests in ((0, scene.cast[8:13]), (1, scene.cast[13:15])):
        start = scene.at(scene.first(SATURDAY, 1) + weeks * 7 * DAY, "10:00")
        for contact in guests:
            with suppress(BookingError):
                book(scene.tenant, service, start, contact, employee=employee, actor=ACTOR, now=scene.now)


def _come_every_week(scene: Scene) -> None:
    """Eight Tuesdays; the one on which the business is closed is left out."""
    name = {"salon": "Styling", "garage": "Oil change"}[scene.business.slug]
    service = scene.service(name)
    if service is not None:
        with suppress(BookingError):
            series.book_series(
                scene.tenant,
                service,
                scene.at(scene.first(TUESDAY, 1), "10:00"),
                scene.cast[0],
                employee=scene.employees[0],
                every_weeks=1,
                count=8,
                source=STAFF,
                actor=ACTOR,
                now=scene.now,
            )


def _come_for_all(scene: Scene) -> None:
    """A visit of two or three services, on the first day on which all fit."""
    names = {"salon": ("Coloring", "Haircut", "Styling"), "garage": ("Tyre change", "Oil change")}
    services = [
        service for name in names[scene.business.slug] if (service := scene.service(name)) is not None
    ]
    for ahead in range(3, 10) if services else ():
        with suppress(BookingError):
            plan = chains.first_start(scene.tenant, services, scene.today + ahead * DAY, now=scene.now)
            if plan is not None:
                start = plan.legs[0].start
                chains.book_visit(
                    scene.tenant, services, start, scene.cast[1], source=STAFF, actor=ACTOR, now=scene.now
                )
                return


def _note_about_customers(scene: Scene) -> None:
    for contact, words in zip(scene.cast, ABOUT[scene.business.slug], strict=False):
        Customer.objects.filter(phone_e164=contact.phone_e164, notes="").update(notes=words)


def let_somebody_wait(scene: Scene) -> None:
    """For the first employee, tomorrow or in the two weeks after."""
    contact, employee = scene.cast[2], scene.employees[0]
    if WaitlistEntry.objects.filter(customer__phone_e164=contact.phone_e164).exists():
        return
    service = scene.service(scene.business.services[-1].name) or scene.services[-1]
    earliest, latest = scene.midnights(scene.today + DAY, scene.today + 14 * DAY)
    with suppress(BookingError):
        waitlist.join(
            scene.tenant,
            service,
            contact,
            earliest=earliest,
            latest=latest,
            employee=employee,
            now=scene.now,
        )

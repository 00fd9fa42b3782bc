"""What is free, and why something is not."""

import datetime
from collections.abc import Sequence
from typing import Any

from agents.speech import spread
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.facts import iso_z, slot_facts
from agents.tools.offers import offer_of
from agents.tools.refusals import reason_facts, why_not
from agents.tools.wishes import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    Wished,
    check_range,
    is_date,
    is_words,
    read_add_ons,
    read_employee,
    read_service,
    read_start,
    read_when,
)
from agents.when import UnclearWhen, When, resolve_when
from appointments.availability import Calendar, FreeSlot, one_per_instant
from appointments.models import AddOn, Employee, Service
from appointments.slots import Reason
from appointments.wallclock import NonexistentTime, resolve

MAX_SLOTS = 100
EARLIEST, LATEST = datetime.date(EARLIEST_YEAR, 1, 1), datetime.date(LATEST_YEAR, 12, 31)


def check_availability(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    question = _Question(context, arguments)
    start = arguments.given("startTime")
    if start and not is_date(start) and not is_words(arguments, "startTime"):
        return question.at(read_start(context, start))
    asked = _asked(context, arguments)
    if asked is None:
        return question.during(None)
    check_range("when", asked.first)
    if _is_one_time(asked):
        return question.at_wall(datetime.datetime.combine(asked.first, asked.at or datetime.time()))
    reason = question.out_of_reach(asked)
    return question.never_on(asked.first, reason) if reason else question.during(asked)


def _is_one_time(asked: When) -> bool:
    """ "around ten" is a time with bounds: whatever lies within them will do."""
    exact = asked.at is not None and asked.not_before is None and asked.not_after is None
    return exact and asked.first == asked.last


def _asked(context: ToolContext, arguments: Arguments) -> When | None:
    """`when` or `date`, in which models put words now and then; None: whenever something is free."""
    words = _field_of_words(arguments)
    when, day = read_when(context, arguments, words), _date(context, arguments)
    return _both(context, arguments, day, words) if when and day else when or day


def _field_of_words(arguments: Arguments) -> str:
    """`startTime` is one such field as well, unless it is read as a moment or as the date."""
    start = arguments.text("startTime")
    return "startTime" if start and not arguments.text("when") and not is_date(start) else "when"


def _both(context: ToolContext, arguments: Arguments, day: When, words: str) -> When:
    """`date` and `when`, as if they were said in one breath: whatever they say must agree."""
    named = When(day.first, day.first)
    date = day.first.isoformat() if day == named else arguments.text("date")
    said = f"{date}, {arguments.text(words)}"
    try:
        return resolve_when(said, now_local=context.local(context.now), language=context.tenant.language)
    except UnclearWhen:
        raise ToolError(
            "VALIDATION_ERROR", f"{words}: does not agree with date", context.speech.say_again
        ) from None


def _date(context: ToolContext, arguments: Arguments) -> When | None:
    """A date; of a date with a time, which models send for whole days, only the date counts."""
    start = arguments.text("startTime")
    try:
        day = datetime.date.fromisoformat((arguments.text("date") or (start if is_date(start) else ""))[:10])
    except ValueError:
        return read_when(context, arguments, "date")
    day = max(EARLIEST, min(day, LATEST))  # with others one cannot reckon, and these are out of reach as well
    return When(day, day)


def _spread(slots: list[FreeSlot], keeping: datetime.datetime | None = None) -> list[FreeSlot]:
    """All of them, or as many as are told from the first to the last, and the one that was asked for."""
    told = list(spread(slots, MAX_SLOTS))
    asked = next((slot for slot in slots if slot.start == keeping), None)
    if asked is not None and asked not in told:
        told[min(range(len(told)), key=lambda place: abs(told[place].start - asked.start))] = asked
    return told


class _Question:
    """One service, with one employee or with anybody, asked in one call."""

    def __init__(self, context: ToolContext, arguments: Arguments) -> None:
        self.context = context
        self.service: Service = read_service(context, arguments)
        self.employee: Employee | None = read_employee(context, arguments)
        self.add_ons: Sequence[AddOn] = read_add_ons(context, self.service, arguments)
        self.calendar = Calendar(
            context.tenant,
            self.service,
            employee=self.employee,
            add_ons=self.add_ons,
            now=context.now,
            holder=context.holder,
        )

    def out_of_reach(self, asked: When) -> Reason | None:
        """Why nothing can be booked on any of those days, whatever is free."""
        if asked.last < self.context.today:
            return Reason.IN_THE_PAST
        return Reason.TOO_FAR if asked.first > self.calendar.window.last_day else None

    def during(self, asked: When | None) -> ToolAnswer:
        """The first day with anything free, of those that were asked for."""
        context, speech = self.context, self.context.speech
        days = 31 if asked is None else (asked.last - asked.first).days + 1
        since = context.today if asked is None else asked.first
        day, slots = next(
            (
                (day, fitting)
                for day, found in self.calendar.search(since, days, self.employee)
                if (fitting := one_per_instant(self._fitting(found, asked)))
            ),
            (since, []),
        )
        slots = _spread(slots)
        following = None if slots else self._first_after(since)
        if slots:
            times = [context.zoned(slot.start) for slot in slots]
            message = speech.times_offered(
                service=self.service.name, day=day, today=context.today, times=times
            )
        elif following is not None and context.local(following.start).date() == day:
            at_another = speech.times_offered(
                service=self.service.name,
                day=day,
                today=context.today,
                times=[context.zoned(following.start)],
            )
            message = f"{speech.nothing_at_that_time} {at_another}"
        elif following is not None:
            message = speech.nothing_that_day_but(
                service=self.service.name,
                day=day,
                today=context.today,
                next_local=context.zoned(following.start),
            )
        else:
            message = speech.nothing_in_weeks(service=self.service.name)
        return ToolAnswer(self._data(day, slots, following), message)

    def _kept_for_the_caller(self, start: datetime.datetime) -> FreeSlot | None:
        """What the waiting list has offered them is free for nobody else."""
        offer = offer_of(self.context, Wished(self.service, self.employee, start, tuple(self.add_ons)))
        hold = offer.hold if offer else None
        return FreeSlot(hold.employee, start, hold.ends_at) if hold else None

    def at_wall(self, wall: datetime.datetime) -> ToolAnswer:
        """In the repeated hour, the first of the two; the answer says so."""
        try:
            return self.at(resolve(wall, self.context.zone))
        except NonexistentTime as error:
            return self._refused(wall, error.after, [Reason.NONEXISTENT], self._free_on(wall.date()))

    def at(self, start: datetime.datetime) -> ToolAnswer:
        """One instant: free, or why not and what is free instead."""
        context, wall = self.context, self.context.local(start)
        day, slots = wall.date(), self._free_on(wall.date())
        if all(slot.start != start for slot in slots):
            kept = self._kept_for_the_caller(start)
            if kept is None:
                return self._refused(wall, start, self._objections(start), slots)
            slots = one_per_instant([*slots, kept])
        message = context.speech.times_offered(
            service=self.service.name, day=day, today=context.today, times=[context.zoned(start)]
        )
        slots = _spread(slots, keeping=start)
        return ToolAnswer(self._data(day, slots, None, self._requested(wall, start, [])), message)

    def never_on(self, day: datetime.date, reason: Reason) -> ToolAnswer:
        """A day out of reach is refused as each of its times would be, by its first."""
        wall = datetime.datetime.combine(day, datetime.time())
        return self._refused(wall, wall.replace(tzinfo=self.context.zone), [reason], [])

    def _refused(
        self, wall: datetime.datetime, start: datetime.datetime, reasons: list[Reason], slots: list[FreeSlot]
    ) -> ToolAnswer:
        """Why not, what is free nearest to it, and what is on its day."""
        slots = _spread(slots)
        nearest = self.calendar.nearest(start, self.employee)
        following = None if slots else self._first_after(wall.date())
        data = self._data(wall.date(), slots, following, self._requested(wall, start, reasons))
        data["nearest"] = [self._facts(slot) for slot in nearest]
        return ToolAnswer(data, why_not(self.context, self.service, reasons, nearest))

    def _objections(self, start: datetime.datetime) -> list[Reason]:
        """Of several employees, the one who comes nearest explains."""
        told = self.calendar.objections_of(self.calendar.performers, start).values()
        return min(told, key=len, default=[]) or [Reason.NOT_PERFORMED]

    def _free_on(self, day: datetime.date) -> list[FreeSlot]:
        return one_per_instant(self.calendar.free_slots(day, self.employee))

    def _requested(
        self, wall: datetime.datetime, start: datetime.datetime, reasons: list[Reason]
    ) -> dict[str, Any]:
        return {
            "startTime": iso_z(start),
            "startTimeLocal": wall.isoformat(timespec="minutes"),
            "available": not reasons,
            "reasons": reason_facts(self.context, self.service, reasons),
        }

    def _first_after(self, day: datetime.date) -> FreeSlot | None:
        """Failing that, the first of all: after the last days of the booking window there is none."""
        calendar, today = self.calendar, self.context.today
        later = calendar.first_free_day(max(day, today), self.employee)
        found = later or calendar.first_free_day(today, self.employee)
        return one_per_instant(found[1])[0] if found else None

    def _fitting(self, slots: list[FreeSlot], asked: When | None) -> list[FreeSlot]:
        if asked is None:
            return slots
        return [slot for slot in slots if asked.allows(self.context.local(slot.start))]

    def _data(
        self,
        day: datetime.date,
        slots: list[FreeSlot],
        following: FreeSlot | None,
        requested: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {
            "date": day.isoformat(),
            "timezone": self.context.tenant.timezone,
            "service": {
                "id": str(self.service.pk),
                "name": self.service.name,
                "duration": self.service.duration_minutes,
            },
            "slots": [self._facts(slot) for slot in slots],
            "nextAvailable": self._facts(following) if following else None,
            **({"requested": requested} if requested else {}),
        }

    def _facts(self, slot: FreeSlot) -> dict[str, Any]:
        return slot_facts(
            slot, self.service, self.context.zone, add_ons=self.add_ons, speech=self.context.speech
        )


TOOLS = (
    Tool(
        name="check_availability",
        aliases=("get_availability",),
        description=(
            "List the free appointment times of a service on a date, or on the next day that has any; "
            "with a time, say whether it is free, and if not, why and what is free near it."
        ),
        parameters={
            "date": {"type": "string", "description": "Date to check (YYYY-MM-DD format)"},
            "when": {
                "type": "string",
                "description": "The caller's own words instead, such as 'next tuesday after three'; "
                "or the time of day, beside a date",
            },
            "serviceId": {"type": "string", "description": "Service ID to check availability for"},
            "employeeId": {
                "type": "string",
                "description": "Only this employee's times; leave out for anybody's",
            },
            "addOns": {
                "type": "array",
                "items": {"type": "string"},
                "description": "IDs of extras that the caller wants with the service",
            },
        },
        handler=check_availability,
    ),
)

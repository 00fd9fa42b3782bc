"""Why a time cannot be booked, in sentences for staff. They name times, never another customer.

The rules decide (`slots.why_not`); what is written here only puts their verdict into words.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from appointments.intervals import Interval, overlaps
from appointments.models import Employee, Service
from appointments.slots import Offer, Reason
from appointments.taken import Neighbour
from appointments.wallclock import NonexistentTime, wall_time


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that stands against a start: `reason` for programs, `sentence` for staff."""

    reason: Reason
    sentence: str

    @property
    def code(self) -> str:
        return self.reason.value


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and what is known of it. `notes` are those of special hours, by date."""

    service: Service
    who: str
    offer: Offer
    slot: Interval
    notes: Mapping[date, str]
    neighbours: Sequence[Neighbour]
    joining: Hashable
    group_is_full: bool

    @property
    def zone(self) -> ZoneInfo:
        return self.offer.hours.zone

    def clock(self, instant: datetime) -> str:
        wall = wall_time(instant, self.zone)
        same_day = wall.date() == self.offer.day
        return f"{wall:%H:%M}" if same_day else f"{wall:%Y-%m-%d %H:%M}"

    def stretch(self, times: Interval) -> str:
        return f"{self.clock(times.start)} to {self.clock(times.end)}"


def explain(case: Case, reason: Reason) -> Iterator[Objection]:
    """One objection, or one for each neighbour or resource that stands in the way."""
    match reason:
        case Reason.BUSY | Reason.HELD:
            sentences = [_collision(case, other) for other in case.neighbours if _reason(other) is reason]
            if case.group_is_full and reason is Reason.BUSY:
                sentences.append(f"{case.who}: all {case.service.seats} seats of that group are taken.")
        case Reason.RESOURCE_FULL:
            full = [pool.name for pool in case.offer.pools if pool.is_full(case.slot, case.joining)]
            sentences = [f"{name}: none is free for all of that time, buffers included." for name in full]
        case _:
            sentences = [_sentence(case, reason)]
    # Whatever was in the way may have gone since the rules were asked: their verdict stands.
    sentences = sentences or [f"{case.who} is taken then."]
    for sentence in dict.fromkeys(sentences):
        yield Objection(reason, sentence)


def nonexistent(error: NonexistentTime, zone: ZoneInfo) -> Objection:
    before, after = (wall_time(instant, zone) for instant in (error.before, error.after))
    return Objection(
        Reason.NONEXISTENT,
        f"The clock is put forward then: {error.wall:%H:%M} does not come."
        f" The nearest times are {before:%H:%M} and {after:%H:%M}.",
    )


def not_offered(reason: Reason, employee: Employee, service: Service) -> Objection:
    if reason is Reason.NOT_PERFORMED:
        return Objection(reason, f"{employee.name} does not perform {service.name}.")
    inactive = [one.name for one in (service, employee) if not one.is_active]
    return Objection(reason, f"{' and '.join(inactive)} {'is' if len(inactive) == 1 else 'are'} not active.")


def _sentence(case: Case, reason: Reason) -> str:
    service, window = case.service, case.offer.window
    match reason:
        case Reason.IN_THE_PAST:
            return "That time has passed."
        case Reason.TOO_SOON:
            notice = _minutes(service.minimum_notice_minutes)
            earliest = f" The earliest start is {case.clock(window.earliest)}." if window else ""
            return f"{service.name} must be booked {notice} ahead.{earliest}"
        case Reason.TOO_FAR:
            last = f" The last day is {window.last_day:%Y-%m-%d}." if window else ""
            return f"{service.name} can be booked {service.booking_window_days} days ahead.{last}"
        case Reason.OUTSIDE_HOURS:
            return _outside(case)
        case Reason.CLOSED:
            closed = ", ".join(case.stretch(each) for each in case.offer.closures if _meet(each, case.slot))
            return f"The business is closed from {closed}."
        case Reason.NOT_WORKING:
            return f"{case.who} does not work for all of {case.stretch(case.slot)}."
        case Reason.TIME_OFF:
            return f"{case.who} is away for some or all of {case.stretch(case.slot)}."
        case _:
            step = _minutes(service.slot_step_minutes)
            return f"{service.name} starts every {step}, counted from opening time."


def _outside(case: Case) -> str:
    day, hours = case.offer.day, case.offer.hours
    holiday = None if day in hours.exceptions else hours.holidays.get(day)
    opening = hours.opening_on(day)
    if opening:
        times = ", ".join(f"{each.opens:%H:%M} to {each.closes:%H:%M}" for each in opening)
        return f"The business is not open for all of {case.stretch(case.slot)}. On {day} it opens {times}."
    because = case.notes.get(day) or holiday
    return f"The business does not open on {day}{f' ({because})' if because else ''}."


def _reason(other: Neighbour) -> Reason:
    """A hold in a group is a seat of it, which is taken."""
    return Reason.HELD if other.is_held and not other.in_group else Reason.BUSY


def _collision(case: Case, other: Neighbour) -> str:
    """Names what meets: the appointments themselves, or whose buffer."""
    what = "a time that is held for somebody" if other.is_held else "an appointment"
    theirs = f"{what} from {case.stretch(other.times)}"
    terms = case.offer.terms
    if _meet(other.times, case.slot):
        return f"{case.who} has {theirs}."
    if other.times.start >= case.slot.end:
        gap = f"only {_minutes_of(other.times.start - case.slot.end)} are left before {theirs}"
        ours, kept = ("after", terms.after), ("before", other.times.start - other.blocked.start)
    else:
        gap = f"only {_minutes_of(case.slot.start - other.times.end)} have passed since {theirs}"
        ours, kept = ("before", terms.before), ("after", other.blocked.end - other.times.end)
    needed = [
        f"this one needs {_minutes_of(ours[1])} {ours[0]} it" if ours[1] else "",
        f"that one needs {_minutes_of(kept[1])} {kept[0]} it" if kept[1] else "",
    ]
    return f"{case.who}: {gap}; {' and '.join(each for each in needed if each)} (buffers)."


def _meet(one: Interval, other: Interval) -> bool:
    return overlaps((one,), other)


def _minutes(count: int) -> str:
    return _minutes_of(timedelta(minutes=count))


def _minutes_of(length: timedelta) -> str:
    count = length // timedelta(minutes=1)
    if count >= 120 and count % 60 == 0:
        return f"{count // 60} hours"
    return f"{count} minute{'' if count == 1 else 's'}"

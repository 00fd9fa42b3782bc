"""What a business wants told to its customers, when, and how. Pure: settings in, values out.

`notifications`   true: everything, by text message; "sms" or "email": everything that way;
                  or by kind, such as {"booked": "sms", "cancelled": "email", "moved": "off"}
`reminders`       [{"hoursBefore": 24, "channel": "sms"}], at most four; these may also be calls, "call"
`quietHours`      {"from": "21:00", "to": "08:00"}, when nobody is reminded; false: at any hour

Nothing is told where nothing is written: texts cost the business money, and e-mail speaks in its name. What makes no
sense counts as not written; the page of the business refuses it.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from appointments.intervals import Interval
from appointments.wallclock import DAY, WallInterval, wall_time

HOUR = datetime.timedelta(hours=1)
CHANNELS = ("sms", "email")
REMIND_BY = (*CHANNELS, "call")
AT_ONCE = ("booked", "moved", "cancelled", "offered")
"""Kinds that tell of a change, as soon as it is made."""
MOST_REMINDERS = 4
LONGEST_LEAD_HOURS = 14 * 24
USUAL_LEAD_HOURS = 24
NIGHT = WallInterval(datetime.time(21), datetime.time(8))


@dataclass(frozen=True, slots=True)
class Reminder:
    hours_before: int
    channel: str

    @property
    def lead(self) -> datetime.timedelta:
        return self.hours_before * HOUR


@dataclass(frozen=True, slots=True)
class Wishes:
    """`told` is the channel by kind; a kind that is not there is not told."""

    told: Mapping[str, str] = field(default_factory=dict)
    reminders: tuple[Reminder, ...] = ()
    quiet: WallInterval | None = NIGHT


def wishes_of(settings: Any) -> Wishes:
    """What makes sense of a tenant's settings."""
    written = settings if isinstance(settings, dict) else {}
    usual = _one_channel(written.get("notifications"))
    return Wishes(
        _told(written.get("notifications")), _reminders(written, usual), quiet_hours(written, "quietHours")
    )


def _one_channel(value: Any) -> str:
    """The channel of everything, or ""."""
    if value is True:
        return "sms"
    return value if isinstance(value, str) and value in CHANNELS else ""


def _told(value: Any) -> dict[str, str]:
    usual = _one_channel(value)
    if usual:
        return dict.fromkeys(AT_ONCE, usual)
    by_kind = value if isinstance(value, dict) else {}
    return {kind: by_kind[kind] for kind in AT_ONCE if _is_channel(by_kind.get(kind))}


def _is_channel(value: Any) -> bool:
    return isinstance(value, str) and value in CHANNELS


def _reminders(written: dict[str, Any], usual: str) -> tuple[Reminder, ...]:
    if "reminders" not in written:
        return (Reminder(USUAL_LEAD_HOURS, usual),) if usual else ()
    value = written["reminders"]
    listed = value if isinstance(value, list) else []
    by_lead = {
        one["hoursBefore"]: Reminder(one["hoursBefore"], one.get("channel", "sms"))
        for one in listed[:MOST_REMINDERS]
        if not _wrong_reminder(one)
    }
    return tuple(by_lead.values())


def quiet_hours(written: Mapping[str, Any], name: str) -> WallInterval | None:
    """The setting of this name: the usual night where it is absent or makes no sense; None where it is false."""
    if name not in written:
        return NIGHT
    value = written[name]
    if value is False:
        return None
    try:
        quiet = WallInterval(_wall(value["from"]), _wall(value["to"]))
    except (KeyError, TypeError, ValueError):
        return NIGHT
    return quiet if quiet.opens != quiet.closes else NIGHT


def _wall(text: str) -> datetime.time:
    return datetime.datetime.strptime(text, "%H:%M").time()


def problems(settings: dict[str, Any]) -> Iterator[str]:
    """What is wrong with what is written, named by its fields."""
    value = settings.get("notifications")
    by_kind = value if isinstance(value, dict) else {}
    if value is not None and not isinstance(value, dict | bool) and not _is_channel(value):
        yield 'notifications: true, false, "sms", "email", or one of these by kind'
    for kind, channel in by_kind.items():
        if kind not in AT_ONCE:
            yield f"notifications: {kind} is none of {', '.join(AT_ONCE)}"
        elif channel not in (*CHANNELS, "off"):
            yield f'notifications: {kind} must be "sms", "email" or "off"'
    yield from _reminder_problems(settings.get("reminders", []))
    if "quietHours" in settings and settings["quietHours"] is not False:
        quiet = settings["quietHours"]
        if quiet_hours(settings, "quietHours") is NIGHT and quiet != {"from": "21:00", "to": "08:00"}:
            yield 'quietHours: {"from": "21:00", "to": "08:00"}, two different times, or false'


def _reminder_problems(value: Any) -> Iterator[str]:
    if not isinstance(value, list) or len(value) > MOST_REMINDERS:
        yield f"reminders: a list of at most {MOST_REMINDERS}"
        return
    for one in value:
        wrong = _wrong_reminder(one)
        if wrong:
            yield f"reminders: {wrong}"
    leads = [one["hoursBefore"] for one in value if not _wrong_reminder(one)]
    if len(leads) != len(set(leads)):
        yield "reminders: two of them at the same time"


def _wrong_reminder(one: Any) -> str:
    if not isinstance(one, dict) or one.keys() - {"hoursBefore", "channel"}:
        return 'each is {"hoursBefore": 24, "channel": "sms"}'
    hours = one.get("hoursBefore")
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST_LEAD_HOURS:
        return f"hoursBefore is a whole number from 1 to {LONGEST_LEAD_HOURS}"
    channel = one.get("channel", "sms")
    fits = isinstance(channel, str) and channel in REMIND_BY
    return "" if fits else 'channel is "sms", "email" or "call"'


# --- When ----------------------------------------------------------------------------------------


def last_use(starts_at: datetime.datetime, lead: datetime.timedelta) -> datetime.datetime:
    """Until when a reminder leaves somebody the time to come, or to say that they cannot."""
    return starts_at - min(HOUR, lead / 2)


def due_at(
    starts_at: datetime.datetime, lead: datetime.timedelta, quiet: WallInterval | None, zone: ZoneInfo
) -> datetime.datetime:
    """When to remind. One that falls into the night waits for the morning, or comes the evening before."""
    due = starts_at - lead
    night = night_at(due, quiet, zone)
    if night is None:
        return due
    if night.end <= last_use(starts_at, lead):
        return night.end
    return night.start - datetime.timedelta(minutes=1)


def night_at(instant: datetime.datetime, quiet: WallInterval | None, zone: ZoneInfo) -> Interval | None:
    """The quiet hours that an instant falls into."""
    if quiet is None:
        return None
    day = wall_time(instant, zone).date()
    for opens_on in (day - DAY, day):
        for night in quiet.instants_on(opens_on, zone):
            if night.start <= instant < night.end:
                return night
    return None

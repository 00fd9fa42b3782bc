"""A business's caps, and how much more time one call may have. Pure.

A call counts, whole, for the day and the month of the tenant's calendar on which it began.

`settings.maxMinutesPerDay`, `.maxMinutesPerMonth`, `.maxMinutesPerCallerDay`   with an agent
`settings.maxSpendPerDay`, `.maxSpendPerMonth`, `.maxSpendPerCallerDay`, `.maxSpendPerCall`   in the tenant's currency
What is not set there is the plan's (`tenants.plans`).
`settings.pricePerMinute`   what a minute with an agent costs; else the installation's CALL_PRICE_PER_MINUTE
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

TICK_SECONDS = 5.0
HORIZON_SECONDS = 120
"""Held ahead of a live call: a minute to wrap up in, and a minute for a database that is away."""
LEAST_SECONDS = 30
"""With less than that left no call is begun."""
MICROS = 1_000_000


class Window(StrEnum):
    """What a cap is for."""

    CALL = "call"
    CALLER = "caller"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Amount:
    """Time with an agent, and what it costs in millionths of the currency."""

    seconds: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """None: not capped."""

    seconds: int | None = None
    micros: int | None = None

    def seconds_left(self, taken: Amount, micros_per_second: int) -> int | None:
        """How many more there is room for, beside what is taken; negative when it is too much already."""
        by_time = None if self.seconds is None else self.seconds - taken.seconds
        if self.micros is None or micros_per_second <= 0:
            return by_time
        by_money = (self.micros - taken.micros) // micros_per_second
        return by_money if by_time is None else min(by_time, by_money)


Caps = Mapping[Window, Cap]


@dataclass(frozen=True, slots=True)
class Grant:
    """How many seconds a call may last in all; None: no cap. `by` says which cap keeps it from more."""

    seconds: int | None
    by: Window | None = None


def caps_of(settings: Mapping[str, Any]) -> Caps:
    """The windows that are capped. What is no positive number is no cap that anybody meant."""
    caps = {
        Window.CALL: Cap(None, _micros(settings.get("maxSpendPerCall"))),
        Window.CALLER: _cap(settings, "CallerDay"),
        Window.DAY: _cap(settings, "Day"),
        Window.MONTH: _cap(settings, "Month"),
    }
    return {window: cap for window, cap in caps.items() if cap != Cap()}


def micros_per_second(settings: Mapping[str, Any], price_per_minute: Decimal) -> int:
    """Rounded up: what a cap promises holds for what is paid."""
    own = _micros(settings.get("pricePerMinute"))
    per_minute = own if own is not None else int(price_per_minute * MICROS)
    return -(-per_minute // 60)


def grant(used: int, rate: int, caps: Caps, taken: Mapping[Window, Amount]) -> Grant:
    """What a call that has used so many seconds may have; `taken` by the others, used or held, in each window."""
    if not caps:
        return Grant(None)
    allowed, by = used + HORIZON_SECONDS, None
    for window, cap in caps.items():
        left = cap.seconds_left(taken.get(window, Amount()), rate)
        if left is not None and left < allowed:
            allowed, by = left, window
    return Grant(max(allowed, used), by)


def _cap(settings: Mapping[str, Any], of: str) -> Cap:
    minutes = _number(settings.get(f"maxMinutesPer{of}"))
    return Cap(None if minutes is None else int(minutes * 60), _micros(settings.get(f"maxSpendPer{of}")))


def _micros(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number * MICROS)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 < number < 10**9 else None

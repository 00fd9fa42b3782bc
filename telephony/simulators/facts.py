"""What running a simulated carrier asks of it: a value, made in its simulator's folder, in `simulated.py`."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from telephony.carriers.registry import CARRIERS
from telephony.simulators.observation import CallObserver, Say
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.messages import Fault


class NoCall(Exception):
    """None can be placed; the message says why."""


@dataclass(frozen=True, slots=True)
class SimulatedCarrier:
    place: Callable[[Script, Mapping[str, Any], Say], Coroutine[Any, Any, tuple[SimulatedCall, CallObserver]]]
    """One call by the options of `manage.py simulate_call`, to its end. Raises NoCall."""
    usual_number: Callable[[], str]
    """Of ours, which is dialled where none is named. Asks the database. Raises NoCall."""
    missing: Callable[[], str]
    """Why calls cannot be simulated here, as a sentence; "" where they can."""
    serve: Callable[[int, Sequence[Fault]], AbstractAsyncContextManager[object]]
    """Its API at a port, whose account has every number that is known here. Asks the database.

    The faults are for the next text messages, where it has some.
    """


def simulated(carrier: str) -> SimulatedCarrier:
    found: SimulatedCarrier = import_module(f"{CARRIERS[carrier].simulator}.simulated").SIMULATED
    return found

"""There is no call to simulate: whoever pulls the string is heard."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from telephony.simulators.facts import NoCall, SimulatedCarrier
from telephony.simulators.observation import CallObserver, Say
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.messages import Fault


async def place(script: Script, options: Mapping[str, Any], say: Say) -> tuple[SimulatedCall, CallObserver]:
    raise NoCall("the string is too short")


@asynccontextmanager
async def serve(port: int, faults: Sequence[Fault]) -> AsyncIterator[None]:
    yield


SIMULATED = SimulatedCarrier(place, lambda: "+15551234567", lambda: "", serve)

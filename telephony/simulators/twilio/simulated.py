"""Twilio, simulated: a call from outside, and its REST API; as the commands run them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from telephony.dialplan import find_destination
from telephony.models import PhoneNumber
from telephony.simulators.facts import SimulatedCarrier
from telephony.simulators.observation import CallObserver, Say
from telephony.simulators.twilio import Script, SimulatedCall, TwilioRestSimulator, TwilioSimulator
from telephony.simulators.twilio.demo_callees import demo_callees
from telephony.simulators.twilio.messages import Fault
from tenants.credentials import secret
from tenants.models import Credential
from tenants.scoping import in_thread, platform_scope, tenant_scope

DEMO_NUMBER = "+15551234567"


def missing() -> str:
    if settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN:
        return ""
    return "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: webhooks are signed with them."


async def place(script: Script, options: Mapping[str, Any], say: Say) -> tuple[SimulatedCall, CallObserver]:
    carrier = TwilioSimulator(
        settings.APP_BASE_URL,
        settings.TWILIO_ACCOUNT_SID,
        await in_thread(token_of, options["to"]),
        time_limit_s=options["timeout"],
    )
    async with carrier:
        call = await carrier.place_call(options["to"], options["from_"], script)
        observer = CallObserver(call.sid, say)
        observer.start()
        say(0.0, "", f"{options['from_']} dials {options['to']} ({call.sid})")
        # The carrier cuts the call itself; this is for its callbacks.
        await call.wait(options["timeout"] + 30)
    return call, observer


def token_of(called: str) -> str:
    """A tenant with an account of its own has a token of its own, too."""
    try:
        destination = find_destination(called)
        if destination is not None:
            with tenant_scope(destination.tenant_id):
                return secret(destination.tenant_id, Credential.Name.TWILIO_AUTH_TOKEN)
    except DatabaseError:
        pass  # the server's database may be another one than ours
    return str(settings.TWILIO_AUTH_TOKEN)


@asynccontextmanager
async def serve(port: int, faults: Sequence[Fault]) -> AsyncIterator[TwilioRestSimulator]:
    async with await in_thread(_rest, port) as carrier:
        carrier.desk.faults += faults
        yield carrier


def _rest(port: int) -> TwilioRestSimulator:
    with platform_scope():
        numbers = tuple(PhoneNumber.objects.values_list("e164", flat=True))
    carrier = TwilioRestSimulator(
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, numbers=numbers, port=port
    )
    callees = demo_callees()
    carrier.switchboard.callees, carrier.switchboard.usual = callees, next(iter(callees.values()))
    return carrier


SIMULATED = SimulatedCarrier(place, lambda: DEMO_NUMBER, missing, serve)

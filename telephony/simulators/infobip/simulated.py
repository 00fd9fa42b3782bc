"""Infobip, simulated: a call from outside, at the simulator that another process runs, and that; as the commands do."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings

from telephony.carriers.infobip.account import CONFIGURATION_ID
from telephony.carriers.infobip.provisioning import own_id
from telephony.models import Carrier, PhoneNumber
from telephony.simulators.facts import NoCall, SimulatedCarrier
from telephony.simulators.infobip.remote import RemoteCarrier
from telephony.simulators.infobip.simulator import CONFIGURATION, InfobipSimulator
from telephony.simulators.observation import CallObserver, Say
from telephony.simulators.spoken_lines import to_json
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.demo_callees import demo_callees
from telephony.simulators.twilio.messages import Fault
from tenants.scoping import in_thread, platform_scope


def missing() -> str:
    if settings.INFOBIP_SIMULATED:
        return ""
    return "Infobip is not simulated here: INFOBIP_API_KEY or INFOBIP_BASE_URL is set."


def usual_number() -> str:
    """The first that there is. Raises NoCall."""
    with platform_scope():
        numbers = PhoneNumber.objects.filter(carrier=Carrier.INFOBIP, is_active=True).order_by("e164")
        number = numbers.values_list("e164", flat=True).first()
    if number is None:
        raise NoCall("No tenant has a number at Infobip; `manage.py seed_demo` makes one.")
    return str(number)


async def place(script: Script, options: Mapping[str, Any], say: Say) -> tuple[SimulatedCall, CallObserver]:
    wanted = {
        "to": options["to"],
        "from": options["from_"],
        "scenario": options["scenario"],
        "reply_after_ms": script.reply_after_ms,
        "interrupt_after_ms": script.interrupt_after_ms,
        "digits": script.digits,
        "hang_up_after_s": script.hang_up_after_s,
        "hang_up_when_done": script.hang_up_when_done,
        "lines": to_json(script.lines) if options["say"] or options["wav"] else [],
    }
    async with RemoteCarrier(settings.INFOBIP_BASE_URL, settings.INFOBIP_API_KEY) as carrier:
        call = await carrier.place_call(wanted)
        observer = CallObserver(call.sid, say, Carrier.INFOBIP)
        observer.start()
        say(0.0, "", f"{options['from_']} dials {options['to']} over Infobip ({call.sid})")
        await carrier.follow(call, options["timeout"])
    return call, observer


@asynccontextmanager
async def serve(port: int, faults: Sequence[Fault]) -> AsyncIterator[InfobipSimulator]:
    numbers = await in_thread(_numbers)
    async with _api(port, numbers) as carrier:
        yield carrier


def _numbers() -> dict[str, str]:
    """Each forwarded to its tenant's own calls configuration, under the id that provisioning gives it."""
    with platform_scope():
        lines = PhoneNumber.objects.filter(carrier=Carrier.INFOBIP).select_related("tenant")
        return {
            line.e164.removeprefix("+"): str(
                line.tenant.settings.get(CONFIGURATION_ID) or own_id(line.tenant_id)
            )
            for line in lines
        }


def _api(port: int, numbers: dict[str, str]) -> InfobipSimulator:
    """Its own account is set up already, so that a call needs no provisioning."""
    simulator = InfobipSimulator(
        settings.INFOBIP_API_KEY,
        backend_url=settings.APP_BASE_URL,
        webhook_secret=settings.INFOBIP_WEBHOOK_SECRET,
        configurations=tuple(dict.fromkeys(numbers.values())) or (CONFIGURATION,),
        numbers=numbers,
        port=port,
    )
    callees = demo_callees()
    simulator.callees = {number.removeprefix("+"): callee for number, callee in callees.items()}
    simulator.callee = next(iter(callees.values()))
    return simulator


SIMULATED = SimulatedCarrier(place, usual_number, missing, serve)

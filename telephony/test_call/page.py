"""The page that talks to the agent, what begins a call from it, and the voices that may stand in for a microphone."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from agents.simulators.scenarios import BOOKING, OPENING_HOURS, SCENARIOS, Scenario
from appointments.models import Customer
from telephony import calls
from telephony.errors import CallRefused
from telephony.models import Carrier
from telephony.simulators.twilio.wav import recording
from telephony.test_call.beginning import begin
from telephony.test_call.remedies import remedy
from telephony.watching.door import at_the_desk
from telephony.watching.page import addresses
from tenants.admin_sites import staff
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164

MOST_CUSTOMERS = 200
"""Offered to call as; any other number can be typed."""
PREPARED = {
    BOOKING.name: "Alex Taylor books a haircut",
    OPENING_HOURS.name: "Somebody asks when you are open",
}


def show(request: HttpRequest) -> HttpResponse:
    request.current_app = staff.name
    context: dict[str, Any] = {
        **staff.each_context(request),
        "title": "Test call",
        "person": (person := at_the_desk(request)),
        "addresses": addresses(),
    }
    if person and person.may_act:
        known = Customer.objects.exclude(phone_e164="").order_by("-created_at")
        context["customers"] = known.only("name", "phone_e164")[:MOST_CUSTOMERS]
        context["prepared"] = [_described(SCENARIOS[name], words) for name, words in PREPARED.items()]
    return TemplateResponse(request, "admin/telephony/test_call.html", context)


def _described(scenario: Scenario, words: str) -> dict[str, Any]:
    lines = range(len(scenario.lines))
    return {
        "name": scenario.name,
        "words": words,
        "caller": scenario.caller,
        "lines": " ".join(reverse("admin:test_call_line", args=[scenario.name, number]) for number in lines),
    }


def line(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """What a prepared caller says, as the line carries it: mu-law at 8 kHz, without a header."""
    if name not in PREPARED or number >= len(SCENARIOS[name].lines):
        raise Http404
    audio = recording(SCENARIOS[name].lines[number].recording)
    if audio is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=86400"}
    return HttpResponse(audio, content_type="audio/basic", headers=headers)


@require_POST
def begin_call(request: HttpRequest) -> HttpResponse:
    """`begin`'s answer with the call's id, or `error` and what to do about it.

    Not in the scope of a page, as the others are: what it writes must be there for whoever carries the call.
    """
    person = at_the_desk(request)
    if person is None:
        words = "You are signed out. Please log in again."
        return JsonResponse({"error": words, "login": reverse("admin:login")}, status=403)
    if not person.may_act:
        return JsonResponse({"error": "Your role may look at calls, but not make one."}, status=403)
    try:
        caller = _number(request.POST.get("caller", ""), person.tenant)
    except InvalidNumber:
        words = (
            "This is no telephone number. Write it with its country, such as +15551234567, or leave it empty."
        )
        return JsonResponse({"error": words}, status=400)
    try:
        begun = begin(person.tenant, caller=caller)
    except CallRefused as refused:
        words = f"A caller would hear now: “{refused.spoken}”"
        return JsonResponse({"error": words, "remedy": remedy(refused.outcome)}, status=409)
    call = calls.find_call(begun["start"]["callSid"], Carrier.BROWSER)
    return JsonResponse({**begun, "call": str(call.pk) if call else ""})


def _number(typed: str, tenant: Tenant) -> str:
    typed = typed.strip()
    return to_e164(typed, region_of(tenant.phone) if tenant.phone else None) if typed else ""


staff.add_page("test-call/", show, "test_call")
staff.add_page("test-call/line/<slug:name>/<int:number>", line, "test_call_line")

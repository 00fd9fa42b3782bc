"""What Twilio asks of calls that we placed. Their addresses name the call as we do: it may have no other name yet."""

import logging

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from telephony import calls, head_start
from telephony.addresses import media_url
from telephony.carriers.twilio import twiml, webhooks
from telephony.carriers.twilio.addresses import OUTBOUND_STREAM_PATH, callback_url
from telephony.carriers.twilio.dialer import TwilioDialer
from telephony.carriers.twilio.views import FORM, TWIML, TwilioWebhook, auth_token_for, auth_token_of, xml
from telephony.errors import CallRefused
from telephony.incoming import CallStatus
from telephony.models import Call, Carrier
from telephony.outbound import attempts, course
from telephony.outbound.errors import CarrierRefused
from telephony.rungs import words_of_apology

logger = logging.getLogger(__name__)
security = logging.getLogger("tonris.security")

_CALL = OpenApiParameter("call", OpenApiTypes.UUID, description="Our own name for the call.")


class OutboundWebhook(TwilioWebhook):
    """Signed with the token of the tenant whose call the address names."""

    def auth_token(self, request: HttpRequest) -> str:
        call = _named(request)
        return auth_token_for(request) if call is None else auth_token_of(call.tenant_id)

    def call(self, request: Request) -> Call | None:
        """The call, which from now on has Twilio's name; None for another one's, or none."""
        django_request = request._request
        call, sid = _named(django_request), webhooks.call_id(django_request.POST)
        if call is None or not course.named(call, sid, django_request.POST.get("AccountSid", "")[:64]):
            security.warning("A callback came for a call that we did not place: %s", sid)
            return None
        return call


def _named(request: HttpRequest) -> Call | None:
    return attempts.find(request.GET.get("call", "")[:64], Carrier.TWILIO)


class Answered(OutboundWebhook):
    """Somebody has answered a call that we placed: connect them to the tenant's agent."""

    @extend_schema(
        operation_id="twilio_outbound_answered",
        summary="A call that we placed is answered",
        parameters=[_CALL],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        call = self.call(request)
        if call is None:
            return xml(twiml.hang_up())
        calls.apply_status(CallStatus(call.carrier_call_id, "in-progress", "answer", None))
        return xml(self._answer(call, request._request.POST.get("AnsweredBy") or ""))

    def _answer(self, call: Call, answered_by: str) -> str:
        if answered_by:  # where somebody has switched to detection before the answer
            course.heard(call, answered_by)
        if answered_by.startswith(course.MACHINES):
            words = course.words_for_machine(call)
            return twiml.say(words, language=call.tenant.language) if words else twiml.hang_up()
        try:
            connected = course.answers(call)
        except CallRefused as refused:
            logger.warning(
                "Call %s was answered, and nobody can speak: %s", call.carrier_call_id, refused.outcome
            )
            return twiml.say(words_of_apology(call), language=call.tenant.language)
        if connected is None:  # over, unwanted meanwhile, or a captured webhook that is replayed
            return twiml.hang_up()
        head_start.begin(connected.route, connected.token)
        return twiml.connect_stream(
            media_url(OUTBOUND_STREAM_PATH),
            {
                "agent_id": connected.route.agent_id,
                "tenant_id": str(call.tenant_id),
                "call_sid": call.carrier_call_id,
                "business_name": connected.route.business_name,
                "direction": "outbound",
                "token": connected.token,
            },
            ended_url=callback_url("stream-ended"),
            stream_status_url=callback_url("stream-status"),
        )


class Status(OutboundWebhook):
    """Where a call that we placed stands. Late, repeated and unknown ones change nothing."""

    @extend_schema(
        operation_id="twilio_outbound_status",
        summary="Status of a call that we placed",
        parameters=[_CALL],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        call, fields = self.call(request), request._request.POST
        if call is not None:
            if answered_by := fields.get("AnsweredBy"):
                course.heard(call, answered_by)
            calls.apply_status(webhooks.parse_status(fields))
            course.settle(call)
        return xml(twiml.nothing())


class Machine(OutboundWebhook):
    """Who has answered: a person goes on talking to the agent, a machine is told why we called."""

    @extend_schema(
        operation_id="twilio_outbound_amd",
        summary="A person or a machine has answered",
        parameters=[_CALL],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        call = self.call(request)
        if call is None:
            return xml(twiml.nothing())
        if course.heard(call, request._request.POST.get("AnsweredBy") or ""):
            try:
                words = course.words_for_machine(call)
                TwilioDialer().say_and_hang_up(call, words, call.tenant.language)
            except CarrierRefused as refused:
                logger.warning("Call %s: the machine was not told: %s", call.carrier_call_id, refused.message)
        return xml(twiml.nothing())

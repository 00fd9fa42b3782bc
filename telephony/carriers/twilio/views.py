"""What Twilio asks: how to answer a call, and where it stands."""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.views import APIView

from agents.speech import speech_for
from telephony import calls, dialplan, head_start, live
from telephony.addresses import media_url
from telephony.carriers.twilio import aftercare, menu, twiml, webhooks
from telephony.carriers.twilio.addresses import MEDIA_STREAM_PATH, callback_url
from telephony.errors import AgentMissing, CallerBlocked, CallFailed, CallRefused, NumberNotInService
from telephony.incoming import IncomingCall as Incoming
from telephony.keypad.heard import Heard
from telephony.models import Carrier
from telephony.people import transfers
from telephony.relief import route_that_works
from tenants.credentials import platform_secret, secret
from tenants.loopback import is_local
from tenants.models import Credential, Tenant
from tenants.outages import OUTAGES
from tenants.phone import mask
from tenants.responses import ApiError
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
security = logging.getLogger("tonris.security")

FORM = {"application/x-www-form-urlencoded": OpenApiTypes.OBJECT}
TWIML = {
    (200, "text/xml"): OpenApiResponse(OpenApiTypes.STR, "TwiML"),
    (400, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "A field is missing or cannot be read"),
    (403, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The signature is missing or wrong"),
}


def xml(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml; charset=utf-8")


class TwilioWebhook(APIView):
    """Verified before a handler runs: signed with the token of the account that has the called number."""

    parser_classes = [FormParser, MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        django_request: HttpRequest = request._request
        if not self._unsigned_allowed(django_request):
            self._verify(django_request)
        webhooks.refuse_control_characters(django_request.POST)

    def _verify(self, request: HttpRequest) -> None:
        if not webhooks.is_signed(request, settings.APP_BASE_URL, self.auth_token(request)):
            security.warning("A Twilio webhook was refused at %s: signature missing or wrong", request.path)
            raise ApiError("X-Twilio-Signature is missing or wrong", "FORBIDDEN", 403)

    def auth_token(self, request: HttpRequest) -> str:
        return auth_token_for(request)

    def unreachable(self) -> HttpResponse:
        """What is answered while the database is."""
        return xml(twiml.say(CallFailed.spoken))

    def _unsigned_allowed(self, request: HttpRequest) -> bool:
        if "X-Twilio-Signature" in request.headers or not settings.ALLOW_UNSIGNED_WEBHOOKS:
            return False
        return is_local(request)

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, webhooks.BadField):
            exc = ApiError(str(exc), "VALIDATION_ERROR", 400)
        if isinstance(exc, DatabaseError):
            # Twilio would hang up on a 500. The sentence does nothing and tells nothing: it needs no signature.
            if isinstance(exc, OUTAGES):
                logger.exception("The database cannot be reached: a caller hears the apology")
            else:  # such as a known CallSid, told for another tenant's number
                logger.exception(
                    "The database refused what a webhook was to write: a caller hears the apology"
                )
            return self.unreachable()
        return super().handle_exception(exc)


class CallersWebhook(TwilioWebhook):
    """A caller listens to the answer: whatever is wrong with what Twilio tells, they hear something."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, webhooks.BadField):
            logger.warning("A caller hears the apology at %s: %s", self.request.path, exc)
            return xml(twiml.say(CallFailed.spoken))
        return super().handle_exception(exc)


def auth_token_for(request: HttpRequest) -> str:
    """The tenant's own Twilio token where the call's tenant, or the called number's, has one; else the platform's."""
    call = calls.find_call(webhooks.to_look_up(request.POST, "CallSid"))
    return auth_token_of(call.tenant_id) if call else auth_token_of_number(request.POST.get("To", ""))


def auth_token_of_number(number: str) -> str:
    """Of the tenant whose number it is, as dialled or E.164."""
    destination = dialplan.find_destination(webhooks.called_number(number))
    return auth_token_of(destination.tenant_id if destination else None)


def auth_token_of(tenant_id: UUID | None) -> str:
    if tenant_id is None:
        return platform_secret(Credential.Name.TWILIO_AUTH_TOKEN)
    with tenant_scope(tenant_id):
        return secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN)


class IncomingCall(CallersWebhook):
    """A call comes in: connect it to the tenant's agent, or say why not."""

    @extend_schema(
        operation_id="twilio_incoming_call", summary="Incoming call", request=FORM, responses=TWIML
    )
    def post(self, request: Request) -> HttpResponse:
        incoming = webhooks.parse_incoming(request._request.POST)
        logger.info(
            "Twilio-ElevenLabs: Incoming call %s from %s to %s",
            incoming.carrier_call_id,
            mask(incoming.from_e164),
            mask(incoming.to_e164),
        )
        destination = dialplan.find_destination(incoming.to_e164)
        try:
            return xml(self._answer(incoming, destination))
        except CallRefused as refused:
            return xml(_refusal(incoming, destination, refused))

    def _answer(self, incoming: Incoming, destination: dialplan.Destination | None) -> str:
        if destination is not None and destination.in_service:
            calls.admit(incoming, destination)
        route = dialplan.route(destination)
        if live.is_draining():  # this process is about to end: a stream begun now would be cut
            return self._without_agent(incoming, route, "draining")
        working = route_that_works(route, Carrier.TWILIO)
        if working is None:
            return self._without_agent(incoming, route, "agent_fails_everybody")
        route = working
        calls.reserve_time(incoming, route.destination)
        token = calls.open_call(incoming, route)
        if token is None:  # a captured webhook, replayed: the stream it opened has been used
            security.warning("A second answer was asked for call %s", incoming.carrier_call_id)
            raise CallFailed
        head_start.begin(route, token)
        return twiml.connect_stream(
            media_url(MEDIA_STREAM_PATH),
            {
                "agent_id": route.agent_id,
                "tenant_id": str(route.tenant_id),
                "call_sid": incoming.carrier_call_id,
                "business_name": route.business_name,
                "token": token,
            },
            ended_url=callback_url("stream-ended"),
            stream_status_url=callback_url("stream-status"),
        )

    def _without_agent(self, incoming: Incoming, route: dialplan.Route, why: str) -> str:
        if not calls.record_refused(incoming, route.destination, why):
            security.warning("A second answer was asked for call %s", incoming.carrier_call_id)
            raise CallFailed
        return aftercare.after_stream(incoming.carrier_call_id, "in-progress", callback_url)


def _refusal(incoming: Incoming, destination: dialplan.Destination | None, refused: CallRefused) -> str:
    """The sentence that says why; and the way on, where only the agent is missing and there is one."""
    logger.warning("Call %s was answered with a sentence: %s", incoming.carrier_call_id, refused.outcome)
    if destination is None:
        return twiml.say(refused.spoken)
    if not isinstance(refused, CallFailed):
        calls.record_refused(incoming, destination, refused.outcome)
    if isinstance(refused, CallerBlocked):
        return twiml.reject()
    with tenant_scope(destination.tenant_id):
        tenant = Tenant.objects.get(pk=destination.tenant_id)
    goes_on = isinstance(refused, AgentMissing) and aftercare.goes_on(tenant)
    return twiml.say(
        refused.sentence(speech_for(tenant.language)),
        language=tenant.language,
        then_url=callback_url("stream-ended") if goes_on else "",
    )


class VoiceWithoutAgent(CallersWebhook):
    """A call to a number whose business answers itself: greet, ring it; the menu by key, voicemail."""

    @extend_schema(
        operation_id="twilio_voice",
        summary="Incoming call, without an agent",
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        incoming = webhooks.parse_incoming(request._request.POST)
        destination = dialplan.find_destination(incoming.to_e164)
        try:
            return xml(self._answer(incoming, destination))
        except CallRefused as refused:
            return xml(_refusal(incoming, destination, refused))

    def _answer(self, incoming: Incoming, destination: dialplan.Destination | None) -> str:
        if destination is None or not destination.in_service:
            raise NumberNotInService
        calls.admit(incoming, destination)
        taken = not calls.record_refused(incoming, destination, calls.WITHOUT_AGENT)
        call = calls.find_call(incoming.carrier_call_id)
        if taken or call is None or calls.RANK[call.state] == calls.ENDED:
            raise CallFailed
        return aftercare.without_agent(call, callback_url)


class KeypadMenu(CallersWebhook):
    """A key or a few words, at the place in the menu that the address says."""

    @extend_schema(
        operation_id="twilio_menu",
        summary="Key or words in the menu",
        parameters=[OpenApiParameter("s", OpenApiTypes.STR, description="Where in the menu; signed")],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        call = calls.find_call(webhooks.call_id(fields))
        if call is None:
            return xml(twiml.say(CallFailed.spoken))
        if not call.tenant.is_active:
            sentence = speech_for(call.tenant.language).not_in_service
            return xml(twiml.say(sentence, language=call.tenant.language))
        heard = Heard((fields.get("Digits") or "")[:40], (fields.get("SpeechResult") or "")[:2000])
        return xml(menu.answer(call, request._request.GET.get("s", "")[:4000], heard, callback_url))


class CallStatus(TwilioWebhook):
    """Where a call stands. Late, repeated and unknown ones change nothing."""

    @extend_schema(operation_id="twilio_call_status", summary="Call status", request=FORM, responses=TWIML)
    def post(self, request: Request) -> HttpResponse:
        status = webhooks.parse_status(request._request.POST)
        if not calls.apply_status(status):
            logger.info("A status came for a call that is not ours: %s", status.carrier_call_id)
        elif calls.RANK.get(status.state) == calls.ENDED:
            call = calls.find_call(status.carrier_call_id)
            if call is not None:
                transfers.caller_left(call)
        return xml(twiml.nothing())


class StreamStatus(TwilioWebhook):
    """What Twilio says of a media stream: the only sign of a handshake that failed."""

    @extend_schema(
        operation_id="twilio_stream_status", summary="Stream status", request=FORM, responses=TWIML
    )
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        call = calls.find_call(webhooks.call_id(fields))
        if call is not None:
            kind = (fields.get("StreamEvent") or "stream")[:40]
            with tenant_scope(call.tenant_id):
                calls.add_event(
                    call.tenant_id,
                    call.pk,
                    f"carrier:{kind}",
                    dedupe_key=f"{fields.get('StreamSid', '')}:{kind}",
                    error=(fields.get("StreamError") or "")[:240],
                )
        return xml(twiml.nothing())


class StreamEnded(CallersWebhook):
    """The stream is over: hang up, or if the agent failed the caller, find somebody or something else."""

    @extend_schema(operation_id="twilio_stream_ended", summary="Stream ended", request=FORM, responses=TWIML)
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        episode = request._request.GET.get("e", "0")
        return xml(
            aftercare.after_stream(
                webhooks.call_id(fields),
                fields.get("CallStatus") or "",
                callback_url,
                episode=int(episode) if episode.isdecimal() and len(episode) < 4 else 0,
            )
        )


class Dialed(CallersWebhook):
    """A person was rung for the caller: done, or voicemail."""

    @extend_schema(
        operation_id="twilio_dialed",
        summary="Dial result",
        parameters=[
            OpenApiParameter("t", OpenApiTypes.STR, description="Which round of which transfer; signed")
        ],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        status = fields.get("DialCallStatus") or ""
        signed = request._request.GET.get("t", "")[:200]
        return xml(
            aftercare.after_dial(
                webhooks.call_id(fields),
                status,
                callback_url,
                signed=signed,
                call_status=fields.get("CallStatus") or "",
            )
        )


class Recorded(CallersWebhook):
    """A voicemail was left."""

    @extend_schema(operation_id="twilio_recorded", summary="Voicemail left", request=FORM, responses=TWIML)
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        return xml(aftercare.after_recording(webhooks.call_id(fields), fields.get("RecordingSid") or ""))


class Fallback(CallersWebhook):
    """Twilio could not fetch or run our answer: say something of use instead of nothing."""

    @extend_schema(operation_id="twilio_fallback", summary="Fallback", request=FORM, responses=TWIML)
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        call_id, status = webhooks.call_id(fields), fields.get("CallStatus") or ""
        if calls.find_call(call_id) is None and calls.RANK.get(status) != calls.ENDED:
            _record_unanswered(fields)
        return xml(aftercare.after_stream(call_id, status, callback_url, plays=False))


def _record_unanswered(fields: QueryDict) -> None:
    """The webhook with which it came in has failed, and left nothing: its number still says whose ladder it is."""
    if not fields.get("To"):
        return
    incoming = webhooks.parse_incoming(fields)
    destination = dialplan.find_destination(incoming.to_e164)
    if destination is not None and destination.in_service:
        calls.record_refused(incoming, destination, calls.UNANSWERED)

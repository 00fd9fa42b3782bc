"""What Twilio tells of text messages: one came in, one got on."""

import logging

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from twilio.twiml.messaging_response import MessagingResponse

from telephony import dialplan
from telephony.carriers.twilio import webhooks
from telephony.carriers.twilio.twiml import clean
from telephony.carriers.twilio.views import (
    FORM,
    TWIML,
    TwilioWebhook,
    auth_token_of,
    auth_token_of_number,
    xml,
)
from telephony.notifications import receipts, replies
from tenants.models import Tenant
from tenants.phone import mask
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

LONGEST_TEXT = 1600


class IncomingText(TwilioWebhook):
    """A text message comes in: act on it, and answer."""

    @extend_schema(
        operation_id="twilio_incoming_text", summary="Incoming text message", request=FORM, responses=TWIML
    )
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        received = replies.Received(
            carrier_message_id=webhooks.required(fields, "MessageSid"),
            from_e164=webhooks.caller_number(fields.get("From") or ""),
            to_e164=webhooks.called_number(webhooks.required(fields, "To")),
            text=(fields.get("Body") or "")[:LONGEST_TEXT],
            opt_out_type=(fields.get("OptOutType") or "")[:8],
        )
        destination = dialplan.find_destination(received.to_e164)
        if destination is None or not destination.in_service or not received.from_e164:
            return xml(_answer(""))
        logger.info("A text message came in from %s", mask(received.from_e164))
        with tenant_scope(destination.tenant_id):
            tenant = Tenant.objects.get(pk=destination.tenant_id)
            return xml(_answer(replies.receive(tenant, received)))

    def auth_token(self, request: HttpRequest) -> str:
        """Of whose number it came to: for that tenant it acts. A call that a form may name has no say."""
        return auth_token_of_number(request.POST.get("To", ""))

    def unreachable(self) -> HttpResponse:
        """Nobody listens to a text: Twilio tries its fallback, and notes that we failed."""
        return HttpResponse(status=503, headers={"Retry-After": "5"})


def _answer(text: str) -> str:
    response = MessagingResponse()
    if text:
        response.message(clean(text))
    return str(response)


class TextStatus(TwilioWebhook):
    """A text message of ours got on: sent, delivered, or not."""

    @extend_schema(
        operation_id="twilio_text_status",
        summary="Text message status",
        parameters=[
            OpenApiParameter("n", str, description="Which notification: we named it when we sent it")
        ],
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = request._request.POST
        message_id = webhooks.required(fields, "MessageSid")
        status = (fields.get("MessageStatus") or fields.get("SmsStatus") or "").lower()
        reference = request._request.GET.get("n", "")
        tenant_id = receipts.tenant_of(reference, message_id)
        if tenant_id is not None:
            receipts.note(tenant_id, reference, message_id, status, fields.get("ErrorCode") or "")
        return xml(_answer(""))

    def auth_token(self, request: HttpRequest) -> str:
        """Of the tenant that sent it: `To` is the customer's number."""
        message_id = webhooks.to_look_up(request.POST, "MessageSid")
        tenant_id = receipts.tenant_of(request.GET.get("n", ""), message_id)
        return auth_token_of(tenant_id) if tenant_id else auth_token_of_number(request.POST.get("From", ""))

    def unreachable(self) -> HttpResponse:
        return HttpResponse(status=503, headers={"Retry-After": "5"})

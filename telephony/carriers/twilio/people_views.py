"""What Twilio asks for the leg of a person: what they hear, whether they take the call, how the leg fares."""

from abc import ABC, abstractmethod
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from telephony.carriers.twilio import people, twiml
from telephony.carriers.twilio.addresses import callback_url
from telephony.carriers.twilio.views import FORM, TWIML, TwilioWebhook, auth_token_of, xml
from telephony.people.models import Transfer, TransferLeg

_LEG = [OpenApiParameter("l", OpenApiTypes.STR, description="Which leg of which transfer; signed")]
LONGEST = 200


class LegWebhook(ABC, TwilioWebhook):
    """The leg has an id of its own, and is signed for the account of its transfer's tenant."""

    def auth_token(self, request: HttpRequest) -> str:
        found = people.find_leg(request.GET.get("l", "")[:LONGEST])
        return auth_token_of(found[0].tenant_id if found else None)

    def unreachable(self) -> HttpResponse:
        """The person is let go: an empty answer would join them to the caller."""
        return xml(twiml.hang_up())

    def post(self, request: Request) -> HttpResponse:
        found = people.find_leg(request._request.GET.get("l", "")[:LONGEST])
        return xml(twiml.hang_up() if found is None else self.answer(*found, request._request.POST))

    @abstractmethod
    def answer(self, transfer: Transfer, leg: TransferLeg, fields: Any) -> str:
        """TwiML for the leg."""


class Whisper(LegWebhook):
    @extend_schema(
        operation_id="twilio_whisper",
        summary="A person picked up",
        parameters=_LEG,
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def answer(self, transfer: Transfer, leg: TransferLeg, fields: Any) -> str:
        return people.whispered(transfer, leg, (fields.get("CallSid") or "")[:64], callback_url)


class Accept(LegWebhook):
    @extend_schema(
        operation_id="twilio_accept",
        summary="A person pressed a key",
        parameters=_LEG,
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def answer(self, transfer: Transfer, leg: TransferLeg, fields: Any) -> str:
        return people.pressed(transfer, leg, (fields.get("Digits") or "")[:8])


class LegStatus(LegWebhook):
    @extend_schema(
        operation_id="twilio_leg_status",
        summary="How a person's leg fares",
        parameters=_LEG,
        request=FORM,
        responses=TWIML,
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def answer(self, transfer: Transfer, leg: TransferLeg, fields: Any) -> str:
        people.leg_told(transfer, leg, (fields.get("CallStatus") or "")[:20])
        return twiml.nothing()

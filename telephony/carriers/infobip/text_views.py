"""What Infobip tells of text messages: some came in, some of ours got on."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from telephony.carriers.infobip import errands
from telephony.carriers.infobip.addresses import reports_secret
from telephony.carriers.infobip.events import BadEvent
from telephony.carriers.infobip.text_events import Json, TextIn, reports_in, texts_in
from telephony.carriers.infobip.webhook import InfobipWebhook, password_of
from telephony.dialplan import find_destination
from telephony.notifications import own_answers, receipts, replies
from tenants.credentials import platform_secret, secret
from tenants.json_body import NotAnObject, parse_object
from tenants.models import Credential, Tenant
from tenants.phone import mask
from tenants.responses import ApiError, success
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
T = TypeVar("T")

_ANSWERS = {
    200: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data}`; of strangers too"),
    400: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, error, code}`"),
    401: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, error, code}`"),
}
_HOW = "Basic authentication (user `tonris`), or the secret as the last segment of the path."


class TextWebhook(InfobipWebhook):
    def read(self, request: Request, given: str, parse: Callable[[Json], list[T]]) -> list[T]:
        try:
            return parse(parse_object(request._request.body))
        except (NotAnObject, BadEvent) as problem:
            self.verify(request, given, platform_secret(Credential.Name.INFOBIP_WEBHOOK_SECRET))
            raise ApiError(str(problem), "VALIDATION_ERROR", 400) from None


class IncomingTexts(TextWebhook):
    """Each verified with the secret of the business whose number it came to, before any is acted on."""

    @extend_schema(
        operation_id="infobip_incoming_texts",
        summary="Incoming text messages of Infobip",
        description=_HOW,
        request={"application/json": OpenApiTypes.OBJECT},
        responses=_ANSWERS,
    )
    def post(self, request: Request, key: str = "") -> Response:
        given = key or password_of(request)
        found = [(one, find_destination(one.to_e164)) for one in self.read(request, given, texts_in)]
        for tenant_id in {one.tenant_id if one else None for _, one in found} or {None}:
            self.verify(request, given, _secret_of(tenant_id))
        for text, destination in found:
            if destination is None or not destination.in_service or not text.from_e164:
                logger.info("Infobip brought a text that nobody here can answer: %s", text.message_id)
                continue
            _take(destination.tenant_id, text)
        return success({"received": len(found)})


def _secret_of(tenant_id: UUID | None) -> str:
    if tenant_id is None:
        return platform_secret(Credential.Name.INFOBIP_WEBHOOK_SECRET)
    with tenant_scope(tenant_id):
        return secret(tenant_id, Credential.Name.INFOBIP_WEBHOOK_SECRET)


def _take(tenant_id: UUID, text: TextIn) -> None:
    """Our answer is a text of its own: sent once, however often this one comes."""
    logger.info("A text message came in from %s", mask(text.from_e164))
    with tenant_scope(tenant_id):
        received = replies.Received(text.message_id, text.from_e164, text.to_e164, text.text)
        tenant = Tenant.objects.get(pk=tenant_id)
        answer, is_news = replies.receive_once(tenant, received, by_a_text=True)
    if answer and is_news:
        errands.run(partial(own_answers.send_first, tenant_id, text.message_id))


class TextReports(TextWebhook):
    """What became of our texts; the address that we send along with each is proof enough of whose it is."""

    @extend_schema(
        operation_id="infobip_text_reports",
        summary="Delivery reports of Infobip",
        description=_HOW,
        request={"application/json": OpenApiTypes.OBJECT},
        responses=_ANSWERS,
    )
    def post(self, request: Request, key: str = "") -> Response:
        given = key or password_of(request)
        reports = self.read(request, given, reports_in)
        owners = [receipts.tenant_of(one.message_id, one.message_id) for one in reports]
        for tenant_id in set(owners) or {None}:
            own = [reports_secret(tenant_id)] if tenant_id else []
            self.verify(request, given, _secret_of(tenant_id), *own)
        for report, tenant_id in zip(reports, owners, strict=True):
            if tenant_id is None:
                logger.info("Infobip told of a text that is not ours: %s", report.message_id)
            else:
                receipts.note(tenant_id, report.message_id, report.message_id, report.status, report.error)
        return success({"received": len(reports)})

"""What Infobip tells us: events of calls, one a request."""

import logging
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from telephony import calls
from telephony.carriers.infobip import course, events
from telephony.carriers.infobip.account import CONFIGURATION_ID
from telephony.carriers.infobip.webhook import InfobipWebhook, password_of
from telephony.dialplan import find_destination
from telephony.models import Carrier
from telephony.outbound import attempts
from telephony.outbound import course as course_of_ours
from telephony.people import transfers
from tenants.credentials import platform_secret, secret
from tenants.json_body import NotAnObject, parse_object
from tenants.models import Credential, Tenant
from tenants.responses import ApiError, success
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)
security = logging.getLogger("tonris.security")

MOST_OF_AN_ID = 128
"""As long as Infobip's are."""


class CallEvents(InfobipWebhook):
    """Verified with the secret of the account that has the called number, then written down and answered at once."""

    @extend_schema(
        operation_id="infobip_call_event",
        summary="Call event of Infobip",
        description="Basic authentication (user `tonris`), or the secret as the last segment of the path.",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data}`; unknown events too"),
            401: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, error, code}`"),
            403: OpenApiResponse(OpenApiTypes.OBJECT, "Another tenant's calls configuration"),
        },
    )
    def post(self, request: Request, key: str = "") -> Response:
        given = key or password_of(request)
        event = self._read(request, given)
        call = calls.find_call(event.caller_id, Carrier.INFOBIP) if event.caller_id else None
        if call is None and event.reference and not event.leg.parent_id:
            call = attempts.find(event.reference, Carrier.INFOBIP)
        if call is None:  # of a person whom we ring for a caller, some events name nobody else
            leg = transfers.find_leg(event.call_id)
            call = leg.transfer.call if leg else None
        destination = find_destination(event.leg.to_e164)
        if (
            event.type == "CALL_RECEIVED"
        ):  # a new call has no parent: the number that it came to decides alone
            call = calls.find_call(event.call_id, Carrier.INFOBIP) if event.call_id else None
            if call and destination and call.tenant_id != destination.tenant_id:
                raise ApiError("The call is another business's", "FORBIDDEN", 403)
        tenant_id = call.tenant_id if call else destination.tenant_id if destination else None
        if tenant_id is None:
            tenant_id = _owner_of(event.configuration_id)
        if tenant_id is None:
            self.verify(request, given, platform_secret(Credential.Name.INFOBIP_WEBHOOK_SECRET))
        else:
            with tenant_scope(tenant_id):
                expected = secret(tenant_id, Credential.Name.INFOBIP_WEBHOOK_SECRET)
            self.verify(request, given, expected)
            _check_configuration(tenant_id, event.configuration_id)
        if call is not None and not attempts.is_bound(call) and not course_of_ours.named(call, event.call_id):
            raise ApiError("The call is another one", "FORBIDDEN", 403)
        logger.info("Received event from Infobip: %s of %s", event.type, event.call_id or event.dialog_id)
        course.take(event, call, destination, tenant_id)
        return success({"received": True})

    def _read(self, request: Request, given: str) -> events.Event:
        try:
            return events.parse(parse_object(request._request.body))
        except (NotAnObject, events.BadEvent) as problem:
            self.verify(request, given, platform_secret(Credential.Name.INFOBIP_WEBHOOK_SECRET))
            raise ApiError(str(problem), "VALIDATION_ERROR", 400) from None


def _owner_of(configuration_id: str) -> UUID | None:
    """The one tenant that has this calls configuration, for events that name no call of ours."""
    if not configuration_id:
        return None
    with platform_scope():
        rows = Tenant.objects.filter(**{f"settings__{CONFIGURATION_ID}": configuration_id})
        owners = list(rows.values_list("pk", flat=True)[:2])
    return owners[0] if len(owners) == 1 else None


def _check_configuration(tenant_id: UUID, configuration_id: str) -> None:
    """An event of another tenant's calls configuration is none of this tenant's, whatever number it names."""
    if not configuration_id:
        return
    with platform_scope():
        rows = Tenant.objects.filter(**{f"settings__{CONFIGURATION_ID}": configuration_id})
        owners = set(rows.values_list("pk", flat=True))
        tenant = Tenant.objects.get(pk=tenant_id)
    own = tenant.settings.get(CONFIGURATION_ID)
    if tenant_id not in owners and (owners or own):
        security.warning(
            "An event came over another calls configuration (%r) than the number's: %s",
            configuration_id[:MOST_OF_AN_ID],
            _missing_step(tenant.slug, own, is_known=bool(owners)),
        )
        raise ApiError("The calls configuration is not that of the called number", "FORBIDDEN", 403)


def _missing_step(slug: str, own: object, *, is_known: bool) -> str:
    """For whoever runs the installation: the answer itself tells strangers nothing."""
    if not own:
        return f"{slug} has none yet. Run `manage.py provision {slug} --carrier-only`."
    whose = "is another business's" if is_known else "is nobody's here"
    return (
        f"it {whose}, {slug} has {own!r}. Run `manage.py provision {slug} --carrier-only`, and forward the number to "
        "that one at Infobip."
    )

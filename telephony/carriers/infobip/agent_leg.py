"""The agent's leg: a dialog of the caller with our own media socket."""

import logging

from telephony import calls, limits
from telephony.carriers.infobip.account import Account, account_of, make_media_config
from telephony.carriers.infobip.events import LONGEST_ID
from telephony.carriers.infobip.rest import InfobipRest, Json
from telephony.models import Call
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 15
"""For our media socket to be reached; the caller hears it ring meanwhile."""
LONGEST_CALL_SECONDS = 28_800
"""Infobip's own limit."""
DIALOG_CREATED = "dialog_created"
SPOKEN = frozenset({"en", "es", "de", "fr"})


def dial(call: Call, token: str, rate_hz: int, *, again: bool = False) -> bool:
    """False where Infobip will not. `again`: the caller had a dialog before, and may need a conference now."""
    logger.info("Infobip: Received call %s, creating a dialog…", call.carrier_call_id)
    account = account_of(call.tenant_id)
    try:
        with InfobipRest(account.api_key) as api:
            made = _create_dialog(api, account, call, token, rate_hz, again=again)
    except VendorError as error:
        logger.warning("Infobip made no dialog for call %s: %s", call.carrier_call_id, error.message)
        with tenant_scope(call.tenant_id):
            reason = error.message[:240]
            calls.add_event(call.tenant_id, call.pk, "carrier_refused", action="dialog", reason=reason)
        return False
    dialog_id, child = str(made.get("id") or "")[:LONGEST_ID], made.get("childCall")
    leg_id = str(child.get("id") or "")[:LONGEST_ID] if isinstance(child, dict) else ""
    logger.info("Infobip: Created dialog %s for call %s", dialog_id, call.carrier_call_id)
    with tenant_scope(call.tenant_id):
        calls.add_event(call.tenant_id, call.pk, DIALOG_CREATED, dialog_id=dialog_id, leg_id=leg_id)
    return True


def longest_seconds(call: Call) -> int:
    """For a dialog. Our own limit comes first and says so; this one is for when we are gone."""
    longest = limits.longest_call_seconds(call.tenant)
    return min(int(longest) + 60, LONGEST_CALL_SECONDS) if longest else LONGEST_CALL_SECONDS


def spoken_language(tag: str) -> str:
    """Of a tenant, as Infobip's voices have it."""
    language = tag.lower().partition("-")[0]
    return language if language in SPOKEN else "en"


def _create_dialog(
    api: InfobipRest, account: Account, call: Call, token: str, rate_hz: int, *, again: bool
) -> Json:
    """The dialog. A media configuration that has never been made, or is gone, is made on the way."""
    known = account.media_configs.get(str(rate_hz))
    config_id = known or make_media_config(api, account, rate_hz)
    try:
        made = _join(api, call, _child(call, config_id, token), again=again)
    except VendorError as error:
        if not known or error.status not in {400, 404}:
            raise
        other = make_media_config(api, account, rate_hz)
        if other == known:
            raise
        made = _join(api, call, _child(call, other, token), again=again)
    return made


def _join(api: InfobipRest, call: Call, child: Json, *, again: bool) -> Json:
    try:
        return api.create_dialog(call.carrier_call_id, child, max_seconds=longest_seconds(call))
    except VendorError:
        if not again:
            raise
        made = api.connect(call.carrier_call_id, child)
        conference = made.get("conference")
        return conference if isinstance(conference, dict) else {}


def _child(call: Call, config_id: str, token: str) -> Json:
    return {
        "endpoint": {"type": "WEBSOCKET", "websocketEndpointConfigId": config_id},
        "connectTimeout": CONNECT_SECONDS,
        "customData": {"callId": call.carrier_call_id, "token": token},
    }

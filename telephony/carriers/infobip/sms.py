"""Text messages by Infobip.  Source: Infobip, "Send SMS messages" (`/sms/3/messages`), "Get SMS logs"."""

import datetime
from typing import Any
from uuid import UUID

import httpx2 as httpx
from django.conf import settings

from telephony.carriers.infobip.addresses import reports_url
from telephony.text_errors import CannotSend, MaybeSent
from tenants.credentials import secret
from tenants.models import Credential, Tenant
from tenants.vendor_http import VendorError, VendorHttp

Json = dict[str, Any]
REFUSED = frozenset({"UNDELIVERABLE", "EXPIRED", "REJECTED"})
REPLIES = "infobipReplies"
"""In the tenant's settings: texts to its number are forwarded to us."""
DEFAULT_BASE_URL = "https://api.infobip.com"


class InfobipTexts:
    """One tenant's account. Our own id of a message is Infobip's: it can be asked for again."""

    def __init__(self, api_key: str, tenant_id: UUID, *, takes_replies: bool = False) -> None:
        self._key, self._tenant_id = api_key, tenant_id
        self.takes_replies = takes_replies
        """Otherwise our texts tell a link: a number's texts reach us where Infobip was told to forward them."""

    @classmethod
    def of(cls, tenant_id: UUID) -> "InfobipTexts":
        key = secret(tenant_id, Credential.Name.INFOBIP_API_KEY) or getattr(settings, "INFOBIP_API_KEY", "")
        tenant = Tenant.objects.get(pk=tenant_id)
        return cls(str(key), tenant_id, takes_replies=tenant.settings.get(REPLIES) is True)

    def send(self, *, sender: str, to: str, text: str, reference: UUID, attempts: int = 1) -> str:
        message = {
            "sender": _digits(sender),
            "destinations": [{"to": _digits(to), "messageId": str(reference)}],
            "content": {"text": text},
            "options": {"platform": {"entityId": str(self._tenant_id)}},
            "webhooks": {
                "delivery": {"url": reports_url(self._tenant_id)},
                "contentType": "application/json",
            },
        }
        try:
            body = {"messages": [message]}
            answer = self._ask("POST", "/sms/3/messages", json=body, repeatable=False, attempts=attempts)
        except VendorError as error:
            if error.maybe_done:
                raise MaybeSent(error.message) from error
            raise _refusal(error) from error
        return _accepted(answer)

    def find(
        self, *, sender: str, to: str, text: str, reference: UUID, since: datetime.datetime
    ) -> list[str]:
        try:
            answer = self._ask("GET", "/sms/3/logs", params={"messageId": str(reference)})
        except VendorError as error:
            raise _refusal(error) from error
        rows = answer.get("results") if isinstance(answer, dict) else None
        return [str(one["messageId"]) for one in rows or [] if one.get("messageId") == str(reference)]

    def _ask(self, method: str, path: str, *, attempts: int = 1, **parts: Any) -> Any:
        base_url = str(getattr(settings, "INFOBIP_BASE_URL", "") or DEFAULT_BASE_URL)
        http = VendorHttp("Infobip", base_url, _explain, headers={"Authorization": f"App {self._key}"})
        try:
            return http.send(method, path, attempts=attempts, **parts)
        finally:
            http.close()


def _accepted(answer: Any) -> str:
    """A 200 may tell of a refusal: the message's own status decides."""
    try:
        [message] = answer["messages"]
        status = message["status"]
        message_id, group = str(message["messageId"]), str(status["groupName"])
    except (KeyError, TypeError, ValueError) as error:
        raise MaybeSent("Infobip answered with something that does not tell.") from error
    if group in REFUSED:
        name = str(status.get("name") or group)
        raise CannotSend(f"Infobip refused: {name}", code=name[:40], permanent=True)
    return message_id


def _explain(response: httpx.Response) -> VendorError:
    """`{"requestError": {"serviceException": {"messageId": "BAD_REQUEST", "text": "…"}}}`."""
    try:
        said = response.json()["requestError"]["serviceException"]
        code, text = str(said["messageId"]), str(said.get("text") or "")[:200]
    except (ValueError, KeyError, TypeError):
        code, text = "", ""
    return VendorError(
        f"Infobip refused ({response.status_code}): {text}", status=response.status_code, code=code
    )


def _refusal(error: VendorError) -> CannotSend:
    passing = error.status is None or error.status == 429 or error.status >= 500
    return CannotSend(error.message, code=error.code or str(error.status or ""), permanent=not passing)


def _digits(e164: str) -> str:
    return e164.removeprefix("+")

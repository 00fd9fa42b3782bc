"""Infobip's REST API, as far as we need it.  Source: Infobip, "Calls API", "Subscriptions API".

Every action is asynchronous: an answer says that it was accepted, an event how it went.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
from django.conf import settings

from tenants.vendor_http import VendorError, VendorHttp

Json = dict[str, Any]

PAGE = 100
LONGEST_REASON = 200
CHANNEL = "/subscriptions/1/subscription/VOICE_VIDEO"

_FIXES = {
    401: "Check the key: manage.py set_secret <tenant> infobip_api_key, or INFOBIP_API_KEY; and INFOBIP_BASE_URL.",
    403: "The key lacks a scope: calls:traffic:send, calls:configuration:manage and subscriptions:manage are needed.",
    429: "Infobip wants fewer requests: wait a minute and try again.",
}


class InfobipRest:
    """One account. The base is the configured one, whatever address an event names: the key goes there."""

    def __init__(self, api_key: str, *, read_only: bool = False) -> None:
        headers = {"Authorization": f"App {api_key}", "Accept": "application/json"}
        self._http = VendorHttp(
            "Infobip", settings.INFOBIP_BASE_URL, explain, headers=headers, read_only=read_only
        )

    def __enter__(self) -> "InfobipRest":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # --- Calls ---

    def place_call(self, body: Json) -> Json:
        """Place a call: `id`, `state`. Asks once."""
        return self._object("POST", "/calls/1/calls", json=body, repeatable=False, attempts=1)

    def call(self, call_id: str) -> Json | None:
        """One that goes on, or has just ended; None where Infobip knows it no more. Asks once."""
        return self._or_none(f"/calls/1/calls/{_part(call_id)}", attempts=1)

    def answer(self, call_id: str) -> None:
        self._call(call_id, "answer", {})

    def hang_up(self, call_id: str, reason: str = "") -> None:
        """`reason` is an error code for a call that was not answered."""
        self._call(call_id, "hangup", {"errorCode": reason} if reason else {})

    def say(self, call_id: str, text: str, language: str) -> None:
        self._call(call_id, "say", {"text": text, "language": language})

    def start_recording(self, call_id: str) -> None:
        self._call(call_id, "start-recording", {"recording": {"recordingType": "AUDIO"}})

    def capture_key(self, call_id: str, timeout_ms: int) -> None:
        """An event comes with one key, or when the time is over."""
        self._call(call_id, "capture/dtmf", {"maxLength": 1, "timeout": timeout_ms})

    def ask_for_keys(
        self, call_id: str, text: str, language: str, most_keys: int, terminator: str, timeout_ms: int
    ) -> None:
        """The same, while the words are said; more than one key where `terminator` ends them."""
        wanted: Json = {
            "maxLength": most_keys,
            "timeout": timeout_ms,
            "playContent": {"type": "TEXT", "text": text, "language": language},
        }
        if terminator:
            wanted["terminator"] = terminator
        self._call(call_id, "capture/dtmf", wanted)

    def capture_key_after(self, call_id: str, text: str, language: str, timeout_ms: int) -> None:
        """The same, while a text is read out and after it."""
        content = {"type": "TEXT", "text": text, "language": language}
        body = {"maxLength": 1, "timeout": timeout_ms, "playContent": content}
        self._call(call_id, "capture/dtmf", body)

    def play(self, call_id: str, url: str, times: int) -> None:
        body = {"content": {"type": "URL", "fileUrl": url}, "loopCount": times}
        self._call(call_id, "play", body)

    def stop_play(self, call_id: str) -> None:
        self._call(call_id, "stop-play", {})

    def create_call(self, e164: str, sender: str, configuration_id: str, **more: Any) -> Json:
        """Ring a telephone. Its events carry `parentCallId`, where one is given."""
        body = {
            "endpoint": {"type": "PHONE", "phoneNumber": e164.removeprefix("+")},
            "from": sender.removeprefix("+"),
            "callsConfigurationId": configuration_id,
            **more,
        }
        return self._object("POST", "/calls/1/calls", json=body, repeatable=False)

    def join(self, parent_id: str, child_id: str, *, max_seconds: int) -> Json:
        """A dialog of two calls that there are. The caller stays when the other leaves."""
        path = f"/calls/1/dialogs/parent-call/{_part(parent_id)}/child-call/{_part(child_id)}"
        body = {"maxDuration": max_seconds, "propagationOptions": {"childCallHangup": False}}
        return self._object("POST", path, json=body, repeatable=False)

    def join_in_conference(self, *call_ids: str) -> Json:
        """The same for a call that cannot have another dialog."""
        return self._object("POST", "/calls/1/connect", json={"callIds": list(call_ids)}, repeatable=False)

    def create_dialog(self, parent_id: str, child: Json, *, max_seconds: int) -> Json:
        """Join a call to a new one. The caller stays when that ends: there may be somebody else for them."""
        body = {
            "parentCallId": parent_id,
            "childCallRequest": child,
            "maxDuration": max_seconds,
            "propagationOptions": {"childCallHangup": False},
        }
        return self._object("POST", "/calls/1/dialogs", json=body, repeatable=False)

    def connect(self, call_id: str, child: Json) -> Json:
        """The same in a conference, for a call that cannot have a second dialog."""
        path = f"/calls/1/calls/{_part(call_id)}/connect"
        return self._object("POST", path, json={"callRequest": child}, repeatable=False)

    def recording(self, file_id: str, *, most_bytes: int) -> bytes:
        """As Infobip made it: WAV."""
        return self._http.fetch(f"/calls/1/recordings/files/{_part(file_id)}", most_bytes=most_bytes)

    def _call(self, call_id: str, action: str, body: Json) -> None:
        self._object("POST", f"/calls/1/calls/{_part(call_id)}/{action}", json=body, repeatable=False)

    # --- Set-up ---

    def configuration(self, configuration_id: str) -> Json | None:
        return self._or_none(f"/calls/1/configurations/{_part(configuration_id)}")

    def create_configuration(self, configuration_id: str, name: str) -> Json:
        return self._object("POST", "/calls/1/configurations", json={"id": configuration_id, "name": name})

    def media_configs(self) -> Iterator[Json]:
        """Every page of them."""
        page = 0
        while True:
            params = {"page": page, "size": PAGE}
            told = self._object("GET", "/calls/1/media-stream-configs", params=params)
            yield from told.get("results") or []
            page += 1
            if page >= (told.get("paging") or {}).get("totalPages", 0):
                return

    def create_media_config(self, name: str, url: str, rate_hz: int) -> str:
        """Its id. The rate is a string: as a number it is refused."""
        body = {"type": "WEBSOCKET_ENDPOINT", "name": name[:128], "url": url, "sampleRate": str(rate_hz)}
        made = self._object("POST", "/calls/1/media-stream-configs", json=body, repeatable=False)
        return str(made.get("id") or "")

    def profile(self, profile_id: str) -> Json | None:
        return self._or_none(f"/subscriptions/1/profiles/{_part(profile_id)}")

    def save_profile(self, profile: Json, *, is_new: bool) -> None:
        path = "/subscriptions/1/profiles"
        self._save(path, profile, str(profile["profileId"]), is_new=is_new)

    def subscription(self, subscription_id: str) -> Json | None:
        """There is no address for one alone."""
        told = self._object("GET", CHANNEL, params={"page": 0, "size": PAGE})
        rows = told.get("results") or told.get("subscriptions") or []
        return next((one for one in rows if one.get("subscriptionId") == subscription_id), None)

    def save_subscription(self, subscription: Json, *, is_new: bool) -> None:
        self._save(CHANNEL, subscription, str(subscription["subscriptionId"]), is_new=is_new)

    def _save(self, path: str, body: Json, one_id: str, *, is_new: bool) -> None:
        if is_new:
            self._http.send("POST", path, json=body)
        else:
            self._http.send("PUT", f"{path}/{_part(one_id)}", json=body)

    def _or_none(self, path: str, **parts: Any) -> Json | None:
        try:
            return self._object("GET", path, **parts)
        except VendorError as error:
            if error.status == 404:
                return None
            raise

    def _object(self, method: str, path: str, **parts: Any) -> Json:
        value = self._http.send(method, path, **parts)
        if not isinstance(value, dict):
            raise VendorError("Infobip answered with something that is not an object.")
        return value


def _inner(tree: Json, name: str) -> Json:
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def _part(text: str) -> str:
    return quote(text, safe="")


def explain(response: httpx.Response) -> VendorError:
    """`{"requestError": {"serviceException": {"messageId", "text", "validationErrors"}}}`, or a newer, flat shape."""
    try:
        body = response.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    service = _inner(_inner(told, "requestError"), "serviceException")
    code = str(service.get("messageId") or told.get("errorCode") or "")
    text = str(service.get("text") or told.get("description") or "")
    wrong = service.get("validationErrors") or told.get("violations")
    said = f": {text}" if text else ""
    said += f" {wrong}" if wrong else ""
    status = response.status_code
    named = f", {code}" if code else ""
    return VendorError(
        f"Infobip refused ({status}{named}){said[:LONGEST_REASON]}.",
        status=status,
        code=code,
        fix=_FIXES.get(status, ""),
    )

"""One account: configurations, media-stream configs, profiles, subscriptions, numbers, and how each is set up."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from telephony.simulators.infobip.refusals import Check, Refused, anything, of, one_of, require, text, whole

Json = dict[str, Any]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
RATES = ("8000", "16000", "24000", "32000")
DIGESTS = tuple(f"HMAC_{one}" for one in ("MD5", "SHA_1", "SHA_224", "SHA_256", "SHA_384", "SHA_512"))


def new_id() -> str:
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Delivery:
    """Where an event goes, and how it proves where it comes from."""

    url: str
    auth: tuple[str, str] | None = field(repr=False)


@dataclass
class Account:
    api_key: str = field(repr=False)
    configurations: dict[str, Json] = field(default_factory=dict)
    media_configs: dict[str, Json] = field(default_factory=dict)
    profiles: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """Number, in digits, to the calls configuration that its calls are forwarded to; "" for none."""

    # --- Calls configurations ---

    def create_configuration(self, body: Any) -> Json:
        body = require(body, id=(False, text(128)), name=(False, text(128)))
        made = {"id": body.get("id") or new_id(), "name": body.get("name", "")}
        if made["id"] in self.configurations:
            raise Refused(400, "Calls configuration already exists", {"id": ["must be unique"]})
        self.configurations[made["id"]] = made
        return made

    # --- Media-stream configs ---

    def create_media_config(self, body: Any) -> Json:
        kept = self._media_config(body, new_id())
        self.media_configs[kept["id"]] = kept
        return kept

    def update_media_config(self, config_id: str, body: Any) -> Json:
        self.media_configs[config_id] = self._media_config(body, config_id)
        return self.media_configs[config_id]

    def _media_config(self, body: Any, config_id: str) -> Json:
        if isinstance(body, dict) and not isinstance(body.get("sampleRate", ""), str):
            raise Refused(400, "Malformed request body")  # and names no field
        fields: dict[str, tuple[bool, Check]]
        if isinstance(body, dict) and body.get("type") == "MEDIA_STREAMING":
            fields = {"type": (True, anything), "securityConfig": (False, _media_security)}
        else:
            fields = {"type": (True, one_of("WEBSOCKET_ENDPOINT")), "sampleRate": (False, one_of(*RATES))}
        body = require(body, name=(True, text(128)), url=(True, _socket_url), **fields)
        told = {name: one for name, one in body.items() if name != "securityConfig"}
        return {"sampleRate": "8000", **told, "id": config_id}

    # --- Events ---

    def save_profile(self, body: Any, *, is_new: bool, profile_id: str = "") -> Json:
        body = require(
            body,
            profileId=(True, text(128)),
            webhook=(True, _webhook),
            security=(False, _security),
            maxBucketSize=(False, whole(1, 2000)),
            windowSize=(False, whole(20, 10_000)),
        )
        _save(self.profiles, str(body["profileId"]), body, is_new=is_new, path_id=profile_id)
        return body

    def save_subscription(self, body: Any, *, is_new: bool, subscription_id: str = "") -> Json:
        body = require(
            body,
            subscriptionId=(True, text(128)),
            name=(True, text(128)),
            events=(True, _events),
            profile=(True, anything),
            criteria=(True, _criteria),
        )
        profile = require(body["profile"], "profile.", profileId=(True, text(128)))
        if profile["profileId"] not in self.profiles:
            raise Refused(404, "Profile not found")
        missing = [
            one["callsConfigurationId"]
            for one in body["criteria"]
            if one["callsConfigurationId"] not in self.configurations
        ]
        if missing:
            raise Refused(400, f"Unknown calls configuration {missing[0]}")
        _save(self.subscriptions, str(body["subscriptionId"]), body, is_new=is_new, path_id=subscription_id)
        return body

    def deliveries(self, configuration_id: str, event: str) -> Iterator[Delivery]:
        for one in self.subscriptions.values():
            criteria = [each["callsConfigurationId"] for each in one["criteria"]]
            if configuration_id in criteria and event in one["events"]:
                profile = self.profiles[one["profile"]["profileId"]]
                credentials = profile.get("security", {}).get("credentials") or {}
                auth = (credentials["username"], credentials["password"]) if credentials else None
                yield Delivery(profile["webhook"]["notifyUrl"], auth)


def _save(rows: dict[str, Json], row_id: str, body: Json, *, is_new: bool, path_id: str) -> None:
    if is_new and row_id in rows:
        raise Refused(409, f"{row_id} already exists")
    if not is_new and (path_id not in rows or row_id != path_id):
        raise Refused(404, f"{path_id} was not found")
    rows[row_id] = body


def _socket_url(value: Any) -> str:
    parts = _url(value)
    if parts.hostname and (parts.scheme == "wss" or (parts.scheme == "ws" and parts.hostname in LOOPBACK)):
        return ""
    return "must be a WebSocket URL"


def _url(value: Any) -> SplitResult:
    try:
        return urlsplit(value if isinstance(value, str) else "")
    except ValueError:
        return urlsplit("")


def _notify_url(value: Any) -> str:
    parts = _url(value)
    good = parts.scheme in {"http", "https"} and parts.hostname and len(value) <= 512
    return "" if good else "must be a URL of at most 512 characters"


_webhook = of(
    notifyUrl=(True, _notify_url),
    contentType=(False, text(128)),
    connectTimeout=(False, whole(300, 30_000)),
    readTimeout=(False, whole(1000, 90_000)),
)
_PASSWORD = of(username=(True, text()), password=(True, text()))


def _security(value: Any) -> str:
    is_basic = isinstance(value, dict) and value.get("type") == "BASIC"
    return of(
        authId=(True, text(128)),
        type=(True, one_of("BASIC", "HMAC", "OAUTH")),
        credentials=(True, _PASSWORD if is_basic else anything),
    )(value)


def _media_security(value: Any) -> str:
    fields: dict[str, tuple[bool, Check]]
    if isinstance(value, dict) and value.get("type") == "HMAC":
        fields = {"secretKey": (True, text()), "algorithm": (True, one_of(*DIGESTS))}
    else:
        fields = {"username": (True, text()), "password": (True, text())}
    return of(type=(True, one_of("BASIC", "HMAC")), **fields)(value)


def _events(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return "must not be empty"
    odd = [one for one in value if not isinstance(one, str) or one not in EVENTS]
    return f"unknown event {odd[0]}" if odd else ""


def _criteria(value: Any) -> str:
    good = (
        isinstance(value, list)
        and value
        and all(isinstance(one, dict) and one.keys() == {"callsConfigurationId"} for one in value)
        and all(isinstance(one["callsConfigurationId"], str) for one in value)
    )
    return "" if good else "each must name a callsConfigurationId"


EVENTS = frozenset(
    {
        *(f"CALL_{one}" for one in (
            "RECEIVED", "STARTED", "RINGING", "PRE_ESTABLISHED", "ESTABLISHED", "FINISHED", "FAILED",
            "DISCONNECTED", "RECONNECTED", "MEDIA_CHANGED", "RECORDING_STARTED", "RECORDING_STOPPED",
            "RECORDING_FAILED", "RECORDING_READY", "RECORDING_DELETED",
        )),
        *(f"DIALOG_{one}" for one in (
            "CREATED", "ESTABLISHED", "FINISHED", "FAILED", "TRANSFER_REQUESTED", "TRANSFER_FAILED",
            "TRANSFER_FINISHED",
        )),
        "MACHINE_DETECTION_FINISHED", "MACHINE_DETECTION_FAILED", "MACHINE_MESSAGE_DETECTION_FINISHED",
        "SAY_FINISHED", "PLAY_FINISHED", "DTMF_CAPTURED", "SPEECH_CAPTURED", "ERROR",
    }
)  # fmt: skip

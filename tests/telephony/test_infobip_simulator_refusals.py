"""Infobip's REST side refuses as Infobip does: what a body lacks or has too much, and what a state forbids."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from telephony.simulators.infobip import InfobipCall, InfobipSimulator
from telephony.simulators.twilio import FarEnd

KEY = "infobip-key"
OURS, THEIRS = "15551230002", "15559876543"
CALL, SET_UP = "/calls/1/calls", "/calls/1"
PHONE = {"type": "PHONE", "phoneNumber": "15550001111"}
SOCKET = {"type": "WEBSOCKET", "websocketEndpointConfigId": "socket"}
WORDS = {"type": "TEXT", "text": "Press 1.", "language": "en"}
CHILD = {"endpoint": SOCKET, "connectTimeout": 15, "customData": {"token": "k3v"}}
BASIC = {"authId": "a", "type": "BASIC", "credentials": {"username": "tonris", "password": "secret"}}
HOOK = {"notifyUrl": "https://a.example/events"}

GOOD: dict[str, tuple[str, str, str, dict[str, Any], int]] = {
    "answer": ("RINGING", "POST", f"{CALL}/ID/answer", {}, 200),
    "hangup": ("ESTABLISHED", "POST", f"{CALL}/ID/hangup", {"errorCode": "NORMAL_HANGUP"}, 200),
    "decline": ("RINGING", "POST", f"{CALL}/ID/hangup", {"errorCode": "BUSY"}, 200),
    "say": ("ESTABLISHED", "POST", f"{CALL}/ID/say", {"text": "Hi", "language": "en"}, 200),
    "play": (
        "ESTABLISHED", "POST", f"{CALL}/ID/play",
        {"content": {"type": "URL", "fileUrl": "https://a.example/a.wav"}}, 200,
    ),
    "capture": (
        "ESTABLISHED", "POST", f"{CALL}/ID/capture/dtmf",
        {"maxLength": 4, "timeout": 5000, "terminator": "#", "digitTimeout": 2000, "playContent": WORDS}, 200,
    ),
    "record": (
        "ESTABLISHED", "POST", f"{CALL}/ID/start-recording", {"recording": {"recordingType": "AUDIO"}}, 200
    ),
    "connect": ("ESTABLISHED", "POST", f"{CALL}/ID/connect", {"callRequest": {"endpoint": PHONE}}, 200),
    "dialogs": (
        "RINGING", "POST", f"{SET_UP}/dialogs",
        {"parentCallId": "ID", "childCallRequest": CHILD, "maxDuration": 1800,
         "propagationOptions": {"childCallHangup": False}}, 201,
    ),
    "calls": (
        "RINGING", "POST", CALL,
        {"endpoint": PHONE, "callsConfigurationId": "receptionist", "from": OURS, "connectTimeout": 30,
         "machineDetection": {"enabled": True, "detectionTime": 3.7}}, 201,
    ),
    "configurations": ("RINGING", "POST", f"{SET_UP}/configurations", {"id": "another", "name": "Another"}, 201),
    "media": (
        "RINGING", "POST", f"{SET_UP}/media-stream-configs",
        {"type": "WEBSOCKET_ENDPOINT", "name": "x", "url": "wss://a.example/x", "sampleRate": "16000"}, 201,
    ),
    "tap": (
        "RINGING", "POST", f"{SET_UP}/media-stream-configs",
        {"type": "MEDIA_STREAMING", "name": "x", "url": "wss://a.example/x",
         "securityConfig": {"type": "HMAC", "secretKey": "k", "algorithm": "HMAC_SHA_256"}}, 201,
    ),
    "profiles": (
        "RINGING", "POST", "/subscriptions/1/profiles", {"profileId": "new", "webhook": HOOK, "security": BASIC}, 201
    ),
    "subscriptions": (
        "RINGING", "POST", "/subscriptions/1/subscription/VOICE_VIDEO",
        {"subscriptionId": "new", "name": "New", "events": ["CALL_RECEIVED"], "profile": {"profileId": "known"},
         "criteria": [{"callsConfigurationId": "receptionist"}]}, 201,
    ),
    "conferences": ("ESTABLISHED", "POST", f"{SET_UP}/connect", {"callIds": ["ID", "nobody"]}, 404),
}  # fmt: skip
"""The caller's state, and a request that is as it should be."""

GONE = object()

WRONG: dict[str, list[dict[str, Any]]] = {
    "answer": [
        {"recording": {}}, {"recording": {"recordingType": "VIDEO"}}, {"customData": {"n": 1}},
        {"customData": "x"}, {"text": "Hi"},
    ],
    "hangup": [
        {"errorCode": "BORED"}, {"errorCode": None}, {"errorCode": "BUSY"}, {"errorCode": "MACHINE_DETECTED"},
        {"reason": "NORMAL_HANGUP"},
    ],
    "decline": [{"errorCode": "NORMAL_HANGUP"}, {"errorCode": "MACHINE_DETECTED"}],
    "say": [
        {"text": GONE}, {"text": ""}, {"text": 7}, {"language": GONE}, {"language": "xx"}, {"speechRate": 0.4},
        {"speechRate": 2.1}, {"speechRate": "1"}, {"loopCount": 1.5}, {"preferences": {"voiceGender": "ANY"}},
        {"preferences": "Joan"}, {"stopOn": "#"}, {"customData": {}},
    ],
    "play": [
        {"content": GONE}, {"content": "https://a.example/a.wav"}, {"content": {"type": "URL"}},
        {"content": {"type": "URL", "fileUrl": "/a.wav"}},
        {"content": {"type": "URL", "fileUrl": "https://a.example/a.wav", "cacheDuration": 86_401}},
        {"loopCount": 0}, {"offset": -1},
    ],
    "capture": [
        {"maxLength": GONE}, {"maxLength": 0}, {"maxLength": "4"}, {"maxLength": 1.5}, {"maxLength": True},
        {"timeout": GONE}, {"timeout": 0}, {"timeout": 0.5}, {"terminator": "##"}, {"terminator": "x"},
        {"terminator": ""}, {"digitTimeout": -1}, {"playContent": "Press 1."},
        {"playContent": {**WORDS, "language": "xx"}}, {"playContent": {"type": "TEXT", "text": "Press 1."}},
        {"playContent": {**WORDS, "loop": 2}}, {"customData": {"n": None}}, {"maxDigits": 4},
    ],
    "record": [
        {"recording": GONE}, {"recording": {}}, {"recording": "AUDIO"}, {"recording": {"recordingType": "audio"}},
        {"recordingType": "AUDIO"},
    ],
    "connect": [
        {"callRequest": GONE}, {"callRequest": {}}, {"callRequest": {"endpoint": {"type": "PHONE"}}},
        {"callRequest": {"endpoint": {**PHONE, "phoneNumber": "+15550001111"}}},
        {"callRequest": {"endpoint": {**PHONE, "type": "FAX"}}}, {"connectOnEarlyMedia": "yes"},
        {"ringbackGeneration": True}, {"maxDuration": 60},
    ],
    "dialogs": [
        {"parentCallId": GONE}, {"parentCallId": ["ID"]}, {"childCallRequest": GONE}, {"childCallRequest": SOCKET},
        {"childCallRequest": {**CHILD, "callsConfigurationId": "receptionist"}},
        {"childCallRequest": {**CHILD, "maxDuration": 60}}, {"childCallRequest": {**CHILD, "connectTimeout": 61}},
        {"childCallRequest": {**CHILD, "from": "+15551230002"}},
        {"childCallRequest": {**CHILD, "customData": {"n": 1}}},
        {"childCallRequest": {**CHILD, "machineDetection": {"detectionTime": 3}}},
        {"childCallRequest": {"endpoint": {**SOCKET, "customData": {"token": "k3v"}}}},
        {"childCallRequest": {"endpoint": {"type": "WEBSOCKET"}}}, {"maxDuration": 0}, {"maxDuration": 28_801},
        {"maxDuration": 1.5}, {"recording": {"recordingType": "X"}}, {"propagationOptions": None},
        {"propagationOptions": {"childCallHangup": "false"}}, {"platform": {"entityId": "t"}},
        {"propagationOptions": {"childCallRinging": True, "ringbackGeneration": {"enabled": True}}},
        {"propagationOptions": {"ringbackGeneration": {}, "parentCallHangup": False}},
    ],
    "calls": [
        {"endpoint": GONE}, {"endpoint": {"type": "PHONE", "phoneNumber": "+15550001111"}}, {"endpoint": SOCKET},
        {"callsConfigurationId": GONE}, {"callsConfigurationId": "unknown"}, {"from": GONE}, {"from": "Salon"},
        {"connectTimeout": 61}, {"connectTimeout": 30.5}, {"maxDuration": 0}, {"machineDetection": {}},
        {"machineDetection": {"enabled": "yes"}}, {"machineDetection": {"enabled": True, "detectionTime": 6}},
        {"machineDetection": {"enabled": True, "messageDetectionTimeout": 61}}, {"customData": {"attempt": 1}},
        {"externalId": "x" * 129}, {"platform": {"entityId": "x" * 256}}, {"platform": "t"}, {"recording": True},
        {"timeout": 30},
    ],
    "configurations": [
        {"id": ""}, {"id": "x" * 129}, {"id": 7}, {"id": "receptionist"}, {"name": None}, {"title": "x"},
    ],
    "media": [
        {"type": GONE}, {"type": "WEBSOCKET"}, {"name": GONE}, {"name": "x" * 129}, {"url": GONE},
        {"url": "https://a.example/x"}, {"url": "ws://a.example/x"}, {"url": "wss://"}, {"url": "wss://["},
        {"sampleRate": 16000}, {"sampleRate": "48000"}, {"securityConfig": {"type": "BASIC"}},
    ],
    "tap": [
        {"sampleRate": "16000"}, {"securityConfig": {"type": "HMAC", "secretKey": "k"}},
        {"securityConfig": {"type": "HMAC", "secretKey": "k", "algorithm": "SHA256"}},
        {"securityConfig": {"type": "BASIC", "username": "u"}}, {"securityConfig": {"type": "OAUTH"}},
    ],
    "profiles": [
        {"profileId": GONE}, {"webhook": GONE}, {"webhook": "https://a.example/events"}, {"webhook": {}},
        {"webhook": {"notifyUrl": "/events"}}, {"webhook": {"notifyUrl": "https://a.example/" + "x" * 512}},
        {"webhook": {**HOOK, "connectTimeout": 299}}, {"webhook": {**HOOK, "readTimeout": 90_001}},
        {"webhook": {**HOOK, "url": "x"}}, {"security": "BASIC"}, {"security": {**BASIC, "type": "PLAIN"}},
        {"security": {**BASIC, "credentials": {"username": "tonris"}}},
        {"security": {**BASIC, "credentials": {"username": "tonris", "password": ""}}},
        {"security": {"type": "BASIC", "credentials": BASIC["credentials"]}}, {"maxBucketSize": 2001},
        {"windowSize": 19}, {"windowSize": 20.5},
    ],
    "subscriptions": [
        {"subscriptionId": GONE}, {"name": GONE}, {"events": []}, {"events": ["MEDIA_CHANGED"]}, {"events": [{}]},
        {"events": "CALL_RECEIVED"}, {"profile": "known"}, {"profile": {}}, {"profile": {"profileId": "unknown"}},
        {"criteria": []}, {"criteria": [{"callsConfigurationId": "unknown"}]},
        {"criteria": [{"callsConfigurationId": ["receptionist"]}]}, {"criteria": [{"applicationId": "receptionist"}]},
    ],
    "conferences": [{"callIds": one} for one in ("ID", [], ["ID"], ["ID", 7], ["ID", "x", "y"])],
}  # fmt: skip


@pytest.fixture
async def world() -> AsyncIterator[tuple[InfobipSimulator, InfobipCall]]:
    """Nobody is told of its events."""
    async with InfobipSimulator(KEY, numbers={OURS: "receptionist"}, far_end=FarEnd("busy")) as carrier:
        account = carrier.account
        account.create_configuration({"id": "receptionist"})
        account.save_profile({"profileId": "known", "webhook": HOOK}, is_new=True)
        config = {
            "type": "WEBSOCKET_ENDPOINT",
            "name": "x",
            "url": "ws://127.0.0.1:9/x",
            "sampleRate": "16000",
        }
        account.media_configs["socket"] = {**config, "id": "socket"}
        yield carrier, await carrier.place_call(f"+{OURS}", f"+{THEIRS}")


def named(value: Any, call: InfobipCall) -> Any:
    """With the call's id, and without what is to be gone."""
    match value:
        case dict():
            return {name: named(one, call) for name, one in value.items() if one is not GONE}
        case list():
            return [named(one, call) for one in value]
    return call.sid if value == "ID" else value


async def ask(
    carrier: InfobipSimulator, call: InfobipCall, name: str, changes: dict[str, Any], key: str = KEY
) -> tuple[int, Any]:
    call.leg.state, method, path, body, _ = GOOD[name]
    async with httpx2.AsyncClient(trust_env=False, base_url=carrier.base_url) as client:
        answer = await client.request(
            method,
            path.replace("/ID/", f"/{call.sid}/"),
            json=named({**body, **changes}, call),
            headers={"Authorization": f"App {key}"},
        )
    return answer.status_code, answer.json()


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_as_it_should_be_is_taken(world, name):
    carrier, call = world
    status, _ = await ask(carrier, call, name, {})
    assert status == GOOD[name][-1]


async def test_what_is_wrong_is_refused_and_changes_nothing(world):
    carrier, call = world
    account = carrier.account
    before = [dict(one) for one in (account.configurations, account.media_configs, account.profiles)]
    taken: list[tuple[str, dict[str, Any], str]] = []
    for name, wrong in ((name, one) for name, table in WRONG.items() for one in table):
        status, told = await ask(carrier, call, name, wrong)
        expected = 404 if wrong == {"profile": {"profileId": "unknown"}} else 400
        exception = told["requestError"]["serviceException"] if status >= 400 else {}
        if status != expected or not {"messageId", "text"} <= exception.keys():
            taken.append((name, wrong, str(status)))
        if call.leg.state != GOOD[name][0] or call.dialogs or call.has_recording or call.has_action:
            taken.append((name, wrong, "has done something"))
    assert taken == []
    assert carrier.calls == [call]
    assert [account.configurations, account.media_configs, account.profiles] == before
    assert account.subscriptions == {}


@pytest.mark.parametrize("name", ["answer", "say", "capture", "record", "connect", "dialogs"])
async def test_what_a_calls_state_forbids_is_refused(world, name):
    carrier, call = world
    status, _ = await ask(carrier, call, name, {}, key="wrong")
    assert status == 401
    call.leg.state, _, path, body, _ = GOOD[name]
    call.leg.state = "FINISHED" if name in {"connect", "dialogs"} else _other(call.leg.state)
    async with httpx2.AsyncClient(trust_env=False, base_url=carrier.base_url) as client:
        answer = await client.post(
            path.replace("/ID/", f"/{call.sid}/"),
            json=named(body, call),
            headers={"Authorization": f"App {KEY}"},
        )
        nobody = await client.post(
            path.replace("/ID/", "/nobody/"),
            json={**body, **({"parentCallId": "nobody"} if name == "dialogs" else {})},
            headers={"Authorization": f"App {KEY}"},
        )
    assert answer.status_code == (404 if call.leg.is_over else 400)
    assert nobody.status_code == 404


def _other(state: str) -> str:
    return "RINGING" if state == "ESTABLISHED" else "ESTABLISHED"

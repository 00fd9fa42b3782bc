"""Bodies that nobody sane would send: each is refused in words, and none breaks anything."""

import base64
import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import conversations
from agents.diversion import Base64Decoder, Diversion, Malformed, TooMuch
from agents.models import ProviderEvent
from agents.provider_events import read_told
from agents.tasks import process_event
from agents.webhook_bodies import parse
from tenants.json_body import MAX_DEPTH
from tenants.responses import ApiError
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.test_forgeries import ADDRESSES, WIRE
from tests.agents.test_webhooks import INITIATION, PLATFORM_SECRET, WEBHOOK, bearer, post, tool

POSTED = [one for one in ADDRESSES if one.method == "POST" and one.name not in {"recording", "large"}]


@pytest.mark.parametrize("address", POSTED, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "JSON"),
        (b"\xff\xfe\xff", "JSON"),
        (b"\x00", "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'{"a":' * 600 + b"1" + b"}" * 600, "levels"),
        (b'{"a":' + b"[" * 700 + b"]" * 700 + b"}", "levels"),
        (b"[" * 100_000, "JSON"),
        (b'{"a":' * 100_000, "JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "JSON"),
        (b'{"a": -Infinity}', "JSON"),
        (b'{"a": 1, "b": 2, "a": 1}', "a: named more than once"),
        (b'{"data": {"x": {"tenantId": "1", "tenantId": "2"}}}', "tenantId: named more than once"),
    ],
)
def test_what_is_no_json_object_is_400(salon, address, body, named):
    answer = post(address.path, body, bearer(PLATFORM_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert named in answer.json()["error"]


@pytest.mark.parametrize("wrong", [["conv_1"], {"id": "conv_1"}, True, 1.5])
@pytest.mark.parametrize("name", ["tenantId", "conversation_id", "call_sid", "agentId"])
def test_an_id_of_another_type_is_400_and_named(salon, name, wrong):
    answer = post(WEBHOOK, tool("get_services") | {name: wrong}, bearer(PLATFORM_SECRET))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(name)


@pytest.mark.parametrize(("name", "longest"), [("conversation_id", 120), ("call_sid", 128)])
def test_an_id_that_cannot_be_kept_whole_is_refused_and_not_cut(salon, name, longest):
    def answer(length: int):
        payload = tool("get_services", agentId="agent_demo_salon") | {name: "c" * length}
        return post(WEBHOOK, payload, bearer(PLATFORM_SECRET))

    assert answer(longest).status_code == 200
    assert answer(longest + 1).json()["error"].startswith(name)


def test_an_initiation_with_odd_fields_still_begins(salon):
    odd = {
        "caller_id": ["+1555"],
        "called_number": "+15551234567",
        "call_sid": {"a": 1},
        "conversation_id": "c" * 5000,
        "dynamic_variables": None,
    }
    answer = post(INITIATION, odd, bearer(PLATFORM_SECRET))
    assert answer.status_code == 200
    told = answer.json()["dynamic_variables"]
    assert (told["business_name"], told["caller_number"], told["conversation_id"]) == ("Test Salon", "", "")


def test_a_nul_in_a_query_is_400(salon):
    for address in ADDRESSES:
        if address.method == "GET":
            answer = address.send(bearer(PLATFORM_SECRET), f"{address.content}&customerEmail=a%00b")
            assert answer.status_code == 400


def test_depth_is_allowed_as_far_as_it_is_said():
    assert parse(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)
    with pytest.raises(ApiError):
        parse(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))


# --- Mutations -----------------------------------------------------------------------------------

leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["\x00", "\ud800", "x" * 5000, "-1", "1e999", "null", "de535df4-ccee-11f0-a2aa-12736706c408"]
    )
    | st.sampled_from([10**30, -(2**63), 1e308, "+15551234567", "0001-01-01T00:00:00-23:59"])
)
junk = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
TRANSCRIPTION = {
    "type": "post_call_transcription",
    "event_timestamp": 1760000100,
    "data": {
        "agent_id": "agent_demo_salon",
        "conversation_id": "conv_m",
        "status": "done",
        "transcript": [
            {
                "role": "agent",
                "message": "One moment.",
                "time_in_call_secs": 3,
                "interrupted": False,
                "tool_calls": [{"request_id": "r", "tool_name": "t", "params_as_json": '{"a": 1}'}],
                "tool_results": [
                    {"request_id": "r", "result_value": "{}", "is_error": False, "tool_latency_secs": 0.2}
                ],
            },
            {"role": "user", "message": "Thanks.", "time_in_call_secs": 5},
        ],
        "metadata": {
            "start_time_unix_secs": 1760000000,
            "call_duration_secs": 9,
            "cost": 12,
            "phone_call": {"call_sid": "CA7", "agent_number": "+15551234567"},
        },
        "analysis": {"transcript_summary": "Short."},
    },
}
GENUINE: list[tuple[str, Any]] = [
    (WEBHOOK, TRANSCRIPTION),
    *((v["path"], json.loads(v["body"])) for v in WIRE["vectors"] if v["method"] == "POST"),
]


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


def replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw) -> tuple[str, Any]:
    path, payload = draw(st.sampled_from(GENUINE))
    for _ in range(draw(st.integers(1, 3))):
        payload = replaced(payload, draw(st.sampled_from(places(payload))), draw(junk))
    return path, payload


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=mutated())
def test_a_mutated_genuine_payload_is_answered_and_worked_on_without_a_mistake_of_ours(salon, request):
    path, payload = request
    try:
        body = json.dumps(payload)
    except ValueError:
        return
    answer = post(path, body, bearer(PLATFORM_SECRET))
    assert answer.status_code in {200, 201, 400, 403, 404, 409, 422}, answer.content
    if answer.status_code >= 400:
        assert answer.json()["error"]
    with platform_scope():
        waiting = list(ProviderEvent.objects.filter(processed_at=None).values_list("tenant_id", "pk"))
    for tenant_id, event_id in waiting:
        process_event(str(tenant_id), str(event_id))
        with tenant_scope(tenant_id):
            event = ProviderEvent.objects.get(pk=event_id)
            assert event.processed_at, event.error
            assert conversations.find_by_external_id("elevenlabs", "nobody") is None


@settings(max_examples=300, deadline=None)
@given(
    entry=junk
    | st.fixed_dictionaries(
        {"role": st.sampled_from(["agent", "user"])},
        optional={"message": junk, "tool_calls": junk, "tool_results": junk, "time_in_call_secs": junk},
    )
)
def test_any_entry_of_a_transcript_can_be_read(entry):
    read_told(entry)


# --- Lifting the audio out of the stream -----------------------------------------------------------


def lift(document: bytes, size: int) -> tuple[bytes, bytes, bool]:
    found = bytearray()
    diversion = Diversion(("data", "full_audio"), found.extend)
    for at in range(0, len(document), size):
        diversion.feed(document[at : at + size])
    diversion.finish()
    return bytes(found), bytes(diversion.left), diversion.found


@settings(max_examples=200, deadline=None)
@given(
    audio=st.binary(max_size=300),
    size=st.integers(1, 64),
    beside=st.dictionaries(st.text(string.printable, max_size=8), junk, max_size=3),
    indent=st.none() | st.integers(0, 2),
    escape=st.booleans(),
    padded=st.booleans(),
)
def test_the_audio_is_found_however_the_document_is_written_and_cut(
    audio, size, beside, indent, escape, padded
):
    encoded = base64.b64encode(audio).decode()
    data = {**{k: v for k, v in beside.items() if k != "full_audio"}, "full_audio": "AUDIO", "agent_id": "a"}
    outer = {"full_audio": "not this one", "x": [{"full_audio": "nor this"}], "data": data}
    text = json.dumps(outer, indent=indent)
    encoded = encoded if padded else encoded.rstrip("=")
    document = text.replace("AUDIO", encoded.replace("/", "\\/") if escape else encoded).encode()
    found, left, seen = lift(document, size)
    assert (found, seen) == (audio, True)
    assert json.loads(left) == json.loads(text.replace("AUDIO", ""))


@pytest.mark.parametrize(
    "document",
    [
        b'{"data": {"full_audio": "AAA',
        b'{"data": {"full_audio": "AAAA"',
        b'{"data": {"full_audio": "A\\nAA"}}',
        b'{"data": {"full_audio": "A A="}}',
        b'{"data": {"full_audio": "A"}}',
        b'{"data": {"full_audio": "AA==AAAA"}}',
        b'{"data": {"full_audio": "AA-_"}}',
        b'{"data": {"full_audio": "AAAA", "full_audio": "AAAA"}}',
        b"}",
        b"[" * 65,
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_is_no_json_or_no_base64_is_malformed(document, size):
    with pytest.raises(Malformed):
        lift(document, size)


def test_what_stands_around_the_audio_is_bounded():
    for document in (b'{"x": "' + b"y" * 70_000, b" " * 70_000, b"[],[]," * 20_000):
        with pytest.raises(TooMuch):
            lift(document, 8192)


def test_padding_ends_it():
    decoder = Base64Decoder(lambda _: None, "f")
    decoder.feed(b"AA==")
    with pytest.raises(Malformed):
        decoder.feed(b"AAAA")

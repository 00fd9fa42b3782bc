"""Every address that ElevenLabs calls: the genuine are heard, forgers are refused and change nothing.

The genuine vectors are in `tests/wire/elevenlabs/genuine.json`, made by another implementation than ours.
"""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from agents import keyring
from agents.models import SeenSignature
from agents.webhook_identity import TRIAL_BYTES, TRIAL_OVERHEAD
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.test_webhooks import (  # noqa: F401 - fixtures
    ANA,
    GARAGE_SECRET,
    HAIRCUT,
    INITIATION,
    PLATFORM_SECRET,
    SALON_SECRET,
    WEBHOOK,
    bearer,
    conversation,
    mac,
    secrets,
    stamped,
)
from tonris import demo

WIRE = json.loads((Path(__file__).parents[1] / "wire/elevenlabs/genuine.json").read_text("utf-8"))
SALON_ID = str(demo.SALON.pk)
Headers = dict[str, str]


@dataclass(frozen=True)
class Address:
    """A request that would be answered, were it genuine."""

    name: str
    method: str
    path: str
    content: str
    """What is signed: the body, or the query string."""

    def send(self, headers: Headers, content: str | None = None, **extra: Any):
        content = self.content if content is None else content
        if self.method == "GET":
            return Client().get(f"{self.path}?{content}", headers=headers, **extra)
        return Client().post(
            self.path, content.encode(), content_type="application/json", headers=headers, **extra
        )


ROOT = "/api/webhooks/elevenlabs/"
ROUTINE = {"tenantId": SALON_ID, "agentId": "agent_demo_salon"}
EVENT = Address(
    "event",
    "POST",
    WEBHOOK,
    json.dumps({"type": "conversation_ended", "data": {"conversation_id": "conv_1", **ROUTINE}}),
)
ADDRESSES = [
    EVENT,
    Address(
        "recording",
        "POST",
        WEBHOOK,
        json.dumps(
            {
                "type": "post_call_audio",
                "data": {
                    "agent_id": "agent_demo_salon",
                    "conversation_id": "conv_1",
                    "full_audio": base64.b64encode(bytes(900_000)).decode(),
                },
            }
        ),
    ),
    Address(
        "tool call",
        "POST",
        WEBHOOK,
        json.dumps(
            {"event": "tool_call", "data": {"tool_name": "get_services", "parameters": {}}, **ROUTINE}
        ),
    ),
    Address(
        "bare tool",
        "POST",
        "/api/ai/tools/get_services",
        json.dumps({"tenant_id": SALON_ID, "conversation_id": "conv_9"}),
    ),
    Address(
        "initiation",
        "POST",
        INITIATION,
        json.dumps({"caller_id": "+15551230000", "called_number": "+15551234567", "call_sid": "CA0"}),
    ),
    Address("services", "GET", ROOT + "services", f"tenantId={SALON_ID}"),
    Address("employees", "GET", ROOT + "employees", f"tenantId={SALON_ID}"),
    Address(
        "appointments", "GET", ROOT + "appointments", f"tenantId={SALON_ID}&customerPhone=%2B15551234567"
    ),
    Address(
        "booking",
        "POST",
        ROOT + "appointments",
        json.dumps(
            {
                "tenantId": SALON_ID,
                "employeeId": ANA,
                "serviceId": HAIRCUT,
                "customerName": "Eve",
                "customerPhone": "+15551234567",
                "startTime": "2030-01-09T15:00:00Z",
            }
        ),
    ),
]
LARGE = Address("large", "POST", WEBHOOK, ADDRESSES[1].content.replace('AA"', "A" * 400_000 + 'AA"'))
ADDRESSES.append(LARGE)


def header(change: Callable[[str], str]) -> Callable[[str], Headers]:
    return lambda content: {
        "ElevenLabs-Signature": change(stamped(PLATFORM_SECRET, content)["ElevenLabs-Signature"])
    }


def with_digest(name: str) -> Callable[[str], Headers]:
    def forge(content: str) -> Headers:
        now = int(time.time())
        signed = f"{now}.{content}".encode()
        return {
            "ElevenLabs-Signature": f"t={now},v0={hmac.new(PLATFORM_SECRET.encode(), signed, name).hexdigest()}"
        }

    return forge


def shifted(seconds: int) -> Callable[[str], Headers]:
    return lambda content: stamped(PLATFORM_SECRET, content, time.time() + seconds)


def plain(secret: str, change: Callable[[str], str] = str) -> Callable[[str], Headers]:
    return lambda content: {"X-ElevenLabs-Signature": change(mac(secret, content))}


EVERYWHERE: dict[str, Callable[[str], Headers]] = {
    "nothing at all": lambda content: {},
    "a signature by a stranger": lambda content: stamped("wsec_stranger", content),
    "of another body": lambda content: stamped(PLATFORM_SECRET, content + " "),
    "a plain one of another body": lambda content: {
        "X-ElevenLabs-Signature": mac(PLATFORM_SECRET, content + " ")
    },
    "too old": shifted(-330),
    "from the future": shifted(330),
    "a stranger's bearer": lambda content: bearer("wsec_stranger"),
    "an empty secret": lambda content: stamped("", content),
}
ON_EVENTS: dict[str, Callable[[str], Headers]] = {
    "an empty header": lambda content: {"ElevenLabs-Signature": ""},
    "empty parts": lambda content: {"ElevenLabs-Signature": "t=,v0="},
    "no time": lambda content: {"ElevenLabs-Signature": f"v0={mac(PLATFORM_SECRET, content)}"},
    "no signature": lambda content: {"ElevenLabs-Signature": f"t={int(time.time())}"},
    "no word of sense": lambda content: {"ElevenLabs-Signature": "nonsense"},
    "two times": header(lambda stamp: f"{stamp},t=1"),
    "the same time twice": header(lambda stamp: f"{stamp},{stamp.split(',')[0]}"),
    "the body without its time": lambda content: {
        "ElevenLabs-Signature": f"t={int(time.time())},v0={mac(PLATFORM_SECRET, content)}"
    },
    "a changed time": header(lambda stamp: stamp.replace("t=", "t=1", 1)),
    "a time with a zero before it": header(lambda stamp: stamp.replace("t=", "t=0", 1)),
    "a time with a sign": header(lambda stamp: stamp.replace("t=", "t=+", 1)),
    "a time with a fraction": header(lambda stamp: stamp.replace(",", ".0,", 1)),
    "a time in other digits": header(
        lambda stamp: (
            stamp.split(",")[0].translate({48 + d: 0x660 + d for d in range(10)}) + "," + stamp.split(",")[1]
        )
    ),
    "a time of four hundred digits": header(lambda stamp: stamp.replace("t=", "t=" + "9" * 400, 1)),
    "a time in milliseconds": lambda content: stamped(PLATFORM_SECRET, content, time.time() * 1000),
    "a name in capitals": header(str.upper),
    "hex in capitals": header(lambda stamp: stamp.replace(stamp[-64:], stamp[-64:].upper())),
    "cut short by one": header(lambda stamp: stamp[:-1]),
    "cut short by half": header(lambda stamp: stamp[:-32]),
    "one digit more": header(lambda stamp: stamp + "0"),
    "one bit changed": header(lambda stamp: stamp[:-1] + ("0" if stamp[-1] != "0" else "1")),
    "another version": header(lambda stamp: stamp.replace("v0=", "v1=")),
    "spaces within": header(lambda stamp: stamp.replace("=", " = ")),
    "separated by semicolons": header(lambda stamp: stamp.replace(",", ";")),
    "letters beyond ASCII": header(lambda stamp: stamp + "é"),
    "only wrong ones of several": header(
        lambda stamp: stamp.split(",")[0] + "".join(f",v0={digit * 64}" for digit in "0123")
    ),
    "more signatures than there are secrets": header(lambda stamp: stamp + ",v0=00" * 20),
    "a hundred thousand signatures": header(lambda stamp: stamp.split(",")[0] + ",v0=00" * 100_000),
    "SHA-1": with_digest("sha1"),
    "SHA-512": with_digest("sha512"),
    "MD5": with_digest("md5"),
    "a digest without a key": lambda content: {
        "X-ElevenLabs-Signature": hashlib.sha256(content.encode()).hexdigest()
    },
    "a digest of secret and body": lambda content: {
        "X-ElevenLabs-Signature": hashlib.sha256((PLATFORM_SECRET + content).encode()).hexdigest()
    },
    "a plain one by a stranger": plain("wsec_stranger"),
    "a plain one with an empty secret": plain(""),
    "a plain one with its algorithm": plain(PLATFORM_SECRET, lambda value: f"sha256={value}"),
    "a plain one in base64": plain(PLATFORM_SECRET, lambda v: base64.b64encode(bytes.fromhex(v)).decode()),
    "a plain one cut short": plain(PLATFORM_SECRET, lambda value: value[:-1]),
    "a plain one twice": plain(PLATFORM_SECRET, lambda value: f"{value},{value}"),
    "the plain one in the other header": lambda content: {
        "ElevenLabs-Signature": mac(PLATFORM_SECRET, content)
    },
    "the other's form in the plain header": lambda content: {
        "X-ElevenLabs-Signature": stamped(PLATFORM_SECRET, content)["ElevenLabs-Signature"]
    },
    "Twilio's header": lambda content: {"X-Twilio-Signature": mac(PLATFORM_SECRET, content)},
    "an empty bearer": lambda content: {"Authorization": "Bearer "},
    "basic authentication": lambda content: {"Authorization": f"Basic {PLATFORM_SECRET}"},
    "the secret without its scheme": lambda content: {"Authorization": PLATFORM_SECRET},
    "the secret and more": lambda content: bearer(f"{PLATFORM_SECRET} x"),
    "the beginning of the secret": lambda content: bearer(PLATFORM_SECRET[:-1]),
    "the secret in capitals": lambda content: bearer(PLATFORM_SECRET.upper()),
    "the secret twice": lambda content: bearer(f"{PLATFORM_SECRET},Bearer {PLATFORM_SECRET}"),
    "a huge bearer": lambda content: bearer("x" * 100_000),
    "the API key": lambda content: {"xi-api-key": PLATFORM_SECRET},
}
FORGERIES = [
    pytest.param(address, forge, id=f"{address.name}: {name}")
    for address in ADDRESSES
    for name, forge in EVERYWHERE.items()
] + [pytest.param(EVENT, forge, id=f"event: {name}") for name, forge in ON_EVENTS.items()]


def everything() -> str:
    """A digest of every row of every table."""
    with platform_scope(), connection.cursor() as cursor:
        digests = []
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(
                f'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{table}" t'
            )
            digests.append((table, cursor.fetchone()))
    return repr(digests)


@pytest.fixture
def refusals(caplog) -> Callable[[], int]:
    caplog.set_level(logging.WARNING, "tonris.security")
    return lambda: sum(record.name == "tonris.security" for record in caplog.records)


# --- The genuine ---------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", WIRE["vectors"], ids=lambda vector: vector["name"])
def test_the_genuine_are_heard(salon, vector, refusals):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, SALON_SECRET)
    address = Address(vector["name"], vector["method"], vector["path"], vector["body"] or vector["query"])
    with time_machine.travel(WIRE["now"]):
        answer = address.send(vector["headers"])
    assert answer.status_code == vector["status"], answer.content
    assert refusals() == 0


def test_there_are_enough_of_both():
    assert len(WIRE["vectors"]) >= 15
    assert sum(vector["accepted_by_sdk"] is True for vector in WIRE["vectors"]) >= 10
    assert len(FORGERIES) >= 60


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
@pytest.mark.parametrize("secret", [SALON_SECRET], ids=["own secret"])
@pytest.mark.parametrize(
    "prove", [stamped, lambda s, c: bearer(s), lambda s, c: plain(s)(c)], ids=["stamped", "bearer", "plain"]
)
def test_what_the_forgers_imitate_would_be_heard(secrets, address, secret, prove, refusals):  # noqa: F811
    with time_machine.travel("2030-01-02T12:00:00Z", tick=False):
        answer = address.send(prove(secret, address.content))
    assert answer.status_code in {200, 201}, answer.content
    assert refusals() == 0


# --- The forged ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "forge"), FORGERIES)
def test_a_forgery_is_refused_noted_once_and_does_nothing(salon, address, forge, refusals):
    before = everything()
    answer = address.send(forge(address.content))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert refusals() == 1
    assert everything() == before


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_a_genuine_signature_under_a_changed_text_is_refused(salon, address, refusals):
    before = everything()
    headers = stamped(PLATFORM_SECRET, address.content)
    changed = address.content.replace("a", "b", 1)
    assert changed != address.content
    assert address.send(headers, changed).status_code == 401
    assert (refusals(), everything()) == (1, before)


@pytest.mark.parametrize(
    "address", [one for one in ADDRESSES if one.name not in {"recording", "large"}], ids=lambda one: one.name
)
@pytest.mark.parametrize(
    "prove", [stamped, lambda s, c: bearer(s), lambda s, c: plain(s)(c)], ids=["stamped", "bearer", "plain"]
)
def test_another_tenants_secret_reaches_nothing_of_the_salon(secrets, conversation, address, prove, refusals):  # noqa: F811
    before = everything()
    answer = address.send(prove(GARAGE_SECRET, address.content))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert (refusals(), everything()) == (1, before)


@pytest.mark.parametrize("address", [ADDRESSES[1], LARGE], ids=lambda one: one.name)
def test_a_recording_cannot_be_laid_under_a_strangers_call(secrets, conversation, address, refusals):  # noqa: F811
    before = everything()
    assert address.send(bearer(GARAGE_SECRET)).status_code == 403
    assert (refusals(), everything()) == (1, before)


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_ids_that_disagree_are_refused(salon, garage, address, refusals):
    before = everything()
    if address.method == "GET":
        content = f"{address.content}&tenantId={garage.pk}"
        answer = address.send(stamped(PLATFORM_SECRET, content), content)
    else:
        body = json.loads(address.content)
        body = {**body, "tenantId": str(garage.pk), "tenant_id": SALON_ID}
        content = json.dumps(body)
        answer = address.send(stamped(PLATFORM_SECRET, content), content)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert "name" in answer.json()["error"]
    assert (refusals(), everything()) == (1, before)


@pytest.mark.parametrize(
    "address",
    [one for one in ADDRESSES if one.name in {"tool call", "bare tool", "booking"}],
    ids=lambda one: one.name,
)
def test_what_acts_is_not_done_twice_by_one_signature(salon, address, refusals):
    with time_machine.travel("2030-01-02T12:00:00Z", tick=False):
        headers = stamped(PLATFORM_SECRET, address.content)
        assert address.send(headers).status_code in {200, 201}
        before = everything()
        padded = {"ElevenLabs-Signature": headers["ElevenLabs-Signature"] + ",v0=00"}
        for again in (headers, padded, headers):
            answer = address.send(again)
            assert (answer.status_code, answer.json()["code"]) == (403, "REPLAYED")
    assert (refusals(), everything()) == (3, before)


@pytest.mark.parametrize("address", [EVENT, ADDRESSES[1], LARGE], ids=lambda one: one.name)
def test_an_event_again_is_acknowledged_and_does_nothing(salon, address, refusals):
    headers = stamped(PLATFORM_SECRET, address.content)
    assert address.send(headers).status_code == 200
    before = everything()
    assert address.send(headers).status_code == 200
    assert (refusals(), everything()) == (1, before)


def test_a_broken_signature_is_not_taken_for_none_where_none_is_needed(salon, settings, refusals):
    settings.ALLOW_UNSIGNED_WEBHOOKS = True
    for headers in ({"ElevenLabs-Signature": "nonsense"}, {"Authorization": "Basic x"}):
        assert EVENT.send(headers).status_code == 401
    assert refusals() == 2


def test_no_secret_anywhere_is_no_open_door(salon, settings):
    settings.ELEVENLABS_WEBHOOK_SECRET = ""
    for forge in (lambda c: bearer(""), lambda c: stamped("", c), plain("")):
        assert EVENT.send(forge(EVENT.content)).status_code == 401
        assert LARGE.send(forge(LARGE.content)).status_code == 401


# --- The price -----------------------------------------------------------------------------------


def many_tenants(number: int) -> list[Tenant]:
    with platform_scope():
        made = Tenant.objects.bulk_create(
            Tenant(name=f"Business {n}", slug=f"business-{n}", settings={"elevenLabsAgentId": f"agent_{n}"})
            for n in range(number)
        )
        Credential.objects.bulk_create(
            Credential(tenant=one, name=Credential.Name.WEBHOOK_SECRET, value=f"tws_{n}")
            for n, one in enumerate(made)
        )
    return made


def test_who_is_named_is_tried_first_and_gains_nothing_by_it(salon, garage):
    many_tenants(300)
    with platform_scope():
        ring = keyring.keyring()
    named = ring.named_in(b"", b'{"data": {"agent_id" : "agent_299", "x": 1}}')
    assert [key.secret for key in named] == ["tws_299"]
    body = json.dumps({"type": "conversation_ended", "data": {"agent_id": "agent_7"}})
    assert EVENT.send(stamped("tws_8", body), body).status_code == 200  # the secret decides, not the agent
    with platform_scope():
        from agents.models import ProviderEvent

        assert ProviderEvent.objects.get().tenant.slug == "business-8"


def test_a_large_body_by_a_stranger_buys_a_bounded_number_of_trials(salon, monkeypatch):
    from agents.providers.elevenlabs import signatures

    many_tenants(300)
    made = []
    real = signatures.Signing.__init__

    def counted(self, *args) -> None:
        made.append(1)
        real(self, *args)

    monkeypatch.setattr(signatures.Signing, "__init__", counted)
    content = EVENT.content + " " * 900_000
    assert EVENT.send(stamped("wsec_stranger", content), content).status_code == 401
    assert 1 < len(made) <= TRIAL_BYTES // (len(content) + TRIAL_OVERHEAD) + 10
    made.clear()
    assert LARGE.send(stamped("wsec_stranger", LARGE.content)).status_code == 401
    assert 1 < len(made) <= TRIAL_BYTES // len(LARGE.content) + 10
    made.clear()
    assert EVENT.send(shifted(-400)(EVENT.content)).status_code == 401
    assert not made  # a stale signature is not worth the hashing


def test_a_bearer_is_found_without_trying_anybody(salon, monkeypatch):
    from agents.providers.elevenlabs import signatures

    many_tenants(50)
    monkeypatch.setattr(signatures.Signing, "__init__", lambda *a: pytest.fail("tried"))
    body = json.dumps({"tenant_id": ""})
    found = Client().post("/api/ai/tools/get_hours", body, "application/json", headers=bearer("tws_33"))
    assert found.status_code == 200


def test_a_secret_that_two_tenants_share_speaks_for_neither(secrets, salon, garage):  # noqa: F811
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.WEBHOOK_SECRET, SALON_SECRET)
    body = json.dumps({"type": "conversation_ended", "data": {"tenantId": str(garage.pk)}})
    for headers in (bearer(SALON_SECRET), stamped(SALON_SECRET, body)):
        assert EVENT.send(headers, body).status_code == 401
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.WEBHOOK_SECRET, GARAGE_SECRET)
    assert EVENT.send(bearer(GARAGE_SECRET), body).status_code == 200


def test_a_secret_beyond_ascii_is_compared_as_the_bytes_that_were_sent(salon):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "schlüssel")
    as_a_server_reads_it = "schlüssel".encode().decode("latin-1")
    assert EVENT.send(bearer(as_a_server_reads_it)).status_code == 200
    assert EVENT.send(stamped("schlüssel", EVENT.content)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_changed_secret_counts_at_once_and_a_kept_one_is_not_read_again(salon, django_assert_num_queries):
    keyring.forget()
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "tws_first")
    assert keyring.keyring().holder_of(b"tws_first")
    with django_assert_num_queries(0):
        assert keyring.keyring().holder_of(b"tws_first")
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "tws_second")
    assert not keyring.keyring().holder_of(b"tws_first")
    assert keyring.keyring().holder_of(b"tws_second")
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "")
    assert not keyring.keyring().holder_of(b"tws_second")
    keyring.forget()
    assert not SeenSignature.objects.exists()

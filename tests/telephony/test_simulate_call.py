"""The simulated carrier signs as the real one would."""

import io
import json
import math
import struct
from array import array
from pathlib import Path
from typing import Any, get_args

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from agents.simulators.audio import Format
from telephony.simulators.agent_choice import speaking_through
from telephony.simulators.spoken_lines import line_of
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Answers, Callee
from telephony.simulators.twilio.demo_callees import NUMBERS, demo_callees
from telephony.simulators.twilio.simulated import token_of
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.calling import open_infobip_office, open_twilio_office
from tests.exchange import open_exchange, open_infobip_exchange
from tests.second_agents import problems_of, said_by, session_of
from tests.telephony.far_ends import SIDES
from tonris import demo


def test_a_call_to_a_tenant_with_an_account_of_its_own_is_signed_with_that_accounts_token(salon, garage):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own-token")
    assert token_of(demo.SALON.number) == "salons-own-token"
    assert token_of(demo.GARAGE.number) == settings.TWILIO_AUTH_TOKEN
    assert token_of("+15550000000") == settings.TWILIO_AUTH_TOKEN


def test_for_one_call_a_business_speaks_through_another_provider(salon, garage):
    def provider(tenant: Tenant) -> object:
        with tenant_scope(tenant):
            return Tenant.objects.get(pk=tenant.pk).settings.get("agentProvider")

    with speaking_through("openai", demo.SALON.number):
        assert (provider(salon), provider(garage)) == ("openai", None)
    assert provider(salon) is None
    with speaking_through(None, demo.SALON.number):
        assert provider(salon) is None
    with pytest.raises(ZeroDivisionError), speaking_through("openai", demo.SALON.number):
        raise ZeroDivisionError
    assert provider(salon) is None


@pytest.mark.django_db(transaction=True)
async def test_a_call_that_openai_answers_books_an_appointment(salon, settings):
    settings.DEBUG = True
    out = io.StringIO()
    async with open_exchange() as exchange:
        await in_thread(call_command, "simulate_call", "--agent", "openai", "--json", stdout=out)
        assert exchange.openai.sessions[0].errors == []
    told = json.loads(out.getvalue())
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["appointment"]["customerName"] == "Alex Taylor"


def test_outside_development_nobodys_settings_are_touched(salon):
    with pytest.raises(CommandError, match="development"):
        call_command("simulate_call", "--agent", "openai")


# --- Callers by script ---------------------------------------------------------------------------


def wav(path: Path, *, kind: int = 1, bits: int = 16, rate_hz: int = 16_000, seconds: float = 0.5) -> Path:
    """A second's tone, or as said."""
    samples = array("h", (int(9000 * math.sin(index / 9)) for index in range(int(rate_hz * seconds))))
    layout = struct.pack("<HHIIHH", kind, 1, rate_hz, rate_hz * 2, 2, bits)
    chunks = b"fmt " + struct.pack("<I", 16) + layout
    chunks += b"data" + struct.pack("<I", len(samples) * 2) + samples.tobytes()
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    return path


async def called(*words: str) -> dict[str, Any]:
    """What the command tells of its call."""
    out = io.StringIO()
    await in_thread(call_command, "simulate_call", *words, "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


@pytest.mark.django_db(transaction=True)
async def test_a_scripted_caller_says_words_and_recordings_and_leaves_when_answered(
    salon, settings, tmp_path
):
    file = wav(tmp_path / "hello.wav")
    async with open_exchange() as exchange:
        told = await called("--say", "Are you open?", "--say", str(file))
        heard = bytes(exchange.vendor.sessions[0].received_audio)
    assert [line["text"] for line in told["callerLines"]] == ["Are you open?", "hello.wav"]
    assert (told["ok"], told["endedBy"]) == (True, "caller"), told["problems"]
    assert line_of(str(file)).audio in heard, "the file's own sound, in frames"
    assert line_of("Are you open?").audio in heard


@pytest.mark.django_db(transaction=True)
async def test_a_scripted_caller_over_infobip_says_the_same(salon, settings, monkeypatch):
    monkeypatch.setattr(settings, "INFOBIP_SIMULATED", True, raising=False)
    async with open_infobip_exchange(salon) as exchange:
        told = await called("--carrier", "infobip", "--say", "Hello there", "--press", "5")
        spoken = line_of("Hello there").in_format(Format("pcm", 16_000))
        assert spoken in bytes(exchange.vendor.sessions[0].received_audio)
        facts = [one["text"] for one in exchange.vendor.sessions[0].messages if "text" in one]
    assert [line["text"] for line in told["callerLines"]] == ["Hello there"]
    assert told["ok"], told["problems"]
    assert facts == ["The caller pressed 5 on the keypad."]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("carrier", "agent"), [("twilio", "elevenlabs"), ("infobip", "elevenlabs"), ("infobip", "openai")]
)
async def test_a_scripted_caller_interrupts_and_hangs_up_when_told_to(
    salon, settings, monkeypatch, carrier, agent
):
    settings.DEBUG = True
    monkeypatch.setattr(settings, "INFOBIP_SIMULATED", True, raising=False)
    words = ("--say", "Wait please", "--interrupt-after", "0.4", "--hangup-after", "3")
    async with SIDES[carrier]().open(salon) as exchange:
        told = await called("--carrier", carrier, "--agent", agent, *words)
        session = await session_of(exchange, agent)
    assert session.truncations if agent == "openai" else session.interruptions
    assert (told["ok"], told["problems"], problems_of(session)) == (True, [], [])
    assert 3 <= told["durationS"] < 10
    [line] = told["callerLines"]
    greeting = next(one for one in told["timeline"] if one["sound"] == "agent")
    assert line["startMs"] - greeting["startMs"] < 2000, "and did not wait for its end"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--say", "/nowhere/hello.wav"], "--say: /nowhere/hello.wav: No such file"),
        (["--say", " "], "--say: there is nothing to say"),
        (["--say", "x" * 2001], "at most 2000 characters"),
        (["--say", "hello", "--wav", "hello.wav"], "--say takes WAV files too"),
        (["--press", "5x"], "--press takes 0-9"),
        (["--hangup-after", "-1"], "from 0 to 3600 seconds"),
        (["--interrupt-after", "nan"], "from 0 to 3600 seconds"),
        (["--interrupt-after", "soon"], "--interrupt-after"),
        (["--direction", "sideways"], "--direction"),
        (["--carrier", "browser"], "--carrier"),
    ],
)
def test_what_cannot_be_done_is_said_before_anybody_dials(salon, words, complaint):
    with pytest.raises(CommandError) as refused:
        call_command("simulate_call", *words)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        ({"kind": 3, "bits": 32}, "wanted is 16-bit PCM or 8-bit mu-law, of any rate"),
        ({"bits": 24}, "wanted is 16-bit PCM"),
        ({"rate_hz": 0}, "no sound in it"),
        ({"seconds": 0}, "no sound in it"),
    ],
)
def test_a_file_in_another_format_is_refused_with_what_is_taken(salon, tmp_path, spoilt, complaint):
    file = wav(tmp_path / "odd.wav", **spoilt)
    with pytest.raises(CommandError, match=complaint):
        call_command("simulate_call", "--say", str(file))


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000, 44_100, 48_000])
def test_recordings_of_any_rate_are_converted(tmp_path, rate_hz):
    audio = line_of(str(wav(tmp_path / f"{rate_hz}.wav", rate_hz=rate_hz))).audio
    assert abs(len(audio) - 4000) < 10  # half a second of mu-law


# --- The business calls --------------------------------------------------------------------------

OFFICES = {"twilio": open_twilio_office, "infobip": open_infobip_office}


async def calls_out(*words: str) -> tuple[list[str], int]:
    """What the command prints, and how it exits."""
    out = io.StringIO()
    status = 0
    try:
        await in_thread(call_command, "simulate_call", "--direction", "outbound", *words, stdout=out)
    except SystemExit as left:
        status = int(left.code or 0)
    return out.getvalue().splitlines(), status


def test_somebody_answers_in_each_way_that_a_call_can_end():
    assert set(NUMBERS) == set(get_args(Answers))
    assert len(demo_callees()) == len(NUMBERS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("carrier", OFFICES)
async def test_the_business_calls_somebody_who_books(salon, settings, monkeypatch, carrier):
    monkeypatch.setattr(settings, "INFOBIP_SIMULATED", True, raising=False)
    person = demo_callees()[NUMBERS["human"]]
    async with OFFICES[carrier](salon, person) as place:
        told, status = await calls_out("--carrier", carrier, "--to", place.exchange.number)
    assert status == 0, told
    assert f"{place.exchange.number} calls {NUMBERS['human']}" in told[0]
    assert "virtual assistant of Test Salon" in "\n".join(told)
    assert [line for line in told if "book_appointment(" in line]
    assert told[-2].endswith("completed")
    assert told[-1] == "Outcome: agent_ended; answered by: human."
    words = [line[9:] for line in told if " s  " in line]
    assert len(words) == len(set(words)), "no line stands there twice"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("carrier", OFFICES)
async def test_the_business_calls_through_the_agent_that_was_chosen(salon, settings, monkeypatch, carrier):
    monkeypatch.setattr(settings, "INFOBIP_SIMULATED", True, raising=False)
    async with OFFICES[carrier](salon, Callee(script=Script(hang_up_after_s=2.5), rings_s=0.1)) as place:
        number = place.exchange.number
        told, status = await calls_out("--carrier", carrier, "--agent", "openai", "--to", number)
        session = await session_of(place.exchange, "openai")
        assert place.exchange.vendor.sessions == []
    assert status == 0, told
    assert "virtual assistant of Test Salon" in said_by(session)[0]
    assert "You have called them" in session.updates[0]["instructions"]
    assert problems_of(session) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("callee", "status", "last"),
    [
        ("busy", 1, "Outcome: not recorded; answered by: nobody."),
        ("machine", 0, "Outcome: machine; answered by: machine_end_beep."),
    ],
)
async def test_who_is_not_there_is_told_so(salon, settings, callee, status, last):
    async with open_twilio_office(salon, Callee(callee, rings_s=0.1, greeting_s=0.5)):
        told, left = await calls_out("--callee", callee)
    assert (left, told[-1]) == (status, last), told


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--from", "+15559876543"], "there is no --from"),
        (["--scenario", "booking"], "there is no --scenario"),
        (["--say", "hello"], "there is no --say"),
        (["--wav", "hello.wav"], "there is no --wav"),
        (["--json"], "there is no --json"),
        (["--hangup-after", "3"], "there is no --hangup-after"),
        (["--interrupt-after", "0"], "there is no --interrupt-after"),
        (["--press", "1", "--json"], "there is no --press, --json: choose a --callee"),
    ],
)
def test_what_a_callee_does_is_not_for_the_callers_options(salon, words, complaint):
    with pytest.raises(CommandError) as refused:
        call_command("simulate_call", "--direction", "outbound", *words)
    assert complaint in str(refused.value)


def test_who_answers_is_no_question_of_a_call_that_comes_in(salon):
    with pytest.raises(CommandError, match="--callee is for --direction outbound"):
        call_command("simulate_call", "--callee", "busy")


def test_a_number_that_is_nobodys_calls_nobody(salon):
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("simulate_call", "--direction", "outbound", "--to", "+15550000000", stdout=out)
    assert out.getvalue() == "Nobody here has the number +15550000000.\n"

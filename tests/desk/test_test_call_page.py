"""Talking to the agent from a real browser, over the wire that carriers use."""

from typing import Any

import pytest
from django.test import Client

from agents.simulators.audio import mulaw_to_pcm16
from appointments.models import Appointment
from telephony.models import Call
from tenants.models import Member, User
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.browser import Visitor, browser
from tests.desk.on_the_phone import APPLICATION, Desk, at_the_desk, plain_cookies, session_of
from tests.exchange import open_exchange
from tests.telephony.test_limits import limited
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "cheaper_settings", "plain_cookies"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("provider", ["elevenlabs", "openai"])
async def test_a_prepared_caller_books_an_appointment(salon, settings, browser, provider):
    await in_thread(lambda: limited(salon, agentProvider=provider))

    def work(desk: Desk) -> list[str]:
        page = desk.page
        desk.visitor.open("/admin/test-call/")
        desk.photograph("test-call")
        page.check("[name=voice][value=booking]")
        assert page.input_value("#caller") == "+15559876543"
        page.click("[data-start]")
        page.wait_for_selector(".line-caller >> text=Alex Taylor", timeout=90_000)
        desk.photograph("test-call-talking")
        page.wait_for_selector("#test-call[data-state=over]", timeout=90_000)
        page.wait_for_selector(".line-tool >> text=book_appointment")
        page.wait_for_selector("[data-ending] >> text=The agent said goodbye")
        desk.photograph("test-call-over")
        desk.measure()
        page.click("[data-after] a")
        return desk.visitor.complaints

    async with open_exchange(application=APPLICATION) as exchange:
        assert await at_the_desk(browser, exchange, salon, work) == []
    booked = await in_tenant(salon.pk, lambda: [one.customer.name for one in Appointment.objects.all()])
    assert booked == ["Alex Taylor"]
    [call] = await in_tenant(salon.pk, lambda: list(Call.objects.all()))
    assert (call.carrier, call.from_e164, call.outcome) == ("browser", "+15559876543", "agent_ended")
    assert call.feel["agent_speech_ms"] > 1000
    spoke = {"elevenlabs": exchange.vendor.sessions, "openai": exchange.openai.sessions}
    assert [name for name, sessions in spoke.items() if sessions] == [provider]


async def test_the_microphone_is_heard_and_the_agent_too(salon, settings, browser):
    """Chromium's microphone hears somebody speak; the agent notices, and answers."""

    def work(desk: Desk) -> list[str]:
        page = desk.page
        desk.visitor.open("/admin/test-call/")
        page.click("[data-start]")
        page.wait_for_function("document.querySelector('[data-heard-level]').value > 0.3")
        page.wait_for_function("document.querySelector('[data-said-level]').value > 0.3")
        page.wait_for_selector(".said .line-caller")
        page.click("[data-key='5']")
        page.click("[data-end]")
        page.wait_for_selector("#test-call[data-state=over]")
        page.wait_for_selector("[data-ending] >> text=The caller hung up")
        return desk.visitor.complaints

    async with open_exchange(application=APPLICATION) as exchange:
        assert await at_the_desk(browser, exchange, salon, work, permissions=["microphone"]) == []
        [conversation] = exchange.vendor.sessions
        assert len(set(conversation.received_audio)) > 20  # and not silence alone
    kinds = await in_tenant(salon.pk, lambda: list(Call.objects.get().events.values_list("kind", flat=True)))
    assert "digit" in kinds


async def test_what_stands_in_the_way_is_told_with_its_remedy(salon, settings, browser):
    settings.ELEVENLABS_API_KEY = ""

    def work(desk: Desk) -> None:
        page = desk.page
        desk.visitor.open("/admin/test-call/")
        page.fill("#caller", "what?")
        page.check("[name=voice][value=booking]")
        page.click("[data-start]")
        page.wait_for_selector("text=This is no telephone number")
        page.fill("#caller", "")
        page.click("[data-start]")
        page.wait_for_selector("text=an owner enters it under Set-up, Secrets")
        assert page.is_visible("[data-start]")
        desk.photograph("test-call-refused")

    async with open_exchange(application=APPLICATION) as exchange:
        settings.ELEVENLABS_API_KEY = ""
        await at_the_desk(browser, exchange, salon, work)


def test_only_the_desk_of_a_business_makes_calls(salon, client):
    assert client.post("/admin/test-call/begin").status_code == 403
    client.cookies["sessionid"] = session_of(salon, Member.Role.READ_ONLY)
    assert client.post("/admin/test-call/begin").status_code == 403
    assert "Your role may look, but not call" in client.get("/admin/test-call/").text
    client.cookies["sessionid"] = session_of(salon, Member.Role.MANAGER)
    assert client.get("/admin/test-call/begin").status_code == 405
    with platform_scope():
        assert not Call.objects.exists()


def test_a_call_needs_the_pages_token(salon):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["sessionid"] = session_of(salon)
    assert strict.post("/admin/test-call/begin").status_code == 403
    with platform_scope():
        assert not Call.objects.exists()


def test_recordings_are_for_those_who_are_logged_in(salon, client):
    assert client.get("/admin/test-call/line/booking/0").status_code == 302
    client.cookies["sessionid"] = session_of(salon)
    answer = client.get("/admin/test-call/line/booking/0")
    assert answer.headers["Content-Type"] == "audio/basic"
    assert len(answer.content) > 8000
    assert client.get("/admin/test-call/line/booking/9").status_code == 404
    assert client.get("/admin/test-call/line/listening/0").status_code == 404


def test_an_operator_enters_a_business_first(salon, client):
    client.force_login(User.objects.create_superuser("olga"))
    assert "Enter a business to call its agent" in client.get("/admin/test-call/").text
    assert "Enter a business to follow its calls" in client.get("/admin/live/").text
    assert client.post("/admin/test-call/begin").status_code == 403


ARITHMETIC = """async () => {
  const { decode, encode, loudness, Resampler } = await import("/static/telephony/sound.js");
  const { Playout } = await import("/static/telephony/playout.js");
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const tone = (hertz, from, to) => {
    const resampler = new Resampler(from, to);
    const made = [];
    for (let start = 0; start < from; start += 128) {
      const at = (index) => Math.sin((2 * Math.PI * hertz * (start + index)) / from);
      made.push(...resampler.feed(Float32Array.from({ length: 128 }, (_, index) => at(index))));
    }
    return { length: made.length, loud: loudness(made.slice(500, -500)) };
  };
  const playout = new Playout();
  const marks = [playout.mark("at once")];
  playout.add(bytes);
  marks.push(playout.mark("after"), []);
  for (let taken = 0; taken < 2000; taken += 32) marks[2].push(...playout.take(32).marks);
  playout.add(bytes);
  playout.mark("dropped");
  marks.push(playout.clear(), playout.mark("empty"));
  return {
    values: [...decode(bytes)].map((value) => Math.round(value * 32768)),
    again: [...encode(decode(bytes))],
    marks,
    tones: [tone(1000, 48000, 8000), tone(6000, 48000, 8000), tone(3000, 8000, 44100)],
    left: playout.waiting,
  };
}"""


def test_sound_is_converted_and_played_as_on_the_line(browser, live_server):
    def work(visitor: Visitor) -> Any:
        visitor.open("/admin/login/")
        return visitor.page.evaluate(ARITHMETIC)

    told = browser.visit(work, live_server.url)
    assert told["values"] == list(mulaw_to_pcm16(bytes(range(256))))
    assert told["again"] == [*range(127), 255, *range(128, 256)]  # there are two nothings
    assert told["marks"] == [["at once"], [], ["after"], ["dropped"], ["empty"]]
    assert told["left"] == 0
    kept, folded, wider = told["tones"]
    assert (kept["length"], wider["length"]) == (pytest.approx(8000, abs=30), pytest.approx(44100, abs=800))
    assert (kept["loud"], wider["loud"]) == (pytest.approx(0.707, abs=0.01), pytest.approx(0.707, abs=0.01))
    assert folded["loud"] < 0.01

"""What is sent to OpenAI and when, what is played, and what is told: without a socket."""

import json
from decimal import Decimal
from typing import Any

import pytest

from agents.audio import MULAW_8K
from agents.events import AgentCorrected, AgentSaid, CallerSaid, CallerSpeaks, Speech, ToolCall
from agents.providers.openai_realtime.dialogue import Dialogue
from agents.providers.openai_realtime.protocol import (
    CallerText,
    Failure,
    FunctionCall,
    IdleTimeout,
    ItemAdded,
    ReplyAudio,
    ReplyText,
    ReplyWords,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SpeechStarted,
    SpeechStopped,
    decode,
)
from agents.providers.openai_realtime.usage import Usage
from agents.speech import speech_for
from tonris import openai

SECOND = b"\xff" * 8000


class Talk:
    """A Dialogue with a clock that stands still unless told."""

    def __init__(self) -> None:
        self.dialogue = Dialogue(MULAW_8K, "de-AT")
        self.now = 0.0

    def hears(self, *events: ServerEvent) -> list[Any]:
        """Our events that follow."""
        for event in events:
            self.dialogue.hear(event, self.now)
        news = list(self.dialogue.news)
        self.dialogue.news.clear()
        return news

    def sent(self) -> list[dict[str, Any]]:
        """Without their ids."""
        out = [{k: v for k, v in event.items() if k != "event_id"} for event in self.dialogue.outbox]
        self.dialogue.outbox.clear()
        return out

    def types(self) -> list[str]:
        return [str(event["type"]) for event in self.sent()]

    def says(self, response: str, item: str, seconds: float = 1) -> list[Any]:
        audio = b"\xff" * int(8000 * seconds)
        return self.hears(
            ResponseCreated(response), ItemAdded(item, "agent"), ReplyAudio(response, item, audio)
        )


@pytest.fixture
def talk() -> Talk:
    return Talk()


def calls(response: str, *ids: str, status: str = "completed") -> ResponseDone:
    return ResponseDone(response, status, tuple(FunctionCall(one, "get_services", {}) for one in ids))


# --- Responses -----------------------------------------------------------------------------------


def test_the_greeting_is_asked_for_once_with_instructions_of_its_own(talk):
    talk.dialogue.greet("Be kind. Say hello.")
    [event] = talk.sent()
    assert event["type"] == "response.create"
    assert event["response"]["instructions"] == "Be kind. Say hello."
    talk.says("r1", "i1")
    talk.hears(ResponseDone("r1", "completed"))
    assert talk.sent() == []


def test_two_tools_of_one_response_are_answered_and_followed_by_one_response(talk):
    events = talk.hears(ResponseCreated("r1"), calls("r1", "c1", "c2"))
    assert [event.call_id for event in events] == ["c1", "c2"]
    talk.dialogue.answer("c2", {"success": True})
    assert talk.types() == ["conversation.item.create"]
    talk.dialogue.answer("c1", {"success": False})
    out = talk.sent()
    assert [event["type"] for event in out] == ["conversation.item.create", "response.create"]
    assert out[0]["item"]["output"] == '{"success": false}'
    talk.dialogue.answer("c1", {"success": True})
    assert talk.sent() == [], "an answer counts once"


def test_tools_of_a_response_that_was_cut_are_not_run(talk):
    for status in ("cancelled", "incomplete", "failed"):
        assert talk.hears(ResponseCreated("r1"), calls("r1", "c1", status=status)) == []
    talk.dialogue.outbox.clear()
    talk.dialogue.answer("c1", {"success": True})
    assert "conversation.item.create" not in talk.types()


@pytest.mark.parametrize("arguments", ["[1]", "null", "3", "{", '{\\"guests\\": NaN}'])
def test_arguments_that_are_no_object_are_answered_without_a_tool(talk, arguments):
    done = decode(
        '{"type":"response.done","response":{"id":"r1","status":"completed","output":'
        f'[{{"type":"function_call","call_id":"c1","name":"book","arguments":"{arguments}"}}]}}}}'
    )
    assert isinstance(done, ResponseDone)
    assert talk.hears(ResponseCreated("r1"), done) == []
    answered, asked = talk.sent()
    assert asked["type"] == "response.create"
    assert json.loads(answered["item"]["output"]) == {
        "success": False,
        "error": "The arguments are not a JSON object",
        "code": "VALIDATION_ERROR",
        "message": speech_for("de").say_again,
    }


def test_while_a_response_is_under_way_none_is_asked_for(talk):
    talk.hears(ResponseCreated("r1"), calls("r1", "c1"), SpeechStarted(), SpeechStopped())
    talk.hears(ResponseCreated("r2"))
    talk.dialogue.answer("c1", {})
    assert talk.types() == ["conversation.item.create"], "r2 was begun without the answer"
    talk.hears(ResponseDone("r2", "cancelled"))
    assert talk.types() == ["response.create"]


def test_the_servers_own_response_that_has_seen_the_answers_makes_ours_superfluous(talk):
    talk.hears(ResponseCreated("r1"), calls("r1", "c1"), SpeechStarted())
    talk.dialogue.answer("c1", {})
    [output] = talk.sent()
    talk.hears(ItemAdded(output["item"]["id"], ""), SpeechStopped(), ResponseCreated("r2"))
    talk.says("r2", "i2")
    talk.hears(ResponseDone("r2", "completed"))
    assert talk.sent() == []


def test_while_a_tool_is_run_nothing_is_asked_for(talk):
    talk.hears(ResponseCreated("r1"), calls("r1", "c1"), SpeechStarted(), SpeechStopped())
    talk.hears(ResponseCreated("r2"), ResponseDone("r2", "completed"))
    assert talk.sent() == [], "r2 had no sound, and is asked for again with the answer"
    talk.dialogue.answer("c1", {})
    assert talk.types() == ["conversation.item.create", "response.create"]


def test_a_response_that_was_begun_before_the_answer_stood_does_not_count_as_its_reply(talk):
    talk.hears(ResponseCreated("r1"), calls("r1", "c1"), SpeechStarted())
    talk.dialogue.answer("c1", {})
    [output] = talk.sent()
    talk.hears(SpeechStopped())
    talk.says("r2", "i2")
    talk.hears(ItemAdded(output["item"]["id"], ""), ResponseDone("r2", "completed"))
    assert talk.types() == ["response.create"]


def test_a_response_that_met_another_is_asked_for_again_afterwards(talk):
    talk.hears(ResponseCreated("r1"), calls("r1", "c1"))
    talk.dialogue.answer("c1", {})
    talk.sent()
    talk.hears(Failure("conversation_already_has_active_response", "busy"))
    assert talk.types() == ["response.create"], "nothing is under way any more"


def test_a_failed_response_is_asked_for_once_more_and_then_the_session_is_lost(talk):
    talk.dialogue.greet("Say hello.")
    talk.sent()
    talk.hears(ResponseCreated("r1"), ResponseDone("r1", "failed", failure=Failure("server_error", "oops")))
    [again] = talk.sent()
    assert again["response"]["instructions"] == "Say hello."
    assert talk.dialogue.lost is None
    talk.hears(ResponseCreated("r2"), ResponseDone("r2", "failed", failure=Failure("server_error", "oops")))
    assert talk.dialogue.lost is not None


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_response_without_a_sound_is_asked_for_once_more_and_then_the_session_is_lost(talk, status):
    talk.hears(SpeechStarted(), SpeechStopped())
    talk.hears(ResponseCreated("r1"), ResponseDone("r1", status))
    assert talk.types() == ["response.create"]
    assert talk.dialogue.lost is None
    talk.hears(ResponseCreated("r2"), ResponseDone("r2", status))
    assert talk.types() == []
    assert talk.dialogue.lost is not None


def test_arguments_that_were_cut_off_before_a_sound_are_asked_for_once_more(talk):
    talk.hears(SpeechStarted(), SpeechStopped())
    assert talk.hears(ResponseCreated("r1"), calls("r1", "c1", status="incomplete")) == []
    assert talk.types() == ["response.create"]


def test_an_answer_that_is_cut_off_while_it_is_spoken_is_an_answer(talk):
    for number in range(3):
        talk.says(f"r{number}", f"i{number}")
        talk.hears(ResponseDone(f"r{number}", "incomplete"))
    assert talk.sent() == []
    assert talk.dialogue.lost is None


def test_a_caller_who_speaks_before_the_first_sound_costs_nothing(talk):
    for number in range(3):
        talk.hears(ResponseCreated(f"r{number}"), SpeechStarted(), ResponseDone(f"r{number}", "cancelled"))
    assert talk.sent() == []
    assert talk.dialogue.lost is None


@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "account_deactivated"])
def test_an_error_that_no_retry_mends_ends_the_session(talk, code):
    talk.hears(Failure(code, "no"))
    assert talk.dialogue.lost is not None


@pytest.mark.parametrize(
    "code", ["response_cancel_not_active", "input_audio_buffer_commit_empty", "invalid_tool_call_id", "new"]
)
def test_other_errors_cost_nothing(talk, code):
    talk.hears(Failure(code, "never mind"))
    assert talk.dialogue.lost is None
    assert talk.sent() == []


def test_what_the_server_owes_us_is_known(talk):
    replies = talk.dialogue.replies
    assert not replies.expected
    talk.dialogue.greet("x")
    assert replies.expected
    talk.says("r1", "i1")
    assert replies.expected
    talk.hears(ResponseDone("r1", "completed"))
    assert not replies.expected
    assert replies.idle
    talk.hears(SpeechStarted())
    assert not replies.expected, "a caller may speak for minutes"
    assert not replies.idle
    talk.hears(SpeechStopped())
    assert replies.expected


def test_a_caller_who_never_answers_is_asked_three_times(talk):
    for number in range(3):
        assert not talk.dialogue.finished
        talk.hears(IdleTimeout())
        talk.says(f"r{number}", f"i{number}")
        talk.hears(ResponseDone(f"r{number}", "completed"))
    assert talk.dialogue.finished


def test_one_who_answers_in_between_is_not_given_up(talk):
    for number in range(6):
        talk.hears(IdleTimeout(), SpeechStarted(), SpeechStopped())
        talk.says(f"r{number}", f"i{number}")
        talk.hears(ResponseDone(f"r{number}", "completed"))
    assert not talk.dialogue.finished


def test_silence_begins_when_all_is_played_and_nobody_owes_anything(talk):
    quiet_since = talk.dialogue.quiet_since
    talk.now = 10.0
    talk.dialogue.greet("x")
    assert quiet_since() is None, "somebody is about to speak"
    talk.says("r1", "i1", seconds=3)
    talk.hears(ResponseDone("r1", "completed"))
    assert quiet_since() == 13.0, "it comes faster than it is spoken"
    talk.now = 11.0
    talk.hears(SpeechStarted())
    assert quiet_since() is None
    talk.hears(SpeechStopped())
    talk.now = 12.0
    talk.hears(ResponseCreated("r2"), calls("r2", "c1"))
    assert quiet_since() is None, "a tool is at work"
    talk.dialogue.answer("c1", {})
    talk.hears(ResponseCreated("r3"), ResponseDone("r3", "cancelled"))
    assert quiet_since() == 12.0, "what was cut is not played to its end"
    talk.dialogue.stirred(15.0)
    assert quiet_since() == 15.0


# --- Interruption --------------------------------------------------------------------------------


def test_speech_names_its_item_and_late_audio_of_a_cut_response_is_not_played(talk):
    assert talk.says("r1", "i1") == [Speech(SECOND, "i1")]
    assert talk.hears(SpeechStarted(), ReplyAudio("r1", "i1", SECOND)) == [CallerSpeaks()]
    talk.hears(ResponseDone("r1", "cancelled"))
    assert talk.says("r2", "i2") == [Speech(SECOND, "i2")]


def test_a_reply_is_truncated_where_it_was_cut(talk):
    talk.says("r1", "i1", seconds=4)
    talk.hears(SpeechStarted())
    talk.dialogue.was_cut("i1", 1800)
    assert talk.sent() == [
        {"type": "conversation.item.truncate", "item_id": "i1", "content_index": 0, "audio_end_ms": 1800}
    ]


def test_it_is_never_truncated_beyond_what_the_server_may_count(talk):
    talk.says("r1", "i1", seconds=2)
    talk.dialogue.was_cut("i1", 1990)
    assert talk.sent()[0]["audio_end_ms"] == 1900


def test_a_reply_of_which_nothing_was_heard_is_deleted(talk):
    talk.says("r1", "i1", seconds=2)
    talk.dialogue.was_cut("i1", 0)
    assert talk.sent() == [{"type": "conversation.item.delete", "item_id": "i1"}]


def test_it_is_cut_once(talk):
    talk.says("r1", "i1", seconds=2)
    talk.dialogue.was_cut("i1", 500)
    talk.dialogue.was_cut("i1", 400)
    talk.dialogue.was_cut("unknown", 400)
    assert talk.types() == ["conversation.item.truncate"]


def test_a_refused_truncation_is_repeated_with_the_length_that_the_server_names(talk):
    talk.says("r1", "i1", seconds=4)
    talk.dialogue.was_cut("i1", 3760)
    event_id = talk.dialogue.outbox[0]["event_id"]
    talk.sent()
    refusal = "Audio content of 3700ms is already shorter than 3760ms"
    talk.hears(Failure("", refusal, event_id))
    assert talk.sent()[0]["audio_end_ms"] == 3700
    talk.hears(Failure("", refusal, event_id))
    assert talk.sent() == []


def test_the_words_that_were_heard_are_told_after_the_words_that_were_meant(talk):
    talk.says("r1", "i1", seconds=4)
    talk.hears(SpeechStarted())
    talk.dialogue.was_cut("i1", 2000)
    news = talk.hears(ReplyText("i1", "One two three four five six seven eight."))
    assert news == [
        AgentSaid("One two three four five six seven eight."),
        AgentCorrected("One two three four"),
    ]


def test_words_that_the_server_has_forgotten_are_known_from_before(talk):
    talk.says("r1", "i1", seconds=4)
    talk.hears(ReplyWords("r1", "i1", "One two"), ReplyWords("r1", "i1", " three"))
    talk.dialogue.was_cut("i1", 3000)
    assert talk.hears(ReplyText("i1", ""))[0] == AgentSaid("One two three")


# --- The order of what was said ------------------------------------------------------------------


def test_a_transcription_that_comes_late_stands_before_the_answer(talk):
    talk.hears(SpeechStarted(), SpeechStopped(), ItemAdded("u1", "caller"))
    talk.says("r1", "i1")
    assert talk.hears(ReplyText("i1", "We are open."), ResponseDone("r1", "completed")) == []
    assert talk.hears(CallerText("u1", "Are you open?")) == [
        CallerSaid("Are you open?"),
        AgentSaid("We are open."),
    ]


def test_words_that_never_come_hold_up_nothing_for_long(talk):
    talk.hears(ItemAdded("u1", "caller"))
    talk.says("r1", "i1")
    talk.hears(ReplyText("i1", "We are open."))
    talk.now = 5.0
    assert talk.hears(SpeechStarted()) == [CallerSpeaks(), AgentSaid("We are open.")]


def test_what_could_not_be_made_out_is_not_told(talk):
    talk.hears(ItemAdded("u1", "caller"))
    assert talk.hears(CallerText("u1", "")) == []


def test_the_next_session_is_told_what_was_heard_and_not_what_was_meant(talk):
    talk.hears(ItemAdded("u1", "caller"), CallerText("u1", "Hi"))
    talk.says("r1", "i1", seconds=4)
    talk.dialogue.was_cut("i1", 2000)
    talk.hears(ReplyText("i1", "One two three four five six seven eight."))
    nxt = Talk()
    nxt.dialogue.seed(talk.dialogue.story.history)
    told = [(event["item"]["role"], event["item"]["content"][0]) for event in nxt.sent()]
    assert told == [
        ("user", {"type": "input_text", "text": "Hi"}),
        ("assistant", {"type": "output_text", "text": "One two three four"}),
    ]


# --- What it costs -------------------------------------------------------------------------------

USAGE = {
    "total_tokens": 812,
    "input_tokens": 690,
    "output_tokens": 122,
    "input_token_details": {
        "text_tokens": 540,
        "audio_tokens": 150,
        "cached_tokens": 512,
        "cached_tokens_details": {"text_tokens": 448, "audio_tokens": 64},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 92},
}


def test_tokens_are_counted_and_those_of_the_cache_once(talk):
    talk.hears(ResponseCreated("r1"), ResponseDone("r1", "completed", usage=USAGE))
    talk.hears(ResponseCreated("r2"), ResponseDone("r2", "cancelled", usage=USAGE))
    talk.hears(CallerText("u1", "Hi", {"type": "duration", "seconds": 1.5}))
    heard = {"input_tokens": 30, "input_token_details": {"audio_tokens": 20, "text_tokens": 10}}
    talk.hears(CallerText("u2", "Ho", {"type": "tokens", "output_tokens": 4, **heard}))
    assert talk.dialogue.usage.counts() == {
        "responses": 2,
        "text_in": 184,
        "text_cached": 896,
        "text_out": 60,
        "audio_in": 172,
        "audio_cached": 128,
        "audio_out": 184,
        "transcription_text_in": 10,
        "transcription_audio_in": 20,
        "transcription_text_out": 4,
        "transcription_seconds": 1.5,
    }


def test_a_call_costs_what_the_price_list_says():
    usage = Usage()
    usage.add_response(USAGE)
    # 92 x 4 + 448 x 0.4 + 30 x 24 + 86 x 32 + 64 x 0.4 + 92 x 64, in millionths
    assert usage.cost_usd(openai.PRICES["gpt-realtime-2.1"]) == Decimal("0.0099")
    assert usage.cost_usd(None) is None


TOLD_APART = {"audio_tokens": 900, "text_tokens": 100}


@pytest.mark.parametrize(
    ("model", "told", "cost"),
    [
        ("gpt-transcribe", {"type": "duration", "seconds": 120}, "0.0090"),
        ("gpt-4o-transcribe", {"type": "tokens", "input_tokens": 1000, "output_tokens": 50}, "0.0065"),
        (
            "gpt-4o-transcribe",
            {"type": "tokens", "input_tokens": 1000, "output_tokens": 50, "input_token_details": TOLD_APART},
            "0.0062",  # 900 x 6 + 100 x 2.5 + 50 x 10, in millionths
        ),
        ("gpt-transcribe", {"type": "duration", "seconds": "long"}, "0.0000"),
        ("of tomorrow", {"type": "duration", "seconds": 120}, "0.0000"),
    ],
)
def test_making_out_the_callers_words_costs_too(model, told, cost):
    usage = Usage()
    usage.add_transcription(told)
    prices = openai.PRICES["gpt-realtime-2.1"], openai.TRANSCRIPTION_PRICES.get(model)
    assert usage.cost_usd(*prices) == Decimal(cost)


def test_prices_can_be_set_and_nonsense_is_refused():
    from django.core.exceptions import ImproperlyConfigured

    assert openai.prices('{"mine": [1, 2, 3, 4, 5, 6]}')["mine"] == [1, 2, 3, 4, 5, 6]
    assert openai.prices("") == openai.PRICES
    assert openai.transcription_prices('{"mine": [1, 2, 3, 4]}')["mine"] == [1, 2, 3, 4]
    assert openai.transcription_prices("") == openai.TRANSCRIPTION_PRICES
    with pytest.raises(ImproperlyConfigured, match="OPENAI_TRANSCRIPTION_PRICES"):
        openai.transcription_prices('{"mine": [1, 2, 3, 4, 5, 6]}')
    for nonsense in ("[1]", '{"mine": [1]}', "{", '{"mine": "cheap"}', '{"mine": [1, 2, 3, 4, 5, -6]}'):
        with pytest.raises(ImproperlyConfigured):
            openai.prices(nonsense)


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "https://api.openai.com", "https://api.openai.com/v1/"]
)
def test_the_base_url_may_be_written_with_or_without_its_version(url):
    assert openai.base_url(url.rstrip("/")) == "https://api.openai.com/v1"


def test_events_of_tools_reach_the_bridge_with_their_arguments(talk):
    done = ResponseDone("r1", "completed", (FunctionCall("c1", "book", {"a": 1}),))
    assert talk.hears(ResponseCreated("r1"), done) == [ToolCall("c1", "book", {"a": 1})]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"type":"response.output_audio.delta","delta":"%%%"}',
        '{"type":"response.output_audio.delta","delta":5}',
    ],
)
def test_what_is_no_event_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"type":5}',
        '{"type":"session.created","session":[]}',
        '{"type":"response.done","response":{"output":{"a":1},"usage":[]}}',
        '{"type":"response.done","response":{"output":[1,{"type":"message","content":5}]}}',
        '{"type":"error","error":"oops"}',
        '{"type":"conversation.item.added","item":null}',
        '{"type":"response.audio.delta","delta":"AAAA"}',
    ],
)
def test_strange_events_are_passed_over(talk, text):
    event = decode(text)
    if event is not None:
        talk.hears(event)

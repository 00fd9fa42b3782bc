"""Calls of known sounds, as the bridge gets them: every figure is measured to within 20 ms."""

import random
from array import array
from base64 import b64encode
from itertools import count, cycle, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.audio import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from agents.fast_lane.pump.library import loaded
from agents.simulators.audio import mulaw_to_pcm16, pcm16_to_mulaw
from agents.simulators.voice import speak
from telephony.feel.figures import Figures
from telephony.feel.loud import WINDOW, _in_c, _in_python, count_loud
from telephony.feel.observer import Observer
from telephony.feel.record import record_of
from telephony.feel.sketch import IS_LOUD, STEPS, sketcher
from telephony.feel.speech import MAX_STRETCHES
from tests.telephony.streams import (
    Line,
    Spoken,
    caller_frames,
    noise,
    pieces,
    play,
    silence,
    sounding,
    tone,
)

EXACT = 0.02
FRAME = 160

# 0.837 s of greeting delay; answers after 0.700 and 0.913 s; the caller speaks 0.450 s over the agent's third turn,
# which is cleared, and is answered after 4.050 s of dead air; the last words are cut 0.6 s before their end.
CALLER: Spoken = [(3.0, 4.3), (7.5, 8.0), (8.2, 8.937), (12.5, 14.0)]
AGENT: Spoken = [(0.837, 2.5), (5.0, 6.5), (9.85, 13.9), (18.05, 19.05)]
CLEARED_AT = 12.95
ENDED_AT = 18.45

FORMATS = [(MULAW_8K, True), (MULAW_8K, False), (PCM16_8K, False), (PCM16_16K, True), (PCM16_24K, False)]
formats = pytest.mark.parametrize(("audio_format", "base64"), FORMATS, ids=str)


def agent_says(spoken: Spoken, sound=tone, audio_format: AudioFormat = MULAW_8K, ahead: float = 4.0):
    """Each utterance in pieces of 200 ms, sent four times as fast as they play, and padded with silence."""
    for start, end in spoken:
        words = sounding([(0.0, end - start)], end - start + 0.3, sound, audio_format=audio_format)
        size = audio_format.bytes_per_second // 5
        for number, piece in enumerate(pieces(words, repeat(size))):
            yield start + number * 0.2 / ahead, piece


def frames_of(audio: bytes, audio_format: AudioFormat, **how):
    size = audio_format.bytes_per_second // 50
    return caller_frames(audio, repeat(size), audio_format.bytes_per_second, **how)


def played(line: Line, *, delay=lambda _: 0.0, caller=tone, background=silence, agent=tone) -> Figures:
    audio = sounding(CALLER, 20.0, caller, background, line.audio_format)
    frames = [
        frame for frame in frames_of(audio, line.audio_format, delay=delay) if frame[0] <= ENDED_AT + 0.001
    ]
    play(line, frames, [*agent_says(AGENT, agent, line.audio_format), (CLEARED_AT, None)])
    return line.end(ENDED_AT)


def assert_as_made(figures: Figures) -> None:
    assert figures.greeting_delay == pytest.approx(0.837, abs=EXACT)
    assert figures.response_gaps == [pytest.approx(gap, abs=EXACT) for gap in (0.7, 0.913, 4.05)]
    assert figures.talk_over == pytest.approx(0.45, abs=EXACT)
    assert figures.barge_in_reactions == [pytest.approx(0.45, abs=EXACT)]
    assert figures.dead_airs == [pytest.approx(4.05, abs=EXACT)]
    assert figures.false_interruptions == 0
    assert figures.clipped == pytest.approx(0.6, abs=EXACT)
    assert figures.agent_spoke == pytest.approx(1.663 + 1.5 + 3.1 + 0.4, abs=4 * EXACT)


@formats
def test_every_figure_is_right_to_within_20_ms(audio_format, base64):
    assert_as_made(played(Line(audio_format, base64)))


@formats
def test_and_so_it_is_of_noise_like_sounds_on_a_line_that_hisses(audio_format, base64):
    figures = played(
        Line(audio_format, base64),
        caller=noise(1500),
        background=noise(100, seed=2),
        agent=noise(1500, seed=3),
    )
    assert_as_made(figures)


def test_frames_that_come_in_bursts_are_counted_and_not_timed():
    stall = lambda at: 0.45 if int(at * 10) % 9 < 4 else 0.0  # noqa: E731 - of each 0.9 s
    assert_as_made(played(Line(), delay=lambda at: stall(at) if at > 0.5 else 0.0))


def test_jitter_changes_little():
    chance = random.Random(4)
    assert_as_made(played(Line(), delay=lambda _: chance.random() * 0.03))


def test_the_beginning_may_have_waited_for_us():
    # What came in the first 700 ms is delivered at once; the stream has begun all the same.
    line = Line(began=1000.0)
    audio = sounding([(2.0, 3.0)], 4.0)
    late = [(max(at, 0.7), frame) for at, frame in caller_frames(audio, repeat(FRAME))]
    line.observer._began += 0.69
    play(line, late, agent_says([(1.2, 1.9)]))
    assert line.end(4.0).greeting_delay == pytest.approx(1.2, abs=EXACT)


def answered(delay, *, missing: tuple[float, float] = (0.0, 0.0)) -> None:
    """A caller who speaks from 1.0 to 2.0 and from 5.0 to 6.0, and is answered after 0.5 and 0.8 s."""
    audio = sounding([(1.0, 2.0), (5.0, 6.0)], 12.0)
    frames = caller_frames(audio, repeat(FRAME), delay=delay)
    line = Line()
    play(
        line,
        [(at, frame) for at, frame in frames if not missing[0] < at < missing[1]],
        agent_says([(2.5, 2.9), (6.8, 7.5)]),
    )
    figures = line.end(12.0)
    assert figures.response_gaps == [pytest.approx(0.5, abs=EXACT), pytest.approx(0.8, abs=EXACT)]
    assert line.observer.heard is not None
    edges = [edge - line.began for stretch in line.observer.heard.caller for edge in stretch]
    assert edges == pytest.approx([1.0, 2.0, 5.0, 6.0], abs=EXACT)


@pytest.mark.parametrize("since", [3.0, 3.31, 3.75])
def test_a_hole_in_the_callers_audio_moves_what_follows(since):
    answered(lambda _: 0.0, missing=(since, since + 1.15))


def test_what_comes_at_once_after_a_long_stall_has_been_on_its_way():
    answered(lambda at: max(0.0, 7.5 - at) if at > 3.0 else 0.0)


def test_what_is_slow_for_a_moment_does_not_set_the_clock():
    answered(lambda at: 0.08 if 1.2 < at < 2.3 else 0.0)


def test_what_was_slow_in_the_beginning_does_not_set_it_for_long():
    answered(lambda at: 0.08 if at < 0.5 else 0.0)
    line = Line()
    audio = sounding([(3.0, 4.0)], 6.0)
    play(
        line,
        caller_frames(audio, repeat(FRAME), delay=lambda at: 0.08 if at < 1.5 else 0.0),
        agent_says([(4.3, 5.0)]),
    )
    assert line.end(6.0).response_gaps == [pytest.approx(0.3, abs=EXACT)]


def test_the_carriers_clock_may_be_a_little_off():
    audio = sounding([(1.0, 2.0), (600.0, 601.0)], 610.0)
    frames = ((at * 1.0001, frame) for at, frame in caller_frames(audio, repeat(FRAME)))
    line = Line()
    play(line, frames, agent_says([(602.06, 603.0)]))
    assert line.end(611.0).response_gaps == [pytest.approx(1.0, abs=EXACT)]


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_how_audio_is_cut_into_frames_changes_nothing(data):
    cuts = [data.draw(st.lists(st.integers(40, 2400), min_size=1, max_size=12)) for _ in range(2)]
    line = Line(base64=data.draw(st.booleans()))
    caller = sounding([(2.0, 2.8), (6.0, 6.5)], 8.0)
    agent = sounding([(0.5, 1.5), (3.4, 5.0)], 6.0)
    # The agent's piece is sent when the one before it has been played: what is measured is when it sounds.
    spoken, now = [], 0.0
    for piece in pieces(agent, cycle(cuts[1])):
        spoken.append((now, piece))
        now += len(piece) / 8000
    play(line, caller_frames(caller, cycle(cuts[0])), spoken)
    figures = line.end(8.0)
    assert figures.greeting_delay == pytest.approx(0.5, abs=EXACT)
    assert figures.response_gaps == [pytest.approx(0.6, abs=EXACT)]
    assert figures.caller_spoke == pytest.approx(1.3, abs=2 * EXACT)
    assert figures.agent_spoke == pytest.approx(2.6, abs=2 * EXACT)


def test_silence_that_an_agent_sends_is_silence():
    line = Line()
    play(line, [], [(0.0, sounding([], 2.0)), (0.1, sounding([(0.5, 1.0)], 3.0))])
    assert line.end(5.0).greeting_delay == pytest.approx(2.5, abs=EXACT)


def test_a_clear_without_words_behind_it_interrupts_nothing():
    line = Line()
    play(line, [], [(0.0, sounding([(0.0, 1.0)], 4.0)), (2.0, None), (3.0, None)])
    figures = line.end(5.0)
    assert (figures.false_interruptions, figures.barge_in_reactions) == (0, [])


def test_an_agent_that_stops_for_nobody_is_noticed():
    line = Line()
    quiet = caller_frames(sounding([], 6.0), repeat(FRAME))
    play(line, quiet, [(0.5, sounding([(0.0, 4.0)], 4.0)), (2.0, None)])
    figures = line.end(6.0)
    assert figures.false_interruptions == 1
    assert figures.agent_spoke == pytest.approx(1.5, abs=EXACT)


def test_clicks_are_no_speech():
    clicks = [(at / 2, at / 2 + 0.02) for at in range(1, 10)]
    line = Line()
    play(line, caller_frames(sounding(clicks, 6.0), repeat(FRAME)))
    assert line.end(6.0).caller_spoke == 0


@pytest.mark.parametrize("rms", [30, 150, 200], ids=["-54 dBm0", "-40 dBm0", "-37.5 dBm0"])
@pytest.mark.parametrize("audio_format", [MULAW_8K, PCM16_8K], ids=str)
def test_a_lines_hiss_is_no_speech(rms, audio_format):
    line = Line(audio_format, base64=False)
    hiss = sounding([], 20.0, background=noise(rms), audio_format=audio_format)
    play(line, frames_of(hiss, audio_format))
    assert line.end(20.0).caller_spoke == 0


def test_loudness_is_the_same_however_it_is_written():
    for magnitude in range(0, 32767, 7):
        for sample in (magnitude, -magnitude):
            code = pcm16_to_mulaw(array("h", [sample]))
            plain = sketcher(MULAW_8K)(code)
            assert plain == b64encode(code + b"??")[:1]
            assert IS_LOUD[0][plain[0]] == (mulaw_to_pcm16(code)[0] not in range(-395, 396))
            of_pcm = sketcher(PCM16_8K)(sample.to_bytes(2, "little", signed=True))
            assert IS_LOUD[0][of_pcm[0]] == (sample >= 512 or sample < -512)


def test_a_noisy_street_is_found_out_and_speech_is_heard_above_it():
    audio = sounding([(20.0, 21.0)], 30.0, noise(4000, seed=5), noise(400))
    line = Line()
    play(line, caller_frames(audio, repeat(FRAME)), agent_says([(1.0, 4.0), (21.6, 23.0)]))
    figures = line.end(30.0)
    assert figures.caller_spoke == pytest.approx(1.0, abs=EXACT)
    assert figures.response_gaps == [pytest.approx(0.6, abs=EXACT)]
    assert figures.talk_over == 0


def test_noise_is_taken_back_to_its_beginning():
    line = Line()
    street = sounding([], 3.5) + sounding([], 15.0, background=noise(400))
    play(line, caller_frames(street, repeat(FRAME)))
    assert line.end(18.5).caller_spoke == 0


def test_after_the_noise_soft_voices_are_heard_again():
    street = sounding([], 12.0, background=noise(400))
    soft = sounding([(10.0, 11.0)], 13.0, noise(420, seed=6))
    line = Line()
    play(line, caller_frames(street + soft, repeat(FRAME)))
    assert line.end(25.0).caller_spoke == pytest.approx(1.0, abs=2 * EXACT)


def test_whoever_talks_without_end_is_still_speaking():
    words = speak("this is a caller who tells a very long story and never seems to come to its end " * 8)
    line = Line()
    play(line, caller_frames(words, repeat(FRAME)))
    seconds = len(words) / 8000
    assert line.end(seconds).caller_spoke > 0.9 * seconds > 30


def test_what_comes_after_the_end_does_not_count():
    line = Line()
    line.say(1.0, sounding([(0.0, 1.0)], 1.0))
    figures = line.end(3.0)
    line.say(3.1, sounding([(0.0, 1.0)], 1.0))
    assert figures.agent_spoke == pytest.approx(1.0, abs=EXACT)
    assert figures.clipped == 0


def test_memory_is_bounded_whatever_is_sent():
    line = Line()
    for base64, nothing in ((True, b""), (False, b""), (False, b"\x00")):
        line.base64 = base64
        for at in range(1000):
            line.hear(at * 0.0001, nothing)
            line.say(at * 0.0001, nothing)
        assert len(line.observer.caller._block) == 0
    beeps = b"\x00" * 800 + b"\xff" * 2400
    for at in count():
        line.say(at * 0.001, beeps * 50)
        if at * 50 > 2 * MAX_STRETCHES:
            break
    assert len(line.observer.agent.speech.stretches()) == MAX_STRETCHES
    assert len(line.observer.agent._block) < 8000


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 3),
            st.sampled_from(["hear", "hear_base64", "say", "say_base64", "clear"]),
            st.one_of(st.binary(max_size=800), st.integers(1, 9000).map(lambda size: b"\x00" * size)),
        ),
        max_size=60,
    ),
    st.sampled_from([MULAW_8K, PCM16_16K]),
)
def test_nothing_that_anybody_sends_can_upset_the_measuring(told, audio_format):
    line = Line(audio_format)
    now = 0.0
    for wait, what, audio in told:
        now += wait
        line.base64 = what.endswith("base64")
        if what == "clear":
            line.clear(now)
        else:
            (line.hear if what.startswith("hear") else line.say)(now, audio)
    figures = line.end(now)
    assert figures.length >= now - 1e-6
    assert 0 <= figures.talk_over <= min(figures.caller_spoke, figures.agent_spoke) + 1e-6
    assert figures.caller_spoke + figures.agent_spoke - figures.talk_over <= figures.length + 1e-6
    assert sum(figures.dead_airs) <= figures.length + 1e-6
    times = [
        *figures.response_gaps,
        *figures.barge_in_reactions,
        figures.clipped,
        figures.greeting_delay or 0,
    ]
    assert all(each >= 0 for each in times)
    assert all(isinstance(value, int | list) for value in record_of(figures).values())


def test_a_call_in_which_nothing_was_sent_has_figures_too():
    figures = Line().end(2.0)
    assert (figures.length, figures.greeting_delay, figures.response_gaps) == (2.0, None, [])
    assert "greeting_delay_ms" not in record_of(figures)


def test_what_is_kept_is_small_and_in_milliseconds():
    record = record_of(played(Line()))
    assert record["version"] == 1
    assert 817 <= record["greeting_delay_ms"] <= 857
    assert record["response_gap_p50_ms"] == record["response_gaps_ms"][1]
    assert record["response_gap_p95_ms"] == record["response_gaps_ms"][2]
    assert all(isinstance(value, int | list) for value in record.values())


def test_a_carrier_that_floods_cannot_move_the_beginning_far():
    observer = Observer(MULAW_8K, 1000.0)
    for _ in range(50):
        observer.caller.hear(1000.1, b"\x00" * 60_000)
    observer.ended(1001.0)
    assert observer.heard is not None
    assert observer.heard.began >= 994.0


@given(
    st.binary(max_size=4 * WINDOW) | st.binary().map(lambda some: some * 40),
    st.sampled_from(range(len(STEPS))),
)
def test_what_is_loud_is_so_in_c_and_in_python(sketch, step):
    library = loaded()
    assert library
    marks, counts = _in_python(sketch, step)
    assert _in_c(library, sketch, step) == count_loud(sketch, step) == (marks, counts)
    assert marks == bytes(IS_LOUD[step][character] for character in sketch)
    assert list(counts) == [sum(marks[at : at + WINDOW]) for at in range(0, len(marks), WINDOW)]

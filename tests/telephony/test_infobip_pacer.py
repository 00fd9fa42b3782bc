"""The pace of speech, without a clock: time is what the test says it is."""

import pytest

from agents.audio import PCM16_16K, PCM16_24K
from telephony.carriers.infobip.pacer import FRAME_S, LEAD_S, PAD_AFTER_S, SILENCE_AFTER_S, Pacer

FRAME = 640
TICK = 0.001


def speech(frames: float, first: int = 1) -> bytes:
    """Frames that can be told apart, and from silence."""
    whole = b"".join(bytes([first + index]) * FRAME for index in range(int(frames) + 1))
    return whole[: int(frames * FRAME)]


class Line:
    """Asks the pacer every millisecond, and keeps what it was given with its time."""

    def __init__(self, **choices) -> None:
        self.now = 100.0
        self.pacer = Pacer(PCM16_16K, self.now, **{"sends_silence": False, **choices})
        self.sent: list[tuple[float, bytes]] = []

    def run(self, seconds: float) -> "Line":
        end = self.now + seconds
        while self.now < end - TICK / 2:
            while (frame := self.pacer.next_frame(self.now)) is not None:
                self.sent.append((self.now, frame))
            self.now += TICK
        return self

    @property
    def audio(self) -> bytes:
        return b"".join(frame for _, frame in self.sent)


def test_what_is_said_at_once_is_sent_as_it_is_spoken():
    line = Line()
    began = line.now
    line.pacer.add(speech(50))
    line.run(1.2)
    assert line.audio == speech(50)
    for index, (at, frame) in enumerate(line.sent):
        due = began + index * FRAME_S
        assert len(frame) == FRAME
        assert due - LEAD_S <= at <= due + 2 * TICK
    assert line.sent[-1][0] == pytest.approx(began + 49 * FRAME_S - LEAD_S + FRAME_S, abs=2 * TICK)


def test_the_first_frames_go_at_once_and_never_more_than_the_lead():
    line = Line()
    line.pacer.add(speech(50))
    line.run(TICK)
    assert len(line.sent) == round(LEAD_S / FRAME_S)


def test_an_odd_rest_waits_for_its_other_half():
    line = Line()
    line.pacer.add(speech(2.5))
    line.run(PAD_AFTER_S / 2)
    assert line.audio == speech(2)
    line.pacer.add(speech(5)[int(2.5 * FRAME) :])
    line.run(0.2)
    assert line.audio == speech(5)


def test_a_rest_that_stays_alone_is_filled_up_with_silence():
    line = Line()
    line.pacer.add(speech(1.5))
    line.run(0.3)
    assert line.audio == speech(1.5) + bytes(FRAME // 2)


def test_at_the_end_of_a_turn_nothing_waits():
    line = Line()
    line.pacer.add(speech(1.5))
    line.pacer.end_turn()
    line.run(TICK)
    assert len(line.sent) == 2


def test_what_was_played_is_known_at_every_moment():
    line = Line()
    line.pacer.add(speech(50))
    for _ in range(60):
        line.run(FRAME_S)
        played = line.pacer.played_seconds(line.now)
        assert played == pytest.approx(min(line.now - 100.0, 1.0), abs=0.003)
        assert line.pacer.left_s(line.now) == pytest.approx(1.0 - played, abs=0.003)


def test_an_interruption_says_how_much_was_not_played():
    line = Line()
    line.pacer.add(speech(50))
    line.run(0.3)
    assert line.pacer.clear(line.now) == pytest.approx(0.7, abs=0.003)
    assert line.pacer.played_seconds(line.now) == pytest.approx(0.3, abs=0.003)
    sent = len(line.sent)
    line.run(0.5)
    assert len(line.sent) == sent
    assert line.pacer.left_s(line.now) == 0


def test_after_an_interruption_the_next_reply_goes_at_once():
    line = Line()
    line.pacer.add(speech(50))
    line.run(0.3)
    line.pacer.clear(line.now)
    at = line.now
    line.pacer.add(speech(3, first=100))
    line.run(TICK)
    assert [when for when, frame in line.sent if frame[0] >= 100] == [at] * 3
    line.run(1)
    assert line.pacer.played_seconds(line.now) == pytest.approx(0.36, abs=0.003)


def test_a_pause_of_the_agents_is_not_caught_up_with():
    line = Line()
    line.pacer.add(speech(5))
    line.run(3)
    line.pacer.add(speech(50))
    line.run(TICK)
    assert len(line.sent) == 5 + round(LEAD_S / FRAME_S)


def test_silence_keeps_the_line_open_at_the_same_pace():
    line = Line(sends_silence=True)
    line.run(1)
    assert 49 <= len(line.sent) <= 51
    assert set(line.audio) == {0}
    assert line.pacer.played_seconds(line.now) == 0
    assert line.pacer.clear(line.now) == 0


def test_speech_does_not_wait_behind_silence_nor_is_it_cut_by_it():
    line = Line(sends_silence=True)
    line.run(0.5)
    at = line.now
    for index in range(30):  # in real time and with gaps, as a network brings it
        line.pacer.add(bytes([index + 1]) * FRAME)
        line.run(FRAME_S * (3 if index % 5 == 4 else 0.5))
    times = [when for when, frame in line.sent if any(frame)]
    first, last = times[0], times[-1]
    assert first == at
    spoken = b"".join(frame for when, frame in line.sent if first <= when <= last)
    assert spoken == b"".join(bytes([index + 1]) * FRAME for index in range(30))
    line.run(SILENCE_AFTER_S + 0.3)
    assert not any(line.sent[-1][1])


def test_silence_is_never_counted_as_speech_that_was_not_heard():
    line = Line(sends_silence=True)
    line.run(0.1)
    line.pacer.add(speech(2))
    line.run(TICK)
    assert line.pacer.clear(line.now) <= 2 * FRAME_S


def test_at_another_rate_frames_are_of_another_size():
    pacer = Pacer(PCM16_24K, 0.0)
    frame = pacer.next_frame(0.0)
    assert frame is not None
    assert len(frame) == 960

"""What of the agent's speech was heard when the caller spoke over it."""

from agents.audio import PCM16_16K
from telephony.carriers.infobip.pacer import Pacer
from telephony.playback import ClockPlayback, Heard, MarkedPlayback, PacedPlayback


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, ms: float) -> None:
        self.now += ms / 1000


def test_what_the_carrier_has_confirmed_was_heard_and_the_chunk_after_it_by_the_clock():
    clock = Clock()
    line = MarkedPlayback(clock)
    marks = [line.sent("a", 500) for _ in range(4)]
    clock.wait(520)
    line.played(marks[0])
    clock.wait(500)
    line.played(marks[1])
    clock.wait(200)
    assert line.cleared() == [Heard("a", 1200)]


def test_a_chunk_is_never_heard_for_longer_than_it_is():
    clock = Clock()
    line = MarkedPlayback(clock)
    line.played(line.sent("a", 500))
    line.sent("a", 500)
    line.sent("a", 500)
    clock.wait(5000)
    assert line.cleared() == [Heard("a", 1000)], "the carrier has not said that the second is over"


def test_until_the_carrier_echoes_a_mark_the_clock_counts():
    clock = Clock()
    line = MarkedPlayback(clock)
    for _ in range(10):
        line.sent("a", 500)
    clock.wait(2000)
    assert line.cleared() == [Heard("a", 2000)]
    line.sent("b", 500)
    clock.wait(600)
    assert line.cleared() == []


def test_of_two_items_the_one_that_plays_is_cut_and_the_other_was_not_heard_at_all():
    clock = Clock()
    line = MarkedPlayback(clock)
    first = line.sent("a", 300)
    line.sent("b", 400)
    line.sent("c", 400)
    clock.wait(300)
    line.played(first)
    clock.wait(100)
    assert line.cleared() == [Heard("b", 100), Heard("c", 0)]


def test_when_all_was_played_nothing_is_cut():
    line = MarkedPlayback(Clock())
    for mark in [line.sent("a", 200) for _ in range(3)]:
        line.played(mark)
    assert line.cleared() == []
    assert ClockPlayback(Clock()).cleared() == []


def test_marks_that_come_back_after_a_clear_say_nothing():
    clock = Clock()
    line = MarkedPlayback(clock)
    old = line.sent("a", 400)
    clock.wait(100)
    line.cleared()
    new = line.sent("b", 400)
    line.played(old)
    clock.wait(50)
    assert line.cleared() == [Heard("b", 50)]
    assert new != old


def test_a_reply_that_pauses_goes_on_where_it_was():
    clock = Clock()
    line = MarkedPlayback(clock)
    line.played(line.sent("a", 400))
    clock.wait(1000)
    line.sent("a", 400)
    clock.wait(150)
    assert line.cleared() == [Heard("a", 550)]


def test_a_mark_speaks_for_all_that_was_sent_before_it():
    clock = Clock()
    line = MarkedPlayback(clock)
    line.sent("a", 400)
    second = line.sent("a", 400)
    line.played(second)
    assert line.cleared() == []


def test_without_marks_the_clock_alone_counts():
    clock = Clock()
    line = ClockPlayback(clock)
    assert line.sent("a", 500) == ""
    line.sent("b", 500)
    clock.wait(700)
    assert line.cleared() == [Heard("b", 200)]
    line.sent("c", 300)
    clock.wait(400)
    assert line.cleared() == []


def test_what_is_kept_is_bounded():
    line = MarkedPlayback(Clock())
    for number in range(20_000):
        line.sent(f"item {number}", 20)
    assert len(line.cleared()) <= 10_000


def test_whoever_paces_the_audio_knows_what_was_played():
    clock = Clock()
    pacer = Pacer(PCM16_16K, clock(), sends_silence=False)
    line = PacedPlayback(lambda: pacer.played_seconds(clock()))

    def say(item: str, ms: int) -> None:
        line.sent(item, ms)
        pacer.add(bytes(32 * ms))
        pacer.end_turn()

    def wait(ms: int) -> None:
        for _ in range(ms // 20):
            while pacer.next_frame(clock()) is not None:
                pass
            clock.wait(20)

    for number in range(30):  # silence fills up each reply's last frame, and is nobody's speech
        say(f"reply {number}", 205)
        wait(400)
    assert line.cleared() == []
    say("a", 300)
    say("b", 1000)
    wait(500)
    [cut] = line.cleared()
    pacer.clear(clock())
    assert cut.item == "b"
    assert abs(cut.ms - 200) <= 20
    say("c", 400)
    say("d", 400)
    wait(100)
    first, second = line.cleared()
    assert (first.item, second) == ("c", Heard("d", 0))
    assert abs(first.ms - 100) <= 20
    pacer.clear(clock())
    say("e", 200)
    wait(1000)
    say("e", 400)
    wait(200)
    [cut] = line.cleared()
    assert abs(cut.ms - 400) <= 20

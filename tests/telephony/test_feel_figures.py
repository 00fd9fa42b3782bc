"""What a call was like, from who spoke when: the definitions, on stretches of speech alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.feel.figures import (
    dead_airs,
    either,
    figures_of,
    percentile,
    response_gaps,
    talk_over,
    total,
)
from telephony.feel.observer import Clear, Heard, Stretches


def heard(
    caller: Stretches, agent: Stretches, *clears: Clear, ended: float = 60.0, unheard: float = 0.0
) -> Heard:
    return Heard(0.0, ended, caller, agent, list(clears), unheard)


@st.composite
def stretches(draw: st.DrawFn) -> Stretches:
    edges = draw(st.lists(st.integers(0, 6000), unique=True, max_size=40).map(sorted))
    return [(start / 100, end / 100) for start, end in zip(edges[::2], edges[1::2], strict=False)]


def test_the_greeting_is_the_agents_first_speech():
    figures = figures_of(heard([], [(0.8, 3.0), (4.0, 5.0)]), caller_left=True)
    assert figures.greeting_delay == pytest.approx(0.8)
    assert figures_of(heard([(1.0, 2.0)], []), caller_left=True).greeting_delay is None


def test_an_answer_follows_the_callers_speech_and_nothing_else():
    caller = [(2.0, 3.0), (3.5, 4.0), (7.0, 7.3), (12.0, 14.0)]
    agent = [(0.5, 1.5), (4.7, 6.0), (6.4, 8.0), (9.0, 10.0), (13.0, 15.0), (15.5, 16.0)]
    # "(6.4, 8.0)" goes on after the agent's own pause; "mhm" at 7.0 is answered by nobody; 13.0 speaks over the caller.
    assert response_gaps(caller, agent) == [pytest.approx(0.7)]


def test_a_greeting_that_answers_a_caller_is_an_answer_too():
    assert response_gaps([(0.2, 0.5)], [(1.1, 2.0)]) == [pytest.approx(0.6)]


def test_dead_air_is_where_both_are_silent_for_too_long():
    found = dead_airs([(4.0, 5.0), (9.0, 10.0)], [(1.0, 2.0), (4.5, 5.9)], 0.0, 14.5)
    assert found == [pytest.approx(3.1), pytest.approx(4.5)]
    assert dead_airs([], [], 0.0, 20.0) == [20.0]


@given(stretches(), stretches())
def test_nobody_is_talked_over_for_longer_than_either_speaks(caller, agent):
    both = talk_over(caller, agent)
    assert 0 <= both <= min(total(caller), total(agent)) + 1e-9
    assert both == pytest.approx(talk_over(agent, caller))
    assert both == pytest.approx(_shared_hundredths(caller, agent))


def _shared_hundredths(caller: Stretches, agent: Stretches) -> float:
    def hundredths(spoken: Stretches) -> set[int]:
        return {at for start, end in spoken for at in range(round(start * 100), round(end * 100))}

    return len(hundredths(caller) & hundredths(agent)) / 100


@given(stretches(), stretches())
def test_speech_and_silence_make_up_the_call(caller, agent):
    spoken = either(caller, agent)
    assert all(before[1] < after[0] for before, after in pairwise(spoken))
    assert sum(dead_airs(caller, agent, 0.0, 60.0)) <= 60.0 - total(spoken) + 1e-9


@given(stretches(), stretches())
def test_each_answer_is_as_long_as_a_silence(caller, agent):
    spoken = [(0.0, 0.0), *either(caller, agent), (60.0, 60.0)]
    silences = [after[0] - before[1] for before, after in pairwise(spoken)]
    gaps = response_gaps(caller, agent)
    assert len(gaps) <= min(len(caller), len(agent))
    assert all(gap == 0 or any(gap == pytest.approx(silence) for silence in silences) for gap in gaps)


def test_a_caller_who_speaks_over_the_agent_is_heard_after_a_while():
    figures = figures_of(heard([(5.0, 7.0)], [(1.0, 5.4)], Clear(5.4, 2.0)), caller_left=True)
    assert figures.barge_in_reactions == [pytest.approx(0.4)]
    assert (figures.false_interruptions, figures.clipped) == (0, 0.0)


def test_an_agent_that_speaks_over_the_caller_is_counted_from_its_own_first_word():
    figures = figures_of(heard([(3.0, 7.0)], [(5.0, 5.6)], Clear(5.6, 2.0)), caller_left=True)
    assert figures.barge_in_reactions == [pytest.approx(0.6)]


def test_a_caller_may_speak_in_a_pause_of_the_agents():
    figures = figures_of(heard([(5.2, 7.0)], [(1.0, 3.0), (3.5, 5.0)], Clear(5.7, 2.0)), caller_left=True)
    assert figures.barge_in_reactions == [pytest.approx(0.5)]


@pytest.mark.parametrize(
    "caller",
    [[], [(0.2, 0.9)], [(1.2, 2.0)], [(6.0, 7.0)]],
    ids=["never", "before the agent", "long before", "only afterwards"],
)
def test_an_agent_that_stops_for_nobody_was_interrupted_falsely(caller):
    figures = figures_of(heard(caller, [(1.0, 5.4)], Clear(5.4, 2.0)), caller_left=True)
    assert (figures.barge_in_reactions, figures.false_interruptions) == ([], 1)


def test_an_answer_cut_short_is_no_barge_in_of_the_question():
    agent = [(1.0, 5.0), (6.0, 6.8)]
    figures = figures_of(heard([(5.2, 5.6)], agent, Clear(6.8, 3.0)), caller_left=True)
    assert (figures.barge_in_reactions, figures.false_interruptions) == ([], 1)


def test_words_that_nobody_heard_are_a_clipped_ending_unless_the_caller_wished_it():
    cut = heard([], [(1.0, 5.0)], ended=5.0, unheard=1.2)
    assert figures_of(cut, caller_left=False).clipped == pytest.approx(1.2)
    assert figures_of(cut, caller_left=True).clipped == 0.0
    barely = heard([], [(1.0, 5.0)], ended=5.0, unheard=0.03)
    assert figures_of(barely, caller_left=False).clipped == 0.0


def test_last_words_that_were_cleared_for_nobody_are_clipped_too():
    cleared = Clear(5.0, 1.5)
    assert figures_of(heard([], [(1.0, 5.0)], cleared), caller_left=False).clipped == pytest.approx(1.5)
    assert figures_of(heard([], [(1.0, 5.0), (6.0, 8.0)], cleared), caller_left=False).clipped == 0.0
    assert figures_of(heard([(4.0, 6.0)], [(1.0, 5.0)], cleared), caller_left=False).clipped == 0.0


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9

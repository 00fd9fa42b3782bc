"""An agent that goes on with a caller: what it is told of what was said before."""

from uuid import uuid4

import pytest

from agents.conversations import Said, adding_turns
from agents.models import Turn
from agents.resuming import MOST_TURNS, resumption
from tenants.scoping import tenant_scope
from tests.agents.toolbox import conversation_of
from tests.statements import write_down

pytestmark = pytest.mark.django_db


def test_the_end_of_what_was_said_is_told_as_it_was_heard_and_then_what_happened(salon):
    conversation = conversation_of(salon)
    with tenant_scope(salon):
        lines = [("agent", "Hello, how can I help?"), ("caller", "A person please"), ("agent", "One moment.")]
        write_down(
            adding_turns(
                [
                    Said(
                        uuid4(),
                        salon.pk,
                        conversation.pk,
                        Turn.Speaker(speaker),
                        text,
                        conversation.started_at,
                    )
                    for speaker, text in lines * 10
                ]
            )
        )
        Turn.objects.filter(position=30).update(heard_text="One")
        told = resumption(conversation, "Nobody came.", ["Ana was busy."])
    assert told.opening == "Nobody came."
    assert len(told.history) == MOST_TURNS + 1
    assert list(told.history[-3:]) == [
        ("caller", "A person please"),
        ("agent", "One"),
        ("tool", "Ana was busy."),
    ]

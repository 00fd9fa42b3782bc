"""What calls cost, each provider in a unit of its own: also one that went on with a call whose own agent had failed.

A conversation's `cost` is what its own provider took. What another one took stands with its session, since credits
and dollars do not add up; a call's costs are both.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import F, QuerySet

from agents.models import Conversation, ProviderSession


def costs_of(conversation: Conversation) -> dict[str, Decimal]:
    """By provider, its own first; without those of whom nothing is known. Reads its sessions as they are loaded."""
    rows = [(conversation.provider, conversation.cost)]
    rows += [
        (one.provider, one.cost)
        for one in conversation.sessions.all()
        if one.provider != conversation.provider
    ]
    return added_up(rows)


def of_others() -> "QuerySet[ProviderSession]":
    """Sessions that cost something and that their call's own cost does not count in. Needs a scope."""
    paid = ProviderSession.objects.filter(cost__isnull=False)
    return paid.exclude(provider=F("conversation__provider"))


def added_up(rows: "Iterable[tuple[str, Decimal | None]]") -> dict[str, Decimal]:
    """By provider, in the order in which they come."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for provider, cost in rows:
        if cost is not None:
            sums[provider] += cost
    return dict(sums)

"""Long lists, page by page. A cursor names the last row seen: rows that come meanwhile shift nothing."""

import base64
import datetime
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

from tenants.json_body import clean
from tonris.api.reading import wrong

MOST = 100
USUAL = 50

M = TypeVar("M", bound=Model)


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, default=USUAL, min_value=1, max_value=MOST)
    cursor = serializers.CharField(
        required=False, max_length=500, help_text="`nextCursor` of the page before, with the same filters."
    )


def page_of(
    rows: QuerySet[M],
    by: str,
    query: dict[str, Any],
    *,
    read: Callable[[str], Any] = str,
    newest_first: bool = False,
) -> tuple[list[M], str | None]:
    """The rows behind the query's cursor, in the order of a column and then of ids, and the next page's cursor.

    `read` makes the column's value of its text.
    """
    return page_across([rows], by, query, read=read, newest_first=newest_first)


def page_across(
    lists: Sequence[QuerySet[M]],
    by: str,
    query: dict[str, Any],
    *,
    read: Callable[[str], Any] = str,
    newest_first: bool = False,
) -> tuple[list[M], str | None]:
    """The same of several tables that have such a column, as if they were one."""
    beyond, sign = ("lt", "-") if newest_first else ("gt", "")
    behind = Q()
    if query.get("cursor"):
        value, pk = _read_cursor(query["cursor"], read)
        behind = Q(**{f"{by}__{beyond}": value}) | Q(**{by: value, f"pk__{beyond}": pk})
    limit: int = query["limit"]
    found = [
        one for rows in lists for one in rows.filter(behind).order_by(f"{sign}{by}", f"{sign}pk")[: limit + 1]
    ]
    if len(lists) > 1:
        found.sort(key=lambda one: (getattr(one, by), one.pk), reverse=newest_first)
    shown = found[:limit]
    return shown, _cursor(getattr(shown[-1], by), shown[-1].pk) if len(found) > limit else None


def moment(text: str) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("not aware")
    return value


def _cursor(value: Any, pk: UUID) -> str:
    text = value.isoformat() if isinstance(value, datetime.datetime) else str(value)
    return base64.urlsafe_b64encode(json.dumps([text, pk.hex]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, read: Callable[[str], Any]) -> tuple[Any, UUID]:
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return read(clean(value)), UUID(pk)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise wrong({"cursor": "is not one of ours"}) from None

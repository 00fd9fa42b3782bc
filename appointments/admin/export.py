"""Any list as CSV: the rows that the person may see, and nothing in it that a spreadsheet would calculate.

The answer is streamed in batches. Each is a unit of work of its own, in the scope of the page that was asked:
a slow download keeps no transaction open, and behind the walls it stays.
"""

import csv
import io
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from tenants.audit.writing import record
from tenants.log_context import log_context
from tenants.models import Tenant
from tenants.scoping import Scope, active_scope, in_thread, platform_scope, tenant_scope

logger = logging.getLogger(__name__)

BATCH = 500
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets know UTF-8."""

# A cell that begins so is a formula to some spreadsheet, also behind spaces. The wide forms are Excel's in East Asia.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True, slots=True)
class Column:
    """Its heading, and what a row has in it."""

    title: str
    value: Callable[[Any], object]


def guarded(value: object) -> str:
    """The text of a cell; an apostrophe before what would be a formula, as telephone numbers are."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def local(instant: datetime | None, tenant: Tenant) -> str:
    """On the tenant's clock: "2030-03-04 10:00"."""
    return f"{instant.astimezone(tenant.zone):%Y-%m-%d %H:%M}" if instant else ""


def utc(instant: datetime | None) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if instant else ""


def moments(title: str, name: str) -> list[Column]:
    """One moment twice: on the tenant's clock, and in UTC."""
    return [
        Column(title, lambda row: local(getattr(row, name), row.tenant)),
        Column(f"{title} (UTC)", lambda row: utc(getattr(row, name))),
    ]


class Exportable:
    """An admin page whose list can be saved as CSV."""

    exported: Sequence[Column] = ()
    exported_related: Sequence[str] = ()
    """What the columns need of other tables, as `select_related` or, with a `*` before it, `prefetch_related`."""

    model: Any

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> StreamingHttpResponse:
        scope = active_scope()
        ids = list(queryset.values_list("pk", flat=True))
        with log_context(**({} if scope.is_platform else {"tenant": scope.tenant_id})):
            name = self.model._meta.model_name
            record("export.csv", (str(name), ""), after={"rows": len(ids)})
            logger.info("CSV export of %d %s rows by user %s", len(ids), name, request.user.pk)
        heads: str = BYTE_ORDER_MARK + _lines([[column.title for column in self._columns(scope)]])
        parts: list[str | list[UUID]] = [
            heads,
            *(ids[start : start + BATCH] for start in range(0, len(ids), BATCH)),
        ]
        stream = _while_served if isinstance(request, ASGIRequest) else _at_once
        answer = StreamingHttpResponse(
            stream(parts, lambda batch: self._batch(scope, batch)), content_type="text/csv; charset=utf-8"
        )
        filename = f"{self.model._meta.model_name}s-{timezone.localdate()}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{filename}"'
        return answer

    def _batch(self, scope: Scope, ids: Sequence[UUID]) -> str:
        with _entered(scope):
            rows = self.model._default_manager.select_related("tenant", *self._related(many=False))
            found = rows.prefetch_related(*self._related(many=True)).in_bulk(ids)
            columns = self._columns(scope)
            return _lines([[column.value(found[pk]) for column in columns] for pk in ids if pk in found])

    def _columns(self, scope: Scope) -> list[Column]:
        """Operators see whose the rows are."""
        whose = [Column("Business", lambda row: row.tenant)] if scope.is_platform else []
        return [*whose, *self.exported, Column("Time zone", lambda row: row.tenant.timezone)]

    def _related(self, *, many: bool) -> list[str]:
        return [name.removeprefix("*") for name in self.exported_related if name.startswith("*") == many]


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue()


def _entered(scope: Scope) -> AbstractContextManager[None]:
    return platform_scope() if scope.tenant_id is None else tenant_scope(scope.tenant_id)


Parts = Sequence[str | list[UUID]]


def _at_once(parts: Parts, written: Callable[[Sequence[UUID]], str]) -> Iterator[str]:
    for part in parts:
        yield part if isinstance(part, str) else written(part)


async def _while_served(parts: Parts, written: Callable[[Sequence[UUID]], str]) -> AsyncIterator[str]:
    for part in parts:
        yield part if isinstance(part, str) else await in_thread(written, part)

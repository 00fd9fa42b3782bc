"""Any list as CSV or as an Excel workbook: the rows that the person may see, and nothing that would be calculated.

CSV is streamed in batches. Each is a unit of work of its own, in the scope of the page that was asked:
a slow download keeps no transaction open, and behind the walls it stays.
"""

import csv
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.utils import timezone

from appointments.admin.workbook import workbook
from appointments.formula_guard import guarded
from tenants.audit.writing import record
from tenants.log_context import log_context
from tenants.models import Tenant
from tenants.scoping import Scope, active_scope, in_thread, platform_scope, tenant_scope

logger = logging.getLogger(__name__)

BATCH = 500
MOST_IN_A_WORKBOOK = 20_000
"""It is written as a whole before the first byte is sent; CSV has no such limit."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets know UTF-8."""


@dataclass(frozen=True, slots=True)
class Column:
    """Its heading, and what a row has in it."""

    title: str
    value: Callable[[Any], object]


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
    """An admin page whose list can be saved as CSV or Excel."""

    exported: Sequence[Column] = ()
    exported_related: Sequence[str] = ()
    """What the columns need of other tables, as `select_related` or, with a `*` before it, `prefetch_related`."""

    model: Any

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> StreamingHttpResponse:
        scope = active_scope()
        ids = list(queryset.values_list("pk", flat=True))
        self._note(request, scope, "csv", len(ids))
        heads: str = BYTE_ORDER_MARK + _lines([[column.title for column in self._columns(scope)]])
        parts: list[str | list[UUID]] = [
            heads,
            *(ids[start : start + BATCH] for start in range(0, len(ids), BATCH)),
        ]
        stream = _while_served if isinstance(request, ASGIRequest) else _at_once
        answer = StreamingHttpResponse(
            stream(parts, lambda batch: self._batch(scope, batch)), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="{self._filename("csv")}"'
        return answer

    @admin.action(description="Export as Excel", permissions=["view"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> FileResponse | None:
        scope = active_scope()
        ids = list(queryset.values_list("pk", flat=True)[: MOST_IN_A_WORKBOOK + 1])
        if len(ids) > MOST_IN_A_WORKBOOK:
            told = f"More than {MOST_IN_A_WORKBOOK:,} rows are too many for one workbook: choose fewer, or export CSV."
            messages.warning(request, told)
            return None
        self._note(request, scope, "xlsx", len(ids))
        file = workbook(str(self.model._meta.model_name), self._written(scope, ids))
        return FileResponse(file, as_attachment=True, filename=self._filename("xlsx"), content_type=XLSX)

    def _written(self, scope: Scope, ids: Sequence[UUID]) -> Iterator[list[object]]:
        yield [column.title for column in self._columns(scope)]
        for start in range(0, len(ids), BATCH):
            yield from self._rows(scope, ids[start : start + BATCH])

    def _note(self, request: HttpRequest, scope: Scope, form: str, count: int) -> None:
        with log_context(**({} if scope.is_platform else {"tenant": scope.tenant_id})):
            name = self.model._meta.model_name
            record(f"export.{form}", (str(name), ""), after={"rows": count})
            logger.info("%s export of %d %s rows by user %s", form.upper(), count, name, request.user.pk)

    def _filename(self, form: str) -> str:
        return f"{self.model._meta.model_name}s-{timezone.localdate()}.{form}"

    def _batch(self, scope: Scope, ids: Sequence[UUID]) -> str:
        return _lines(self._rows(scope, ids))

    def _rows(self, scope: Scope, ids: Sequence[UUID]) -> list[list[object]]:
        with _entered(scope):
            rows = self.model._default_manager.select_related("tenant", *self._related(many=False))
            found = rows.prefetch_related(*self._related(many=True)).in_bulk(ids)
            columns = self._columns(scope)
            return [[column.value(found[pk]) for column in columns] for pk in ids if pk in found]

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

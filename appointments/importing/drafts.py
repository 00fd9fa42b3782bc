"""What was uploaded, between the preview and the import. In the database: another process may serve the next page."""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from appointments.importing.kinds import Kind
from appointments.importing.sheets import Row, Sheet
from appointments.importing.verdicts import Verdict
from appointments.models import ImportDraft
from tenants.models import Tenant, User

KEPT = datetime.timedelta(hours=1)


def keep(tenant: Tenant, user: User, kind: Kind, sheet: Sheet, verdicts: Sequence[Verdict]) -> ImportDraft:
    """In the place of what the same person has uploaded before."""
    _of(user, kind).delete()
    ignored = f"Columns that are not read: {', '.join(sheet.ignored)}." if sheet.ignored else ""
    return ImportDraft.objects.create(
        tenant=tenant,
        kind=kind.name,
        uploaded_by=user,
        keys=sorted({key for key in sheet.keys if key}),
        lines=[[row.number, row.cells] for row in sheet.rows],
        notes=[*sheet.notes, *filter(None, [ignored])],
        verdicts=[one.as_json() for one in verdicts],
    )


def find(user: User, kind: Kind, draft_id: UUID, *, lock: bool = False) -> ImportDraft | None:
    """Another's is nobody's, and an old one is none. Needs the tenant's scope."""
    rows = _of(user, kind).filter(created_at__gt=timezone.now() - KEPT)
    if lock:
        rows = rows.select_for_update()
    found: ImportDraft | None = rows.filter(pk=draft_id).first()
    return found


def show_again(draft: ImportDraft, verdicts: Sequence[Verdict]) -> None:
    draft.verdicts = [one.as_json() for one in verdicts]
    draft.save(update_fields=["verdicts"])


def rows_of(draft: ImportDraft) -> list[Row]:
    return [Row(number, cells) for number, cells in draft.lines]


def verdicts_of(draft: ImportDraft) -> list[Verdict]:
    return [Verdict.of_json(told) for told in draft.verdicts]


def forget_old(now: datetime.datetime) -> int:
    """How many. Needs a scope."""
    return ImportDraft.objects.filter(created_at__lte=now - KEPT).delete()[0]


def _of(user: User, kind: Kind) -> "QuerySet[ImportDraft]":
    return ImportDraft.objects.filter(uploaded_by=user, kind=kind.name)

"""All rows of a file: tried, or written as they were shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction

from appointments.importing.kinds import Kind
from appointments.importing.rows import Importer
from appointments.importing.sheets import Row
from appointments.importing.verdicts import Fate, Verdict, counted
from appointments.importing.visits import TooBusy
from tenants.audit.writing import record
from tenants.models import Tenant

SOMEBODY_ELSE = "Somebody changed the same at this moment. Nothing was imported: look at the rows again."
BUSY = (
    "The calendar has too much to do at the moment. Nothing was imported: try again, "
    "or cut the file into smaller parts."
)


@dataclass(frozen=True, slots=True)
class Done:
    """Rows that were written, for the log of the admin."""

    created: list[Any]
    changed: list[Any]


class Differs(Exception):
    """What would be written is not what was shown any more: `verdicts` is how it stands now."""

    def __init__(self, verdicts: list[Verdict]) -> None:
        super().__init__("the rows have changed since they were shown")
        self.verdicts = verdicts


class NotNow(Exception):
    """Nothing was written; str() says why."""


def try_out(tenant: Tenant, kind: Kind, rows: Sequence[Row]) -> list[Verdict]:
    """What would become of each. Writes nothing. Needs the tenant's scope."""
    return kind.importer(tenant).judge(rows)


def carry_out(
    tenant: Tenant, kind: Kind, rows: Sequence[Row], shown: Sequence[Verdict], *, actor: str
) -> Done:
    """Write every row that was not refused when it was shown, or none at all. Needs the tenant's scope.

    Raises Differs or NotNow.
    """
    try:
        with transaction.atomic():
            importer = kind.importer(tenant, writes=True, actor=actor)
            verdicts = importer.judge(rows)
            if [one.essence for one in verdicts] != [one.essence for one in shown]:
                raise Differs(verdicts)
            importer.write()
            _note(kind, importer, verdicts)
            return Done(importer.created, importer.changed)
    except TooBusy:
        raise NotNow(BUSY) from None
    except DatabaseError:
        raise NotNow(SOMEBODY_ELSE) from None


def _note(kind: Kind, importer: Importer, verdicts: Sequence[Verdict]) -> None:
    told = counted(verdicts)
    after = {
        "created": len(importer.created),
        "changed": len(importer.changed),
        "as they were": told[Fate.SAME],
        "left out": told[Fate.REFUSE],
    }
    record(f"import.{kind.name}", (kind.name, ""), after=after)

"""Rows of one table: who is meant by each, what it changes. Judged one after another, as they would be written.

An importer holds the business's rows in memory and changes those; `write` puts them into the database at once.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ValidationError

from appointments.importing.cells import Manner, Misread
from appointments.importing.sheets import Heading, Row
from appointments.importing.verdicts import Change, Fate, Problem, Refused, Verdict
from tenants.models import Tenant, TenantOwned

R = TypeVar("R", bound=TenantOwned)
BATCH = 500

Reader = Callable[[str], Any]


class Importer(ABC):
    """One import of one kind. Needs the tenant's scope."""

    headings: ClassVar[Sequence[Heading]] = ()

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        """`writes`: what is judged will be written, and is locked for it."""
        self.tenant, self.writes, self.actor = tenant, writes, actor
        self.manner = Manner.of(tenant)
        self.created: list[Any] = []
        self.changed: list[Any] = []

    @abstractmethod
    def judge(self, rows: Sequence[Row]) -> list[Verdict]:
        """What would become of each row, those before it included."""

    @abstractmethod
    def write(self) -> None:
        """What was judged; `created` and `changed` have it. In the caller's transaction."""

    def title(self, key: str) -> str:
        return next((one.title for one in self.headings if one.key == key), "")


class TableImporter(Importer, Generic[R]):
    """Of a table whose rows nobody else is affected by."""

    model: type[R]
    thing = ""
    """As people call one."""
    twins = "There is another one of this name."
    fields: ClassVar[Mapping[str, str]] = {}
    """Column of the file -> column of the table."""

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        super().__init__(tenant, writes=writes, actor=actor)
        rows = self.model._default_manager.filter(tenant=tenant).order_by("pk")
        if writes:  # bookings, which only refer to them, do not wait
            rows = rows.select_for_update(no_key=True)
        self.rows: dict[uuid.UUID, R] = {row.pk: row for row in rows}
        self._touched: dict[uuid.UUID, int] = {}
        self._written: set[uuid.UUID] = set()
        for row in self.rows.values():
            self.index(row)

    # --- Of each table ---

    @abstractmethod
    def index(self, row: R) -> None:
        """Note by what it will be found."""

    @abstractmethod
    def unindex(self, row: R) -> None: ...

    @abstractmethod
    def find(self, values: dict[str, Any]) -> R | None:
        """The row that is meant by what is not its id; None for a new one. Raises Refused."""

    @abstractmethod
    def twin(self, row: R) -> bool:
        """Whether another is called the same."""

    def readers(self) -> Mapping[str, Reader]:
        """By column; what is not here is text as it stands."""
        return {}

    def new(self) -> R:
        return self.model(tenant=self.tenant)

    def relate(self, row: R, cells: Row) -> list[Change]:
        """What a row says beyond its own columns. Raises Refused."""
        return []

    # --- Judging ---

    def judge(self, rows: Sequence[Row]) -> list[Verdict]:
        return [self._judge(row) for row in rows]

    def _judge(self, cells: Row) -> Verdict:
        label = cells.text("name") or f"line {cells.number}"
        values, problems = self._read(cells)
        try:
            row = None if problems else self._meant(cells, values)
        except Refused as refused:
            problems.append(refused.problem)
        if problems:
            return Verdict(cells.number, Fate.REFUSE, label, problems=problems)
        is_new = row is None
        row = row or self.new()
        before = {name: getattr(row, name) for name in self.fields.values()}
        if not is_new:
            self.unindex(row)
        try:
            return self._change(row, cells, values, before, is_new=is_new)
        except Refused as refused:
            problems.append(refused.problem)
        except ValidationError as error:
            problems += self._told(error)
        for name, value in before.items():
            setattr(row, name, value)
        if not is_new:
            self.index(row)
        return Verdict(cells.number, Fate.REFUSE, label, problems=problems)

    def _change(
        self, row: R, cells: Row, values: dict[str, Any], before: dict[str, Any], *, is_new: bool
    ) -> Verdict:
        """Raises Refused or ValidationError; the row is as it was told then."""
        for key, value in values.items():
            if _spoken(before[self.fields[key]]).strip() != _spoken(value).strip():
                setattr(row, self.fields[key], value)
        row.clean_fields(exclude={"tenant", "id"})
        if self.twin(row):
            raise Refused(self.title("name"), self.twins)
        changes = [
            Change(self.title(key), "" if is_new else _spoken(before[name]), _spoken(getattr(row, name)))
            for key, name in self.fields.items()
            if key in values and (is_new or getattr(row, name) != before[name])
        ]
        changes += self.relate(row, cells)
        verdict = Verdict(cells.number, Fate.SAME, str(row), changes)
        self.index(row)
        if is_new:
            verdict.fate = Fate.CREATE
            self.rows[row.pk] = row
            self.created.append(row)
        elif changes:
            verdict.fate = Fate.CHANGE
            if row.pk not in self._written:
                self.changed.append(row)
        if changes:
            self._written.add(row.pk)
        if row.pk in self._touched:
            verdict.notes.append(f"The same {self.thing} as in line {self._touched[row.pk]}.")
        self._touched.setdefault(row.pk, cells.number)
        return verdict

    def _read(self, cells: Row) -> tuple[dict[str, Any], list[Problem]]:
        """Cells that are empty say nothing."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for key in self.fields:
            text, read = cells.text(key), self.readers().get(key)
            if not text:
                continue
            try:
                values[key] = read(text) if read else text
            except Misread as error:
                problems.append(Problem(self.title(key), str(error)))
        return values, problems

    def _meant(self, cells: Row, values: dict[str, Any]) -> R | None:
        told = cells.text("id")
        if not told:
            row = self.find(values)
            if row is None:
                self._check_new(values)
            return row
        try:
            row = self.rows.get(uuid.UUID(told))
        except ValueError:
            row = None
        if row is None:
            raise Refused(
                "Id", f"There is no {self.thing} with this id. Leave the cell empty to add a new one."
            )
        return row

    def _check_new(self, values: dict[str, Any]) -> None:
        for heading in self.headings:
            if heading.required and heading.key in self.fields and heading.key not in values:
                raise Refused(heading.title, "The cell is empty.")

    def _told(self, error: ValidationError) -> list[Problem]:
        by_field = {name: self.title(key) for key, name in self.fields.items()}
        return [
            Problem(by_field.get(name, name), sentence)
            for name, sentences in error.message_dict.items()
            for sentence in sentences
        ]

    # --- Writing ---

    def write(self) -> None:
        rows: Any = self.model._default_manager
        rows.bulk_create(self.created, batch_size=BATCH)
        if self.changed:
            rows.bulk_update(self.changed, sorted(set(self.fields.values())), batch_size=BATCH)


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)

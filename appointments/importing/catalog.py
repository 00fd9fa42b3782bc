"""Services and employees: what is sold, and who performs it."""

import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from appointments.importing.cells import Misread, yes_or_no
from appointments.importing.rows import BATCH, Reader, TableImporter
from appointments.importing.sheets import Heading, Row
from appointments.importing.verdicts import Change, Refused
from appointments.models import Employee, EmployeeService, Service
from tenants.models import Tenant

ID = Heading(
    "id", "Id", "As the export tells it, to say exactly who is meant; leave it empty for a new one.", others=("UUID",)
)  # fmt: skip
CENT = Decimal("0.01")
MOST_NAMED = 60
"""Services in one cell; which commas are part of a name takes time that grows with the cube of it."""


class ServiceImporter(TableImporter[Service]):
    model = Service
    thing = "service"
    headings = (
        Heading("name", "Name", "As callers ask for it.", True, ("Service", "Leistung", "Bezeichnung")),
        Heading("minutes", "Minutes", "How long it takes.", True, ("Duration", "Dauer", "Minuten")),
        Heading("price", "Price", "Such as 50 or 49.90.", True, ("Preis",)),
        Heading("currency", "Currency", "Such as USD; empty: yours.", others=("Währung",)),
        Heading("category", "Category", "To keep a long list in order.", others=("Kategorie",)),
        Heading("description", "Description", "What the agent says of it.", others=("Beschreibung",)),
        Heading("before", "Buffer before", "Minutes to prepare."),
        Heading("after", "Buffer after", "Minutes to tidy up."),
        Heading("step", "Step", "Callers are offered times so many minutes apart."),
        Heading("notice", "Notice", "Minutes before its start by which it must be booked."),
        Heading("cancel_notice", "Cancel notice", "Minutes before its start by which it may be cancelled."),
        Heading("ahead", "Days ahead", "How many days ahead callers may book."),
        Heading("seats", "Seats", "More than 1: a group."),
        Heading("active", "Active", "yes or no.", others=("Aktiv",)),
        ID,
    )
    fields = {
        "name": "name",
        "minutes": "duration_minutes",
        "price": "price",
        "currency": "currency",
        "category": "category",
        "description": "description",
        "before": "buffer_before_minutes",
        "after": "buffer_after_minutes",
        "step": "slot_step_minutes",
        "notice": "minimum_notice_minutes",
        "cancel_notice": "cancel_notice_minutes",
        "ahead": "booking_window_days",
        "seats": "seats",
        "active": "is_active",
    }

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        self._by_name: dict[str, uuid.UUID] = {}
        super().__init__(tenant, writes=writes, actor=actor)

    def readers(self) -> Mapping[str, Reader]:
        numbers = ("minutes", "before", "after", "step", "notice", "cancel_notice", "ahead", "seats")
        return {
            **dict.fromkeys(numbers, self.manner.whole),
            "price": lambda text: self.manner.decimal(text).quantize(CENT),
            "currency": _currency,
            "active": yes_or_no,
        }

    def new(self) -> Service:
        return Service(tenant=self.tenant, currency=self.tenant.currency)

    def index(self, row: Service) -> None:
        self._by_name[row.name.lower()] = row.pk

    def unindex(self, row: Service) -> None:
        self._by_name.pop(row.name.lower(), None)

    def find(self, values: dict[str, Any]) -> Service | None:
        pk = self._by_name.get(str(values.get("name", "")).lower())
        return self.rows[pk] if pk else None

    def twin(self, row: Service) -> bool:
        return self._by_name.get(row.name.lower(), row.pk) != row.pk


def _currency(text: str) -> str:
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise Misread(f"“{text}” is not the code of a currency such as USD.")
    return text.upper()


class EmployeeImporter(TableImporter[Employee]):
    """Services that are named are added to what somebody performs; none is taken away."""

    model = Employee
    thing = "employee"
    headings = (
        Heading("name", "Name", "As the agent says it.", True, ("Employee", "Mitarbeiter", "Mitarbeiterin")),
        Heading("email", "E-mail", "For the team.", others=("Mail", "Email address")),
        Heading("active", "Active", "yes or no.", others=("Aktiv",)),
        Heading(
            "performs",
            "Performs",
            "Names of services with commas between them. They are added; none is taken away.",
            others=("Services", "Leistungen"),
        ),
        ID,
    )
    fields = {"name": "name", "email": "email", "active": "is_active"}

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        self._by_name: dict[str, set[uuid.UUID]] = defaultdict(set)
        super().__init__(tenant, writes=writes, actor=actor)
        self._services = {one.name.lower(): one for one in Service.objects.for_tenant(tenant)}
        done = EmployeeService.objects.for_tenant(tenant).values_list("employee_id", "service_id")
        self._done: set[tuple[uuid.UUID, uuid.UUID]] = set(done)
        self._new: list[EmployeeService] = []

    def readers(self) -> Mapping[str, Reader]:
        return {"active": yes_or_no}

    def index(self, row: Employee) -> None:
        self._by_name[row.name.lower()].add(row.pk)

    def unindex(self, row: Employee) -> None:
        self._by_name[row.name.lower()].discard(row.pk)

    def find(self, values: dict[str, Any]) -> Employee | None:
        name = str(values.get("name", ""))
        found = self._by_name[name.lower()]
        if len(found) > 1:
            raise Refused(
                "Name", f"{len(found)} employees are called {name}: write the id of the one you mean."
            )
        return self.rows[next(iter(found))] if found else None

    def twin(self, row: Employee) -> bool:
        return False  # two people may have one name

    def relate(self, row: Employee, cells: Row) -> list[Change]:
        named, unknown = self._named(cells.text("performs"))
        if unknown:
            raise Refused("Performs", f"There is no service called “{unknown}”.")
        added = [one for one in named if (row.pk, one.pk) not in self._done]
        for service in added:
            self._done.add((row.pk, service.pk))
            self._new.append(EmployeeService(tenant=self.tenant, employee=row, service=service))
        return [Change("Performs", "", f"also {', '.join(one.name for one in added)}")] if added else []

    def _named(self, text: str) -> tuple[list[Service], str]:
        """Services, and the first name that is none's. A name may have a comma in it itself."""
        parts, found = [part.strip() for part in re.split("[,;]", text) if part.strip()], []
        if len(parts) > MOST_NAMED:
            raise Refused("Performs", f"There are {len(parts)} names; {MOST_NAMED} are the most.")
        while parts:
            for length in range(len(parts), 0, -1):
                service = self._services.get(", ".join(parts[:length]).lower())
                if service is not None:
                    found.append(service)
                    break
            else:
                return found, parts[0]
            parts = parts[length:]
        return list(dict.fromkeys(found)), ""

    def write(self) -> None:
        super().write()
        EmployeeService.objects.bulk_create(self._new, batch_size=BATCH)


NAMES: Sequence[str] = ("service", "employee")

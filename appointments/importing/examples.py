"""A file that shows how: of the business's own services and people where it has some."""

import csv
import datetime
import io
from typing import Any

from django.utils import timezone

from appointments.formula_guard import guarded
from appointments.models import Employee, EmployeeService
from tenants.models import Tenant


def services(tenant: Tenant) -> list[dict[str, str]]:
    return [
        {"name": "Children's haircut", "minutes": "30", "price": "25.00", "currency": tenant.currency,
         "category": "hair", "description": "For children up to twelve.", "after": "5", "active": "yes"},
        {"name": "Beard trim", "minutes": "20", "price": "15.00", "currency": tenant.currency, "active": "yes"},
    ]  # fmt: skip


def employees(tenant: Tenant) -> list[dict[str, str]]:
    done = EmployeeService.objects.for_tenant(tenant).select_related("service").first()
    performs = done.service.name if done else ""
    return [
        {"name": "Maria Lopez", "email": "maria@example.com", "active": "yes", "performs": performs},
        {"name": "Tom Becker", "email": "", "active": "yes", "performs": performs},
    ]


def customers(tenant: Tenant) -> list[dict[str, str]]:
    return [
        {
            "name": "Jane Roe",
            "phone": "+15551230001",
            "email": "jane@example.com",
            "notes": "Prefers mornings",
        },
        {"name": "John Doe", "phone": "+15551230002"},
    ]


def appointments(tenant: Tenant) -> list[dict[str, str]]:
    done = EmployeeService.objects.for_tenant(tenant).select_related("service", "employee")
    one = done.filter(service__is_active=True, employee__is_active=True).first()
    somebody = Employee.objects.for_tenant(tenant).first()
    today = timezone.now().astimezone(tenant.zone).date()
    monday = today + datetime.timedelta(days=14 - today.weekday())
    return [
        {"starts": f"{monday} 10:00", "name": "Jane Roe", "phone": "+15551230001",
         "service": one.service.name if one else "Haircut",
         "employee": one.employee.name if one else str(somebody or "Ana"), "notes": "First visit"},
    ]  # fmt: skip


def as_csv(titles: dict[str, str], rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(_cells(titles, rows))
    return ("\ufeff" + text.getvalue()).encode()


def as_xlsx(titles: dict[str, str], rows: list[dict[str, str]]) -> bytes:
    import openpyxl  # a tenth of a second that only these pages need

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet()
    for cells in _cells(titles, rows):
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cells(titles: dict[str, str], rows: list[dict[str, str]]) -> list[list[str]]:
    lines = [list(titles.values()), *([row.get(key, "") for key in titles] for row in rows)]
    return [[guarded(cell) for cell in line] for line in lines]

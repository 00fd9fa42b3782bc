"""What the page of free times says of a day and of an exact time, each free one with a link to add an appointment."""

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest
from django.urls import reverse

from appointments.availability import FreeSlot, Objection
from appointments.day_sheet import Cell, DayCalendar, only_for_callers
from appointments.extras import price_of
from appointments.models import AddOn, Employee, EmployeeService, Service
from appointments.slots import Reason
from appointments.wallclock import boundary, wall_time
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time
from tenants.scoping import active_scope

NOON = datetime.time(12)

WORDS = {
    Reason.INACTIVE: "Not active",
    Reason.NOT_PERFORMED: "Not theirs",
    Reason.NONEXISTENT: "Skipped",
    Reason.IN_THE_PAST: "Past",
    Reason.TOO_SOON: "Too soon",
    Reason.TOO_FAR: "Too far ahead",
    Reason.OUTSIDE_HOURS: "Not open",
    Reason.CLOSED: "Closed",
    Reason.NOT_WORKING: "Not working",
    Reason.TIME_OFF: "Time off",
    Reason.BUSY: "Taken",
    Reason.HELD: "Held",
    Reason.RESOURCE_FULL: "In use",
    Reason.OFF_GRID: "Off the grid",
}
"""What a cell says at a glance; its sentences say the rest."""


class Links:
    """To the form that adds an appointment, filled in as far as it is known. None for who may add nothing."""

    def __init__(self, pages: "ModelAdmin[Any]", request: HttpRequest) -> None:
        self._page = ""
        if pages.has_add_permission(request):
            self._page = reverse(f"{pages.admin_site.name}:appointments_appointment_add")
        self._names_tenant = active_scope().is_platform

    def of(self, service: Service, add_ons: list[AddOn]) -> "Links":
        self._service, self._add_ons = service, add_ons
        own = EmployeeService.objects.filter(service=service, price__isnull=False)
        self._own_prices = dict(own.values_list("employee", "price"))
        return self

    def to_add(self, slot: FreeSlot, tenant: Tenant) -> str:
        if not self._page:
            return ""
        known = {
            **({"tenant": tenant.pk} if self._names_tenant else {}),
            "service": self._service.pk,
            "employee": slot.employee.pk,
            "starts_at": f"{slot.start:%Y-%m-%dT%H:%M:%SZ}",
        }
        own = slot.employee.pk in self._own_prices
        if self._add_ons or slot.end - slot.start != self._service.duration:
            known["ends_at"] = f"{wall_time(slot.end, tenant.zone):%H:%M}"
        price = self._own_prices.get(slot.employee.pk, self._service.price)
        if self._add_ons or own:
            known["price"] = price + price_of(self._add_ons)
        if self._add_ons:
            known["notes"] = f"With {', '.join(one.name for one in self._add_ons)}."
        return f"{self._page}?{urlencode(known)}"


class Answer:
    """All that the page shows of one question."""

    def __init__(self, links: Links, tenant: Tenant, question: dict[str, Any]) -> None:
        self.tenant, self.service = tenant, question["service"]
        self.day: datetime.date = question["date"]
        self.exact: datetime.time | None = question["time"]
        add_ons = list(question.get("add_ons") or ())
        self.calendar = DayCalendar(tenant, self.service, add_ons=add_ons)
        chosen: Employee | None = question["employee"]
        self.chosen = chosen
        self.employees = [chosen] if chosen else self.calendar.performers
        self.links = links.of(self.service, add_ons)
        self._sheet = self.calendar.sheet(self.day, self.employees)

    def rows(self) -> list[dict[str, Any]]:
        labels = [tenant_time(row[0].start, self.tenant, "H:i") for row in self._sheet]
        often = Counter(labels)  # an hour that comes twice
        return [
            {
                "time": label if often[label] == 1 else tenant_time(row[0].start, self.tenant, "H:i T"),
                "cells": [self._cell(cell) for cell in row],
            }
            for label, row in zip(labels, self._sheet, strict=True)
        ]

    def free(self) -> int:
        return sum(cell.is_free for row in self._sheet for cell in row)

    def instead_of_rows(self) -> str:
        """Why there is no sheet."""
        if not self.employees:
            return f"Nobody who is active performs {self.service}."
        against = self.calendar.why_not(self.employees[0], self._moment(NOON))
        business = [each for each in against if each.reason in {Reason.OUTSIDE_HOURS, Reason.CLOSED}]
        return " ".join(each.sentence for each in business or against)

    def verdicts(self) -> list[dict[str, Any]]:
        """Of the exact time, for everybody who was asked about."""
        if self.exact is None:
            return []
        start = datetime.datetime.combine(self.day, self.exact)
        found = []
        for one in self.employees:
            against = self.calendar.why_not(one, start)
            end = self._moment(self.exact) + self.calendar.terms(one).length
            slot = FreeSlot(one, self._moment(self.exact), end)
            found.append(
                {
                    "employee": one,
                    "sentences": _sentences(against),
                    "url": self.links.to_add(slot, self.tenant) if only_for_callers(against) else "",
                }
            )
        return found

    def nearest(self) -> list[dict[str, str]]:
        """To the exact time, or else to the beginning of the day."""
        if self.exact is not None:
            wished = self._moment(self.exact)
        else:
            wished = self._sheet[0][0].start if self._sheet else self._moment(NOON)
        return [
            {
                "time": tenant_time(slot.start, self.tenant),
                "employee": slot.employee.name,
                "url": self.links.to_add(slot, self.tenant),
            }
            for slot in self.calendar.nearest(wished, self.chosen)
        ]

    def _cell(self, cell: Cell) -> dict[str, Any]:
        slot = FreeSlot(cell.employee, cell.start, cell.end)
        return {
            "is_free": cell.is_free,
            "url": self.links.to_add(slot, self.tenant) if cell.staff_may else "",
            "word": WORDS[cell.objections[0].reason] if cell.objections else "Free",
            "sentences": _sentences(cell.objections),
        }

    def _moment(self, clock: datetime.time) -> datetime.datetime:
        """Where the clock skips it, the first moment after."""
        return boundary(datetime.datetime.combine(self.day, clock), self.tenant.zone)


def _sentences(objections: Sequence[Objection]) -> list[str]:
    return [each.sentence for each in objections]

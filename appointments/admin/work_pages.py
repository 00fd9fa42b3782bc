"""What the calendar's own pages have in common: in whose scope and clock they run, and how a refusal is told."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from appointments.admin.day_answer import WORDS
from appointments.availability import FreeSlot
from appointments.errors import BookingError, Invalid, NotBookable
from appointments.models import Appointment
from appointments.slots import Reason
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time
from tenants.scoping import tenant_scope


@contextmanager
def at_the_desk_of(tenant: Tenant) -> Iterator[None]:
    """An operator's page, too, is about one business: its rows and its clock."""
    with tenant_scope(tenant), timezone.override(tenant.zone):
        yield


def context_of(pages: "ModelAdmin[Any]", request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = pages.admin_site.name
    return {**pages.admin_site.each_context(request), "title": title}


def words(reasons: Sequence[Reason]) -> str:
    """ "Taken, not working"."""
    told = ", ".join(WORDS[reason] for reason in reasons)
    return f"{told[:1]}{told[1:].lower()}"


def refuse(form: forms.BaseForm, error: BookingError, fields: dict[str, str]) -> None:
    """Beside the field that it names, or above all. `fields`: the verbs' names of fields -> the form's."""
    if isinstance(error, Invalid):
        field, (_, _, problem) = fields.get(error.field), str(error).partition(": ")
        form.add_error(field, f"{problem[:1].upper()}{problem[1:]}.")
    elif isinstance(error, NotBookable):
        form.add_error(None, f"{words(error.reasons)}. {error}")
    else:
        form.add_error(None, f"{str(error).rstrip('.')}.")


def day_and_times(start: datetime.datetime, end: datetime.datetime, tenant: Tenant) -> str:
    """ "Mon 4 Mar 2030, 09:00–10:00 EST"."""
    return f"{tenant_time(start, tenant, 'D j M Y, H:i')}–{tenant_time(end, tenant, 'H:i T')}"


def described(slots: Iterable[FreeSlot], tenant: Tenant) -> list[dict[str, str]]:
    """Times to choose instead; `value` is the start, for programs."""
    return [
        {
            "time": tenant_time(slot.start, tenant),
            "employee": slot.employee.name,
            "value": slot.start.isoformat(),
        }
        for slot in slots
    ]


def listed(
    pages: "ModelAdmin[Any]", appointments: Iterable[Appointment], tenant: Tenant
) -> list[dict[str, str]]:
    """Appointments that were booked, with the addresses of their pages."""
    return [
        {
            "time": day_and_times(one.starts_at, one.ends_at, tenant),
            "service": one.service.name,
            "employee": one.employee.name,
            "url": reverse(f"{pages.admin_site.name}:appointments_appointment_change", args=[one.pk]),
        }
        for one in appointments
    ]

"""What the history of an appointment keeps, ids and instants, as the people of the business know it."""

from typing import Any

from django.utils.dateparse import parse_datetime

from appointments.models import Employee, Service
from tenants.object_history import Told
from tenants.scoped_admin import tenant_time

_TITLES = {"startsAt": "starts", "endsAt": "ends"}
_NAMED: dict[str, Any] = {"employee": Employee, "service": Service}


def value(row: Any, told: Told) -> Told:
    """`row` is of the business whose clock and people are meant."""
    return Told(
        _TITLES.get(told.name, told.name),
        _words(row, told.name, told.before),
        _words(row, told.name, told.after),
    )


def _words(row: Any, name: str, said: Any) -> str:
    text = str(said)
    if text and name in _TITLES:
        instant = parse_datetime(text)
        return tenant_time(instant, row.tenant) if instant else text
    if text and name in _NAMED:
        named = _NAMED[name].objects.filter(tenant=row.tenant_id, pk=text).first()
        return str(named) if named else "one who is gone"
    return text

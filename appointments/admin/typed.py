"""Dates and times as people of the business type them."""

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from appointments.importing.cells import Manner, Misread
from tenants.models import Tenant
from tenants.scoping import active_scope

TIMES = ["%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%H.%M", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p"]
NO_TIME = {"invalid": "This is no time, such as 14:30 or 2:30 PM."}


class TypedDate(forms.DateField):
    """With slashes it is read as the business's country writes it: 3/5 is March there, and May here."""

    def to_python(self, value: Any) -> datetime.date | None:
        tenant_id = active_scope().tenant_id
        if tenant_id is None or not isinstance(value, str) or not {"/", "."} & set(value):
            return super().to_python(value)
        try:
            return Manner.of(Tenant.objects.get(pk=tenant_id)).date(value)
        except Misread as error:
            raise ValidationError(str(error), code="invalid") from None


class TypedTime(forms.TimeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"input_formats": TIMES, "error_messages": NO_TIME, **kwargs})

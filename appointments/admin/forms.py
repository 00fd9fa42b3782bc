"""Forms of the calendar: times are those of the tenant's clock, whoever types them and wherever."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSingleTimeWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from appointments.admin.typed import TypedDate, TypedTime
from appointments.wallclock import NonexistentTime, resolve, wall_time
from tenants.admin_old_pages import OldPageForm
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164
from tenants.scoped_admin import ScopedForm, tenant_time

HOURS_AND_MINUTES = "%H:%M"
YEARS = range(2000, 2100)
"""Beyond them a date is a slip, and arithmetic on it soon overflows."""


class WallDateTime(forms.SplitDateTimeField):
    """A date and a time as the clock on the tenant's wall shows them, naive: the form knows whose wall."""

    widget = UnfoldAdminSplitDateTimeWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = (TypedDate(required=False), TypedTime(required=False))
        self.widget.widgets[1].format = HOURS_AND_MINUTES

    def compress(self, data_list: Any) -> datetime.datetime | None:
        """Not Django's, which reads the time in a zone and refuses the hour that comes twice."""
        if data_list and data_list[0].year not in YEARS:
            raise forms.ValidationError("That is too far away.")
        return datetime.datetime.combine(*data_list) if data_list else None


class ClockTime(TypedTime):
    """The time of day at which something ends; its date follows from the start."""

    widget = UnfoldAdminSingleTimeWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.format = HOURS_AND_MINUTES

    def prepare_value(self, value: Any) -> Any:
        return timezone.localtime(value).time() if isinstance(value, datetime.datetime) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class StretchForm(ScopedForm):
    """Some real time, from an instant to another."""

    starts_at = WallDateTime(label="From")
    ends_at = WallDateTime(label="Until")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tenant = self.tenant()
        for name in ("starts_at", "ends_at"):
            wall: datetime.datetime | None = cleaned.pop(name, None)
            if wall is not None:
                instant = read_wall(self, name, wall, tenant, self.initial.get(name))
                cleaned |= {} if instant is None else {name: instant}
        return cleaned


class OldStretchForm(OldPageForm, StretchForm):
    """Of a stretch that both have moved nobody is told: what the page showed of it is not compared."""


def read_wall(
    form: ScopedForm,
    name: str,
    wall: datetime.datetime,
    tenant: Tenant | None,
    before: datetime.datetime | None,
) -> datetime.datetime | None:
    """The instant that is meant, or None, with an error beside the field, where the clock skips it.

    The first such instant; but what stood in the second pass of a repeated hour `before` stays in it.
    """
    if tenant is None:  # an error already: nothing is saved, so any zone will do
        return wall.replace(tzinfo=datetime.UTC)
    if before is not None and wall_time(before, tenant.zone) == wall:
        return before
    try:
        return resolve(wall, tenant.zone)
    except NonexistentTime as error:
        after = tenant_time(error.after, tenant, "H:i")
        form.add_error(name, f"On that day the clock in {tenant.timezone} skips it and goes on at {after}.")
        return None


class ServiceForm(OldPageForm):
    duplicate = "There is a service of this name already."


class CustomerForm(OldPageForm):
    duplicate = "There is a customer of this name, telephone number and e-mail address already."

    phone_e164 = forms.CharField(
        label="Phone",
        required=False,
        max_length=40,  # as typed, with spaces and brackets
        widget=UnfoldAdminTextInputWidget,
        help_text="With the country, such as +15551234567, or as it is written in your own.",
    )

    def clean(self) -> dict[str, Any]:
        """A number may be typed as people of the tenant's country write it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed, tenant = cleaned.get("phone_e164"), self.tenant()
        if typed and tenant is not None:
            try:
                cleaned["phone_e164"] = to_e164(typed, region_of(tenant.phone))
            except InvalidNumber:
                self.add_error("phone_e164", "This is not a telephone number, such as +15551234567.")
        return cleaned


class OpeningHoursForm(OldPageForm):
    duplicate = "There are hours that open then already."

"""An appointment as staff write it down: the calendar is asked before anything is saved."""

import datetime
from functools import cache, partial
from typing import Any

from django import forms
from django.core.validators import MinValueValidator

from appointments import booking
from appointments.admin import second_thoughts
from appointments.admin.forms import ClockTime, WallDateTime, read_wall
from appointments.errors import Invalid
from appointments.extras import booked_add_ons
from appointments.lifecycle import is_early_no_show, moves_from
from appointments.models import Appointment, Employee, EmployeeService, Service
from appointments.usual import Usual, handed_over, usual_of
from appointments.wallclock import DAY, instants_of, wall_time
from tenants.models import Tenant
from tenants.scoped_admin import ScopedForm, tenant_time

LONGEST_TYPED = datetime.timedelta(hours=12)


class AppointmentForm(ScopedForm):
    """An appointment as staff write it down."""

    starts_at = WallDateTime(label="Starts")
    ends_at = ClockTime(
        label="Ends",
        required=False,
        help_text="Leave it empty, and the appointment lasts as long as the employee takes for the service.",
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    wished: datetime.datetime | None = None
    """The start of a new appointment, where it was chosen among free times."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "version" in self.fields and not self.instance._state.adding:
            self.initial["version"] = self.instance.updated_at.isoformat()
        if self.wished is not None and self.instance._state.adding:
            self.initial["starts_at"] = self.wished
        if "status" in self.fields and not self.instance._state.adding:
            allowed = moves_from(self.instance.status)
            choices = [one for one in Appointment.Status.choices if one[0] in allowed]
            self.fields["status"].choices = choices  # type: ignore[attr-defined]
        if "price" in self.fields:
            self.fields["price"].required = False
            self.fields["price"].validators.append(MinValueValidator(0))
            self.fields["price"].help_text = "Leave it empty for what the employee takes for the service."

    @property
    def moved(self) -> bool:
        """Whether it was given another time, or anything else that opening hours have a say in."""
        return bool({"starts_at", "ends_at", "employee", "service", "status"} & set(self.changed_data))

    # --- Reading ---

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tenant, wall = self.tenant(), cleaned.pop("starts_at", None)
        ends_at: datetime.time | None = cleaned.pop("ends_at", None)
        if wall is None:
            return cleaned
        starts_at = read_wall(self, "starts_at", wall, tenant, self._start_before())
        if starts_at is not None:
            cleaned["starts_at"] = starts_at
            if tenant is not None:
                cleaned["ends_at"] = self._end(starts_at, ends_at, tenant)
                self._check_length(cleaned)
        if tenant is not None:
            self._take_usual(cleaned, tenant)
        return cleaned

    def _start_before(self) -> datetime.datetime | None:
        return self.wished if self.instance._state.adding else self.initial.get("starts_at")

    def _end(
        self, starts_at: datetime.datetime, typed: datetime.time | None, tenant: Tenant
    ) -> datetime.datetime | None:
        """None: as long as it usually takes. An end that was left alone moves along with the start."""
        if typed is None:
            return None
        if not self.instance._state.adding and "ends_at" not in self.changed_data:
            alone = not {"service", "employee"} & set(self.changed_data)
            return starts_at + (self.initial["ends_at"] - self.initial["starts_at"]) if alone else None
        day = wall_time(starts_at, tenant.zone).date()
        candidates = (
            instant
            for ends_on in (day, day + DAY)
            for instant in instants_of(datetime.datetime.combine(ends_on, typed), tenant.zone)
        )
        return next((instant for instant in candidates if instant > starts_at), None)

    def _check_length(self, cleaned: dict[str, Any]) -> None:
        """An end before the start is the next day's: more often than not it is a slip."""
        service: Service | None = cleaned.get("service")
        if service is None or cleaned["ends_at"] is None or "ends_at" not in self.changed_data:
            return
        length = cleaned["ends_at"] - cleaned["starts_at"]
        if length > max(service.duration, LONGEST_TYPED):
            self.add_error(
                "ends_at", f"An appointment ends after it starts; this would be {_hours(length)} hours."
            )

    def _take_usual(self, cleaned: dict[str, Any], tenant: Tenant) -> None:
        """Where no end or no price was typed, those of the employee for the service."""
        service, employee, typed = cleaned.get("service"), cleaned.get("employee"), set(self.changed_data)
        if service is None or employee is None:
            return
        if self.instance._state.adding or "service" in typed:
            self.instance.currency = service.currency
        usual = cache(partial(self._usual, tenant, service, employee))
        if "starts_at" in cleaned and cleaned.get("ends_at") is None:
            cleaned["ends_at"] = cleaned["starts_at"] + usual(emptied="ends_at" in typed).length
        if cleaned.get("price") is None or (typed & {"service", "employee"} and "price" not in typed):
            cleaned["price"] = usual(emptied="price" in typed).price

    def _usual(self, tenant: Tenant, service: Service, employee: Employee, *, emptied: bool) -> Usual:
        """What was left alone and was agreed on goes along to another employee; what was emptied does not."""
        before: Appointment = self.instance  # nothing that was typed is in it yet
        if before._state.adding or "service" in self.changed_data:
            return usual_of(tenant, service, employee)
        if "employee" in self.changed_data and not emptied:
            return handed_over(before, employee)
        return usual_of(tenant, service, employee, booked_add_ons(before))

    # --- Asking the calendar ---

    def _post_clean(self) -> None:
        super()._post_clean()
        if not self.errors:
            self._check_status()
        if not self.errors:
            self._check_offered()
        if not self.errors:
            self._check_calendar()

    def _check_status(self) -> None:
        if {"status", "starts_at"} & set(self.changed_data) and is_early_no_show(self.instance):
            self.add_error("status", "It is still to come, so it cannot be a no-show.")

    def _check_offered(self) -> None:
        """Who and what is chosen anew must be on offer; an old appointment may keep what no longer is."""
        row: Appointment = self.instance
        chosen = {"service", "employee"} & set(self.changed_data)
        for name in sorted(chosen):
            if not getattr(row, name).is_active:
                self.add_error(name, f"{getattr(row, name)} is not active.")
        if chosen and not EmployeeService.objects.filter(employee=row.employee, service=row.service).exists():
            self.add_error("employee", f"{row.employee} does not perform {row.service}.")

    def _check_calendar(self) -> None:
        row: Appointment = self.instance
        try:
            other = booking.collision(row)
        except Invalid as error:
            self.add_error("ends_at", str(error))
            return
        if other is not None:
            self.add_error("starts_at", [_who_has_it(row, other), *second_thoughts.of_collision(row)])
        elif self._is_stale():
            self.add_error(
                None,
                "This appointment was changed in the meantime, by a colleague or on the phone. "
                "Open it again to see how it stands now.",
            )

    def _is_stale(self) -> bool:
        """Whether the row is no longer the one that the page was made from. Locks it against changing now."""
        if self.instance._state.adding or not self.cleaned_data.get("version"):
            return False
        rows = Appointment.objects.select_for_update().filter(pk=self.instance.pk)
        updated_at: datetime.datetime | None = rows.values_list("updated_at", flat=True).first()
        return updated_at is None or updated_at.isoformat() != self.cleaned_data["version"]


def _who_has_it(wanted: Appointment, other: Appointment) -> str:
    tenant = wanted.tenant
    since, until = (
        tenant_time(other.starts_at, tenant, "D j M Y, H:i"),
        tenant_time(other.ends_at, tenant, "H:i T"),
    )
    who = wanted.employee if other.employee_id == wanted.employee_id else other.employee  # of a resource
    words = f"{who} has {other.customer} for {other.service} then: {since} to {until}"
    if (other.blocked_from, other.blocked_until) == (other.starts_at, other.ends_at):
        return f"{words}."
    kept = f"{tenant_time(other.blocked_from, tenant, 'H:i')} to {tenant_time(other.blocked_until, tenant, 'H:i')}"
    return f"{words}, with its buffers {kept}."


def _hours(length: datetime.timedelta) -> str:
    return f"{length / datetime.timedelta(hours=1):.1f}".removesuffix(".0")

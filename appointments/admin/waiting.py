"""The waiting list: staff put customers on it, and say what becomes of an offer, by the verbs that everybody uses."""

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from appointments import waitlist
from appointments.admin import free_times
from appointments.admin.forms import WallDateTime, read_wall
from appointments.admin.work_pages import day_and_times, refuse
from appointments.booking import Booked
from appointments.customers import Contact
from appointments.errors import BookingError, OfferExpired
from appointments.models import WaitlistEntry
from tenants.admin_sites import rendered
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedForm,
    ScopedModelAdmin,
    link,
    one_line,
    register,
    tenant_time,
)
from tenants.scoping import tenant_scope

Scoped = admin.RelatedOnlyFieldListFilter
FIELDS = {"from": "earliest", "to": "latest"}


class WaitlistForm(ScopedForm):
    """Joining is what checks it: a form that is valid has joined."""

    earliest = WallDateTime(label="From", help_text="The earliest start that would suit.")
    latest = WallDateTime(label="Until", help_text="The latest start that would suit.")

    joined: waitlist.Joined

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("earliest", "latest"):
            wall: datetime.datetime | None = cleaned.pop(name, None)
            if wall is not None:
                instant = read_wall(self, name, wall, self.tenant(), None)
                cleaned |= {} if instant is None else {name: instant}
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        entry: WaitlistEntry = self.instance
        try:
            with tenant_scope(entry.tenant):
                self.joined = waitlist.join(
                    entry.tenant,
                    entry.service,
                    Contact.of(entry.customer),
                    earliest=entry.earliest,
                    latest=entry.latest,
                    employee=entry.employee,
                )
        except BookingError as error:
            refuse(self, error, FIELDS)


@register(WaitlistEntry)
class WaitlistEntryAdmin(ScopedModelAdmin):
    area = Area.CALENDAR
    form = WaitlistForm
    list_display = ["customer", "state", "offered", "service", "employee", "since", "until"]
    list_filter = ["state", ("service", Scoped), ("employee", Scoped)]
    list_select_related = ["customer", "service", "employee", "hold__employee"]
    search_fields = ["customer__name", "service__name"]
    phone_fields = ["customer__phone_e164"]
    autocomplete_fields = ["customer", "service", "employee"]
    fields = ["customer", "service", "employee", "earliest", "latest", "state", "offered", "created_at"]
    readonly_fields = ["state", "offered", "created_at"]
    actions = ["accept", "decline", "leave"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's, the operators' neither: an entry changes by what becomes of it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- Joining ---

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with free_times.clock_of(request):
            return rendered(super().changeform_view(request, *args, **kwargs))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """It is there already."""
        joined: waitlist.Joined = form.joined
        obj.pk, obj.created_at, obj._state.adding = joined.entry.pk, joined.entry.created_at, False
        if joined.created:
            messages.info(request, f"Number {joined.position} in line for {obj.service}.")
        else:
            messages.warning(request, f"Was waiting for that already, as number {joined.position} in line.")

    # --- What becomes of an entry ---

    @admin.action(description="Accept: book what is offered", permissions=["act"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, partial(waitlist.accept, actor=str(request.user)), self._booked)

    @admin.action(description="Decline the offer, and wait on", permissions=["act"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, self._declined, self._waits)

    @admin.action(description="Take off the list", permissions=["act"])
    def leave(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, waitlist.leave, self._left)

    def _each(
        self,
        request: HttpRequest,
        entries: QuerySet[Any],
        verb: Callable[..., Any],
        tell: Callable[[HttpRequest, WaitlistEntry, Any], None],
    ) -> None:
        """One by one: what is refused stays as it was, and is told."""
        for entry in entries.select_related("tenant", "customer", "service", "hold").order_by(
            "created_at", "pk"
        ):
            try:
                with tenant_scope(entry.tenant), transaction.atomic():
                    answer = verb(entry.tenant, entry.pk)
            except BookingError as error:
                why = "Nothing is offered, or no longer." if isinstance(error, OfferExpired) else str(error)
                messages.warning(request, f"{entry}: {why}")
                continue
            tell(request, entry, answer)

    def _declined(self, tenant: Any, pk: Any) -> None:
        """To decline is an answer to an offer. Raises OfferExpired."""
        if not WaitlistEntry.objects.filter(pk=pk, state=WaitlistEntry.State.OFFERED).exists():
            raise OfferExpired
        waitlist.decline(tenant, pk)

    def _booked(self, request: HttpRequest, entry: WaitlistEntry, booked: Booked) -> None:
        one = booked.appointment
        when = link(self.admin_site, one, day_and_times(one.starts_at, one.ends_at, entry.tenant))
        if not booked.created:
            messages.info(request, format_html("{}: booked already, {}.", entry, when))
            return
        self._log(request, entry)
        messages.success(request, format_html("{}: booked, {} with {}.", entry, when, one.employee))

    def _waits(self, request: HttpRequest, entry: WaitlistEntry, answer: None) -> None:
        self._log(request, entry)
        messages.success(request, f"{entry}: waits on; the next in line may have it.")

    def _left(self, request: HttpRequest, entry: WaitlistEntry, answer: None) -> None:
        if entry.state == WaitlistEntry.State.BOOKED:
            messages.warning(request, f"{entry}: booked already. Cancel the appointment instead.")
            return
        self._log(request, entry)
        messages.success(request, f"{entry}: taken off the list.")

    def _log(self, request: HttpRequest, entry: WaitlistEntry) -> None:
        self.log_change(request, entry, [{"changed": {"fields": ["State"]}}])

    # --- Showing ---

    @admin.display(description="from", ordering="earliest")
    def since(self, entry: WaitlistEntry) -> SafeString | str:
        return one_line(tenant_time(entry.earliest, entry.tenant))

    @admin.display(description="until", ordering="latest")
    def until(self, entry: WaitlistEntry) -> SafeString | str:
        return one_line(tenant_time(entry.latest, entry.tenant))

    @admin.display(description="offered")
    def offered(self, entry: WaitlistEntry) -> SafeString | str:
        """What, with whom, and how long it stands."""
        hold = entry.hold
        if hold is None:
            return "-"
        what = f"{day_and_times(hold.starts_at, hold.ends_at, entry.tenant)} with {hold.employee}"
        stands = f"stands until {tenant_time(hold.expires_at, entry.tenant, 'D j M, H:i T')}"
        return format_html("{}<br>{}", one_line(what), one_line(stands))

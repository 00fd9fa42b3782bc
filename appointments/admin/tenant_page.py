"""What the calendar adds to the page of a business: its weekly hours as one JSON object, and how long it keeps what."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from appointments import keeping
from appointments.business_hours import KEY, InvalidHours, build, parse
from appointments.models import OpeningHours
from appointments.rules import load_week
from appointments.slots import WeeklyHours
from tenants.admin import TenantAdmin
from tenants.admin_plans import LimitsForm
from tenants.models import Tenant
from tenants.scoped_admin import pretty

HOURS_HELP = (
    'businessHours, such as {"monday": {"open": "09:00", "close": "17:00", "enabled": true}}, '
    "replaces the weekly opening hours, and then leaves the settings."
)


class TenantForm(LimitsForm):
    """`settings.businessHours` becomes rows: from then on the pages of opening hours are the one place of them."""

    week: list[WeeklyHours] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "settings" in self.fields:
            told = [
                str(self.fields["settings"].help_text),
                HOURS_HELP,
                f"Whole numbers: {keeping.explained()}.",
            ]
            self.fields["settings"].help_text = " ".join(told)

    def clean_settings(self) -> Any:
        settings = self.cleaned_data["settings"]
        if not isinstance(settings, dict):
            return settings
        for problem in keeping.problems(settings):
            self.add_error("settings", problem)
        if settings.get(KEY) is None:
            return settings
        try:
            self.week = parse(settings[KEY])
        except InvalidHours as error:
            for problem in error.problems:
                self.add_error("settings", problem)
            return settings
        return {name: value for name, value in settings.items() if name != KEY}

    def _save_m2m(self) -> None:
        super()._save_m2m()
        if self.week is not None:
            replace_week(self.instance, self.week)


def replace_week(tenant: Tenant, week: list[WeeklyHours]) -> None:
    """Employees keep their own hours. A page is one transaction, so nobody ever sees neither week."""
    OpeningHours.objects.for_tenant(tenant).filter(employee=None).delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(
            tenant=tenant, weekday=each.weekday, opens=each.interval.opens, closes=each.interval.closes
        )
        for each in week
    )


@admin.display(description="business hours")
def business_hours(tenant: Tenant) -> SafeString | str:
    """As they are now, in the shape in which settings take them."""
    return pretty(build(load_week(tenant)))


@admin.display(description="how long things are kept")
def kept_how_long(tenant: Tenant) -> SafeString:
    """What holds now, whether it is written in the settings or not."""
    told = ((each.of(tenant.settings), each.means, each.key) for each in keeping.ALL)
    return format_html_join("", "<div>{} {} ({})</div>", told)


def join_page_of_tenants(pages: Any) -> None:
    """That page is made where the calendar is not known; hours and the rest join it from here."""
    pages.form = TenantForm
    pages.readonly_fields = [*pages.readonly_fields, business_hours, kept_how_long]
    pages.fieldsets = [
        *pages.fieldsets,
        ("Business hours", {"fields": [business_hours]}),
        ("The calendar's patience", {"fields": [kept_how_long]}),
    ]


join_page_of_tenants(TenantAdmin)

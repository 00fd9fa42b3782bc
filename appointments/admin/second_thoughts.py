"""What is said to staff who chose a time against the rules, or one that is taken: why, and when it would suit."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from appointments.availability import FreeSlot, Objection
from appointments.day_sheet import AsTyped
from appointments.models import Appointment
from appointments.slots import Reason
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

LINE = mark_safe("<br>")


def of_collision(appointment: Appointment) -> list[str]:
    """Beside the one who has the time: what else stands against it, and the nearest free times."""
    calendar = AsTyped(appointment)
    against = calendar.against(appointment)
    taken = [each for each in against if each.reason is Reason.BUSY]
    others = [each for each in against if each.reason is not Reason.BUSY]
    shown = [*(taken if len(taken) > 1 else []), *others]
    nearest = _nearest(calendar, appointment, against)
    return [*(each.sentence for each in shown), *([_told(nearest, appointment.tenant)] if nearest else [])]


def once_saved(appointment: Appointment, when: str) -> SafeString | None:
    """A warning with every rule that it breaks, or None when it breaks none."""
    calendar = AsTyped(appointment)
    against = calendar.against(appointment)
    if not against:
        return None
    nearest = _nearest(calendar, appointment, against)
    sentences = [
        *(each.sentence for each in against),
        *([_told(nearest, appointment.tenant)] if nearest else []),
    ]
    return format_html(
        "Saved as you wish, but mind ({}):<br>{}",
        when,
        format_html_join(LINE, "{}", ((sentence,) for sentence in sentences)),
    )


def _nearest(calendar: AsTyped, appointment: Appointment, against: Sequence[Objection]) -> list[FreeSlot]:
    """Of no use to who enters what has been."""
    if any(each.reason is Reason.IN_THE_PAST for each in against):
        return []
    return calendar.nearest_to(appointment)


def _told(slots: Sequence[FreeSlot], tenant: Tenant) -> str:
    """ "The nearest free times are Mon 4 Mar 2030, 11:00 EST (Ana), …"."""
    times = [f"{tenant_time(slot.start, tenant)} ({slot.employee.name})" for slot in slots]
    return f"{'The nearest free times are' if len(times) > 1 else 'The nearest free time is'} {'; '.join(times)}."

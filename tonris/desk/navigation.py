"""The sidebar of both sites: groups as the owner of a business thinks of them, and only what the person may open."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

from tenants.admin_sites import operators, staff


@dataclass(frozen=True, slots=True)
class Entry:
    """`page` names a model ("appointments.service") for its list, or an address of the site ("index")."""

    title: str
    icon: str
    page: str
    only: str = ""
    """The one site that shows it; "" is both."""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: tuple[Entry, ...]
    folded: bool = False


GROUPS = (
    Group(
        "",
        (
            Entry("Today", "today", "index", only="admin"),
            Entry("Overview", "monitoring", "index", only="ops"),
            Entry("Usage", "bar_chart", "usage"),
            Entry("Health", "monitor_heart", "health"),
        ),
    ),
    Group(
        "Calendar",
        (
            Entry("Calendar", "calendar_month", "calendar"),
            Entry("Appointments", "list_alt", "appointments.appointment"),
            Entry("Free times", "event_available", "appointments_appointment_free_times"),
            Entry("Book a visit", "event_note", "appointments_appointment_visit"),
            Entry("Waiting list", "hourglass_top", "appointments.waitlistentry"),
        ),
    ),
    Group(
        "Calls",
        (
            Entry("Live calls", "graphic_eq", "live"),
            Entry("Calls", "call", "telephony.call"),
            Entry("Test call", "headset_mic", "test_call"),
            Entry("Conversations", "forum", "agents.conversation"),
            Entry("Transfers", "phone_forwarded", "telephony.transfer"),
        ),
    ),
    Group(
        "Messages",
        (
            Entry("From callers", "voicemail", "agents.message"),
            Entry("Sent to customers", "outgoing_mail", "telephony.notification"),
            Entry("Their answers", "sms", "telephony.inboundtext"),
        ),
    ),
    Group(
        "Customers",
        (
            Entry("Customers", "group", "appointments.customer"),
            Entry("Want no messages", "do_not_disturb_on", "telephony.optout"),
            Entry("Blocked numbers", "block", "telephony.blockednumber"),
        ),
    ),
    Group(
        "Services & team",
        (
            Entry("Services", "content_cut", "appointments.service"),
            Entry("Employees", "badge", "appointments.employee"),
            Entry("Resources", "chair", "appointments.resource"),
            Entry("Special hours", "celebration", "appointments.specialhours"),
            Entry("Closures", "event_busy", "appointments.closure"),
            Entry("Time off", "beach_access", "appointments.timeoff"),
            Entry("Who is rung", "ring_volume", "telephony.ringgroup"),
        ),
    ),
    Group(
        "Set-up",
        (
            Entry("Getting started", "rocket_launch", "setup"),
            Entry("Businesses", "storefront", "tenants.tenant", only="ops"),
            Entry("Business", "storefront", "tenants.tenant", only="admin"),
            Entry("Voice agent", "support_agent", "agent"),
            Entry("Opening hours", "schedule", "hours"),
            Entry("Plans", "sell", "tenants.plan", only="ops"),
            Entry("Phone numbers", "dialpad", "telephony.phonenumber"),
            Entry("Words of messages", "edit_note", "telephony.messagetemplate"),
            Entry("Team", "manage_accounts", "tenants.member"),
            Entry("Invitations", "mail", "tenants.invitation"),
            Entry("People", "person", "tenants.user", only="ops"),
            Entry("Secrets", "key", "tenants.credential"),
            Entry("API keys", "api", "tenants.apikey"),
        ),
    ),
    Group(
        "Behind the scenes",
        (
            Entry("Hours, one by one", "list", "appointments.openinghours"),
            Entry("Paid time", "timer", "telephony.meter"),
            Entry("Budget alarms", "notifications_active", "telephony.budgetalarm"),
            Entry("Tool calls", "build", "agents.toolinvocation"),
            Entry("Doctor's findings", "stethoscope", "telephony.examination"),
            Entry("Deletions at vendors", "delete_sweep", "telephony.vendorerasure"),
            Entry("Provider events", "webhook", "agents.providerevent"),
            Entry("Provider sessions", "cable", "agents.providersession", only="ops"),
            Entry("Turns", "chat_bubble", "agents.turn", only="ops"),
            Entry("Call events", "list_alt", "telephony.callevent", only="ops"),
            Entry("Telephones rung", "ring_volume", "telephony.transferleg", only="ops"),
            Entry("People of ring groups", "contact_phone", "telephony.ringperson", only="ops"),
            Entry("Hours of ring groups", "schedule", "telephony.ringhours", only="ops"),
            Entry("One-time codes", "pin", "agents.onetimecode", only="ops"),
            Entry("Seen signatures", "fingerprint", "agents.seensignature", only="ops"),
            Entry("Changes", "history", "appointments.appointmentchange", only="ops"),
            Entry("Holds", "lock_clock", "appointments.hold"),
            Entry("Series", "repeat", "appointments.series"),
            Entry("Booked add-ons", "playlist_add", "appointments.appointmentaddon", only="ops"),
            Entry("Add-ons", "add_circle", "appointments.addon"),
            Entry("Who does what", "handyman", "appointments.employeeservice"),
            Entry("What services need", "chair_alt", "appointments.serviceresource"),
            Entry("Resources in use", "event_seat", "appointments.resourceuse", only="ops"),
            Entry("People", "person", "tenants.user", only="admin"),
            Entry("Outbox", "outbox", "appointments.outboxmessage"),
            Entry("Answers kept", "fact_check", "appointments.idempotencyrecord"),
        ),
        folded=True,
    ),
)
OPEN_TO_OPERATORS = {"", "Set-up"}
"""What operators come for; the rest of a business is folded."""


def of_staff(request: HttpRequest) -> list[dict[str, Any]]:
    return list(_shown(GROUPS, staff, request))


def of_operators(request: HttpRequest) -> list[dict[str, Any]]:
    """The same; what they come for stands first."""
    first = sorted(GROUPS, key=lambda group: group.title not in OPEN_TO_OPERATORS)
    groups = tuple(replace(group, folded=group.title not in OPEN_TO_OPERATORS) for group in first)
    return list(_shown(groups, operators, request))


def of_account(request: HttpRequest) -> list[dict[str, str]]:
    """In the menu of whoever is logged in."""
    site = "ops" if request.path.startswith("/ops/") else "admin"
    return [{"title": "Second factor", "link": reverse(f"{site}:second_factor_mine")}]


def _shown(groups: tuple[Group, ...], site: AdminSite, request: HttpRequest) -> Iterator[dict[str, Any]]:
    groups = tuple(
        replace(group, entries=tuple(one for one in group.entries if one.only in {"", site.name}))
        for group in groups
    )
    reached = {entry.page: _address(site, entry.page, request) for group in groups for entry in group.entries}
    here = max((url for url in reached.values() if _is_within(request.path, url, site)), key=len, default="")
    for group in groups:
        items = [
            {
                "title": entry.title,
                "icon": entry.icon,
                "link": reached[entry.page],
                "active": reached[entry.page] == here,
            }
            for entry in group.entries
            if reached[entry.page]
        ]
        if items:
            yield {"title": group.title, "collapsible": group.folded, "items": items}


def _address(site: AdminSite, page: str, request: HttpRequest) -> str:
    """Or "", for a page that the person may not open."""
    if "." in page:
        model = apps.get_model(page)
        if not site.get_model_admin(model).get_model_perms(request).get("view"):
            return ""
        page = f"{model._meta.app_label}_{model._meta.model_name}_changelist"
    elif page in _NEEDS and not _NEEDS[page](site, request):
        return ""
    try:
        return reverse(f"{site.name}:{page}")
    except NoReverseMatch:
        return ""


def _may_book(site: AdminSite, request: HttpRequest) -> bool:
    return site.get_model_admin(apps.get_model("appointments.appointment")).has_add_permission(request)


def _may_see_settings(site: AdminSite, request: HttpRequest) -> bool:
    return site.get_model_admin(apps.get_model("tenants.tenant")).has_view_permission(request)


_NEEDS = {"appointments_appointment_visit": _may_book, "setup": _may_see_settings, "agent": _may_see_settings}


def _is_within(path: str, url: str, site: AdminSite) -> bool:
    return bool(url) and (path == url or (path.startswith(url) and url != reverse(f"{site.name}:index")))


# --- What every page has around it ----------------------------------------------------------------


def icon(request: HttpRequest) -> str:
    return static("tenants/tonris.svg")


def stylesheet(request: HttpRequest) -> str:
    return static("tenants/desk.css")


def environment(request: HttpRequest) -> list[str] | None:
    """A badge on every page where DEBUG is on: nobody should take such an installation for the real one."""
    return ["Development", "warning"] if settings.DEBUG else None

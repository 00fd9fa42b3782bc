"""Going live from the admin: an operator provisions businesses; operators and owners have them examined.

The pages of Tenant belong to `tenants`, which knows nothing of lines and agents: its actions are added here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join

from agents.provisioning_log import Log
from telephony import doctor
from telephony.doctor import remembered
from telephony.errors import AgentNotConfigured
from telephony.provisioning import provision_agent, provision_numbers
from tenants.admin_sites import operators, staff
from tenants.findings import Finding
from tenants.models import Tenant
from tenants.vendor_http import VendorError

MOST_AT_ONCE = 5
"""Vendors are asked while a browser waits."""


@admin.action(description="Go live: set up agent and numbers", permissions=["change"])
def go_live(model_admin: Any, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
    for tenant in _few(request, tenants):
        log = Log()
        try:
            provision_agent(tenant, log)
            provision_numbers(tenant.pk, log)
        except AgentNotConfigured:
            problem = "agentProvider names a provider that this installation does not have."
            messages.error(request, f"{tenant}: {problem}")
        except VendorError as error:
            messages.error(request, f"{tenant}: {error}")
        else:
            messages.success(request, f"{tenant} is ready for calls.")
        if log.steps:
            messages.info(request, _lines(tenant, (str(step) for step in log.steps)))


@admin.action(description="Examine: what stands in the way of calls?", permissions=["act"])
def examine(model_admin: Any, request: HttpRequest, tenants: QuerySet[Tenant]) -> TemplateResponse:
    """A page of what was found, the worst first, each with its remedy."""
    reports = [{"tenant": tenant, "findings": _examined(tenant)} for tenant in _few(request, tenants)]
    context = {**model_admin.admin_site.each_context(request), "title": "Examined", "reports": reports}
    return TemplateResponse(request, "admin/telephony/doctor.html", context)


def _examined(tenant: Tenant) -> list[Finding]:
    findings = doctor.examine(tenant.pk)
    remembered.remember(tenant.pk, findings)
    return findings


def _few(request: HttpRequest, tenants: QuerySet[Tenant]) -> list[Tenant]:
    chosen = list(tenants[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        messages.warning(request, f"Only the first {MOST_AT_ONCE} were done: choose fewer at once.")
    return chosen[:MOST_AT_ONCE]


def _lines(tenant: Tenant, lines: Iterable[str]) -> str:
    listed = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
    return format_html("{}:<ul>{}</ul>", tenant, listed)


def add_actions(site: admin.AdminSite, *actions: Callable[..., Any]) -> None:
    page = site.get_model_admin(Tenant)
    page.actions = [*(page.actions or ()), *actions]


add_actions(operators, go_live, examine)
add_actions(staff, examine)

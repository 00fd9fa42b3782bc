"""A customer who wants to be forgotten, from the list of customers."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from appointments.admin.desk import CustomerAdmin
from telephony.forgetting.erasure import erase_customer
from tenants.scoping import active_scope

AT_ONCE = 50


@admin.action(description="Erase for good…", permissions=["delete"])
def erase(page: Any, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
    """Asked once more, as deleting is."""
    if active_scope().is_platform:
        messages.error(request, "A business erases its own customers; for it, use manage.py erase_customer.")
        return None
    customers = list(queryset.order_by("name")[:AT_ONCE])
    if request.POST.get("sure") != "yes":
        context = {
            **page.admin_site.each_context(request),
            "title": "Erase for good",
            "customers": customers,
            "opts": page.model._meta,
            "action_name": "erase",
        }
        return TemplateResponse(request, "admin/telephony/erase_customers.html", context)
    for customer in customers:
        erase_customer(customer.pk)
    messages.success(request, f"Erased: {len(customers)}.")
    return None


CustomerAdmin.actions = [*CustomerAdmin.actions, erase]  # type: ignore[list-item]  # a function, as Django takes it

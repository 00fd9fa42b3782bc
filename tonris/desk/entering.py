"""An operator acts within one business's admin, for a while, and on record."""

import logging
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from tenants import acting
from tenants.admin_sites import operators
from tenants.log_context import log_context
from tenants.models import Tenant

logger = logging.getLogger(__name__)


def enter(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    """On the operators' site, and so only for them."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    acting.enter(request, tenant)
    _note(request, tenant, "entered")
    return HttpResponseRedirect(reverse("admin:index"))


def leave(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not acting.is_operator(request):
        raise PermissionDenied
    tenant = acting.entered(request)
    acting.leave(request)
    if tenant is not None:
        _note(request, tenant, "left")
        messages.info(request, f"You have left {tenant}.")
    return HttpResponseRedirect(reverse("ops:index"))


def _note(request: HttpRequest, tenant: Tenant, what: str) -> None:
    """In the log, and in the history of the business, where its owner reads it."""
    with log_context(tenant=tenant.pk):
        logger.info("Operator %s %s the business's admin", request.user.pk, what)
    operators.get_model_admin(Tenant).log_change(request, tenant, f"An operator {what} the business's admin.")

"""An owner lets nobody work at the business without a second factor, or takes that back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from tenants.acting import business_of, is_operator, membership
from tenants.models import Tenant
from tenants.roles import Area, may
from tenants.second_factor import rules


def may_decide(request: HttpRequest) -> bool:
    member = membership(request)
    return is_operator(request) or (member is not None and may(member.role, "c", Area.MEMBERS))


def decide(request: HttpRequest) -> HttpResponse:
    """`needed`: "yes" or "no". Whoever demands one of others has shown their own."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    mine = business_of(request)
    if mine is None or not may_decide(request):
        raise PermissionDenied
    needed = request.POST.get("needed") == "yes"
    if needed and not is_operator(request) and not rules.shown(request):
        messages.error(request, "First set up your own second factor, and log in with it.")
    else:
        _write(mine, needed)
        messages.success(
            request,
            "Everybody of the team needs a second factor from now on."
            if needed
            else "A password is enough again.",
        )
    return HttpResponseRedirect(reverse("admin:tenants_member_changelist"))


def _write(tenant: Tenant, needed: bool) -> None:
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    row.settings = {key: value for key, value in row.settings.items() if key != rules.TEAM_NEEDS}
    if needed:
        row.settings[rules.TEAM_NEEDS] = True
    row.save(update_fields=["settings"])

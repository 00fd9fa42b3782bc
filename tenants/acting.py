"""Who acts on a page of the admins, and for which business."""

import datetime

from django.http import HttpRequest
from django.utils import timezone

from tenants.audit.writing import record
from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope
from tenants.second_factor import rules

CHOSEN = "tonris_business"
"""In the session: the business that a person who works for several has chosen."""
ENTERED = "tonris_entered"
"""In the session: the business that an operator acts within, and until when."""
STAYS = datetime.timedelta(hours=4)
"""An operator who forgets to leave is out by then."""


def operates(user: object) -> bool:
    return isinstance(user, User) and user.is_active and user.is_superuser


def is_operator(request: HttpRequest) -> bool:
    """And has shown what operators need to show."""
    return operates(request.user) and rules.operator_is_through(request)


def memberships(request: HttpRequest) -> list[Member]:
    """In active businesses, by their names; remembered for the length of the request. Operators act as no member."""
    if not request.user.is_authenticated or operates(request.user):
        return []
    if not hasattr(request, "tonris_members"):
        with platform_scope():
            members = list(
                Member.objects.select_related("tenant")
                .filter(user_id=request.user.pk, tenant__status=Tenant.Status.ACTIVE)
                .order_by("tenant__name", "tenant_id")
            )
        members = [one for one in members if rules.is_through(request, needed=rules.tenant_needs(one.tenant))]
        request.tonris_members = members  # type: ignore[attr-defined]
    found: list[Member] = request.tonris_members  # type: ignore[attr-defined]
    return found


def membership(request: HttpRequest) -> Member | None:
    """In the business that was chosen, as long as the person works there; else in the first."""
    mine = memberships(request)
    chosen = request.session.get(CHOSEN) if len(mine) > 1 else None
    return next((member for member in mine if str(member.tenant_id) == chosen), mine[0] if mine else None)


def entered(request: HttpRequest) -> Tenant | None:
    """The business that an operator acts within, if any; a suspended one, too: that is when help is needed."""
    noted = request.session.get(ENTERED) if is_operator(request) else None
    if noted is None or noted["until"] < timezone.now().timestamp():
        return None
    if not hasattr(request, "tonris_entered"):
        with platform_scope():
            request.tonris_entered = Tenant.objects.filter(pk=noted["tenant"]).first()  # type: ignore[attr-defined]
    tenant: Tenant | None = request.tonris_entered  # type: ignore[attr-defined]
    return tenant


def enter(request: HttpRequest, tenant: Tenant) -> None:
    until = timezone.now() + STAYS
    record("operator.entered", tenant, tenant_id=tenant.pk)
    request.session[ENTERED] = {"tenant": str(tenant.pk), "until": until.timestamp()}


def leave(request: HttpRequest) -> None:
    tenant = entered(request)
    if tenant is not None:
        record("operator.left", tenant, tenant_id=tenant.pk)
    request.session.pop(ENTERED, None)


def business_of(request: HttpRequest) -> Tenant | None:
    """Whose pages these are; None for an operator who looks at all of them."""
    if is_operator(request):
        return entered(request)
    member = membership(request)
    return member.tenant if member else None

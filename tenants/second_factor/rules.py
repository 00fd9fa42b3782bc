"""Who needs a second factor, and whether this session has shown it."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope

SHOWN = "tonris_second_factor"
"""In the session: the key of the factor that was shown. Gone with the factor, wherever that is removed."""
TEAM_NEEDS = "requireSecondFactor"
"""In a tenant's settings: nobody works there without one."""


def has_one(user: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists())


def tenant_needs(tenant: Tenant) -> bool:
    return isinstance(tenant.settings, dict) and tenant.settings.get(TEAM_NEEDS) is True


def needed_of(user: User) -> bool:
    """Needs no scope, and must not be within a tenant's."""
    if user.is_superuser:
        return bool(settings.OPERATORS_NEED_SECOND_FACTOR)
    with platform_scope():
        works_for = Member.objects.filter(user_id=user.pk, tenant__status=Tenant.Status.ACTIVE)
        return any(tenant_needs(member.tenant) for member in works_for.select_related("tenant"))


def shown(request: HttpRequest) -> bool:
    """Remembered for the length of the request."""
    key = request.session.get(SHOWN)
    if key is None or not isinstance(request.user, User):
        return False
    if not hasattr(request, "tonris_second_factor"):
        rows = Authenticator.objects.filter(pk=key, user_id=request.user.pk, type=Authenticator.Type.TOTP)
        request.tonris_second_factor = rows.exists()  # type: ignore[attr-defined]
    return bool(request.tonris_second_factor)  # type: ignore[attr-defined]


def is_through(request: HttpRequest, *, needed: bool) -> bool:
    """Whoever has a factor shows it, in sessions too that were there before it."""
    return shown(request) or not (needed or _has_one(request))


def _has_one(request: HttpRequest) -> bool:
    """Remembered for the length of the request: every entry of the sidebar asks."""
    if not isinstance(request.user, User):
        return False
    if not hasattr(request, "tonris_has_factor"):
        request.tonris_has_factor = has_one(request.user)  # type: ignore[attr-defined]
    return bool(request.tonris_has_factor)  # type: ignore[attr-defined]


def operator_is_through(request: HttpRequest) -> bool:
    return is_through(request, needed=settings.OPERATORS_NEED_SECOND_FACTOR)

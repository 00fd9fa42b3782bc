"""Two admins over one set of pages: `/admin/` for a tenant's staff, `/ops/` for the platform's operators.

Every page is one unit of work in one scope: a member's tenant, or for operators the platform.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope


def membership(request: HttpRequest) -> Member | None:
    """The first active tenant that the person works for; remembered for the length of the request."""
    if not hasattr(request, "tonris_member"):
        with platform_scope():
            member = (
                Member.objects.select_related("tenant")
                .filter(user_id=request.user.pk, tenant__status=Tenant.Status.ACTIVE)
                .order_by("tenant__name")
                .first()
            )
        request.tonris_member = member  # type: ignore[attr-defined]
    found: Member | None = request.tonris_member  # type: ignore[attr-defined]
    return found


def is_operator(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_active and request.user.is_superuser


class ScopedSite(admin.AdminSite):
    index_title = "Overview"
    enable_nav_sidebar = True

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        @wraps(view)
        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with self.scope(request):
                response: HttpResponse = view(request, *args, **kwargs)
                # Templates run queries too; Django would render this one after the scope is closed.
                render = getattr(response, "render", None)
                return render() if callable(render) else response

        return super().admin_view(scoped, cacheable)

    def scope(self, request: HttpRequest) -> AbstractContextManager[None]:
        raise NotImplementedError


class OperatorSite(ScopedSite):
    site_header = "TONRIS operations"
    site_title = "TONRIS operations"

    def has_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def scope(self, request: HttpRequest) -> AbstractContextManager[None]:
        return platform_scope()


class StaffSite(ScopedSite):
    site_header = "TONRIS"
    site_title = "TONRIS"

    def has_permission(self, request: HttpRequest) -> bool:
        if is_operator(request):
            return True
        user = request.user
        return isinstance(user, User) and user.is_active and membership(request) is not None

    def scope(self, request: HttpRequest) -> AbstractContextManager[None]:
        if is_operator(request):
            return platform_scope()
        member = membership(request)
        if member is None:  # admin_view asks has_permission first
            raise PermissionError("not a member of any tenant")
        return tenant_scope(member.tenant_id)


staff = StaffSite(name="admin")
operators = OperatorSite(name="ops")

"""Who may watch, and step in: a person at a business's desk, who is logged in to the admin."""

from dataclasses import dataclass
from http.cookies import CookieError
from importlib import import_module
from uuid import UUID

from asgiref.typing import WebSocketScope
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from telephony.carriers.media import header
from tenants.acting import business_of, is_operator, membership
from tenants.admin_sites import staff
from tenants.models import Tenant
from tenants.roles import Area, may


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody at the desk of a business: a member, or an operator who has entered it."""

    user_id: int
    tenant: Tenant
    may_act: bool
    """Whether they may step in, or only look."""

    @property
    def tenant_id(self) -> UUID:
        pk: UUID = self.tenant.pk
        return pk


def at_the_desk(request: HttpRequest) -> Watcher | None:
    """Of which business, and with what right. None: of none, or of all of them."""
    tenant = business_of(request) if staff.has_permission(request) else None
    if tenant is None or request.user.pk is None:
        return None
    member = None if is_operator(request) else membership(request)
    may_act = member is None or may(member.role, "x", Area.CALLS)
    return Watcher(request.user.pk, tenant, may_act)


def watcher(scope: WebSocketScope) -> Watcher | None:
    """Whose session the cookie names, as of now. None: nobody's, or no active member's. For a thread."""
    try:
        cookies = parse_cookie(header(scope, b"cookie"))
    except CookieError:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(
        cookies.get(settings.SESSION_COOKIE_NAME) or None
    )
    request.user = get_user(request)
    return at_the_desk(request)

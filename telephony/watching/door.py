"""Who may watch: a person who is logged in to the admin."""

from dataclasses import dataclass
from http.cookies import CookieError
from importlib import import_module
from uuid import UUID

from asgiref.typing import WebSocketScope
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from telephony.carriers.media import header
from tenants.acting import membership
from tenants.admin_sites import staff
from tenants.roles import Area, may


@dataclass(frozen=True, slots=True)
class Watcher:
    """A member at the desk."""

    user_id: int
    tenant_id: UUID
    may_act: bool
    """Whether they may step in, or only look."""


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
    user = get_user(request)
    request.user = user
    member = membership(request) if staff.has_permission(request) else None
    if member is None:
        return None
    return Watcher(member.user_id, member.tenant_id, may(member.role, "x", Area.CALLS))

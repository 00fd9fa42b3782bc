"""Who may open the socket: a person who is logged in to the admin, from a page of this very site."""

from dataclasses import dataclass
from http.cookies import CookieError
from importlib import import_module
from urllib.parse import urlsplit
from uuid import UUID

from asgiref.typing import WebSocketScope
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import validate_host

from tenants.admin_sites import membership, staff
from tenants.models import Member
from tenants.scoped_admin import DESK


@dataclass(frozen=True, slots=True)
class Watcher:
    """A member at the desk."""

    user_id: int
    tenant_id: UUID
    may_act: bool
    """Whether they may step in, or only look."""


def is_same_site(scope: WebSocketScope) -> bool:
    """Whether the page that opens the socket is ours.

    A browser sends the session's cookie along whichever page opens a socket, and tells truly which page it was.
    """
    headers = _headers(scope)
    host, origin = headers.get("host", ""), headers.get("origin", "")
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    name = urlsplit(f"//{host}").hostname or ""
    return bool(host) and validate_host(name, allowed) and urlsplit(origin).netloc.lower() == host.lower()


def watcher(scope: WebSocketScope) -> Watcher | None:
    """Whose session the cookie names, as of now. None: nobody's, or no active member's. For a thread."""
    try:
        cookies = parse_cookie(_headers(scope).get("cookie", ""))
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
    return Watcher(member.user_id, member.tenant_id, Member.Role(member.role) in DESK)


def _headers(scope: WebSocketScope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}

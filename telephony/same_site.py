"""Which page opens a socket."""

from urllib.parse import urlsplit

from asgiref.typing import WebSocketScope
from django.conf import settings
from django.http.request import validate_host

from telephony.carriers.media import header


def is_same_site(scope: WebSocketScope) -> bool:
    """Whether the page that opens the socket is ours.

    A browser sends the session's cookie along whichever page opens a socket, and tells truly which page it was.
    """
    host, origin = header(scope, b"host"), header(scope, b"origin")
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    name = urlsplit(f"//{host}").hostname or ""
    return bool(host) and validate_host(name, allowed) and urlsplit(origin).netloc.lower() == host.lower()

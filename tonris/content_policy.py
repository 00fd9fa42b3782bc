"""What a page may load, run and send, for browsers to enforce. Pages that say it themselves keep their own word."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

HEADER = "Content-Security-Policy"
_ADMINS = ("/admin/", "/ops/")

# Alpine, which the admins' theme is built on, compiles what stands in attributes; nothing comes from elsewhere.
ADMIN = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
ELSEWHERE = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def say_what_pages_may_load(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            if request.path.startswith(_ADMINS):
                response.headers.setdefault(HEADER, ADMIN)
            elif not settings.DEBUG:  # Django's pages for developers bring styles and scripts of their own
                response.headers.setdefault(HEADER, ELSEWHERE)
        return response

    return middleware

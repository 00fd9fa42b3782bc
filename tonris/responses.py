"""Errors outside of any view, in the shape that programs read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string

_ERRORS = {
    400: ("The request cannot be read", "BAD_REQUEST"),
    403: ("Forbidden", "FORBIDDEN"),
    404: ("Not found", "NOT_FOUND"),
    405: ("Method not allowed", "METHOD_NOT_ALLOWED"),
    413: ("The body is too large", "TOO_LARGE"),
    500: ("Something went wrong", "INTERNAL_ERROR"),
}
_ADMINS = ("/admin/", "/ops/")
_PROGRAMS = ("/api/", "/webhook")


def error(status: int) -> JsonResponse:
    text, code = _ERRORS.get(status, ("Error", "ERROR"))
    return JsonResponse({"success": False, "error": text, "code": code}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(404)


def broken(request: HttpRequest) -> HttpResponse:
    told = "It is not your doing, and it is written down. Try again in a moment; calls are not affected by this page."
    return _page(request, 500, "Something went wrong", told) or error(500)


def stale(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was not made for this browser, or for an earlier login of it."""
    told = "This page was open for too long, or cookies are switched off. Open it again, and repeat what you did."
    return _page(request, 403, "This form is out of date", told) or error(403)


def _page(request: HttpRequest, status: int, title: str, told: str) -> HttpResponse | None:
    """For people, in an admin. It asks neither the database nor the session: those may be what is broken."""
    home = next((admin for admin in _ADMINS if request.path.startswith(admin)), None)
    if home is None:
        return None
    page = render_to_string("admin/broken.html", {"title": title, "told": told, "home": home})
    return HttpResponse(page, status=status)


def json_for_programs(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: no HTML error page, and with DEBUG no trace of our code, for those who call an API."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code >= 400 and is_page and request.path.startswith(_PROGRAMS):
            return error(response.status_code)
        return response

    return middleware

"""Errors outside of any view, in the shape that programs read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

_ERRORS = {
    400: ("The request cannot be read", "BAD_REQUEST"),
    403: ("Forbidden", "FORBIDDEN"),
    404: ("Not found", "NOT_FOUND"),
    405: ("Method not allowed", "METHOD_NOT_ALLOWED"),
    413: ("The body is too large", "TOO_LARGE"),
    500: ("Something went wrong", "INTERNAL_ERROR"),
}
_PROGRAMS = ("/api/", "/webhook")


def error(status: int) -> JsonResponse:
    text, code = _ERRORS.get(status, ("Error", "ERROR"))
    return JsonResponse({"success": False, "error": text, "code": code}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(404)


def broken(request: HttpRequest) -> HttpResponse:
    return error(500)


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

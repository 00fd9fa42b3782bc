"""The two shapes of a JSON answer: `{"success": true, "data": …}` and `{"success": false, "error", "code"}`."""

from typing import Any

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions, status
from rest_framework.response import Response

SUSPENDED = ("TENANT_SUSPENDED", "This account is suspended")
"""Code and error, for whoever has shown a credential of that tenant, or the platform's."""


class ApiError(exceptions.APIException):
    """An error with a code that programs can tell apart, in our own shape."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, error: str, code: str, status_code: int = 400, **extra: Any) -> None:
        super().__init__(error, code)
        self.error, self.error_code, self.extra = error, code, extra
        self.status_code = status_code


def success(data: Any, status_code: int = 200) -> Response:
    return Response({"success": True, "data": data}, status=status_code)


def failure(error: str, code: str, status_code: int, **extra: Any) -> Response:
    return Response({"success": False, "error": error, "code": code, **extra}, status=status_code)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's errors in our shape. What it does not know stays a 500 with its traceback logged."""
    if isinstance(exc, ApiError):
        return failure(exc.error, exc.error_code, exc.status_code, **exc.extra)
    if isinstance(exc, RequestDataTooBig | TooManyFieldsSent):
        return failure("The body is too large", "TOO_LARGE", 413)
    if isinstance(exc, SuspiciousOperation | BadRequest | MultiPartParserError | UnicodeError):
        return failure("The body cannot be read", "VALIDATION_ERROR", 400)
    if isinstance(exc, Http404):
        return failure("Not found", "NOT_FOUND", 404)
    if isinstance(exc, exceptions.ValidationError):
        return failure(_field_errors(exc.detail), "VALIDATION_ERROR", 400)
    if isinstance(exc, exceptions.ParseError):
        return failure("The body is not valid JSON", "VALIDATION_ERROR", 400)
    if isinstance(exc, exceptions.APIException):
        code = exc.get_codes()
        name = code.upper() if isinstance(code, str) else "ERROR"
        return failure(str(exc.detail), name, exc.status_code)
    return None


def _field_errors(detail: Any, path: str = "") -> str:
    """`startTime: This field is required.; customerPhone: …`"""
    if isinstance(detail, dict):
        parts = [
            _field_errors(value, f"{path}.{name}" if path else str(name)) for name, value in detail.items()
        ]
        return "; ".join(parts)
    if isinstance(detail, list):
        return "; ".join(_field_errors(item, path) for item in detail)
    return f"{path}: {detail}" if path and path != "non_field_errors" else str(detail)

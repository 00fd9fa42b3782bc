"""What stands on the first page of either site."""

from typing import Any

from django.http import HttpRequest


def of_staff(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return context


def of_operators(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return context

"""A database that is away, or keeps us waiting for too long: whoever called may try again in a moment."""

import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from rest_framework.response import Response

from tenants.responses import exception_handler, failure

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 2
OUTAGES = (OperationalError, InterfaceError)
"""Lock and statement timeouts, deadlocks, lost connections, and a pool of which none is free."""


def answer_errors(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler. The transaction of an outage has failed: nothing of it is left."""
    if not isinstance(exc, OUTAGES):
        return exception_handler(exc, context)
    logger.error("The database could not be reached in time", exc_info=exc)
    response = failure(
        "The calendar cannot be reached; try again",
        "CALENDAR_UNAVAILABLE",
        503,
        message="I can't reach the calendar just now.",
    )
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response

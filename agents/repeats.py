"""A request that names itself by an `Idempotency-Key`: it is acted on once, and answered alike for good."""

from collections.abc import Callable
from typing import Any

from rest_framework.response import Response

from appointments import claims
from tenants.models import Tenant

REPLAYED = "Idempotency-Replayed"


def once(tenant: Tenant, scope: str, key: str, whole: Any, act: Callable[[], Response]) -> Response:
    """Act, unless a request with the same key has: then answer as that was answered. "" is no key.

    `whole` is all that makes it the same request. The claim and the answer are part of the caller's transaction:
    what failed may be tried again. Raises IdempotencyConflict.
    """
    if not key:
        return act()
    record = claims.claim(tenant, scope, key, claims.digest(whole))
    if record.answer is not None:
        return Response(record.answer["body"], record.answer["status"], headers={REPLAYED: "true"})
    response = act()
    claims.answer(record, {"status": response.status_code, "body": response.data})
    return response

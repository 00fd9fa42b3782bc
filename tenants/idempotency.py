"""The header by which a program names a request that it may have to send again."""

from rest_framework.request import Request

from tenants.responses import ApiError

HEADER = "Idempotency-Key"
LONGEST = 200


def idempotency_key(request: Request) -> str:
    """ "" where there is none. Raises ApiError 400: a key that is cut off may be another's."""
    key = request.headers.get(HEADER, "").strip()
    if len(key) > LONGEST or not key.isprintable():
        raise ApiError(
            f"{HEADER}: must be at most {LONGEST} printable characters", "VALIDATION_ERROR", 400, field=HEADER
        )
    return key

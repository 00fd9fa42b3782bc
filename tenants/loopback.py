"""Who really stands at the other end of a loopback connection?"""

import ipaddress

from django.http import HttpRequest

_PROXIED = frozenset({"X-Forwarded-For", "Forwarded", "X-Real-Ip"})


def is_local(request: HttpRequest) -> bool:
    """Whether the request comes from this machine, and not through a proxy or a tunnel that runs on it."""
    address = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - nobody's address
    return not _PROXIED & set(request.headers) and ipaddress.ip_address(address).is_loopback

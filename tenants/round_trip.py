"""A request to our own public address, as a vendor would send it: does it reach us, and do we believe it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
from django.conf import settings

from tenants.findings import Finding, broken

TIMEOUT_S = 10.0

transport: httpx.BaseTransport | None = None
"""Another way to the public address; None is the network."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """`status` is None when nobody answered."""

    status: int | None
    problem: str = ""


def send(method: str, path: str, **parts: Any) -> RoundTrip:
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=TIMEOUT_S) as client:
            response = client.request(method, f"{settings.APP_BASE_URL}{path}", **parts)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return RoundTrip(None, type(error).__name__)
    return RoundTrip(response.status_code)


def unreachable(trip: RoundTrip) -> Iterator[Finding]:
    """The same finding, whichever vendor is played: it is told once."""
    yield broken(
        "APP_UNREACHABLE",
        f"Nobody answers at {settings.APP_BASE_URL} ({trip.problem}).",
        "Start the web process, and check the domain, the tunnel or the proxy that leads to it.",
    )


def not_believed(trip: RoundTrip | None, code: str, vendor: str, remedy: str) -> Iterator[Finding]:
    """What a request says that was signed as the vendor signs; nothing where all is well, or none was sent."""
    if trip is None or trip.status == 200:
        return
    if trip.status is None:
        yield from unreachable(trip)
        return
    yield broken(
        code,
        f"A request signed as {vendor} signs was answered {trip.status} at {settings.APP_BASE_URL}.",
        remedy,
    )

"""The ASGI applications: `application` is HTTP and every socket, `media` is media streams and health."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tonris.settings")

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()  # loads the apps, which what follows imports

from telephony.routing import media_streams, sockets  # noqa: E402
from tonris.body_limit import BodyLimit  # noqa: E402

HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


async def health(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """A media process answers what a load balancer asks, and no other HTTP."""
    if scope["path"] in HEALTH_PATHS:
        await http(scope, receive, send)  # type: ignore[arg-type]  # the two packages' scope types differ
        return
    await send({"type": "http.response.start", "status": 404, "headers": [], "trailers": False})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


# Carriers send no Origin header, which an Origin validator would refuse: single-use tokens guard the streams.
# The desk's socket looks at it itself.
application = ProtocolTypeRouter({"http": BodyLimit(http), "websocket": sockets})
media = ProtocolTypeRouter({"http": health, "websocket": media_streams})

"""WebSocket paths. `/outbound-stream` is the same stream under an older name."""

from channels.routing import URLRouter
from django.urls import path, re_path

from telephony.consumers import MediaStreamConsumer, RefusedSocket

media_streams = URLRouter(
    [
        path("media-stream", MediaStreamConsumer.as_asgi()),
        path("outbound-stream", MediaStreamConsumer.as_asgi()),
        re_path(r"^.*$", RefusedSocket.as_asgi()),
    ]
)

"""WebSocket paths of every carrier. `/outbound-stream` is Twilio's stream under an older name."""

from channels.routing import URLRouter
from django.urls import path, re_path

from telephony.carriers.registry import CARRIERS
from telephony.consumers import MediaStreamConsumer, RefusedSocket

media_streams = URLRouter(
    [
        *(
            path(route, MediaStreamConsumer.as_asgi(open_leg=adapter.open_leg))
            for adapter in CARRIERS.values()
            for route in adapter.media_paths
        ),
        re_path(r"^.*$", RefusedSocket.as_asgi()),
    ]
)

"""WebSocket paths: of every carrier, and the desk's."""

from channels.routing import URLRouter
from django.urls import path, re_path

from telephony.carriers.registry import CARRIERS
from telephony.consumers import MediaStreamConsumer, RefusedSocket
from telephony.test_call import leg as test_call
from telephony.watching.socket import LiveCallsConsumer

LIVE_CALLS_PATH = "admin/live/socket"

_media = [
    path(route, MediaStreamConsumer.as_asgi(open_leg=adapter.open_leg))
    for adapter in CARRIERS.values()
    for route in adapter.media_paths
]
_media.append(path(test_call.PATH, MediaStreamConsumer.as_asgi(open_leg=test_call.open_leg)))
_nothing_else = re_path(r"^.*$", RefusedSocket.as_asgi())

media_streams = URLRouter([*_media, _nothing_else])
sockets = URLRouter([*_media, path(LIVE_CALLS_PATH, LiveCallsConsumer.as_asgi()), _nothing_else])
"""With the desk's: for a process that serves the admin, too."""

"""WebSocket paths: of every carrier, and the desk's."""

from channels.routing import URLRouter
from django.urls import path, re_path

from telephony.carriers.media import OpenLeg
from telephony.carriers.registry import CARRIERS
from telephony.consumers import MediaStreamConsumer, RefusedSocket
from telephony.test_call import leg as test_call
from telephony.watching.socket import LiveCallsConsumer

LIVE_CALLS_PATH = "admin/live/socket"


def legs() -> dict[str, OpenLeg]:
    """By path, as Django's `path` takes them: every carrier's, and a browser's."""
    found = {route: adapter.open_leg for adapter in CARRIERS.values() for route in adapter.media_paths}
    return {**found, test_call.PATH: test_call.open_leg}


_media = [path(route, MediaStreamConsumer.as_asgi(open_leg=leg)) for route, leg in legs().items()]
_nothing_else = re_path(r"^.*$", RefusedSocket.as_asgi())

media_streams = URLRouter([*_media, _nothing_else])
sockets = URLRouter([*_media, path(LIVE_CALLS_PATH, LiveCallsConsumer.as_asgi()), _nothing_else])
"""With the desk's: for a process that serves the admin, too."""

from django.urls import path

from telephony.carriers.infobip import hold
from telephony.carriers.infobip.views import CallEvents

_EVENTS = CallEvents.as_view()
_THE_SAME = CallEvents.as_view(schema=None)  # described once

urlpatterns = [
    path("api/webhooks/infobip/calls", _EVENTS, name="infobip-calls"),
    path("api/webhooks/infobip/calls/<str:key>", _THE_SAME, name="infobip-calls-by-secret"),
    path("api/webhooks/infobip/hold.wav", hold.file, name="infobip-hold"),
    path("webhook", _THE_SAME, name="infobip-webhook"),
    path("webhook/<str:key>", _THE_SAME, name="infobip-webhook-by-secret"),
]

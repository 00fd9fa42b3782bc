from django.urls import path

from telephony.carriers.infobip.views import CallEvents

_EVENTS = CallEvents.as_view()

urlpatterns = [
    path("api/webhooks/infobip/calls", _EVENTS, name="infobip-calls"),
    path("api/webhooks/infobip/calls/<str:key>", _EVENTS, name="infobip-calls-by-secret"),
    path("webhook", _EVENTS, name="infobip-webhook"),
    path("webhook/<str:key>", _EVENTS, name="infobip-webhook-by-secret"),
]

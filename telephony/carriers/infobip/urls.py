from django.urls import path

from telephony.carriers.infobip import hold
from telephony.carriers.infobip.text_views import IncomingTexts, TextReports
from telephony.carriers.infobip.views import CallEvents

_EVENTS = CallEvents.as_view()
_THE_SAME = CallEvents.as_view(schema=None)  # described once

urlpatterns = [
    path("api/webhooks/infobip/calls", _EVENTS, name="infobip-calls"),
    path("api/webhooks/infobip/calls/<str:key>", _THE_SAME, name="infobip-calls-by-secret"),
    path("api/webhooks/infobip/sms", IncomingTexts.as_view(), name="infobip-sms"),
    path(
        "api/webhooks/infobip/sms/<str:key>", IncomingTexts.as_view(schema=None), name="infobip-sms-by-secret"
    ),
    path("api/webhooks/infobip/sms-status", TextReports.as_view(), name="infobip-sms-status"),
    path(
        "api/webhooks/infobip/sms-status/<str:key>",
        TextReports.as_view(schema=None),
        name="infobip-sms-status-by-secret",
    ),
    path("api/webhooks/infobip/hold.wav", hold.file, name="infobip-hold"),
    path("webhook", _THE_SAME, name="infobip-webhook"),
    path("webhook/<str:key>", _THE_SAME, name="infobip-webhook-by-secret"),
]

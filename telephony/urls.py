"""The webhooks of every carrier, and what begins a test call: outside the scope of the pages of the admin."""

from django.urls import include, path

from telephony.carriers.registry import CARRIERS
from telephony.test_call.page import begin_call

urlpatterns = [
    *(path("", include(adapter.urls)) for adapter in CARRIERS.values()),
    path("admin/test-call/begin", begin_call, name="test_call_begin"),
]

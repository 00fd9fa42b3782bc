"""The webhooks of every carrier, customers' own pages, and what begins a test call: outside the admin's scope."""

from django.urls import include, path

from telephony.carriers.registry import CARRIERS
from telephony.notifications import pages
from telephony.test_call.page import begin_call

urlpatterns = [
    *(path("", include(adapter.urls)) for adapter in CARRIERS.values()),
    path("a/<str:token>", pages.appointment, name="customer-appointment"),
    path("admin/test-call/begin", begin_call, name="test_call_begin"),
]

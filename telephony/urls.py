"""The webhooks of every carrier."""

from django.urls import include, path

from telephony.carriers.registry import CARRIERS

urlpatterns = [path("", include(adapter.urls)) for adapter in CARRIERS.values()]

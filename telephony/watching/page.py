"""The page of live calls. It draws what the socket tells; nothing of a call is in its HTML."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from telephony.watching.door import at_the_desk
from tenants.admin_sites import staff

NOBODY_YET = "00000000-0000-0000-0000-000000000000"
"""In an address that the page's script completes with an id."""


def addresses() -> dict[str, str]:
    """Where a card's links lead, and where a browser goes whose session has ended."""
    return {
        "call": reverse("admin:telephony_call_change", args=[NOBODY_YET]),
        "customer": reverse("admin:appointments_customer_change", args=[NOBODY_YET]),
        "login": reverse("admin:login"),
    }


def show(request: HttpRequest) -> HttpResponse:
    request.current_app = staff.name
    context: dict[str, Any] = {
        **staff.each_context(request),
        "title": "Live calls",
        "person": at_the_desk(request),
        "addresses": addresses(),
        "now": timezone.now().isoformat(timespec="milliseconds"),
    }
    return TemplateResponse(request, "admin/telephony/live.html", context)


staff.add_page("live/", show, "live")

"""A business that tells its customers everything, a carrier that takes its texts, and what was told."""

import datetime
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from appointments.models import Appointment, Customer
from telephony.models import InboundText, Notification
from telephony.notifications import dispatcher, due, planner
from telephony.simulators.twilio.messages import incoming_form
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import appointment_of, next_monday, set_settings
from tests.conftest import CALLER
from tests.telephony.test_twilio_webhooks import BASE, PREFIX, TOKEN
from tonris import demo

HOUR = datetime.timedelta(hours=1)
DAY = 24 * HOUR
ACCOUNT = "AC" + "0" * 32
NUMBER = demo.SALON.number


def tells(tenant: Tenant, **settings: Any) -> None:
    """Everything by text, unless `settings` say otherwise."""
    set_settings(tenant, **{"notifications": True, **settings})


def booked(tenant: Tenant, hour: int = 10, *, weeks: int = 1, **kwargs: Any) -> Appointment:
    return appointment_of(tenant, next_monday(tenant, hour, weeks=weeks), **kwargs)


def rows(tenant: Tenant, **filters: Any) -> list[Notification]:
    with tenant_scope(tenant):
        return list(Notification.objects.filter(**filters).order_by("created_at", "due_at"))


def states(tenant: Tenant, **filters: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in rows(tenant, **filters)]


def row_of(row: Notification) -> Notification:
    with tenant_scope(row.tenant_id):
        return Notification.objects.get(pk=row.pk)


def change(row: Notification, **fields: Any) -> None:
    with tenant_scope(row.tenant_id):
        Notification.objects.filter(pk=row.pk).update(**fields)


def give_mail(tenant: Tenant, address: str = "john@example.com", *, phone: str = "") -> None:
    with tenant_scope(tenant):
        Customer.objects.update(email=address, phone_e164=phone)


def work(tenant: Tenant) -> int:
    """What a worker does every few seconds."""
    return due.work_for(tenant.pk)


def remind(tenant: Tenant, now: datetime.datetime) -> int:
    return planner.plan_reminders(tenant.pk, now=now)


def send_at(tenant: Tenant, now: datetime.datetime) -> int:
    """Send what is due by then. How many were claimed."""
    claimed = 0
    while looked := dispatcher.claim_next(tenant.pk, now=now):
        assert not looked.busy
        if looked.claim is not None:
            dispatcher.deliver(
                dispatcher.Claim(
                    looked.claim.tenant_id,
                    looked.claim.notification_id,
                    looked.claim.attempt,
                    timezone.now(),
                    looked.claim.letter,
                )
            )
            claimed += 1
    return claimed


# --- What customers send -------------------------------------------------------------------------


def post(path: str, form: dict[str, str], *, token: str = TOKEN, signature: str | None = None) -> Any:
    url = BASE + PREFIX + path
    if signature is None:
        signature = RequestValidator(token).compute_signature(url, form)
    return Client().post(
        PREFIX + path,
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature} if signature else {},
    )


def text_in(body: str, *, from_: str = CALLER, to: str = NUMBER, **more: str) -> dict[str, str]:
    return incoming_form(ACCOUNT, to, from_, body, **more)


def last_text(tenant: Tenant) -> InboundText:
    with tenant_scope(tenant):
        return InboundText.objects.order_by("received_at").last()

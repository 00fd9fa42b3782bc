"""Every kind of message goes out by every channel, in its own words, and tells how to answer it there."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core import mail

from appointments import lifecycle, waitlist
from appointments.booking import Contact
from appointments.models import Customer, Service
from telephony.notifications import planner
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.conftest import CALLER
from tests.telephony.letters import DAY, HOUR, NUMBER, booked, remind, rows, send_at, tells, work
from tests.telephony.test_infobip_texts import Infobip, infobip

__all__ = ["infobip"]

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "john@example.com"


def moved(tenant: Tenant) -> None:
    appointment = booked(tenant)
    reachable(tenant)
    with tenant_scope(tenant):
        lifecycle.reschedule(tenant, appointment.pk, appointment.starts_at + HOUR)
    work(tenant)


def cancelled(tenant: Tenant) -> None:
    appointment = booked(tenant)
    reachable(tenant)
    with tenant_scope(tenant):
        lifecycle.cancel(tenant, appointment.pk)
    work(tenant)


def reminder(tenant: Tenant) -> None:
    start = booked(tenant, weeks=2).starts_at
    reachable(tenant)
    assert remind(tenant, start - DAY - HOUR) == 1
    planner.plan(tenant.pk)
    assert send_at(tenant, start - DAY) == 1


def offered(tenant: Tenant) -> None:
    appointment = booked(tenant, phone="+15553332211", name="Eve")
    start = appointment.starts_at
    with tenant_scope(tenant):
        service = Service.objects.get(name="Haircut")
        waitlist.join(tenant, service, Contact("John Doe", CALLER), earliest=start, latest=start + HOUR)
        reachable(tenant)
        lifecycle.cancel(tenant, appointment.pk)
    work(tenant)


def reachable(tenant: Tenant) -> None:
    """By mail as by text: what the business wishes decides."""
    with tenant_scope(tenant):
        Customer.objects.filter(phone_e164=CALLER).update(email=ADDRESS)


ANSWERS = "Reply C to confirm, R for another time, X if you cannot come."
LINK = "Confirm, change or cancel: http://127.0.0.1:8000/a/"


@dataclass(frozen=True)
class Case:
    happens: Callable[[Tenant], None]
    says: str
    subject: str
    by_text: str = ANSWERS
    by_link: str = LINK


KINDS = {
    "moved": Case(moved, "your appointment has a new time. Haircut with Ana, Monday, ", "has a new time"),
    "cancelled": Case(cancelled, "is cancelled", "is cancelled", "", ""),
    "reminder": Case(reminder, "Reminder from Test Salon: Haircut with Ana, Monday, ", "Your appointment"),
    "offered": Case(
        offered,
        "is free Monday",
        "has become free",
        "Reply C to take it, X to leave it. We keep it until",
        "To take it, call +15551234567. We keep it until",
    ),
}


def happens(tenant: Tenant, kind: str, channel: str, **settings: bool) -> None:
    reminders = [{"hoursBefore": 24, "channel": channel}] if kind == "reminder" else []
    wishes = {} if kind == "reminder" else {kind: channel}
    tells(tenant, notifications=wishes, reminders=reminders, **settings)
    KINDS[kind].happens(tenant)


def the_row(tenant: Tenant, kind: str) -> tuple[str, str, str]:
    [row] = rows(tenant, kind=kind)
    return row.state, row.channel, row.to_address


def told_of(kind: str, text: str, *, replies: str) -> None:
    assert KINDS[kind].says in text
    assert replies in text
    assert ("Reply" in text) == ("Reply" in replies)
    assert ("http" in text) == ("http" in replies)


@pytest.mark.parametrize("kind", KINDS)
async def test_over_twilio(salon, settings, kind):
    account = settings.TWILIO_ACCOUNT_SID
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as carrier:
        settings.TWILIO_BASE_URL = carrier.base_url
        await in_thread(happens, salon, kind, "sms")
    [text] = carrier.messages
    assert (text["from"], text["to"]) == (NUMBER, CALLER)
    told_of(kind, text["body"], replies=KINDS[kind].by_text)
    assert await in_thread(the_row, salon, kind) == ("sent", "sms", CALLER)


@pytest.mark.parametrize("takes_replies", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_over_infobip(salon, infobip: Infobip, kind, takes_replies):
    def work() -> None:
        happens(salon, kind, "sms", infobipReplies=takes_replies)

    await in_thread(work)
    [message] = infobip.taken
    assert (message["sender"], message["destinations"][0]["to"]) == (NUMBER[1:], CALLER[1:])
    replies = KINDS[kind].by_text if takes_replies else KINDS[kind].by_link
    told_of(kind, message["content"]["text"], replies=replies)
    assert await in_thread(the_row, salon, kind) == ("sent", "sms", CALLER)


@pytest.mark.parametrize("kind", KINDS)
def test_by_mail(salon, settings, kind):
    settings.EMAIL_CONFIGURED = True
    happens(salon, kind, "email")
    [sent] = mail.outbox
    assert sent.to == [ADDRESS]
    assert KINDS[kind].subject in sent.subject
    told_of(kind, str(sent.body), replies=KINDS[kind].by_link)
    assert the_row(salon, kind) == ("sent", "email", ADDRESS)

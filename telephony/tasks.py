"""Background work of the line."""

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from agents.tools import proofs
from telephony import calls, texts
from telephony.forgetting import retention, vendors
from telephony.notifications import due
from telephony.outbound import due as outbound
from telephony.outbound import hanging_up, placing
from telephony.outbound.errors import CarrierRefused
from telephony.people import voicemails
from telephony.spend import alarms, meters
from tenants.scoping import tenant_scope


@shared_task
def send_code(tenant_id: str, code_id: str) -> bool:
    """Text a one-time code. Whether it was sent; nobody tries again, the caller asks for another."""
    with tenant_scope(UUID(tenant_id)):
        message = proofs.draw(UUID(code_id), timezone.now())
    if message is None:
        return False
    with tenant_scope(UUID(tenant_id)):  # another: what was texted must be known, whatever becomes of this
        return texts.send(UUID(tenant_id), *message)


@shared_task
def sweep_calls() -> int:
    """End the calls whose last callback never came, and the streams that nobody carries."""
    return calls.sweep(timezone.now())


@shared_task
def settle_orphans() -> int:
    """Give back the paid time that is held for calls which nobody carries any more."""
    return meters.reap(timezone.now())


@shared_task
def watch_budgets() -> int:
    """One task for each business with a cap: a slow mail server holds up nobody else. How many."""
    tenants = alarms.tenants_with_caps()
    for tenant_id in tenants:
        watch_budget_of.apply_async((str(tenant_id),), expires=60)
    return len(tenants)


@shared_task
def watch_budget_of(tenant_id: str) -> int:
    return alarms.watch(UUID(tenant_id), timezone.now())


@shared_task
def fetch_voicemails() -> int:
    """Recordings that the carriers keep still. How many were fetched."""
    return voicemails.fetch_waiting(timezone.now())


@shared_task
def forget_old() -> int:
    """One task for each business that does not keep everything. How many."""
    vendors.forget_done(timezone.now())
    tenants = retention.tenants_that_forget()
    for tenant_id in tenants:
        forget_old_of.delay(str(tenant_id))
    return len(tenants)


@shared_task
def forget_old_of(tenant_id: str) -> int:
    return retention.forget_old(UUID(tenant_id), timezone.now())


@shared_task
def delete_at_vendors() -> int:
    """One task for each business whose vendors are to delete something. How many."""
    tenants = vendors.tenants_with_work(timezone.now())
    for tenant_id in tenants:
        delete_at_vendors_of.apply_async((str(tenant_id),), expires=vendors.FIRST_PAUSE.total_seconds())
    return len(tenants)


@shared_task
def delete_at_vendors_of(tenant_id: str) -> int:
    return vendors.work_for(UUID(tenant_id))


@shared_task
def send_notifications() -> int:
    """One task for each business that has something to tell: a slow carrier holds up nobody else. How many."""
    tenants = due.tenants_with_work(timezone.now())
    for tenant_id in tenants:
        send_notifications_of.apply_async((str(tenant_id),), expires=due.EVERY_SECONDS * 4)
    return len(tenants)


@shared_task
def send_notifications_of(tenant_id: str) -> int:
    return due.work_for(UUID(tenant_id))


@shared_task
def end_outbound_call(tenant_id: str, order_id: str) -> None:
    """At the carrier: that it is not wanted any more is written down already."""
    with suppress(CarrierRefused):  # which is logged, and the carrier is asked again
        hanging_up.end_at_carrier(UUID(tenant_id), UUID(order_id))


@shared_task
def plan_reminders() -> int:
    """How many businesses remind their customers."""
    tenants = due.tenants_that_remind()
    for tenant_id in tenants:
        plan_reminders_of.apply_async((str(tenant_id),), expires=due.REMINDERS_EVERY_SECONDS)
    return len(tenants)


@shared_task
def plan_reminders_of(tenant_id: str) -> int:
    return due.plan_reminders_for(UUID(tenant_id))


@shared_task
def place_outbound_calls() -> int:
    """One task for each business that has calls to place or to look after. How many."""
    tenants = outbound.tenants_with_work(timezone.now())
    for tenant_id in tenants:
        place_outbound_calls_of.apply_async((str(tenant_id),), expires=outbound.EVERY_SECONDS * 4)
    return len(tenants)


@shared_task
def place_outbound_calls_of(tenant_id: str) -> int:
    return outbound.work_for(UUID(tenant_id))


@shared_task
def place_outbound_call(tenant_id: str, order_id: str) -> None:
    """This one, at once: somebody has just pressed a button."""
    placing.place_now(UUID(tenant_id), UUID(order_id))

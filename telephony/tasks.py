"""Background work of the line."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from telephony import calls, texts
from tenants.scoping import tenant_scope


@shared_task
def send_text(tenant_id: str, to_e164: str, text: str) -> bool:
    """Send an SMS from the tenant's number. Whether it was sent; nobody tries again, the caller asks for another."""
    with tenant_scope(UUID(tenant_id)):
        return texts.send(UUID(tenant_id), to_e164, text)


@shared_task
def sweep_calls() -> int:
    """End the calls whose last callback never came, and the streams that nobody carries."""
    return calls.sweep(timezone.now())

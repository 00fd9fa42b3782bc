"""Background work of the line."""

from celery import shared_task
from django.utils import timezone

from telephony import calls
from tenants.scoping import platform_scope


@shared_task
def sweep_calls() -> int:
    """End the calls whose last callback never came."""
    with platform_scope():
        return calls.sweep(timezone.now())

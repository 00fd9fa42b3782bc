"""Calls of tools, as a call's socket makes them: run for a tenant, within a conversation or without one."""

import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from agents.conversations import open_conversation
from agents.models import Conversation
from agents.tools import proofs, registry
from appointments.booking import Contact, book
from appointments.models import Appointment, Employee, Service
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.conftest import CALLER

HAIRCUT = "87654321-4321-4321-4321-210987654321"
ANA = "12345678-1234-1234-1234-123456789012"
SOMEBODY_ELSE = "+15553332211"


def conversation_of(tenant: Tenant, caller: str = CALLER, sid: str = "CA1", **kwargs: Any) -> Conversation:
    with tenant_scope(tenant):
        return open_conversation(
            tenant_id=tenant.pk,
            provider="elevenlabs",
            agent_id="agent_demo_salon",
            caller_e164=caller,
            called_e164=tenant.phone,
            carrier_call_id=sid,
            **kwargs,
        )


def drawn(args: list[str]) -> tuple[str, str]:
    """Number and text that the worker makes of a task that was queued with these."""
    tenant_id, code_id = args
    with tenant_scope(UUID(tenant_id)):
        message = proofs.draw(UUID(code_id), timezone.now())
    assert message is not None
    return message


class Call:
    """One caller's agent, and the tools that it calls."""

    def __init__(self, tenant: Tenant, caller: str = CALLER, sid: str = "CA1", **kwargs: Any) -> None:
        self.tenant = tenant
        self.conversation: Conversation | None = conversation_of(tenant, caller, sid, **kwargs)

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        conversation = self.conversation
        if conversation is not None:
            with tenant_scope(self.tenant):
                conversation = Conversation.objects.get(pk=conversation.pk)
        return registry.run(self.tenant.pk, conversation, tool, arguments).envelope

    @property
    def id(self) -> UUID:
        assert self.conversation is not None
        return self.conversation.pk

    def data(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self(tool, **arguments)
        assert answer["success"], answer
        return answer["data"]

    def refusal(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self(tool, **arguments)
        assert not answer["success"], answer
        assert answer["message"].endswith((".", "?", "!")), answer
        return answer


class NoCall(Call):
    """An agent that says of no call that it speaks in it."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant, self.conversation = tenant, None


def next_monday(tenant: Tenant, hour: int = 10, minute: int = 0, *, weeks: int = 1) -> datetime.datetime:
    """A Monday that is certainly to come, in the tenant's wall time, naive."""
    today = datetime.datetime.now(ZoneInfo(tenant.timezone)).date()
    monday = today + datetime.timedelta(days=7 * weeks - today.weekday())
    return datetime.datetime.combine(monday, datetime.time(hour, minute))


def appointment_of(
    tenant: Tenant,
    local: datetime.datetime,
    phone: str = CALLER,
    name: str = "John Doe",
    *,
    service: str = "Haircut",
    employee: str = "Ana",
) -> Appointment:
    """Made by staff, outside of any call."""
    with tenant_scope(tenant):
        return book(
            tenant,
            Service.objects.get(name=service),
            local.replace(tzinfo=tenant.zone),
            Contact(name, phone),
            employee=Employee.objects.get(name=employee),
        ).appointment


def status_of(tenant: Tenant, appointment: Appointment) -> str:
    with tenant_scope(tenant):
        return str(Appointment.objects.get(pk=appointment.pk).status)


def set_settings(tenant: Tenant, **settings: Any) -> None:
    with tenant_scope(tenant):
        row = Tenant.objects.get(pk=tenant.pk)
        row.settings |= settings
        row.save(update_fields=["settings"])

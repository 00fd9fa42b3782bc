"""The REST sides of ElevenLabs and Twilio, and a tenant that is about to go live."""

import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command

from agents.simulators.elevenlabs import ElevenLabsSimulator
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.models import Credential, Tenant
from tenants.scoping import in_thread, platform_scope, tenant_scope
from tonris import demo

PUBLIC = "https://phone.example.com"


@dataclass
class Vendors:
    agents: ElevenLabsSimulator
    carrier: TwilioRestSimulator

    @property
    def workspace(self) -> Any:
        return self.agents.workspace

    @property
    def number(self) -> dict[str, Any]:
        return next(one for one in self.carrier.numbers.values() if one["phone_number"] == demo.SALON.number)

    @property
    def agent(self) -> dict[str, Any]:
        """The only one."""
        (agent,) = self.workspace.agents.values()
        return agent

    def tool(self, name: str) -> dict[str, Any]:
        (tool,) = [one for one in self.workspace.tools.values() if one["name"] == name]
        return tool

    def forget_requests(self) -> None:
        self.agents.rest.requests.clear()
        self.carrier.requests.clear()

    @property
    def writes(self) -> list[tuple[str, str]]:
        return self.agents.rest.writes + self.carrier.writes


@contextlib.asynccontextmanager
async def vendors(**elevenlabs: Any) -> AsyncIterator[Vendors]:
    """Django's settings must allow for change: the base URLs are set to the simulators' ports."""
    agents = ElevenLabsSimulator(
        api_key=settings.ELEVENLABS_API_KEY,
        webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
        **{"agents": [], **elevenlabs},
    )
    carrier = TwilioRestSimulator(
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, numbers=(demo.SALON.number,)
    )
    async with agents, carrier:
        settings.ELEVENLABS_BASE_URL, settings.TWILIO_BASE_URL = agents.base_url, carrier.base_url
        settings.APP_BASE_URL = PUBLIC
        yield Vendors(agents, carrier)


async def run(*words: str) -> list[str]:
    """The lines that a command prints."""
    out = io.StringIO()
    await in_thread(call_command, *words, stdout=out, stderr=out, no_color=True)
    return out.getvalue().splitlines()


async def refused(*words: str) -> str:
    """What a command that fails says."""
    try:
        await run(*words)
    except CommandError as error:
        return str(error)
    raise AssertionError("the command did not fail")


def change_settings(tenant: Tenant, **names: Any) -> None:
    """None removes a name."""
    with tenant_scope(tenant):
        row = Tenant.objects.get(pk=tenant.pk)
        row.settings = {k: v for k, v in {**row.settings, **names}.items() if v is not None}
        row.save()


def settings_of(tenant: Tenant) -> dict[str, Any]:
    with platform_scope():
        return Tenant.objects.get(pk=tenant.pk).settings


def secret_of(tenant: Tenant, name: Credential.Name = Credential.Name.WEBHOOK_SECRET) -> str | None:
    with platform_scope():
        row = Credential.objects.filter(tenant=tenant, name=name).first()
        return row.value if row else None

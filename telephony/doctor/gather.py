"""Everything that the checks want to know, asked of the database first and of the vendors after."""

import datetime
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from agents.assignments import api_key_for
from agents.briefings import opening_week
from agents.initiation import format_name
from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.openai_realtime.rest import read_model
from agents.provisioning import attached_tools
from agents.provisioning_wishes import Wishes, load_wishes
from agents.speech import Hours
from appointments.models import Employee, EmployeeService, OpeningHours, Service, SpecialHours
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.addresses import is_private, media_socket_url
from telephony.carriers.infobip.provisioning import RATES_HZ, missing_steps, own_id
from telephony.carriers.infobip.rest import InfobipRest
from telephony.carriers.twilio.provisioning import Line, TwilioLogin, twilio_lines, twilio_login, wiring_here
from telephony.carriers.twilio.rest import TwilioRest
from telephony.dialplan import agent_of, provider_of
from telephony.doctor import probes
from telephony.doctor.facts import (
    AtElevenLabs,
    AtInfobip,
    AtOpenAI,
    AtTwilio,
    Business,
    Calendar,
    Installation,
    Json,
    Person,
)
from telephony.errors import AgentNotConfigured
from telephony.models import Carrier, PhoneNumber
from telephony.people import directory
from telephony.provisioning import agent_format
from tenants.credentials import secret
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError


def installation() -> Installation:
    redis = probes.redis()
    return Installation(
        app_base_url=settings.APP_BASE_URL,
        debug=settings.DEBUG,
        simulated=settings.TWILIO_SIMULATED and settings.ELEVENLABS_SIMULATED and settings.OPENAI_SIMULATED,
        unsigned_allowed=settings.ALLOW_UNSIGNED_WEBHOOKS,
        encryption_keys=settings.FIELD_ENCRYPTION_KEYS,
        database=probes.database(),
        redis=redis,
        workers=probes.workers() if redis == "ok" else 0,
    )


def business(tenant_id: UUID) -> Business:
    wishes = load_wishes(tenant_id)
    with tenant_scope(tenant_id):
        tenant = wishes.tenant
        provider, known = _provider(tenant)
        has_key = known and bool(api_key_for(tenant_id, provider))
        agent_id = agent_of(tenant) if known else ""
        openai_key = api_key_for(tenant_id, provider) if provider == "openai" else ""
        webhook_secret = secret(tenant_id, Credential.Name.WEBHOOK_SECRET)
        unreadable = [row.name for row in Credential.objects.order_by("name") if row.value is None]
        numbers = list(PhoneNumber.objects.filter(is_active=True).values_list("e164", flat=True))
        has_infobip = PhoneNumber.objects.filter(is_active=True, carrier=Carrier.INFOBIP).exists()
        lines, login = twilio_lines(tenant_id), twilio_login(tenant_id)
        calendar = _calendar(tenant)
        rings_groups = directory.has_groups(tenant)
    here = next((line.e164 for line in lines if line.is_active), "")
    signs = login.auth_token and here
    return Business(
        wishes=wishes,
        provider=provider,
        provider_known=known,
        has_provider_key=has_key,
        agent_id=agent_id,
        webhook_secret=webhook_secret,
        unreadable_secrets=unreadable,
        numbers=numbers,
        rings_groups=rings_groups,
        lines=lines,
        login=login,
        calendar=calendar,
        elevenlabs=_elevenlabs(wishes, agent_id) if provider == "elevenlabs" else AtElevenLabs(),
        openai=_openai(openai_key, agent_id),
        twilio=_twilio(login, lines),
        carrier_trip=probes.as_twilio(login.account_sid, login.auth_token, here) if signs else None,
        agent_trip=probes.as_elevenlabs(str(tenant_id), webhook_secret) if webhook_secret else None,
        wiring=wiring_here(),
        app_base_url=settings.APP_BASE_URL,
        audio_format=format_name(agent_format(tenant_id)),
        infobip=_infobip(tenant_id) if has_infobip else None,
    )


def _infobip(tenant_id: UUID) -> AtInfobip:
    account = account_of(tenant_id)
    known = AtInfobip(
        has_key=bool(account.api_key),
        has_secret=bool(account.webhook_secret),
        media_is_private=is_private(media_socket_url(tenant_id, RATES_HZ[0])),
    )
    if account.webhook_secret:
        known = replace(known, trip=probes.as_infobip(account.webhook_secret, own_id(tenant_id)))
    if not account.api_key:
        return known
    with InfobipRest(account.api_key, read_only=True) as api:
        try:
            return replace(known, missing=missing_steps(api, account))
        except VendorError as error:
            return replace(known, error=error)


def _provider(tenant: Tenant) -> tuple[str, bool]:
    try:
        return provider_of(tenant), True
    except AgentNotConfigured:
        return str(tenant.settings.get("agentProvider")), False


# --- The vendors ---------------------------------------------------------------------------------


def _elevenlabs(wishes: Wishes, agent_id: str) -> AtElevenLabs:
    if not wishes.api_key:
        return AtElevenLabs()
    with ElevenLabsRest(wishes.api_key, read_only=True) as api:
        try:
            api.check_key()
        except VendorError as error:
            return AtElevenLabs(error=error)
        if not agent_id:
            return AtElevenLabs()
        try:
            agent = api.agent(agent_id)
            tools = {str(one["id"]): one.get("tool_config") or {} for one in api.tools()}
        except VendorError as error:
            return AtElevenLabs(agent_error=error)
        return AtElevenLabs(
            agent=agent,
            tools={one: tools[one] for one in attached_tools(agent) if one in tools},
            webhooks=_webhooks(api),
            secret_names=_secret_names(api),
        )


def _openai(api_key: str, model: str) -> AtOpenAI:
    today = timezone.now().date()
    if not api_key:
        return AtOpenAI(today)
    try:
        return AtOpenAI(today, read_model(api_key, model))
    except VendorError as error:
        return AtOpenAI(today, error=error)


def _webhooks(api: ElevenLabsRest) -> dict[str, Json] | None:
    try:
        return {str(one.get("webhook_id")): one for one in api.webhooks()}
    except VendorError:
        return None


def _secret_names(api: ElevenLabsRest) -> dict[str, str] | None:
    try:
        return {str(one["secret_id"]): str(one.get("name", "")) for one in api.secrets()}
    except VendorError:
        return None


def _twilio(login: TwilioLogin, lines: list[Line]) -> AtTwilio:
    active = [line.e164 for line in lines if line.is_active]
    if not active or login.mixed or not login.account_sid or not login.auth_token:
        return AtTwilio()
    with TwilioRest(login.account_sid, login.auth_token, read_only=True) as api:
        try:
            status = str(api.account().get("status", ""))
            return AtTwilio(status, {e164: api.number(e164) for e164 in active})
        except VendorError as error:
            return AtTwilio(error=error)


# --- The calendar --------------------------------------------------------------------------------


def _calendar(tenant: Tenant) -> Calendar:
    """Needs the tenant's scope."""
    services = list(Service.objects.all())
    employees = list(Employee.objects.all())
    active = {one.pk for one in employees if one.is_active}
    performs = list(EmployeeService.objects.values_list("employee_id", "service_id"))
    alive = {one.pk for one in services if one.is_active}
    own = _own_weeks()
    today: datetime.date = timezone.now().astimezone(tenant.zone).date()
    special: Any = SpecialHours.objects.filter(date__gte=today, opens__isnull=False)
    return Calendar(
        week=opening_week(tenant),
        special_dates=list(special.values_list("date", flat=True)),
        people=[
            Person(
                one.name,
                sum(1 for who, what in performs if who == one.pk and what in alive),
                own.get(one.pk, []),
            )
            for one in employees
            if one.is_active
        ],
        performed={
            one.name: sum(1 for who, what in performs if what == one.pk and who in active)
            for one in services
            if one.is_active
        },
        inactive=[one.name for one in (*services, *employees) if not one.is_active],
    )


def _own_weeks() -> dict[UUID, list[Hours]]:
    weeks: dict[UUID, list[list[tuple[datetime.time, datetime.time]]]] = {}
    for row in OpeningHours.objects.exclude(employee=None).order_by("weekday", "opens"):
        if row.employee_id is not None:
            week = weeks.setdefault(row.employee_id, [[] for _ in range(7)])
            week[row.weekday].append((row.opens, row.closes))
    return {who: [tuple(day) for day in week] for who, week in weeks.items()}

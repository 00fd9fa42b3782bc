"""May this call be placed? Then it is written down, and waits. The only maker of OutboundCall.

Whatever can be decided is decided under one lock of the business, so that two orders cannot both be the last one.
"""

import datetime
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from appointments.models import Appointment, Customer
from telephony import dialplan
from telephony.carriers.registry import preference
from telephony.errors import AgentNotChosen, AgentNotConfigured
from telephony.models import OptOut, OutboundCall, PhoneNumber
from telephony.outbound import budget, dialers, errors, numbers
from telephony.outbound.policy import Policy, next_allowed, policy_of
from telephony.relief import route_that_works
from tenants.models import Tenant
from tenants.phone import InvalidNumber, to_e164
from tenants.scoping import tenant_scope

GIVEN, CUSTOMER, ASSUMED = "given", "customer", "assumed"
LONGEST_PURPOSE = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `consent` None: it is not said."""

    to: str
    from_e164: str = ""
    provider: str = ""
    purpose: str = ""
    appointment_id: UUID | None = None
    customer_id: UUID | None = None
    consent: bool | None = None
    idempotency_key: str = ""
    request_hash: str = ""
    origin: str = OutboundCall.Origin.API
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """`is_new` is False for an order that had been made before, by the same key."""

    order: OutboundCall
    is_new: bool


def make(tenant_id: UUID, wish: Wish, *, now: datetime.datetime | None = None) -> Ordered:
    """Raises OutboundRefused. Joins the transaction that is open, if one is."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        lock(tenant_id)
        tenant = Tenant.objects.get(pk=tenant_id)
        known = _made_before(wish)
        if known is not None:
            return Ordered(known, is_new=False)
        policy = policy_of(tenant.settings)
        e164 = _number_of(wish.to, "to")
        number = number_to_call_from(tenant, wish.from_e164)
        refuse_number(tenant, policy, e164)
        appointment = _appointment_of(wish, e164)
        customer = appointment.customer if appointment else _customer_of(wish, e164)
        consent = _consent(wish, policy, customer)
        refuse_moment(tenant, policy, e164, now)
        budget.refuse_new(tenant, policy, e164, now)
        refuse_route(tenant, number, wish.provider)
        order = OutboundCall.objects.create(
            tenant=tenant,
            to_e164=e164,
            number=number,
            provider=wish.provider,
            purpose=wish.purpose[:LONGEST_PURPOSE],
            appointment=appointment,
            customer=customer,
            origin=wish.origin,
            actor=wish.actor[:160],
            consent=consent,
            idempotency_key=wish.idempotency_key,
            request_hash=wish.request_hash,
            due_at=now,
            not_after=now + policy.retry_for,
            max_attempts=policy.attempts,
        )
        return Ordered(order, is_new=True)


def lock(tenant_id: UUID) -> None:
    """One at a time counts a business's calls: the same lock as that of calls that come in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"calls {tenant_id}"])


def _made_before(wish: Wish) -> OutboundCall | None:
    if not wish.idempotency_key:
        return None
    known = OutboundCall.objects.filter(idempotency_key=wish.idempotency_key).first()
    if known is not None and known.request_hash != wish.request_hash:
        raise errors.KeyUsed
    return known


def _number_of(text: str, field: str) -> str:
    """E.164 as it is written: what has to be guessed at is not called."""
    try:
        e164 = to_e164(text)
    except InvalidNumber:
        raise errors.NotE164(field) from None
    if e164 != text.strip():
        raise errors.NotE164(field)
    return e164


def number_to_call_from(tenant: Tenant, wished: str = "") -> PhoneNumber:
    """The one that is named, or the business's first."""
    mine = PhoneNumber.objects.for_tenant(tenant).filter(is_active=True)
    if wished:
        named = mine.filter(e164=_number_of(wished, "from")).first()
        if named is None:
            raise errors.FromNotYours
        return named
    first = mine.order_by(preference(), "e164").first()
    if first is None:
        raise errors.NoNumber
    return first


def refuse_number(tenant: Tenant, policy: Policy, e164: str) -> None:
    if not policy.enabled:
        raise errors.OutboundOff
    own = set(PhoneNumber.objects.for_tenant(tenant).values_list("e164", flat=True))
    if e164 in own:
        raise errors.NumberNotAllowed("one of the business's own numbers")
    allowed = policy.countries or frozenset(filter(None, map(numbers.country_of, own)))
    country = numbers.country_of(e164)
    if country not in allowed:
        raise errors.CountryNotAllowed(country, allowed)
    objection = numbers.objection_to(e164)
    if objection:
        raise errors.NumberNotAllowed(objection)
    if OptOut.objects.for_tenant(tenant).filter(e164=e164).exists():
        raise errors.OptedOut


def _appointment_of(wish: Wish, e164: str) -> Appointment | None:
    if wish.appointment_id is None:
        return None
    found = Appointment.objects.select_related("customer").filter(pk=wish.appointment_id).first()
    if found is None:
        raise errors.UnknownAppointment
    if found.customer.phone_e164 != e164:
        raise errors.NotTheirAppointment
    return found


def _customer_of(wish: Wish, e164: str) -> Customer | None:
    """Whoever is named, or the only one who has this number: families share phones."""
    known = Customer.objects.filter(phone_e164=e164)
    if wish.customer_id is not None:
        return known.filter(pk=wish.customer_id).first()
    found = list(known[:2])
    return found[0] if len(found) == 1 else None


def _consent(wish: Wish, policy: Policy, customer: Customer | None) -> str:
    """Said, or known: customers have left their number to be reached by it. A no goes before everything."""
    if wish.consent is True:
        return GIVEN
    if wish.consent is None:
        if customer is not None or Customer.objects.filter(phone_e164=wish.to.strip()).exists():
            return CUSTOMER
        if policy.consent_assumed:
            return ASSUMED
    raise errors.ConsentRequired


def refuse_moment(tenant: Tenant, policy: Policy, e164: str, now: datetime.datetime) -> None:
    allowed_from = next_allowed(now, policy.quiet, zones(tenant, e164))
    if allowed_from > now:
        raise errors.QuietHours(allowed_from)


def zones(tenant: Tenant, e164: str) -> tuple[ZoneInfo, ...]:
    return numbers.zones_of(e164, tenant.zone)


def refuse_route(tenant: Tenant, number: PhoneNumber, provider: str) -> dialplan.Route:
    """Who would speak. Nobody is called whom nobody could talk to."""
    if not tenant.is_active:
        raise errors.Suspended
    try:
        route = route_of(tenant, number, provider)
    except AgentNotConfigured:
        raise errors.NoAgent(
            "There is no key for the agent's provider", code="AGENT_NOT_CONFIGURED"
        ) from None
    except AgentNotChosen:
        raise errors.NoAgent("The business has no agent", code="AGENT_NOT_CHOSEN") from None
    missing = dialers.dialer_of(number.carrier).missing(tenant.pk)
    if missing:
        raise errors.CarrierNotConfigured(missing)
    working = route_that_works(route, number.carrier)
    if working is None:
        raise errors.AgentUnavailable
    return working


def route_of(tenant: Tenant, number: PhoneNumber, provider: str) -> dialplan.Route:
    """Raises CallRefused of the dialplan's."""
    destination = dialplan.Destination(tenant.pk, number.pk, in_service=tenant.is_active)
    return dialplan.route(destination, number.carrier, provider)

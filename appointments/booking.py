"""The only writer of the calendar: one synchronous transaction holds all of a booking or none of it.

1. claim the request (a twin waits here until we commit, then gets our answer)
2. lock the employees who could serve, in one order for everybody
3. ask the rules, insert; the exclusion constraint has the last word
"""

import copy
import datetime
import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from appointments.availability import Calendar
from appointments.errors import Invalid, NotBookable, NotFound, SlotTaken
from appointments.models import Appointment, Customer, Employee, IdempotencyRecord, Service, buffered
from appointments.slots import Reason
from tenants.models import Tenant

EXCLUSION_VIOLATION = "23P01"


@dataclass(frozen=True, slots=True)
class Contact:
    """Who the appointment is for. A phone number in E.164, or an e-mail address, or both."""

    name: str
    phone_e164: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """`created` is False when the same appointment had been made before: a repeated request."""

    appointment: Appointment
    created: bool


def book(
    tenant: Tenant,
    service: Service,
    starts_at: datetime.datetime,
    contact: Contact,
    *,
    employee: Employee | None = None,
    notes: str = "",
    source: str = Appointment.Source.STAFF,
    now: datetime.datetime | None = None,
) -> Booked:
    """Book one appointment, with anybody who is free when `employee` is None. Needs the tenant's scope.

    The same wish of the same contact again gives the same appointment. Raises SlotTaken, NotBookable (each
    with the nearest free slots), NotFound or Invalid.
    """
    _check(contact)
    now = now or timezone.now()
    calendar = Calendar(tenant, service, now=now)
    candidates = _candidates(calendar, employee)
    with transaction.atomic():
        _limit_waiting()
        claim = _claim(tenant, service, starts_at, contact, employee)
        repeated = _answered(claim)
        if repeated is not None:
            return Booked(repeated, created=False)
        lock_calendars([one.pk for one in candidates])
        chosen = _free_candidate(calendar, candidates, employee, starts_at)
        appointment = _insert(
            tenant, service, chosen, starts_at, _customer(tenant, contact), notes, source, calendar
        )
        claim.answer = {"appointment": str(appointment.pk)}
        claim.save(update_fields=["answer"])
        return Booked(appointment, created=True)


def _check(contact: Contact) -> None:
    if not contact.name.strip():
        raise Invalid("customerName", "this field is required")
    if len(contact.name) > 120:
        raise Invalid("customerName", "must not be longer than 120 characters")
    if not contact.phone_e164 and not contact.email:
        raise Invalid("customerPhone", "Either customerEmail or customerPhone is required")
    if contact.email:
        try:
            validate_email(contact.email)
        except ValidationError:
            raise Invalid("customerEmail", "must be an e-mail address") from None


def _candidates(calendar: Calendar, employee: Employee | None) -> list[Employee]:
    if not calendar.service.is_active:
        raise NotFound("The service is not offered at the moment")
    performers = calendar.performers
    if employee is None:
        if not performers:
            raise NotFound("Nobody performs this service at the moment")
        return performers
    if employee.pk not in {one.pk for one in performers}:
        raise NotFound(f"{employee.name} does not perform this service")
    return [employee]


def _limit_waiting() -> None:
    """Behind a lock or a slow disk a caller hears silence: give up in time to say something."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '5s'")


def _claim(
    tenant: Tenant,
    service: Service,
    starts_at: datetime.datetime,
    contact: Contact,
    employee: Employee | None,
) -> IdempotencyRecord:
    """The request's own row, locked. A concurrent twin waits in the INSERT until the first commits or fails."""
    wish = [
        str(service.pk),
        starts_at.astimezone(datetime.UTC).isoformat(),
        str(employee.pk) if employee else "any",
        contact.phone_e164 or contact.email.lower(),
    ]
    key = hashlib.sha256(json.dumps(wish).encode()).hexdigest()
    IdempotencyRecord.objects.bulk_create(
        [IdempotencyRecord(tenant=tenant, scope="book", key=key, request_hash=key)], ignore_conflicts=True
    )
    claim: IdempotencyRecord = IdempotencyRecord.objects.select_for_update().get(
        tenant=tenant, scope="book", key=key
    )
    return claim


def _answered(claim: IdempotencyRecord) -> Appointment | None:
    """What the same request got before, unless that was cancelled since: then it is a new wish."""
    if claim.answer is None:
        return None
    return (
        Appointment.objects.select_related("employee", "service", "customer")
        .filter(pk=claim.answer["appointment"])
        .exclude(status=Appointment.Status.CANCELLED)
        .first()
    )


def lock_calendars(employees: list[UUID]) -> None:
    """Advisory locks to the end of the transaction, taken in one order by everybody.

    The exclusion constraint alone is correct, but contending inserts then deadlock and wait for seconds.
    """
    keys = sorted(int.from_bytes(pk.bytes[:8], signed=True) for pk in employees)
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _free_candidate(
    calendar: Calendar, candidates: list[Employee], wanted: Employee | None, starts_at: datetime.datetime
) -> Employee:
    reasons: list[Reason] = []
    for one in candidates:
        objections = calendar.objections(one, starts_at)
        if not objections:
            return one
        if not reasons or len(objections) < len(reasons):
            reasons = objections  # of several employees, the one who comes nearest explains
    nearest = calendar.nearest(starts_at, wanted)
    raise SlotTaken(nearest) if reasons == [Reason.BUSY] else NotBookable(reasons, nearest)


def _customer(tenant: Tenant, contact: Contact) -> Customer:
    """The same phone and name is the same customer; a phone shared by a family has several."""
    known = Customer.objects.for_tenant(tenant).filter(name__iexact=contact.name.strip())
    known = (
        known.filter(phone_e164=contact.phone_e164)
        if contact.phone_e164
        else known.filter(email__iexact=contact.email)
    )
    customer: Customer | None = known.order_by("created_at").first()
    if customer is None:
        customer, _ = Customer.objects.get_or_create(
            tenant=tenant,
            phone_e164=contact.phone_e164,
            email=contact.email,
            name=contact.name.strip(),
        )
    return customer


def _insert(
    tenant: Tenant,
    service: Service,
    employee: Employee,
    starts_at: datetime.datetime,
    customer: Customer,
    notes: str,
    source: str,
    calendar: Calendar,
) -> Appointment:
    starts_at = starts_at.astimezone(datetime.UTC)
    ends_at = starts_at + service.duration
    try:
        with transaction.atomic():
            appointment: Appointment = Appointment.objects.create(
                tenant=tenant,
                service=service,
                employee=employee,
                customer=customer,
                starts_at=starts_at,
                ends_at=ends_at,
                **buffered(service, starts_at, ends_at),
                price=service.price,
                currency=service.currency,
                notes=notes,
                source=source,
            )
    except IntegrityError as error:
        if is_double_booking(error):
            raise SlotTaken(calendar.nearest(starts_at)) from None
        raise
    return appointment


def is_double_booking(error: IntegrityError) -> bool:
    """By SQLSTATE and constraint, never by text: messages are translated."""
    cause = error.__cause__
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return (
        getattr(cause, "sqlstate", None) == EXCLUSION_VIOLATION
        and constraint == "appointment_no_double_booking"
    )


# --- What staff enter by hand: any free minute will do, but nobody is booked twice -------------------

LONGEST_DAYS = 2
"""Readers look this far around a day for what may reach into it."""


def place(appointment: Appointment) -> None:
    """Insert an appointment that staff made. Raises SlotTaken or Invalid. Needs a scope.

    Grid, notice, window and opening hours do not bind staff; `misgivings` are what they say.
    """
    _put(appointment, new=True)


def change(appointment: Appointment) -> None:
    """Save what staff changed; time that it did not keep before must be free. Raises SlotTaken or Invalid."""
    _put(appointment, new=False)


def collision(appointment: Appointment) -> Appointment | None:
    """Whose appointment stands in the way of this one as it is to be, buffers included. Raises Invalid.

    Settles its end and buffers, and locks the employee's calendar: the answer holds until the transaction ends.
    """
    before = Appointment.objects.filter(pk=appointment.pk).first()
    if before is not None and not _takes_other_time(appointment, before):
        return None
    _settle(appointment)
    if appointment.status == Appointment.Status.CANCELLED:
        return None
    lock_calendars([appointment.employee_id])
    others = Appointment.objects.for_tenant(appointment.tenant_id).filter(
        employee_id=appointment.employee_id,
        blocked_from__lt=appointment.blocked_until,
        blocked_until__gt=appointment.blocked_from,
    )
    others = others.exclude(status=Appointment.Status.CANCELLED).exclude(pk=appointment.pk)
    return others.select_related("customer", "service").order_by("starts_at").first()


def misgivings(appointment: Appointment) -> list[Reason]:
    """What the clock, opening hours and the employee's own hours say against its time."""
    as_long = copy.copy(appointment.service)
    as_long.duration_minutes = (appointment.ends_at - appointment.starts_at) // datetime.timedelta(minutes=1)
    calendar = Calendar(appointment.tenant, as_long)
    told = {Reason.IN_THE_PAST, Reason.OUTSIDE_HOURS, Reason.CLOSED, Reason.NOT_WORKING, Reason.TIME_OFF}
    reasons = calendar.objections(appointment.employee, appointment.starts_at, ignoring=appointment)
    return [reason for reason in reasons if reason in told]


def _put(appointment: Appointment, *, new: bool) -> None:
    if collision(appointment) is not None:
        raise SlotTaken([])
    try:
        with transaction.atomic():
            appointment.save(force_insert=new, force_update=not new)
    except IntegrityError as error:
        if is_double_booking(error):
            raise SlotTaken([]) from None
        raise


def _takes_other_time(appointment: Appointment, before: Appointment) -> bool:
    cancelled = Appointment.Status.CANCELLED
    if (appointment.status == cancelled) != (before.status == cancelled):
        return True
    return any(
        getattr(appointment, name) != getattr(before, name)
        for name in ("employee_id", "service_id", "starts_at", "ends_at")
    )


def _settle(appointment: Appointment) -> None:
    ends_at: datetime.datetime | None = appointment.ends_at
    appointment.ends_at = ends_at or appointment.starts_at + appointment.service.duration
    kept = buffered(appointment.service, appointment.starts_at, appointment.ends_at)
    if kept["blocked_until"] - kept["blocked_from"] > datetime.timedelta(days=LONGEST_DAYS):
        raise Invalid("endsAt", f"an appointment with its buffers lasts {LONGEST_DAYS} days at most")
    appointment.blocked_from, appointment.blocked_until = kept["blocked_from"], kept["blocked_until"]

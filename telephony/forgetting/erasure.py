"""A customer asks to be forgotten: their name, numbers and words go from everything that is kept here.

What stays is that there was an appointment, a call, an entry in the audit trail: times and ids. Whoever shares the
customer's number keeps their own row; what is known of the number's calls goes all the same.

What ElevenLabs and Twilio have kept is asked for to be deleted there (`vendors.py`), until it is.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from agents import forgetting
from agents.models import Conversation, OneTimeCode, ToolInvocation
from appointments.models import (
    Appointment,
    AppointmentChange,
    Customer,
    Hold,
    IdempotencyRecord,
    ImportDraft,
    WaitlistEntry,
)
from telephony.forgetting import sweeping, vendors
from telephony.forgetting.retention import WAITING, forget_parties, forget_told
from telephony.models import BlockedNumber, Call, InboundText, Meter, Notification, OptOut, OutboundCall
from tenants.audit.models import AuditDetail
from tenants.audit.writing import record
from tenants.scoping import active_scope

FORGOTTEN = "erased"
SHORTEST_NAME = 3
"""What is shorter stands in too many other words to be looked for."""


@dataclass(slots=True)
class Erased:
    conversations: int = 0
    calls: int = 0
    entries: int = 0
    """Of the audit trail, whose words are gone."""
    swept: dict[str, int] = field(default_factory=dict)
    """Rows elsewhere that named the customer, by table."""
    at_vendors: list[str] = field(default_factory=list)
    """What vendors are asked to delete: "elevenlabs: conversation conv_1"."""


@dataclass(frozen=True, slots=True)
class _Person:
    id: UUID
    phone: str
    email: str
    name: str
    needles: tuple[str, ...]
    """By which nobody else is known."""
    appointments: tuple[UUID, ...]


def erase_customer(customer_id: UUID) -> Erased:
    """In one transaction; doing it again changes nothing. Needs the tenant's scope. Raises Customer.DoesNotExist."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    person, erased = _person(customer), Erased()
    conversations = _conversations(person)
    calls = _calls(person, conversations)
    erased.at_vendors = _ask_vendors(person, conversations, calls)
    erased.conversations, erased.calls = len(conversations), len(calls)
    forgetting.forget_recordings(conversations)
    forgetting.forget_words(conversations)
    forgetting.forget_callers(conversations)
    forget_parties(calls)
    _forget_line(person)
    _forget_calendar(person, customer)
    ImportDraft.objects.all().delete()  # a file may write names and numbers in any manner
    _forget_admin_log([person.id, *person.appointments, *calls, *conversations])
    erased.swept = sweeping.sweep(customer.tenant_id, person.needles, FORGOTTEN)
    places = _forget_audit(person)
    erased.entries = len(places)
    record("customer.erased", customer, after={"calls": len(calls)}, erases=places)
    return erased


def _person(customer: Customer) -> _Person:
    others = Customer.objects.exclude(pk=customer.pk)
    needles = []
    if customer.phone_e164 and not others.filter(phone_e164=customer.phone_e164).exists():
        needles.append(customer.phone_e164.removeprefix("+"))
    if customer.email and not others.filter(email__iexact=customer.email).exists():
        needles.append(customer.email)
    alone = not others.filter(name__iexact=customer.name).exists()
    if alone and len(customer.name) >= SHORTEST_NAME and not customer.name.startswith(FORGOTTEN):
        needles.append(customer.name)
    return _Person(
        customer.pk,
        customer.phone_e164,
        customer.email,
        customer.name,
        tuple(needles),
        tuple(customer.appointments.values_list("pk", flat=True)),
    )


def _conversations(person: _Person) -> list[UUID]:
    """Those of the number, and those in which an appointment of theirs was made or changed."""
    changed = ToolInvocation.objects.filter(appointment__in=person.appointments).values("conversation")
    theirs = Q(pk__in=changed)
    if person.phone:
        theirs |= Q(caller_e164=person.phone) | Q(proven_phones__contains=[person.phone])
    return list(Conversation.objects.filter(theirs).values_list("pk", flat=True))


def _calls(person: _Person, conversations: Collection[UUID]) -> list[UUID]:
    theirs = Q(conversation__in=conversations)
    if person.phone:
        theirs |= Q(from_e164=person.phone) | Q(to_e164=person.phone)
    return list(Call.objects.filter(theirs).values_list("pk", flat=True))


def _told(person: _Person) -> Q:
    return (
        Q(appointment__in=person.appointments)
        | Q(waitlist_entry__customer=person.id)
        | Q(to_address__in=[one for one in (person.phone, person.email) if one])
    )


def _ask_vendors(person: _Person, conversations: Collection[UUID], calls: Collection[UUID]) -> list[str]:
    spoken, texts = Q(conversation_id__in=conversations), Q(pk__in=[])
    if person.phone:
        spoken, texts = spoken | Q(callback_e164=person.phone), Q(from_e164=person.phone)
    asked = [
        *vendors.conversations(conversations),
        *vendors.voicemails(spoken),
        *vendors.texts(_told(person), texts),
        *vendors.calls(calls),
    ]
    return [f"{one.vendor}: {one.kind} {one.external_id}" for one in asked]


def _forget_line(person: _Person) -> None:
    told = Notification.objects.filter(_told(person))
    told.filter(state__in=WAITING).update(state=Notification.State.SKIPPED, settled_at=timezone.now())
    forget_told(list(told.values_list("pk", flat=True)))
    ordered = OutboundCall.objects.filter(_ordered_for(person))
    now = timezone.now()
    ordered.filter(state=OutboundCall.State.WAITING).update(
        state=OutboundCall.State.CANCELED, canceled_at=now, settled_at=now
    )
    # One that is being placed this moment is not tried again.
    ordered.filter(state__in=OutboundCall.OPEN).update(canceled_at=now)
    ordered.update(to_e164="", purpose="")
    if person.phone:
        InboundText.objects.filter(from_e164=person.phone).delete()
        OptOut.objects.filter(e164=person.phone).delete()
        BlockedNumber.objects.filter(e164=person.phone).delete()
        Meter.objects.filter(caller_e164=person.phone).update(caller_e164="")
        Call.objects.filter(from_e164=person.phone).update(from_e164="")
        Call.objects.filter(to_e164=person.phone).update(to_e164="")
        forgetting.forget_messages(Q(callback_e164=person.phone))
        OneTimeCode.objects.filter(phone_e164=person.phone).delete()


def _ordered_for(person: _Person) -> Q:
    """Calls to the customer, to whichever number: theirs may have been another one then."""
    theirs = Q(customer=person.id) | Q(appointment__in=person.appointments)
    return theirs | Q(to_e164=person.phone) if person.phone else theirs


def _forget_calendar(person: _Person, customer: Customer) -> None:
    ids = [str(one) for one in (person.id, *person.appointments)]
    mentioned = Q()
    for needle in (*ids, *person.needles):
        mentioned |= Q(answer__icontains=needle) | Q(key__icontains=needle)
    IdempotencyRecord.objects.filter(mentioned).delete()
    ToolInvocation.objects.filter(appointment__in=person.appointments).update(arguments={}, answer={})
    AppointmentChange.objects.filter(appointment__in=person.appointments).update(reason="", actor=FORGOTTEN)
    Appointment.objects.filter(pk__in=person.appointments).update(notes="", code="")
    WaitlistEntry.objects.filter(customer=person.id).delete()
    if person.phone:
        Hold.objects.filter(caller_e164=person.phone).update(caller_e164="")
    customer.name, customer.phone_e164 = f"{FORGOTTEN} {person.id.hex[:8]}", ""
    customer.email = customer.notes = ""
    customer.save(update_fields=["name", "phone_e164", "email", "notes"])


def _forget_admin_log(ids: Collection[UUID]) -> None:
    """Django's own history of the admin's pages: it names rows as they were called."""
    entries = LogEntry.objects.filter(object_id__in=[str(one) for one in ids])
    entries.update(object_repr=FORGOTTEN, change_message="")


def _forget_audit(person: _Person) -> list[int]:
    """The places in the trail whose words are gone. They can be deleted; nobody can change them."""
    with connection.cursor() as cursor:  # what this very transaction has written needs its place, too
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    mentioned = Q(about=person.id)
    for needle in person.needles:
        mentioned |= Q(content__icontains=needle)
    details = AuditDetail.objects.for_tenant(_tenant()).filter(mentioned)
    places = [place for place in details.values_list("entry__position", flat=True) if place is not None]
    details.delete()
    return places


def _tenant() -> UUID:
    tenant_id = active_scope().tenant_id
    if tenant_id is None:
        raise ValueError("A customer is erased in the scope of their business")
    return tenant_id

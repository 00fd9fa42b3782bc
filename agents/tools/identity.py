"""Whose appointments a call may see and change: those of the caller, and of nobody else.

Who calls is known from the call (its number, what it booked, what the caller has proved in it), never from what
the model fills in. Appointments are named by handles that mean something in one call only.
"""

import hmac
import unicodedata
from base64 import b32encode
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from agents.models import ToolInvocation
from agents.tools.contract import Arguments, ToolContext, ToolError, Trust
from agents.tools.wishes import read_start_or_words
from appointments.lifecycle import COMING
from appointments.models import Appointment

BOOKING_TOOLS = ("book_appointment", "create_appointment")
MOST_LISTED = 50


def handle(context: ToolContext, pk: UUID) -> str:
    """What an appointment is called in this call. Another call's handle, or a guess, leads nowhere."""
    message = f"{context.tenant.pk} {context.holder} {pk}"
    digest = hmac.digest(settings.SECRET_KEY.encode(), message.encode(), "sha256")
    return f"apt_{b32encode(digest)[:12].decode().lower()}"


def coming(context: ToolContext) -> list[Appointment]:
    """The caller's own appointments that are still to come, earliest first."""
    return list(_theirs(context).filter(status__in=COMING)[:MOST_LISTED])


def cancelled_last(context: ToolContext) -> Appointment | None:
    """The caller's own appointment that this call was the last to cancel."""
    done = ToolInvocation.objects.filter(
        conversation=context.conversation, tool="cancel_appointment", succeeded=True
    )
    last = done.order_by("-occurred_at").values_list("appointment_id", flat=True).first()
    return _theirs(context).filter(pk=last, status=Appointment.Status.CANCELLED).first()


def the_one(context: ToolContext, reference: str) -> Appointment:
    """The caller's own appointment of this handle or id, cancelled ones included, so that repeats are answered.

    Raises ToolError NOT_FOUND, the same for what is somebody else's and for what does not exist.
    """
    if context.conversation is None:
        found = _made_outside_of_calls(context, reference)
        if found is not None:
            return found
    theirs = _theirs(context)
    for pk in theirs.values_list("pk", flat=True):  # however many: a handle that was given stays good
        if reference in {handle(context, pk), str(pk)}:
            return theirs.get(pk=pk)
    raise not_theirs(context)


def not_theirs(context: ToolContext) -> ToolError:
    return ToolError("NOT_FOUND", "appointmentId: no such appointment", context.speech.not_yours)


def is_theirs(context: ToolContext, appointment: Appointment) -> bool:
    return _theirs(context).filter(pk=appointment.pk).exists()


def is_their_number(context: ToolContext, phone_e164: str) -> bool:
    """Whether the caller calls from it, or has proved to have it."""
    if context.conversation is None or not phone_e164:
        return False
    return phone_e164 in {context.known_caller_e164, *context.conversation.proven_phones}


def theirs_of_code(context: ToolContext, arguments: Arguments) -> Appointment | None:
    """The caller's own appointment of this booking code, a cancelled one too, so that repeats are answered."""
    return _only(_theirs(context).filter(code=_code(arguments)))


def _theirs(context: ToolContext) -> QuerySet[Appointment]:
    rows = Appointment.objects.for_tenant(context.tenant).select_related("service", "employee", "customer")
    return rows.filter(_own(context), starts_at__gt=context.now).order_by("starts_at", "pk")


def _own(context: ToolContext) -> Q:
    conversation = context.conversation
    if conversation is None:
        return Q(pk__in=[])
    own = Q(customer__phone_e164__in=conversation.proven_phones)
    if context.trust <= Trust.KNOWLEDGE:
        own |= Q(pk__in=conversation.proven_appointments)
    if context.trust <= Trust.CALLER_ID:
        own |= Q(pk__in=_booked_in(context))
        if context.known_caller_e164:
            own |= Q(customer__phone_e164=context.known_caller_e164)
    return own


def _booked_in(context: ToolContext) -> QuerySet[ToolInvocation, UUID | None]:
    made = ToolInvocation.objects.filter(conversation=context.conversation, tool__in=BOOKING_TOOLS)
    return made.exclude(appointment=None).values_list("appointment_id", flat=True)


def _made_outside_of_calls(context: ToolContext, reference: str) -> Appointment | None:
    """An agent that names no call may change what was booked without one, if it knows the id."""
    try:
        pk = UUID(reference)
    except ValueError:
        return None
    made = ToolInvocation.objects.filter(conversation=None, tool__in=BOOKING_TOOLS, appointment_id=pk)
    rows = Appointment.objects.for_tenant(context.tenant).select_related("service", "employee", "customer")
    if context.trust > Trust.CALLER_ID or not made.exists():
        return None
    return rows.filter(pk=pk, starts_at__gt=context.now).first()


# --- What callers know ---------------------------------------------------------------------------


def known_by(context: ToolContext, arguments: Arguments) -> Appointment | None:
    """The coming appointment that the caller knows the booking code of, or the surname and the local time."""
    rows = Appointment.objects.for_tenant(context.tenant).select_related("service", "employee", "customer")
    rows = rows.filter(starts_at__gt=context.now, status__in=COMING)
    code = _code(arguments)
    if code:
        return _only(rows.filter(code=code))
    surname = _folded(arguments.text("lastName", limit=120))
    if not surname or not arguments.text("startTime"):
        return None
    at_that_time = rows.filter(starts_at=read_start_or_words(context, arguments, "startTime"))
    named = [one for one in at_that_time if f" {_folded(one.customer.name)}".endswith(f" {surname}")]
    return named[0] if len(named) == 1 else None


def _code(arguments: Arguments) -> str:
    return arguments.text("bookingCode", limit=20).upper().replace(" ", "").replace("-", "")


def _only(rows: QuerySet[Appointment]) -> Appointment | None:
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def _folded(name: str) -> str:
    """`Müller` and `MULLER` are heard alike."""
    plain = unicodedata.normalize("NFKD", name.casefold().strip())
    return "".join(char for char in plain if not unicodedata.combining(char))

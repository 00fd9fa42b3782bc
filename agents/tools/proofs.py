"""One-time codes, and what a caller has proved so far; both are kept with the conversation."""

import datetime
import hmac
import secrets
from contextlib import suppress
from functools import partial
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from agents.models import Conversation, OneTimeCode
from agents.speech import speech_for
from agents.tools import lookups
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.wishes import read_phone
from appointments.models import Appointment, Customer

STANDS = datetime.timedelta(minutes=10)
MOST_TRIES = 5
CODES_PER_PHONE_A_DAY = 5
CODES_PER_CALL = 5
CODES_PER_TENANT_AN_HOUR = 100
"""Whoever books for numbers that cost money to text must not have us text them all."""
SEND_CODE = "telephony.tasks.send_code"


def remember_appointment(context: ToolContext, appointment: Appointment) -> None:
    """The caller knew enough about it. Where no call is known there is nothing to remember it by."""
    _remember(context, "proven_appointments", str(appointment.pk))


def _remember(context: ToolContext, field: str, value: str) -> None:
    if context.conversation is None:
        return
    conversation = Conversation.objects.select_for_update().get(pk=context.conversation.pk)
    proven: list[str] = sorted({*getattr(conversation, field), value})
    setattr(conversation, field, proven)
    setattr(context.conversation, field, proven)
    conversation.save(update_fields=[field])


def send_code(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    """The same is said whether or not the number is a customer's; only customers are sent anything."""
    lookups.check(context)
    conversation = _call(context)
    phone = read_phone(context, arguments, "customerPhone") or context.caller_e164
    if not phone:
        raise ToolError(
            "VALIDATION_ERROR", "customerPhone: this field is required", context.speech.contact_needed
        )
    customers = Customer.objects.for_tenant(context.tenant).filter(phone_e164=phone)
    if customers.exists() and not _too_many(context, conversation, phone):
        _send(context, conversation, phone)
    data = {
        "sent": True,
        "phoneEndsWith": phone[-2:],
        "expiresInMinutes": STANDS // datetime.timedelta(minutes=1),
    }
    return ToolAnswer(data, context.speech.code_sent(last_digits=phone[-2:]))


def verify_identity(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    """The code that was read out, or keyed in, within the call that it was sent for."""
    lookups.check(context)
    conversation = _call(context)
    code = "".join(char for char in arguments.text("code", limit=40) if char.isdecimal())
    sent = (
        OneTimeCode.objects.for_tenant(context.tenant)
        .select_for_update()
        .filter(conversation=conversation, expires_at__gt=context.now, tries__lt=MOST_TRIES)
        .first()
    )
    if sent is None or not _is(sent, code):
        if sent is not None:
            _count_try(sent)
        return _wrong(context)
    sent.expires_at = context.now  # used up; the row still counts among those that were sent
    sent.save(update_fields=["expires_at"])
    _remember(context, "proven_phones", sent.phone_e164)
    return ToolAnswer({"verified": True}, context.speech.verified)


def _wrong(context: ToolContext) -> ToolAnswer:
    """An answer and no error: a refusal would take the counted try back with it."""
    return ToolAnswer({"verified": False}, context.speech.code_wrong)


def _count_try(sent: OneTimeCode) -> None:
    OneTimeCode.objects.filter(pk=sent.pk).update(tries=F("tries") + 1)


def _call(context: ToolContext) -> Conversation:
    if context.conversation is None:
        raise ToolError("NO_CALL", "Codes are for calls", context.speech.cannot_do_that)
    return context.conversation


def _too_many(context: ToolContext, conversation: Conversation, phone: str) -> bool:
    sent = OneTimeCode.objects.for_tenant(context.tenant)
    today = sent.filter(sent_at__gt=context.now - datetime.timedelta(days=1))
    return (
        today.filter(phone_e164=phone).count() >= CODES_PER_PHONE_A_DAY
        or today.filter(conversation=conversation).count() >= CODES_PER_CALL
        or sent.filter(sent_at__gt=context.now - datetime.timedelta(hours=1)).count()
        >= CODES_PER_TENANT_AN_HOUR
    )


def _send(context: ToolContext, conversation: Conversation, phone: str) -> None:
    sent = OneTimeCode.objects.create(
        tenant=context.tenant,
        conversation=conversation,
        phone_e164=phone,
        expires_at=context.now + STANDS,
    )
    transaction.on_commit(partial(_hand_over, context.tenant.pk, sent.pk))


def _hand_over(tenant_id: UUID, code_id: UUID) -> None:
    """Telephony sends it: it is built on this app, and is asked by name. Ids alone pass through the queue."""
    with suppress(OperationalError):  # the caller asks again: nothing was promised but a try
        current_app.send_task(SEND_CODE, [str(tenant_id), str(code_id)], retry=False, expires=120)


def draw(code_id: UUID, now: datetime.datetime) -> tuple[str, str] | None:
    """Number and text of a message, with a code that is drawn here and kept nowhere. Needs the tenant's scope.

    None for a row that is gone, is too old, or has had its code: a task that comes again texts nobody.
    """
    waiting = OneTimeCode.objects.select_related("tenant").select_for_update(of=("self",))
    sent = waiting.filter(pk=code_id, digest="", expires_at__gt=now).first()
    if sent is None:
        return None
    code = f"{secrets.randbelow(10**6):06}"
    sent.digest = _digest(sent, code)
    sent.save(update_fields=["digest"])
    tenant = sent.tenant
    return sent.phone_e164, speech_for(tenant.language).code_text(business=tenant.name, code=code)


def _digest(sent: OneTimeCode, code: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{sent.pk} {code}".encode(), "sha256").hexdigest()


def _is(sent: OneTimeCode, code: str) -> bool:
    return len(code) == 6 and hmac.compare_digest(sent.digest, _digest(sent, code))


TOOLS = (
    Tool(
        name="send_code",
        description="Send a one-time code by text message to a number that the caller says is theirs.",
        parameters={
            "customerPhone": {
                "type": "string",
                "description": "The number; leave out for the one that they call from",
            }
        },
        handler=send_code,
    ),
    Tool(
        name="verify_identity",
        description="Check the code that the caller reads out or keys in.",
        parameters={"code": {"type": "string", "description": "Six digits"}},
        required=("code",),
        handler=verify_identity,
    ),
)

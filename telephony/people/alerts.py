"""A message that somebody left: the team is told, and whoever left it hears that it arrived.

`settings.messageAlerts`    {"sms": ["+15551234567"], "email": ["desk@example.com"]}, at most five of each
`settings.messageReceipt`   true: the caller gets a text, to the number of that very call and to no other

Rows of the same list that customers are told from, made in the transaction of the message: none is lost, and none is
told twice. Needs the tenant's scope.
"""

import datetime
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from agents.models import Message
from telephony import calls
from telephony.models import Call
from telephony.notifications.models import Channel, Kind, Notification
from telephony.people import directory, numbers
from tenants.models import Tenant
from tenants.phone import e164_or_blank

ALERTS, RECEIPT = "messageAlerts", "messageReceipt"
MOST = 5
OF_USE = datetime.timedelta(hours=24)


def on_message(sender: Any, instance: Message, created: bool, **_: Any) -> None:
    """Django's signal."""
    if created:
        tell(instance)


def tell(message: Message) -> None:
    tenant = Tenant.objects.get(pk=message.tenant_id)
    for place, (channel, address) in enumerate(recipients(tenant)):
        _add(message, Kind.ALERT, f"{message.pk.hex}:{place}", channel, address)
    conversation = message.conversation
    if conversation is not None and conversation.caller_is_known:
        _acknowledge(message, tenant, conversation.pk.hex, conversation.caller_e164)


def acknowledge(message: Message, call: Call) -> None:
    """To whoever left it in a call that no agent and no menu took: such a call has no conversation to know them by."""
    if call.from_e164 and not call.is_outbound and calls.vouched_for(call) is not False:
        _acknowledge(message, Tenant.objects.get(pk=message.tenant_id), call.pk.hex, call.from_e164)


def _acknowledge(message: Message, tenant: Tenant, once: str, caller_e164: str) -> None:
    """`once`: the call, however many messages it brings."""
    if tenant.settings.get(RECEIPT) is not True:
        return
    if directory.refusal(tenant, caller_e164):  # a text that would cost more than it is worth
        return
    _add(message, Kind.RECEIPT, once, Channel.SMS, caller_e164)


def recipients(tenant: Tenant) -> list[tuple[Channel, str]]:
    """What makes sense of the settings; the page of the business tells of the rest."""
    wanted = tenant.settings.get(ALERTS)
    told = wanted if isinstance(wanted, dict) else {}
    phones = [e164_or_blank(one) for one in _texts(told.get("sms"))]
    mails = [one for one in _texts(told.get("email")) if _is_address(one)]
    return [
        *((Channel.SMS, one) for one in dict.fromkeys(phones) if one and not numbers.is_costly(one)),
        *((Channel.EMAIL, one) for one in dict.fromkeys(mails)),
    ]


def problems(settings: dict[str, Any]) -> Iterator[str]:
    """What is wrong with what is written."""
    told = settings.get(ALERTS, {})
    if not isinstance(told, dict) or told.keys() - {"sms", "email"}:
        yield f'{ALERTS}: {{"sms": ["+15551234567"], "email": ["desk@example.com"]}}'
        return
    for name, value in told.items():
        if not isinstance(value, list) or len(value) > MOST:
            yield f"{ALERTS}: {name} is a list of at most {MOST}"
            continue
        for one in value:
            if name == "email" and not _is_address(one):
                yield f"{ALERTS}: {one} is not an e-mail address"
            if name == "sms" and not (isinstance(one, str) and e164_or_blank(one)):
                yield f"{ALERTS}: {one} is not a number such as +15551234567"
            elif name == "sms" and numbers.is_costly(e164_or_blank(one)):
                yield f"{ALERTS}: {one} charges special rates"
    if not isinstance(settings.get(RECEIPT, False), bool):
        yield f"{RECEIPT}: true or false"


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [one for one in listed[:MOST] if isinstance(one, str)]


def _is_address(text: Any) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _add(message: Message, kind: Kind, version: str, channel: Channel, address: str) -> None:
    now = timezone.now()
    Notification.objects.get_or_create(
        tenant_id=message.tenant_id,
        appointment=None,
        kind=kind,
        version=version,
        hours_before=0,
        defaults={
            "message": message,
            "channel": channel,
            "to_address": address,
            "starts_at": now,
            "due_at": now,
            "not_after": now + OF_USE,
        },
    )

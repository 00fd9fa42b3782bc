"""What a person hears before they take a call: for whom it is, who calls, why, and what was said so far.

Made of facts and of the caller's own words. Needs the tenant's scope.
"""

from agents.models import Turn
from agents.speech import speech_for
from appointments.models import Customer
from telephony.models import Call
from telephony.people.models import Transfer
from tenants.models import Tenant

LONGEST_WORDS = 140
NUMBER = "whisperNumber"
ENDING = "ending"


def words(transfer: Transfer) -> list[str]:
    """Sentences, in the language of the business."""
    call, tenant = transfer.call, transfer.tenant
    speech = speech_for(tenant.language)
    said = [speech.call_for(business=tenant.name, caller=_name(call), number=_number(call, tenant))]
    if transfer.reason:
        said.append(speech.wish_is(wish=_plain(transfer.reason)))
    about = _last_words(call)
    if about:
        said.append(speech.caller_said(words=about))
    return said


def _name(call: Call) -> str:
    """Of the one customer with this number; what a caller only claims is among their words."""
    conversation = call.conversation
    if conversation is None or not conversation.caller_is_known:
        return ""
    known = Customer.objects.for_tenant(call.tenant_id).filter(phone_e164=call.from_e164)
    names = list(known.values_list("name", flat=True)[:2])
    return names[0] if len(names) == 1 else ""


def _number(call: Call, tenant: Tenant) -> str:
    """Digit by digit; `settings.whisperNumber` may be "ending", for colleagues who need not know it all."""
    digits = call.from_e164.removeprefix("+")
    if tenant.settings.get(NUMBER) == ENDING:
        digits = digits[-4:]
    return " ".join(digits)


def _last_words(call: Call) -> str:
    """The longest of the caller's last three turns: "yes, please" says little."""
    if call.conversation_id is None:
        return ""
    rows = Turn.objects.filter(conversation_id=call.conversation_id, speaker=Turn.Speaker.CALLER)
    last = [turn.text for turn in rows.order_by("-position")[:3]]
    return _plain(max(last, key=len, default=""))


def _plain(text: str) -> str:
    """Inside a sentence: one line, cut at a word, without a full stop of its own."""
    line = " ".join(text.split())
    if len(line) > LONGEST_WORDS:
        line = line[:LONGEST_WORDS].rpartition(" ")[0] or line[:LONGEST_WORDS]
    return line.rstrip(".!?… ")

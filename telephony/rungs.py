"""The rungs of the ladder that a caller without an agent goes down, as documents: voicemail, the end."""

from collections.abc import Callable

from agents.speech import speech_for
from telephony.carriers.twilio import twiml
from telephony.models import Call
from telephony.outbound import wording
from tenants.models import Tenant

CallbackUrl = Callable[[str], str]


def has_voicemail(tenant: Tenant) -> bool:
    return tenant.settings.get("voicemail") is True


def has_menu(tenant: Tenant) -> bool:
    return tenant.settings.get("keypadMenu") is True


def voicemail(call: Call, callback_url: CallbackUrl, *sentences: str) -> str:
    """Sentences, the last of which announces the tone."""
    said = " ".join(sentences) or speech_for(call.tenant.language).voicemail
    return twiml.record_voicemail(said, recorded_url=callback_url("recorded"), language=call.tenant.language)


def apology(call: Call) -> str:
    return twiml.say(words_of_apology(call), language=call.tenant.language)


def words_of_apology(call: Call) -> str:
    """Whoever was called must be told by whom."""
    if call.is_outbound:
        return wording.apology(call.tenant.language, call.tenant.name, call.tenant.phone or call.our_e164)
    return speech_for(call.tenant.language).call_failed

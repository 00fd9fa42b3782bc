"""What a business offers to a caller without an agent, and the words with which it ends."""

from agents.speech import speech_for
from telephony.models import Call
from telephony.outbound import wording
from tenants.models import Tenant


def has_voicemail(tenant: Tenant) -> bool:
    return tenant.settings.get("voicemail") is True


def has_menu(tenant: Tenant) -> bool:
    return tenant.settings.get("keypadMenu") is True


def words_of_apology(call: Call) -> str:
    """Whoever was called must be told by whom."""
    if call.is_outbound:
        return wording.apology(call.tenant.language, call.tenant.name, call.tenant.phone or call.our_e164)
    return speech_for(call.tenant.language).call_failed

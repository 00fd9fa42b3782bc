"""The last rungs of the ladder, as documents: voicemail, the end."""

from agents.speech import speech_for
from telephony.carriers.twilio import twiml
from telephony.carriers.twilio.addresses import CallbackUrl
from telephony.models import Call
from telephony.rungs import words_of_apology


def voicemail(call: Call, callback_url: CallbackUrl, *sentences: str) -> str:
    """Sentences, the last of which announces the tone."""
    said = " ".join(sentences) or speech_for(call.tenant.language).voicemail
    return twiml.record_voicemail(said, recorded_url=callback_url("recorded"), language=call.tenant.language)


def apology(call: Call) -> str:
    return twiml.say(words_of_apology(call), language=call.tenant.language)

"""How a number must be set up at Twilio so that its calls come to us. Pure."""

from collections.abc import Mapping
from typing import Any

_READ_AS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
    "SmsApplicationSid": "sms_application_sid",
}
"""Form name, and name in what Twilio answers."""


def desired_wiring(webhooks_url: str, *, takes_sms: bool) -> dict[str, str]:
    """By form name; `webhooks_url` has no slash at its end.

    A trunk or an application takes precedence over the URLs, which are then ignored without a word.
    """
    wiring = {
        "VoiceUrl": f"{webhooks_url}/elevenlabs",
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": f"{webhooks_url}/fallback",
        "VoiceFallbackMethod": "POST",
        "StatusCallback": f"{webhooks_url}/status",
        "StatusCallbackMethod": "POST",
        "VoiceApplicationSid": "",
        "TrunkSid": "",
    }
    if takes_sms:
        wiring |= {"SmsUrl": f"{webhooks_url}/sms", "SmsMethod": "POST", "SmsApplicationSid": ""}
    return wiring


def wrong_wiring(desired: Mapping[str, str], number: Mapping[str, Any]) -> dict[str, str]:
    """What of `desired` the number, as Twilio tells of it, does not have."""
    return {name: value for name, value in desired.items() if (number.get(_READ_AS[name]) or "") != value}


def wired_to(number: Mapping[str, Any], field: str) -> str:
    """What stands in a field now, for people."""
    return str(number.get(_READ_AS[field]) or "nothing")

"""The TwiML that we answer with.  Source: Twilio, "TwiML for Programmable Voice"."""

from collections.abc import Mapping

from twilio.twiml.voice_response import Connect, Dial, VoiceResponse


def _clean(text: str) -> str:
    """Characters that XML 1.0 forbids even when escaped would make Twilio refuse the document (12100)."""
    return "".join(
        char
        for char in text
        if char in "\t\n\r" or (" " <= char < "\ud800") or "\ue000" <= char < "\ufffe" or char > "\uffff"
    )


def connect_stream(url: str, parameters: Mapping[str, str], *, ended_url: str, stream_status_url: str) -> str:
    """Stream the call to us. What follows `<Connect>` is the way on if the stream is lost."""
    response = VoiceResponse()
    connect = Connect(action=ended_url, method="POST")
    stream = connect.stream(url=url, status_callback=stream_status_url, status_callback_method="POST")
    for name, value in parameters.items():
        # Twilio drops a parameter whose name and value reach 500 characters together.
        stream.parameter(name=name, value=_clean(value)[: 499 - len(name)])
    response.append(connect)
    response.redirect(ended_url, method="POST")
    return str(response)


def say(*sentences: str, language: str = "en") -> str:
    """Say it and hang up."""
    response = VoiceResponse()
    for sentence in sentences:
        response.say(_clean(sentence), language=_SAY_LANGUAGES.get(language, "en-US"))
    response.hangup()
    return str(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)


def dial(number: str, *, announcement: str, caller_id: str, dialed_url: str, language: str = "en") -> str:
    """Hand the caller to a person; `dialed_url` decides what happens when nobody answers."""
    response = VoiceResponse()
    if announcement:
        response.say(_clean(announcement), language=_SAY_LANGUAGES.get(language, "en-US"))
    connect = Dial(answer_on_bridge=True, timeout=20, action=dialed_url, method="POST", caller_id=caller_id)
    connect.number(number)
    response.append(connect)
    return str(response)


def record_voicemail(prompt: str, *, recorded_url: str, language: str = "en") -> str:
    response = VoiceResponse()
    response.say(_clean(prompt), language=_SAY_LANGUAGES.get(language, "en-US"))
    response.record(action=recorded_url, method="POST", max_length=120, play_beep=True, timeout=5)
    return str(response)


def nothing() -> str:
    """The answer to a pure callback: anything else than TwiML makes Twilio log a warning."""
    return str(VoiceResponse())


_SAY_LANGUAGES = {"en": "en-US", "es": "es-ES", "de": "de-DE", "fr": "fr-FR"}

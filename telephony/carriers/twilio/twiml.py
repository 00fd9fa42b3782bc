"""The TwiML that we answer with.  Source: Twilio, "TwiML for Programmable Voice"."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse


def clean(text: str) -> str:
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
        stream.parameter(name=name, value=clean(value)[: 499 - len(name)])
    response.append(connect)
    response.redirect(ended_url, method="POST")
    return str(response)


def say(*sentences: str, language: str = "en", then_url: str = "") -> str:
    """Say it; then hang up, unless the call goes on at `then_url`."""
    response = VoiceResponse()
    _say(response, sentences, language)
    if then_url:
        response.redirect(then_url, method="POST")
    response.hangup()
    return str(response)


def _say(verb: VoiceResponse | Gather, sentences: Iterable[str], language: str) -> None:
    for sentence in sentences:
        verb.say(clean(sentence), language=spoken_language(language))


def play(url: str) -> str:
    """Play it; then hang up."""
    return play_first(url, hang_up())


def play_first(url: str, document: str) -> str:
    """A document, and before it a recording."""
    response = VoiceResponse()
    response.play(url)
    played = str(response).partition("<Response>")[2].removesuffix("</Response>")
    return document.replace("<Response>", f"<Response>{played}", 1)


def reject() -> str:
    """Without answering, which costs nothing."""
    response = VoiceResponse()
    response.reject()
    return str(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)


def ask(
    *sentences: str,
    answer_url: str,
    language: str = "en",
    spoken: bool = True,
    whole_number: bool = False,
    seconds: int = 6,
    otherwise: str = "",
) -> str:
    """Ask for a key, or the same in words where `spoken`; a `whole_number` ends with the hash key.

    Silence is answered too: it is posted like a key. `otherwise` is a voicemail prompt: then silence records.
    """
    response = VoiceResponse()
    gather = Gather(
        input="dtmf speech" if spoken else "dtmf",
        action=answer_url,
        method="POST",
        timeout=seconds,
        # Without an end key, hash and star are keys like others.
        finish_on_key="#" if whole_number else "",
        num_digits=None if whole_number else 1,
        action_on_empty_result=True,
        **({"speech_timeout": "auto", "language": spoken_language(language)} if spoken else {}),
    )
    _say(gather, sentences, language)
    response.append(gather)
    response.redirect(answer_url, method="POST")
    return str(response)


def ask_or_record(
    *sentences: str, answer_url: str, prompt: str, recorded_url: str, language: str = "en"
) -> str:
    """One key leads elsewhere; whoever presses none leaves a message."""
    response = VoiceResponse()
    gather = Gather(input="dtmf", action=answer_url, method="POST", timeout=3, num_digits=1, finish_on_key="")
    _say(gather, sentences, language)
    response.append(gather)
    _record(response, prompt, recorded_url, language)
    return str(response)


def ask_once(*sentences: str, answer_url: str, seconds: int, language: str = "en") -> str:
    """Ask for one key; whoever presses none is hung up."""
    response = VoiceResponse()
    gather = Gather(
        input="dtmf", action=answer_url, method="POST", timeout=seconds, num_digits=1, finish_on_key=""
    )
    _say(gather, sentences, language)
    response.append(gather)
    response.hangup()
    return str(response)


@dataclass(frozen=True, slots=True)
class Callee:
    """One number of a `<Dial>`: what it hears before it is joined, and where it is told how it fares."""

    e164: str
    whisper_url: str = ""
    status_url: str = ""


class Dialling(TypedDict):
    """`dialed_url` decides what happens when it is over; no `longest_seconds` is 0."""

    caller_id: str
    dialed_url: str
    rings_seconds: int
    longest_seconds: int


def ask_or_dial(
    *sentences: str,
    answer_url: str,
    callees: Sequence[Callee],
    language: str = "en",
    **dialling: Unpack[Dialling],
) -> str:
    """One key leads elsewhere; whoever presses none is put through."""
    response = VoiceResponse()
    gather = Gather(input="dtmf", action=answer_url, method="POST", timeout=3, num_digits=1, finish_on_key="")
    _say(gather, sentences, language)
    response.append(gather)
    _dial(response, callees, **dialling)
    return str(response)


def dial(
    callees: Sequence[Callee], *, announcement: str, language: str = "en", **dialling: Unpack[Dialling]
) -> str:
    """Hand the caller to a person, who hears the whisper first if there is one: the caller hears it ring meanwhile."""
    response = VoiceResponse()
    if announcement:
        response.say(clean(announcement), language=spoken_language(language))
    _dial(response, callees, **dialling)
    return str(response)


def _dial(
    response: VoiceResponse,
    callees: Sequence[Callee],
    *,
    caller_id: str,
    dialed_url: str,
    rings_seconds: int,
    longest_seconds: int,
) -> None:
    connect = Dial(
        answer_on_bridge=True,
        timeout=rings_seconds,
        action=dialed_url,
        method="POST",
        caller_id=caller_id,
        **({"time_limit": longest_seconds} if longest_seconds else {}),
    )
    for one in callees:
        told: dict[str, str] = {}
        if one.whisper_url:
            told |= {"url": one.whisper_url, "method": "POST"}
        if one.status_url:
            told |= {"status_callback": one.status_url, "status_callback_event": "answered completed"}
        connect.number(one.e164, **told)
    response.append(connect)


def record_voicemail(prompt: str, *, recorded_url: str, language: str = "en") -> str:
    response = VoiceResponse()
    _record(response, prompt, recorded_url, language)
    return str(response)


def _record(response: VoiceResponse, prompt: str, recorded_url: str, language: str) -> None:
    """A silent caller makes no recording, and hears the way on: `recorded_url` is asked all the same."""
    response.say(clean(prompt), language=spoken_language(language))
    response.record(action=recorded_url, method="POST", max_length=120, play_beep=True, timeout=5)
    response.redirect(recorded_url, method="POST")


def nothing() -> str:
    """The answer to a pure callback: anything else than TwiML makes Twilio log a warning."""
    return str(VoiceResponse())


def spoken_language(tag: str) -> str:
    """A voice of Twilio's for a tenant's language: the region where there is one, English for what we do not speak."""
    parts = tag.strip().lower().replace("_", "-").split("-")
    voices = _VOICES.get(parts[0], _VOICES["en"])
    region = parts[1].upper() if len(parts) > 1 else ""
    return f"{parts[0]}-{region}" if f"{parts[0]}-{region}" in voices else voices[0]


_VOICES = {
    "en": ("en-US", "en-GB", "en-AU", "en-IN"),
    "es": ("es-ES", "es-MX", "es-US"),
    "de": ("de-DE",),
    "fr": ("fr-FR", "fr-CA"),
}
"""By the language that `speech_for` speaks; the first where the region says nothing."""

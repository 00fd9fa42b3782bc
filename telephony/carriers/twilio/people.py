"""Fetching a person by TwiML: `<Dial>` rings a round, `<Number url>` lets each hear who calls before they take it.

    stream ends -> <Dial> round 1 -> nobody -> <Dial> round 2 -> … -> <Connect> the agent again, or the ladder
                      '-- picked up: whisper -> 1: joined; anything else: hung up, for that person alone

Of several numbers in one `<Dial>` the first to pick up is the one, says Twilio, and the others are hung up: a voicemail
that picks up would cost the round, so that the others are rung again (`transfers.round_ends`). `DialCallStatus` says
"completed" of a person who picked up and declined, too: what counts is whether somebody took the call.
"""

from urllib.parse import quote
from uuid import UUID

from django.core.signing import BadSignature, Signer

from agents.speech import speech_for
from telephony import calls, head_start, limits
from telephony.addresses import media_url
from telephony.carriers.twilio import twiml
from telephony.carriers.twilio.addresses import MEDIA_STREAM_PATH, CallbackUrl
from telephony.carriers.twilio.twiml import Callee
from telephony.dialplan import Destination, Route
from telephony.models import Call
from telephony.people import returning, transfers, whisper
from telephony.people.models import Transfer, TransferLeg
from tenants.scoping import tenant_scope

State, LegState = Transfer.State, TransferLeg.State
TALKED = frozenset({"completed", "answered"})
KEY = "1"
PRESS_SECONDS = 6

_signer = Signer(salt="people")


# --- The caller's side ---------------------------------------------------------------------------


def ring(
    call: Call, purpose: Transfer.Purpose, callback_url: CallbackUrl, *, announcement: str = ""
) -> str | None:
    """Ring whoever there is; None where there is nobody."""
    transfer = transfers.begin(call, purpose)
    return round_document(transfer, callback_url, announcement=announcement) if transfer else None


def round_document(transfer: Transfer, callback_url: CallbackUrl, *, announcement: str = "") -> str:
    return twiml.dial(
        callees(transfer, callback_url),
        announcement=announcement,
        language=transfer.tenant.language,
        **_dialling(transfer, callback_url),
    )


def round_after_key(transfer: Transfer, callback_url: CallbackUrl, *sentences: str, answer_url: str) -> str:
    """The same; but one key leads elsewhere."""
    return twiml.ask_or_dial(
        *sentences,
        answer_url=answer_url,
        callees=callees(transfer, callback_url),
        language=transfer.tenant.language,
        **_dialling(transfer, callback_url),
    )


def _dialling(transfer: Transfer, callback_url: CallbackUrl) -> twiml.Dialling:
    return {
        "caller_id": transfer.call.our_e164,
        "dialed_url": _url(callback_url, "dialed", "t", transfer, transfer.position),
        "rings_seconds": transfers.rings_seconds(transfer),
        "longest_seconds": int(limits.longest_call_seconds(transfer.tenant)),
    }


def callees(transfer: Transfer, callback_url: CallbackUrl) -> list[Callee]:
    return [
        Callee(
            leg.e164,
            whisper_url=_leg_url(callback_url, "people/whisper", transfer, leg) if transfer.is_warm else "",
            status_url=_leg_url(callback_url, "people/leg", transfer, leg),
        )
        for leg in transfers.legs_of(transfer)
    ]


def of_round(call: Call, signed: str) -> tuple[Transfer, int] | None:
    """Which round a `<Dial>` was; without a word of it, the one that is being rung."""
    told = _read(signed)
    if signed and (told is None or told[0].call_id != call.pk):
        return None
    if told is not None:
        return told
    last = transfers.latest(call)
    return (last, last.position) if last else None


def after_round(
    transfer: Transfer, position: int, dial_status: str, call_status: str, callback_url: CallbackUrl
) -> str | None:
    """A `<Dial>` is over; None where the ladder goes on without a person."""
    call = transfer.call
    if calls.RANK.get(call_status) == calls.ENDED or calls.RANK[call.state] == calls.ENDED:
        transfers.caller_left(call)
        return twiml.hang_up()
    if transfer.state == State.RINGING and transfer.position == position:
        if not transfer.is_warm and dial_status in TALKED:
            _somebody_talked(transfer)
            return twiml.hang_up()
        how = transfers.UNREACHED.get(dial_status, LegState.NO_ANSWER)
        transfer, _ = transfers.round_ends(transfer, position, how, again=dial_status in TALKED)
    elif transfer.state == State.JOINED:
        transfers.is_over(transfer)
        return _goodbye(transfer)
    match transfer.state:
        case State.RINGING:
            return round_document(transfer, callback_url)
        case State.NOBODY | State.RETURNED if returning.comes_back(transfer):
            return _agent_again(transfer, callback_url)
        case State.NOBODY:
            return None
    return twiml.hang_up()


def _somebody_talked(transfer: Transfer) -> None:
    """A blind transfer whose leg's own callback has not come: who of several it was is not told here."""
    for leg in transfers.legs_of(transfer)[:1]:
        transfers.takes(transfer, leg)
    transfers.is_over(transfer)


def _goodbye(transfer: Transfer) -> str:
    """The person has hung up, and the caller is there still."""
    if not transfer.is_warm:
        return twiml.hang_up()
    return twiml.say(speech_for(transfer.tenant.language).goodbye, language=transfer.tenant.language)


def _agent_again(transfer: Transfer, callback_url: CallbackUrl) -> str:
    """Hang up is for whoever asks again: the agent has come back by then, or the call is over."""
    token = returning.reopen(transfer)
    if token is None:
        return twiml.hang_up()
    call, tenant = transfer.call, transfer.tenant
    with tenant_scope(tenant):
        led = call.conversation
    provider, agent_id = (led.provider, led.agent_id) if led else ("", "")
    destination = Destination(tenant.pk, call.number_id or tenant.pk, in_service=True)
    head_start.begin(Route(destination, tenant.name, tenant.language, provider, agent_id), token)
    return twiml.connect_stream(
        media_url(MEDIA_STREAM_PATH),
        {
            "agent_id": agent_id,
            "tenant_id": str(tenant.pk),
            "call_sid": call.carrier_call_id,
            "business_name": tenant.name,
            "token": token,
        },
        ended_url=f"{callback_url('stream-ended')}?e={transfers.times_returned(call)}",
        stream_status_url=callback_url("stream-status"),
    )


# --- The person's side ---------------------------------------------------------------------------


def whispered(transfer: Transfer, leg: TransferLeg, leg_sid: str, callback_url: CallbackUrl) -> str:
    """Somebody, or a machine, picked up."""
    speech, language = speech_for(transfer.tenant.language), transfer.tenant.language
    if not transfers.listens(transfer, leg, leg_sid):
        return twiml.say(speech.call_is_gone, language=language)
    with tenant_scope(transfer.tenant_id):
        told = whisper.words(transfer)
    return twiml.ask_once(
        *told,
        speech.press_to_take,
        answer_url=_leg_url(callback_url, "people/accept", transfer, leg),
        seconds=PRESS_SECONDS,
        language=language,
    )


def pressed(transfer: Transfer, leg: TransferLeg, keys: str) -> str:
    """An empty document joins the two; anything that hangs up does not."""
    language = transfer.tenant.language
    if keys != KEY:
        transfers.leg_ends(transfer, leg, LegState.DECLINED)
        return twiml.hang_up()
    if transfers.takes(transfer, leg):
        return twiml.nothing()
    return twiml.say(speech_for(language).call_is_gone, language=language)


def leg_told(transfer: Transfer, leg: TransferLeg, status: str) -> None:
    """What Twilio tells of a leg. It changes nothing of the call's course, which is the `<Dial>`'s."""
    if status == "in-progress":
        if not transfer.is_warm:
            transfers.takes(transfer, leg)
    elif status in transfers.UNREACHED:
        transfers.leg_ends(transfer, leg, transfers.UNREACHED[status])
    elif status == "completed":
        transfers.leg_ends(transfer, leg, LegState.DECLINED)


def find_leg(signed: str) -> tuple[Transfer, TransferLeg] | None:
    told = _read(signed, places=True)
    if told is None:
        return None
    transfer, position = told
    place = int(_signer.unsign(signed).split(".")[2])
    with tenant_scope(transfer.tenant_id):
        leg = TransferLeg.objects.filter(transfer=transfer, round=position, place=place).first()
    return (transfer, leg) if leg else None


# --- Addresses -----------------------------------------------------------------------------------


def _url(callback_url: CallbackUrl, name: str, parameter: str, transfer: Transfer, *which: int) -> str:
    value = _signer.sign(".".join([transfer.pk.hex, *map(str, which)]))
    return f"{callback_url(name)}?{parameter}={quote(value, safe='')}"


def _leg_url(callback_url: CallbackUrl, name: str, transfer: Transfer, leg: TransferLeg) -> str:
    return _url(callback_url, name, "l", transfer, leg.round, leg.place)


def _read(signed: str, *, places: bool = False) -> tuple[Transfer, int] | None:
    """Transfer and round; None for what is not ours."""
    try:
        transfer_id, *which = _signer.unsign(signed).split(".")
    except BadSignature:
        return None
    if len(which) != (2 if places else 1):
        return None
    transfer = transfers.find(UUID(transfer_id))
    return (transfer, int(which[0])) if transfer else None

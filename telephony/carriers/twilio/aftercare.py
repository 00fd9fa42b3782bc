"""What a caller of Twilio's gets when the agent is gone: nothing more, or the next rung of the ladder that there is."""

from agents.speech import speech_for
from telephony import apologies, calls, ladder, rungs
from telephony.carriers.twilio import last_rungs, menu, people, twiml
from telephony.carriers.twilio.addresses import CallbackUrl
from telephony.errors import ENGLISH
from telephony.ladder import Rung
from telephony.models import Call
from telephony.people import directory, transfers, voicemails
from telephony.people.models import Transfer
from tenants.models import Tenant


def after_stream(
    carrier_call_id: str,
    call_status: str,
    callback_url: CallbackUrl,
    *,
    plays: bool = True,
    episode: int | None = None,
) -> str:
    """The media stream of a call is over, or never came to be; `call_status` is the carrier's own.

    `plays` recordings: not where one may be what has failed. `episode` counts how often the agent had come back
    when this stream began: of one that another has followed it is no news that it is over.
    """
    call = ladder.settled(carrier_call_id)
    if call is None:
        return twiml.say(ENGLISH.call_failed)
    if episode is not None and episode < transfers.times_returned(call):
        return twiml.hang_up()
    left = calls.RANK.get(call_status) == calls.ENDED
    rung = ladder.after_agent(call, has_menu=rungs.has_menu(call.tenant), caller_left=left)
    recorded = apologies.url_of(call.tenant) if plays and ladder.calls_for_apology(call, rung) else ""
    if recorded and rung is Rung.APOLOGY:
        return twiml.play(recorded)
    document = _document(call, rung, callback_url)
    return twiml.play_first(recorded, document) if recorded else document


def _document(call: Call, rung: Rung, callback_url: CallbackUrl) -> str:
    speech = speech_for(call.tenant.language)
    match rung:
        case Rung.HANG_UP:
            return twiml.hang_up()
        case Rung.TIME_UP:
            return twiml.say(speech.time_is_up, language=call.tenant.language)
        case Rung.NOBODY_SPEAKS:
            return twiml.say(speech.nobody_speaks, language=call.tenant.language)
        case Rung.PERSON:
            document = people.ring(
                call, ladder.purpose_of(call), callback_url, announcement=ladder.announcement(call)
            )
            return document or _document(call, ladder.without_person(call.tenant), callback_url)
        case Rung.MENU:
            told = [] if call.outcome in ladder.TOLD else [speech.assistant_unavailable]
            return menu.enter(call, callback_url, *told)
        case Rung.VOICEMAIL:
            return last_rungs.voicemail(call, callback_url)
    return last_rungs.apology(call)


def goes_on(tenant: Tenant) -> bool:
    """Whether there is any rung for a caller whom no agent can take."""
    return directory.is_anybody_there(tenant) or rungs.has_voicemail(tenant) or rungs.has_menu(tenant)


def without_agent(call: Call, callback_url: CallbackUrl) -> str:
    """The number's business answers its phone itself: greet, ring it, and offer the menu by key meanwhile."""
    speech, language = speech_for(call.tenant.language), call.tenant.language
    greeting, offers_menu = speech.greeting(call.tenant.name), rungs.has_menu(call.tenant)
    transfer = transfers.begin(call, Transfer.Purpose.CHOSEN)
    if transfer and offers_menu:
        return people.round_after_key(
            transfer,
            callback_url,
            greeting,
            speech.press("menu", key="1"),
            answer_url=menu.door_url(call, callback_url),
        )
    if transfer:
        return people.round_document(transfer, callback_url, announcement=greeting)
    if offers_menu:
        return menu.enter(call, callback_url, greeting)
    if rungs.has_voicemail(call.tenant):
        return last_rungs.voicemail(call, callback_url, greeting, speech.voicemail)
    return twiml.say(greeting, speech.call_failed, language=language)


def after_dial(
    carrier_call_id: str,
    dial_status: str,
    callback_url: CallbackUrl,
    *,
    signed: str = "",
    call_status: str = "",
) -> str:
    """People were rung, in the round that `signed` names. When nobody came: the next ones, the agent, or the ladder."""
    call = calls.find_call(carrier_call_id)
    if call is None:
        return twiml.hang_up()
    told = people.of_round(call, signed)
    if told is not None:
        document = people.after_round(*told, dial_status, call_status, callback_url)
        if document is not None:
            return document
    if calls.RANK[call.state] == calls.ENDED:
        return twiml.hang_up()
    # Of somebody who picked up and did not take it "completed" is told as well.
    if dial_status in people.TALKED and (told is None or not told[0].is_warm):
        return twiml.hang_up()
    return _after_nobody(call, callback_url)


def _after_nobody(call: Call, callback_url: CallbackUrl) -> str:
    """The menu; where there is voicemail, by key, and a message without one."""
    if not rungs.has_menu(call.tenant):
        return _voicemail_or_apology(call, callback_url)
    speech = speech_for(call.tenant.language)
    if not rungs.has_voicemail(call.tenant):
        return menu.enter(call, callback_url, nobody=True)
    return twiml.ask_or_record(
        speech.press("menu", key="1"),
        answer_url=menu.door_url(call, callback_url, nobody=True),
        prompt=speech.voicemail,
        recorded_url=callback_url("recorded"),
        language=call.tenant.language,
    )


def after_recording(carrier_call_id: str, recording_id: str) -> str:
    """A message was left; without a recording, none was."""
    call = calls.find_call(carrier_call_id)
    if call is None:
        return twiml.hang_up()
    speech = speech_for(call.tenant.language)
    if not recording_id:
        return twiml.say(speech.goodbye, language=call.tenant.language)
    voicemails.left(call, recording_id)
    return twiml.say(speech.we_call_back, language=call.tenant.language)


def _voicemail_or_apology(call: Call, callback_url: CallbackUrl) -> str:
    if rungs.has_voicemail(call.tenant):
        return last_rungs.voicemail(call, callback_url)
    return last_rungs.apology(call)

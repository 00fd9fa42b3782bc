"""Every sentence that there is. The words in braces are filled in; see rendering.PLACEHOLDERS."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    tag: str

    # --- what we tell, by kind; and how it may be answered
    templates: Mapping[str, str]
    subjects: Mapping[str, str]
    """Of mails."""
    replies: str
    """C, R and X. Never a word that carriers take for STOP or START: CANCEL, END, QUIT, YES, …"""
    offer_replies: str
    offer_by_phone: str
    """The same where nobody can answer: there is no page for it."""
    by_link: str
    """Where nobody can answer: `{link}`."""

    # --- what we answer
    confirmed: str
    cancelled: str
    choose: str
    call_us: str
    """Where it cannot be done by text."""
    too_late: str
    nothing: str
    """There is no appointment that it could mean."""
    which: str
    taken: str
    """An offer that was accepted."""
    gone: str
    """One that somebody else has by now."""
    declined: str
    passed_on: str

    # --- messages that callers leave
    alert: str
    """To the team: `{name}`, `{phone}`, `{message}`."""
    alert_subject: str
    receipt: str
    """To the caller."""
    somebody: str
    voicemail_left: str

    # --- the page behind the link
    title: str
    your_appointment: str
    other_times: str
    no_other_times: str
    move: str
    confirm: str
    cancel: str
    cancel_question: str
    moved_to: str
    is_confirmed: str
    is_cancelled: str
    was_taken: str
    expired: str
    busy: str

"""What customers answer by text: C, R and X about an appointment, STOP and START about texts, and anything else.

An answer is about an appointment that this very number was written to about, and that its own customer has: the one we
wrote about last. Where we wrote about several within a day nothing is guessed: they are told by number, and `X2` names
one. The acts are the calendar's own verbs. What we do not understand goes to the team, as messages of callers do.
"""

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from agents.models import Message
from appointments import lifecycle, waitlist
from appointments.errors import BookingError, NotAllowed, TooLate
from appointments.locks import lock_calendars
from appointments.models import Appointment, Customer, WaitlistEntry
from telephony.notifications import composing, rendering
from telephony.notifications.links import link
from telephony.notifications.models import Channel, InboundText, Kind, Notification, OptOut
from telephony.notifications.wording import Wording, wording_for
from tenants.models import Tenant

ACTOR = "text message"
STOP = frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"])
START = frozenset(["start", "yes", "unstop"])
HELP = frozenset({"help", "info"})
"""These three sets are the carrier's: it answers them itself, and so we do not."""
_COMMAND = re.compile(r"([crx])\s*([1-9])?")
CONFIRM, MOVE, CANCEL = "c", "r", "x"
AT_ONCE = datetime.timedelta(days=1)
"""Texts within a day of the last one may be what an answer is about."""
CHOICE_STANDS = datetime.timedelta(days=1)
MOST_CHOICES = 4
ANSWERS_AN_HOUR = 10
"""Two machines may write to each other; each text costs the business."""
HELP_EVERY = datetime.timedelta(days=1)
_WRITTEN = [
    Notification.State.SENDING,
    Notification.State.UNKNOWN,
    Notification.State.SENT,
    Notification.State.DELIVERED,
]

Subject = Appointment | WaitlistEntry


@dataclass(frozen=True, slots=True)
class Received:
    """A text as it came in; numbers in E.164."""

    carrier_message_id: str
    from_e164: str
    to_e164: str
    text: str
    opt_out_type: str = ""
    """STOP, START or HELP where the carrier has classified it."""


def receive(tenant: Tenant, received: Received) -> str:
    """Our answer, "" for silence. The same message again does nothing and gets the same. Needs the tenant's scope."""
    return receive_once(tenant, received)[0]


def receive_once(tenant: Tenant, received: Received, *, by_a_text: bool = False) -> tuple[str, bool]:
    """The same, and whether the message was news. `by_a_text`: our answer waits in the row until it has left."""
    row = InboundText(
        tenant=tenant,
        carrier_message_id=received.carrier_message_id,
        from_e164=received.from_e164,
        to_e164=received.to_e164,
        text=received.text,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)  # a twin waits here until we commit
    except IntegrityError:
        return InboundText.objects.get(carrier_message_id=received.carrier_message_id).answer, False
    silent = _too_many(row)
    row.answer = _Answering(tenant, row).answer(received.opt_out_type)
    if silent or OptOut.objects.for_tenant(tenant).filter(e164=row.from_e164).exists():
        row.answer = ""
    if by_a_text and row.answer:
        row.answer_waits_since = timezone.now()
    row.save(update_fields=["understood", "appointment", "choices", "answer", "answer_waits_since"])
    return row.answer, True


def _too_many(row: InboundText) -> bool:
    hour = InboundText.objects.filter(
        from_e164=row.from_e164, received_at__gt=timezone.now() - datetime.timedelta(hours=1)
    )
    return hour.exclude(answer="").count() >= ANSWERS_AN_HOUR


class _Answering:
    """One text. What it is taken for, and about what, is noted in its row."""

    def __init__(self, tenant: Tenant, row: InboundText) -> None:
        self.tenant, self.row = tenant, row
        self.words: Wording = wording_for(tenant.language)
        self.phone = {"phone": tenant.phone or row.to_e164}

    def answer(self, opt_out_type: str) -> str:
        said = self.row.text.strip().strip(".!").strip().casefold()
        kind = opt_out_type.lower() or _classified(said)
        if kind in {"stop", "start", "help"}:
            self.row.understood = kind
            self._opt(kind)
            return ""
        command = _COMMAND.fullmatch(said)
        if command is None:
            return self._pass_on()
        self.row.understood = command[1]
        return self._act(command[1], int(command[2] or 0))

    def _opt(self, kind: str) -> None:
        out = OptOut.objects.for_tenant(self.tenant).filter(e164=self.row.from_e164)
        if kind == "stop":
            OptOut.objects.get_or_create(tenant=self.tenant, e164=self.row.from_e164)
        elif kind == "start":
            out.delete()

    def _pass_on(self) -> str:
        """To the team; and what we do understand is said once a day, not to every "thank you"."""
        self.row.understood = "passed on"
        if not self.row.text.strip():
            return ""
        names = Customer.objects.for_tenant(self.tenant).filter(phone_e164=self.row.from_e164)
        Message.objects.create(
            tenant=self.tenant,
            text=self.row.text,
            caller_name=", ".join(names.values_list("name", flat=True)[:3])[:120],
            callback_e164=self.row.from_e164,
        )
        before = InboundText.objects.filter(from_e164=self.row.from_e164, understood="passed on")
        recent = before.filter(received_at__gt=timezone.now() - HELP_EVERY).exclude(answer="")
        return "" if recent.exists() else self.words.passed_on

    # --- About which appointment

    def _act(self, command: str, number: int) -> str:
        subjects = self._subjects(number)
        if not subjects:
            return self._say(self.words.nothing)
        if len(subjects) > 1:
            return self._ask_which(command, subjects)
        subject = subjects[0]
        if isinstance(subject, WaitlistEntry):
            return self._about_offer(command, subject)
        self.row.appointment = subject
        return self._about_appointment(command, subject)

    def _subjects(self, number: int) -> list[Subject]:
        """One where it is clear, several where it is not, none where there is none."""
        if number:
            return self._chosen(number)
        found = self._written_about()
        newest = found[0][0] if found else None
        return [subject for sent_at, subject in found if newest and sent_at > newest - AT_ONCE]

    def _chosen(self, number: int) -> list[Subject]:
        """By its number in the list that we sent last."""
        texts = InboundText.objects.filter(
            from_e164=self.row.from_e164, received_at__gt=timezone.now() - CHOICE_STANDS
        )
        asked = texts.exclude(choices=[]).order_by("-received_at").first()
        if asked is None or number > len(asked.choices):
            return []
        open_now = {str(subject.pk): subject for _, subject in self._written_about()}
        chosen = open_now.get(asked.choices[number - 1])
        return [chosen] if chosen else []

    def _written_about(self) -> list[tuple[datetime.datetime, Subject]]:
        """What is still to come, and when we last wrote to this number about it: the newest first."""
        ours = Notification.objects.for_tenant(self.tenant).filter(
            channel=Channel.SMS, to_address=self.row.from_e164, state__in=_WRITTEN
        )
        sent = ours.exclude(kind=Kind.CANCELLED)
        about = dict(sent.exclude(appointment=None).values_list("appointment").annotate(Max("claimed_at")))
        appointments = Appointment.objects.filter(
            pk__in=about,
            customer__phone_e164=self.row.from_e164,
            status__in=lifecycle.COMING,
            starts_at__gt=timezone.now(),
        ).select_related("service", "employee", "customer")
        offered = dict(
            sent.filter(kind=Kind.OFFERED).values_list("waitlist_entry").annotate(Max("claimed_at"))
        )
        entries = WaitlistEntry.objects.filter(
            pk__in=offered,
            customer__phone_e164=self.row.from_e164,
            state=WaitlistEntry.State.OFFERED,
            hold__expires_at__gt=timezone.now(),
        ).select_related("service", "customer", "hold__employee")
        found: list[tuple[datetime.datetime, Subject]] = [
            *((about[one.pk], one) for one in appointments),
            *((offered[one.pk], one) for one in entries),
        ]
        return sorted(found, key=lambda pair: pair[0], reverse=True)

    def _ask_which(self, command: str, subjects: list[Subject]) -> str:
        listed = sorted(subjects, key=_start_of)[:MOST_CHOICES]
        self.row.choices = [str(one.pk) for one in listed]
        told = [f"{place}: {self._line(one)}" for place, one in enumerate(listed, 1)]
        examples = ", ".join(f"{command.upper()}{place}" for place in range(1, len(listed) + 1))
        return self._say(self.words.which, examples=examples, list=". ".join(told))

    def _line(self, subject: Subject) -> str:
        when = rendering.told_time(_start_of(subject), self.tenant.zone, self.tenant.language)["when"]
        return f"{subject.service.name}, {when}"

    # --- What is done

    def _about_appointment(self, command: str, appointment: Appointment) -> str:
        facts = composing.facts_of(self.tenant, appointment)
        try:
            if command == MOVE:
                return self._offer_page(appointment)
            if command == CONFIRM:
                with _together(_parts(appointment)) as parts:
                    for one in parts:
                        lifecycle.confirm(self.tenant, one.pk, actor=ACTOR)
                return self._say(self.words.confirmed, **facts)
            with _together(_parts(appointment)) as parts:
                for one in parts:
                    lifecycle.cancel(self.tenant, one.pk, actor=ACTOR, by_customer=True)
            return self._say(self.words.cancelled, **facts)
        except TooLate:
            return self._say(self.words.too_late, **facts)
        except NotAllowed:  # staff were faster
            return self._say(self.words.nothing)

    def _offer_page(self, appointment: Appointment) -> str:
        if appointment.visit and len(_parts(appointment)) > 1:
            return self._say(self.words.call_us)
        return self._say(self.words.choose, link=link(appointment.pk, appointment.starts_at))

    def _about_offer(self, command: str, entry: WaitlistEntry) -> str:
        if command == MOVE:
            return self._say(self.words.call_us)
        if command == CANCEL:
            waitlist.decline(self.tenant, entry.pk)
            return self._say(self.words.declined)
        try:
            booked = waitlist.accept(self.tenant, entry.pk, source=Appointment.Source.AGENT, actor=ACTOR)
        except BookingError:
            return self._say(self.words.gone)
        self.row.appointment = booked.appointment
        return self._say(self.words.taken, **composing.facts_of(self.tenant, booked.appointment))

    def _say(self, template: str, **facts: str) -> str:
        return rendering.fill(template, {**facts, **self.phone})


def _classified(said: str) -> str:
    if said in STOP:
        return "stop"
    if said in START:
        return "start"
    return "help" if said in HELP else ""


def _start_of(subject: Subject) -> datetime.datetime:
    if isinstance(subject, Appointment):
        return subject.starts_at
    return subject.hold.starts_at if subject.hold else subject.earliest


def _parts(appointment: Appointment) -> list[Appointment]:
    """Of a visit, all that still takes place."""
    if not appointment.visit:
        return [appointment]
    parts = Appointment.objects.filter(visit=appointment.visit, status__in=lifecycle.COMING)
    return list(parts.order_by("starts_at"))


@contextmanager
def _together(parts: list[Appointment]) -> Iterator[list[Appointment]]:
    """All of a visit or nothing; its calendars are locked at once, as everybody does who needs several."""
    with transaction.atomic():
        if len(parts) > 1:
            lock_calendars(one.employee_id for one in parts)
        yield parts

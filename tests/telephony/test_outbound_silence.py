"""Calls of which the carrier tells nothing are asked about, and a carrier that does not answer holds up nobody."""

import datetime

import pytest
from django.utils import timezone

from telephony.models import Call, Carrier, OutboundCall, PhoneNumber
from telephony.outbound import course
from telephony.outbound.errors import CarrierRefused
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.exchange import add_infobip_number

pytestmark = pytest.mark.django_db

MINUTES = datetime.timedelta(minutes=1)


class Dialers:
    """Carriers of which one says nothing, until that is over."""

    def __init__(self, mute: str) -> None:
        self.mute = mute
        self.asked: list[str] = []

    def of(self, carrier: str) -> "Dialers":
        return self

    def look_up(self, call: Call) -> None:
        self.asked.append(call.carrier_call_id)
        if call.carrier == self.mute:
            raise CarrierRefused("It did not answer (ReadTimeout).", permanent=False)


@pytest.fixture
def carriers(monkeypatch) -> Dialers:
    dialers = Dialers(mute=Carrier.TWILIO)
    monkeypatch.setattr("telephony.outbound.dialers.dialer_of", dialers.of)
    return dialers


def silent_calls(salon: Tenant, carrier: str, many: int) -> None:
    """Under way for three minutes, without a word."""
    with tenant_scope(salon):
        number = PhoneNumber.objects.filter(carrier=carrier).first()
        since = timezone.now() - 3 * MINUTES
        for nth in range(many):
            whom = {"tenant": salon, "to_e164": f"+1555000{nth:04}"}
            name = f"{carrier}-{nth}"
            call = Call.objects.create(**whom, carrier=carrier, carrier_call_id=name, direction="outbound")
            OutboundCall.objects.create(
                **whom,
                number=number,
                origin="api",
                consent="given",
                state="under-way",
                call=call,
                due_at=since,
                claimed_at=since + nth * MINUTES / 60,
                not_after=since,
            )


def test_a_carrier_that_does_not_answer_is_asked_about_one_call_and_others_about_theirs(salon, carriers):
    add_infobip_number(salon)
    silent_calls(salon, Carrier.TWILIO, 5)
    silent_calls(salon, Carrier.INFOBIP, 2)
    for _ in range(3):  # every five seconds, by any worker
        course.tidy(salon.pk)
    assert sorted(carriers.asked) == ["infobip-0", "infobip-1", "twilio-0"]
    carriers.mute, later = "", timezone.now() + 3 * MINUTES
    course.tidy(salon.pk, later)
    assert sorted(carriers.asked[3:]) == sorted(
        [*(f"twilio-{nth}" for nth in range(5)), "infobip-0", "infobip-1"]
    )

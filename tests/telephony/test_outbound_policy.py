"""Where a number is, what o'clock it is there, and what a business allows."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from telephony.outbound import orders
from telephony.outbound.errors import QuietHours
from telephony.outbound.numbers import country_of, objection_to, zones_of
from telephony.outbound.policy import NUMBERS, next_allowed, policy_of, problems
from telephony.outbound.wording import on_machine, wording_for
from tenants.scoping import tenant_scope

NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+12125550123", "US"),
        ("+15559876543", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "JM"),
        ("+18095550123", "DO"),
        ("+17875550123", "PR"),
        ("+4930123456", "DE"),
        ("+447400123456", "GB"),
        ("+88216123456", ""),
    ],
)
def test_islands_are_not_home(e164, country):
    assert country_of(e164) == country


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        ("+12125550123", ["America/New_York"]),
        ("+14155550123", ["America/Los_Angeles"]),
        ("+18085550123", ["Pacific/Honolulu"]),
        ("+18505550123", ["America/New_York", "America/Chicago"]),
        ("+13065550123", ["America/Regina"]),
        ("+4930123456", ["Europe/Berlin", "Europe/Busingen"]),
        ("+15559876543", ["America/New_York"]),
    ],
)
def test_zones_of_numbers(e164, zones):
    assert [zone.key for zone in zones_of(e164, NEW_YORK)] == zones


def test_of_a_wide_country_every_zone_is_meant_where_the_number_does_not_tell():
    assert {zone.key for zone in zones_of("+61412345678", NEW_YORK)} > {"Australia/Perth", "Australia/Sydney"}
    sydney = ZoneInfo("Australia/Sydney")
    assert zones_of("+61412345678", sydney) == (sydney,)


@pytest.mark.parametrize(
    ("hour_utc", "allowed_utc"),
    [(17, "2026-11-24T17:00"), (2, "2026-11-24T13:00"), (12, "2026-11-24T13:00"), (13, "2026-11-24T13:00")],
)
def test_the_night_is_the_callees(hour_utc, allowed_utc):
    at = datetime.datetime(2026, 11, 24, hour_utc, tzinfo=datetime.UTC)
    allowed = next_allowed(at, policy_of({}).quiet, [NEW_YORK])
    assert allowed.isoformat(timespec="minutes") == f"{allowed_utc}+00:00"


def test_who_may_be_in_two_zones_is_called_when_it_is_day_in_both():
    night_in_chicago = datetime.datetime(2026, 11, 24, 13, 30, tzinfo=datetime.UTC)
    zones = [NEW_YORK, ZoneInfo("America/Chicago")]
    assert next_allowed(night_in_chicago, policy_of({}).quiet, zones).hour == 14


BERLINER = "+4915112345678"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-24T15:00", ""),  # ten in New York, four in the afternoon in Berlin
        ("2026-11-24T08:00", ""),  # three at night in New York, nine in Berlin
        ("2026-11-24T20:30", "2026-11-25T07:00"),  # half past three in New York, half past nine in Berlin
        ("2026-11-24T06:30", "2026-11-24T07:00"),
    ],
)
def test_whom_a_business_calls_abroad_is_called_by_their_own_clock(salon, at, until):
    now = datetime.datetime.fromisoformat(f"{at}+00:00")
    with tenant_scope(salon):
        night = {"from": "21:00", "to": "08:00"}
        salon.settings |= {"outboundCountries": ["DE", "US"], "outboundQuietHours": night}
        salon.save()
    wish = orders.Wish(to=BERLINER, consent=True)
    if not until:
        assert orders.make(salon.pk, wish, now=now).is_new
        return
    with pytest.raises(QuietHours) as refused:
        orders.make(salon.pk, wish, now=now)
    assert refused.value.until == datetime.datetime.fromisoformat(f"{until}+00:00")


def test_nights_that_leave_no_hour_come_to_an_end():
    quiet = policy_of({"outboundQuietHours": {"from": "08:00", "to": "07:59"}}).quiet
    at = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    assert next_allowed(at, quiet, [NEW_YORK, BERLIN]) > at


def test_what_makes_no_sense_is_not_written():
    assert policy_of(dict.fromkeys(NUMBERS, "many")) == policy_of({})
    assert policy_of({"outboundQuietHours": "never", "outboundVoicemail": 3}) == policy_of({})
    assert policy_of(None) == policy_of({})


def test_problems_are_named_by_their_fields():
    wrong = {
        "outboundPerMinute": 0,
        "outboundCalls": "no",
        "outboundCountries": ["usa"],
        "outboundQuietHours": {"from": "8"},
        "outboundConsent": True,
        "outboundVoicemail": "Hello {nobody}",
    }
    assert {one.partition(":")[0] for one in problems(wrong)} == wrong.keys()
    assert list(problems({})) == []
    assert list(problems({"outboundQuietHours": False, "outboundVoicemail": "Hi from {business}"})) == []


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_a_machine_hears_of_an_appointment_only_its_time(language):
    facts = {
        "business": "Salon",
        "phone": "1 2 3",
        "when": "Tuesday at 10",
        "service": "Haircut",
        "name": "Ann",
    }
    said = on_machine(None, language, facts)
    assert "Salon" in said
    assert "Tuesday at 10" in said
    assert "Haircut" not in said
    assert wording_for(language) is not wording_for("en") or language == "en"


def test_a_machine_is_not_told_why_we_called_otherwise():
    assert "{" not in on_machine(None, "en", {"business": "Salon", "phone": "1 2 3", "purpose": "money"})
    assert on_machine("", "en", {}) == ""
    assert on_machine("Call {business}.", "en", {"business": "Salon"}) == "Call Salon."


@pytest.mark.parametrize(
    "e164", ["+19005550123", "+447012345678", "+491801234567", "+18005550123", "+12129765555"]
)
def test_numbers_that_cost_are_not_called(e164):
    assert objection_to(e164)


@pytest.mark.parametrize("e164", ["+12125550123", "+15559876543", "+4915112345678", "+447400123456"])
def test_ordinary_numbers_are(e164):
    assert objection_to(e164) == ""

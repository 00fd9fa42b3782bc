"""What an agent is told to be."""

from dataclasses import replace
from decimal import Decimal

from agents.prompts import MOST_SERVICES, Business, Offer, instructions

SALON = Business(
    name="Test Salon",
    tone="friendly and professional",
    timezone="America/New_York",
    language="en",
    hours_summary="We're open Monday through Friday from 09:00 to 17:00.",
    services=[Offer("Haircut", 60, Decimal(50), "USD"), Offer("Styling", 45, Decimal("12.5"), "EUR")],
    tools=frozenset({"get_services", "check_availability", "book_appointment"}),
)


def test_it_is_the_receptionist_of_this_business_and_greets_first():
    text = instructions(SALON)
    assert "friendly and professional receptionist of Test Salon" in text
    assert "Begin with the greeting and ask how you can help." in text
    assert "We're open Monday through Friday from 09:00 to 17:00." in text


def test_services_stand_there_with_duration_and_price():
    text = instructions(SALON)
    assert "Haircut, 60 minutes, 50 dollars." in text
    assert "Styling, 45 minutes, 12.50 euros." in text


def test_booking_goes_from_service_to_time_to_name_to_confirmation():
    text = instructions(SALON)
    order = [
        "Ask which service",
        "`check_availability`",
        "caller's name",
        "wait for a yes",
        "`book_appointment`",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_lists_are_short_and_words_few():
    text = instructions(SALON)
    assert "at most 4 items" in text
    assert "concise" in text
    assert "polite" in text


def test_a_tool_is_spoken_of_only_where_it_exists():
    assert "reschedule_appointment" not in instructions(SALON)
    assert "transfer_to_human" not in instructions(SALON)
    more = replace(
        SALON, tools=SALON.tools | {"reschedule_appointment", "cancel_appointment", "transfer_to_human"}
    )
    text = instructions(more)
    assert "`reschedule_appointment`" in text
    assert "`cancel_appointment`" in text
    assert "offer to connect them: `transfer_to_human`" in text


def test_a_long_list_of_services_is_left_to_the_tool():
    many = [Offer(f"Service {number}", 30, Decimal(10), "USD") for number in range(MOST_SERVICES + 1)]
    text = instructions(replace(SALON, services=many))
    assert f"Service {MOST_SERVICES - 1}," in text
    assert f"Service {MOST_SERVICES}," not in text
    assert "There are more services" in text


def test_nothing_in_it_changes_with_the_day():
    assert instructions(SALON) == instructions(replace(SALON))
    assert "{{" not in instructions(SALON)

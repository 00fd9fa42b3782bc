"""The salon is plain, so that every answer about it can be told in advance. The garage shows what rules can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

MONDAY_TO_THURSDAY, MONDAY_TO_FRIDAY, SATURDAY = range(4), range(5), (5,)


@dataclass(frozen=True, slots=True)
class DemoHours:
    """The same hours on some weekdays, in the business's wall time; Monday is 0."""

    weekdays: Sequence[int]
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class DemoAddOn:
    name: str
    minutes: int
    price: str


@dataclass(frozen=True, slots=True)
class DemoService:
    """`terms` are fields of a Service that differ from its defaults; `needs` are names of resources."""

    name: str
    minutes: int
    price: str
    category: str
    description: str
    pk: UUID | None = None
    terms: Mapping[str, int] = field(default_factory=dict)
    add_ons: Sequence[DemoAddOn] = ()
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DemoEmployee:
    """`differs`: how long somebody takes for a service, and what it costs with them. Without `hours`: always there."""

    name: str
    pk: UUID | None = None
    hours: Sequence[DemoHours] = ()
    not_services: Sequence[str] = ()
    differs: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DemoBusiness:
    """`resources`: how many there are of each."""

    pk: UUID
    slug: str
    name: str
    number: str
    timezone: str
    currency: str
    address: str
    settings: Mapping[str, Any]
    hours: Sequence[DemoHours]
    step: int
    services: Sequence[DemoService]
    employees: Sequence[DemoEmployee]
    language: str = "en"
    holiday_region: str = ""
    infobip_number: str = ""
    """In a development checkout it has another number, at the simulated second carrier."""
    resources: Mapping[str, int] = field(default_factory=dict)


CALLS_AT_ANY_HOUR = {
    "outboundQuietHours": False,
    "outboundConsent": "assumed",
    "outboundPerMinute": 100,
    "outboundAtOnce": 100,
    "outboundPerDay": 100_000,
    "outboundPerNumber": 100_000,
}
"""Nobody real is ever called by a demonstration: it places calls at night, too, and as often as somebody likes."""

SALON = DemoBusiness(
    pk=UUID("de535df4-ccee-11f0-a2aa-12736706c408"),
    slug="salon",
    name="Test Salon",
    number="+15551234567",
    timezone="America/New_York",
    currency="USD",
    address="12 Mulberry Street, New York",
    settings={
        "elevenLabsAgentId": "agent_demo_salon",
        "transferNumber": "+15550001111",
        "voicemail": True,
        "maxConcurrentCalls": 100,
        "maxCallsPerCaller": 100,  # the simulated callers of a load test share a number
        "maxDailyCallsPerCaller": 100_000,
        **CALLS_AT_ANY_HOUR,
    },
    hours=[DemoHours(MONDAY_TO_FRIDAY, "09:00", "17:00")],
    step=30,
    services=[
        DemoService(
            "Haircut",
            60,
            "50",
            "hair",
            "A classic haircut",
            UUID("87654321-4321-4321-4321-210987654321"),
            add_ons=[DemoAddOn("Beard trim", 15, "20"), DemoAddOn("Hair mask", 0, "12")],
        ),
        DemoService("Styling", 45, "40", "hair", "Blow-dry and styling"),
        DemoService(
            "Coloring",
            120,
            "120",
            "hair",
            "Full color with care",
            add_ons=[DemoAddOn("Highlights", 45, "60")],
        ),
    ],
    employees=[DemoEmployee("Ana", UUID("12345678-1234-1234-1234-123456789012")), DemoEmployee("Ben")],
)

GARAGE = DemoBusiness(
    pk=UUID("5b0d1a52-7a3e-4a39-9a53-2f6d6f3f0c11"),
    slug="garage",
    name="Test Garage",
    number="+15557654321",
    infobip_number="+15557654322",
    timezone="Europe/Berlin",
    currency="EUR",
    address="Werkstattweg 3, Berlin",
    settings={
        "elevenLabsAgentId": "agent_demo_garage",
        "aiGreeting": "Guten Tag, Test Garage, was können wir für Sie tun?",
        "voicemail": True,
        "maxConcurrentCalls": 100,
        "maxCallsPerCaller": 100,  # the simulated callers of a load test share a number
        "maxDailyCallsPerCaller": 100_000,
        **CALLS_AT_ANY_HOUR,
    },
    language="de",
    holiday_region="DE-BE",
    hours=[
        DemoHours(MONDAY_TO_FRIDAY, "08:00", "12:30"),
        DemoHours(MONDAY_TO_FRIDAY, "13:15", "18:00"),
        DemoHours(SATURDAY, "09:00", "13:00"),
    ],
    step=15,
    resources={"Lift": 1},
    services=[
        DemoService(
            "Oil change",
            45,
            "89",
            "maintenance",
            "Oil and filter",
            terms={"minimum_notice_minutes": 60},
            add_ons=[DemoAddOn("Wiper blades", 5, "24.90"), DemoAddOn("Interior cleaning", 30, "35")],
        ),
        DemoService(
            "Tyre change",
            60,
            "60",
            "tyres",
            "Summer to winter or back",
            terms={"buffer_after_minutes": 15},
            add_ons=[DemoAddOn("Storage of the other set", 0, "39")],
            needs=["Lift"],
        ),
        DemoService(
            "Inspection",
            90,
            "149.50",
            "maintenance",
            "All that the manual asks for",
            terms={
                "buffer_before_minutes": 10,
                "buffer_after_minutes": 20,
                "minimum_notice_minutes": 24 * 60,
                "cancel_notice_minutes": 24 * 60,
                "booking_window_days": 120,
            },
            needs=["Lift"],
        ),
    ],
    employees=[
        DemoEmployee(
            "Carla",
            hours=[DemoHours(MONDAY_TO_THURSDAY, "08:00", "16:30"), DemoHours(SATURDAY, "09:00", "13:00")],
        ),
        DemoEmployee("Dirk", not_services=["Inspection"], differs={"Oil change": (60, "79")}),
    ],
)

BUSINESSES = (SALON, GARAGE)

"""What the doctor's checks look at: values alone, gathered before anything is judged."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.provisioning_wishes import Wishes
from agents.speech import Hours
from telephony.carriers.twilio.provisioning import Line, TwilioLogin
from tenants.vendor_http import VendorError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Installation:
    app_base_url: str
    debug: bool
    unsigned_allowed: bool
    encryption_keys: Sequence[str] = field(repr=False)
    database: str = "ok"
    redis: str = "ok"
    """`ok`, or what is the matter."""
    workers: int = 1
    simulated: bool = False
    """Every vendor is a simulator on this machine."""


@dataclass(frozen=True, slots=True)
class AtElevenLabs:
    """`agent` is None when it could not be read; `error` says why, `agent_error` when only the agent is missing."""

    agent: Json | None = None
    tools: Mapping[str, Json] = field(default_factory=dict)
    """Those attached to the agent: id -> tool_config."""
    webhooks: Mapping[str, Json] | None = None
    """None when the key may not see them."""
    secret_names: Mapping[str, str] | None = None
    """Secret id -> name; None when the key may not see them."""
    error: VendorError | None = None
    agent_error: VendorError | None = None


@dataclass(frozen=True, slots=True)
class AtOpenAI:
    """`model` is None where nobody asked, or `error` says why not."""

    today: datetime.date
    model: Json | None = None
    error: VendorError | None = None


@dataclass(frozen=True, slots=True)
class AtTwilio:
    account_status: str = ""
    numbers: Mapping[str, Json | None] = field(default_factory=dict)
    """By E.164; None for one that is not in the account."""
    error: VendorError | None = None


@dataclass(frozen=True, slots=True)
class AtInfobip:
    """`missing` names what a half-provisioned account lacks; nothing was asked without a key."""

    has_key: bool = False
    has_secret: bool = False
    media_is_private: bool = False
    missing: Sequence[str] = ()
    error: VendorError | None = None
    trip: "RoundTrip | None" = None


@dataclass(frozen=True, slots=True)
class Person:
    """An active employee. `week` is empty for one without hours of their own."""

    name: str
    services: int
    week: Sequence[Hours]


@dataclass(frozen=True, slots=True)
class Calendar:
    week: Sequence[Hours]
    special_dates: Sequence[datetime.date]
    """Coming dates with hours of their own."""
    people: Sequence[Person]
    performed: Mapping[str, int]
    """Active service -> how many active employees perform it."""
    inactive: Sequence[str]
    """Names of services and employees that are switched off."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A request to our own public address, signed as a vendor signs. `status` is None when nobody answered."""

    status: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Business:
    wishes: Wishes
    provider: str
    provider_known: bool
    has_provider_key: bool
    agent_id: str
    webhook_secret: str = field(repr=False)
    unreadable_secrets: Sequence[str]
    numbers: Sequence[str]
    """Active numbers of every carrier."""
    lines: Sequence[Line]
    """Twilio's, inactive ones among them."""
    login: TwilioLogin
    calendar: Calendar
    elevenlabs: AtElevenLabs
    openai: AtOpenAI
    twilio: AtTwilio
    carrier_trip: RoundTrip | None
    """None when there is nothing to sign with."""
    agent_trip: RoundTrip | None
    wiring: Mapping[str, str]
    app_base_url: str
    audio_format: str = "ulaw_8000"
    """What the business's agent should speak."""
    infobip: AtInfobip | None = None
    """None without an active number there."""
    rings_groups: bool = False
    """Whether there are ring groups with anybody in them who may be dialled."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.wishes.tenant.settings

    @property
    def slug(self) -> str:
        return self.wishes.tenant.slug

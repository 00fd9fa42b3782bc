"""The carriers that we know: one line here, and one folder beside this file, for each."""

from typing import TYPE_CHECKING

from django.db.models import Case, TextChoices, Value, When

from tenants.folders import Folders

if TYPE_CHECKING:
    from telephony.carriers.facts import Adapter


class Carrier(TextChoices):
    """Name and label. A business with numbers at several calls and writes over the first of them."""

    TWILIO = "twilio", "Twilio"
    INFOBIP = "infobip", "Infobip"
    BROWSER = "browser", "Browser"
    """No carrier and no number: a member of staff who tries the agent from the admin."""


CARRIERS: "Folders[Adapter]" = Folders(
    {one.value: f"telephony.carriers.{one.value}" for one in Carrier if one is not Carrier.BROWSER},
    module="carrier",
    attribute="CARRIER",
)
DEFAULT = next(iter(Carrier))


def with_numbers() -> list[tuple[str, str]]:
    """Choices of a number's carrier; a callable, so that another carrier is no migration."""
    return [(name, adapter.label) for name, adapter in CARRIERS.items()]


def of_calls() -> list[tuple[str, str]]:
    return [*with_numbers(), (Carrier.BROWSER.value, str(Carrier.BROWSER.label))]


def label_of(carrier: str) -> str:
    return dict(of_calls()).get(carrier, carrier)


def preference() -> Case:
    """To order numbers by: as the carriers are listed."""
    ranks = [When(carrier=name, then=Value(rank)) for rank, name in enumerate(CARRIERS)]
    return Case(*ranks, default=Value(len(ranks)))

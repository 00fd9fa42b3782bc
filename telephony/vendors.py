"""Whom we depend on, carriers and agent providers alike."""

from agents.providers import PROVIDERS
from agents.providers.facts import Provider
from telephony.carriers.facts import Adapter
from telephony.carriers.registry import CARRIERS

Vendor = Adapter | Provider


def every_vendor() -> list[Vendor]:
    return [*CARRIERS.values(), *PROVIDERS.values()]

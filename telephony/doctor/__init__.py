"""Is everything right for this business's phone to be answered? Facts are gathered first, then judged.

`gather.py` asks the database, and each carrier and provider of the business asks its own vendor, and us as that vendor
would; the checks are pure functions of what was found.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from agents.providers import PROVIDERS
from telephony.carriers.registry import CARRIERS
from telephony.doctor import business_checks, gather, installation_checks, line_checks
from telephony.doctor.facts import Business
from telephony.provisioning import agent_format
from tenants.findings import Finding, by_severity


def examine_installation() -> list[Finding]:
    facts = gather.installation()
    return by_severity(found for check in installation_checks.CHECKS for found in check(facts))


def examine(tenant_id: UUID) -> list[Finding]:
    """Takes seconds: vendors are asked. Needs no scope, and must not be called inside of one."""
    facts = gather.business(tenant_id)
    found = [*_of(line_checks.CHECKS, facts), *_vendors(facts), *_of(business_checks.CHECKS, facts)]
    return by_severity(dict.fromkeys(found))  # two vendors may find the same


def _vendors(facts: Business) -> Iterator[Finding]:
    for name, adapter in CARRIERS.items():
        if name in facts.carriers:
            yield from adapter.examine(facts.tenant.pk)
    if facts.provider in PROVIDERS:
        yield from PROVIDERS[facts.provider].examine(facts.tenant.pk, agent_format(facts.tenant.pk))


def _of(checks: Iterable[business_checks.Check], facts: Business) -> Iterator[Finding]:
    for check in checks:
        yield from check(facts)

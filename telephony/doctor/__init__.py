"""Is everything right for this business's phone to be answered? Facts are gathered first, then judged.

`gather.py` asks the database, the vendors and ourselves; every check is a pure function of what it found.
"""

from uuid import UUID

from telephony.doctor import (
    agent_checks,
    business_checks,
    carrier_checks,
    gather,
    infobip_checks,
    installation_checks,
    openai_checks,
)
from telephony.doctor.findings import Finding, by_severity

TENANT_CHECKS = (
    *carrier_checks.CHECKS,
    *infobip_checks.CHECKS,
    *agent_checks.CHECKS,
    *openai_checks.CHECKS,
    *business_checks.CHECKS,
)


def examine_installation() -> list[Finding]:
    facts = gather.installation()
    return by_severity(found for check in installation_checks.CHECKS for found in check(facts))


def examine(tenant_id: UUID) -> list[Finding]:
    """Takes seconds: vendors are asked. Needs no scope, and must not be called inside of one."""
    facts = gather.business(tenant_id)
    return by_severity(found for check in TENANT_CHECKS for found in check(facts))

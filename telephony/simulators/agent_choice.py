"""For one simulated call a business speaks through another provider than it has chosen."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

from telephony.dialplan import find_destination
from tenants.models import Tenant
from tenants.scoping import tenant_scope

SETTING = "agentProvider"


@contextlib.contextmanager
def speaking_through(provider: str | None, called_e164: str) -> Iterator[None]:
    """None: as it has chosen. Its setting is put back in the end, whatever becomes of the call."""
    destination = find_destination(called_e164) if provider else None
    if destination is None:
        yield
        return
    before = _choose(destination.tenant_id, provider)
    try:
        yield
    finally:
        _choose(destination.tenant_id, before)


def _choose(tenant_id: UUID, provider: str | None) -> str | None:
    """What it was before."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        before: str | None = tenant.settings.pop(SETTING, None)
        if provider is not None:
            tenant.settings[SETTING] = provider
        tenant.save(update_fields=["settings"])
    return before

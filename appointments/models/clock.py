"""Times in the words of rows."""

import datetime

from django.utils import timezone

from tenants.models import TenantOwned


def told(row: TenantOwned, instant: datetime.datetime, style: str = "%Y-%m-%d %H:%M %Z") -> str:
    """On the tenant's clock: "2030-03-04 10:00 EST".

    Never worth a query: where the tenant was not loaded with the row, the clock is the one that the page
    runs in, which for a member is the tenant's too. The zone is named either way.
    """
    tenant = row._state.fields_cache.get("tenant")
    return timezone.localtime(instant, tenant.zone if tenant else None).strftime(style)

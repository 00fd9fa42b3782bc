"""An operator looks into a business: once a day and session, it stands in that business's own trail."""

from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from tenants.acting import is_operator
from tenants.audit.writing import record


def note(request: HttpRequest, tenant_id: UUID | str | None) -> None:
    """Needs the scope of the page."""
    if tenant_id is None or not is_operator(request):
        return
    key, today = f"entered {tenant_id}", str(timezone.now().date())
    if request.session.get(key) == today:
        return
    request.session[key] = today
    record("operator.entered", ("tenant", str(tenant_id)), tenant_id=UUID(str(tenant_id)))

"""A reminder that is told by a call: the notification becomes an order, once, however often it is tried."""

from uuid import UUID

from django.utils import timezone

from telephony.models import Notification, OutboundCall
from telephony.outbound import orders
from telephony.outbound.errors import OutboundRefused
from telephony.outbound.policy import policy_of
from telephony.text_errors import CannotSend
from tenants.models import Tenant
from tenants.scoping import tenant_scope

PURPOSE = "Remind them of it, and ask whether they will come. If they cannot, offer to move or to cancel it."


def order(tenant_id: UUID, notification_id: UUID) -> str:
    """Its id. A second time it is the same one. Raises CannotSend where it can never be placed."""
    with tenant_scope(tenant_id):
        orders.lock(tenant_id)
        known = ordered(notification_id)
        if known:
            return known
        row = Notification.objects.select_related("appointment__customer").get(pk=notification_id)
        tenant = Tenant.objects.get(pk=tenant_id)
        if row.appointment is None:
            raise CannotSend("There is no appointment to call about.", permanent=True)
        customer, policy = row.appointment.customer, policy_of(tenant.settings)
        try:
            number = orders.number_to_call_from(tenant)
            orders.refuse_number(tenant, policy, customer.phone_e164)
        except OutboundRefused as refused:
            raise CannotSend(refused.error, code=refused.code, permanent=True) from None
        now = timezone.now()
        made = OutboundCall.objects.create(
            tenant=tenant,
            to_e164=customer.phone_e164,
            number=number,
            purpose=PURPOSE,
            appointment=row.appointment,
            customer=customer,
            notification=row,
            starts_at=row.starts_at,
            origin=OutboundCall.Origin.REMINDER,
            actor="reminder",
            consent=orders.CUSTOMER,
            due_at=now,
            not_after=row.not_after,
            max_attempts=policy.attempts,
        )
        return str(made.pk)


def ordered(notification_id: UUID) -> str:
    """The id of the order that it became, or "". Needs the tenant's scope."""
    known = OutboundCall.objects.filter(notification_id=notification_id).values_list("pk", flat=True).first()
    return str(known) if known else ""

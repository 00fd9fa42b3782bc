"""How people become members: an owner invites, and whoever holds the link joins. Only the link's SHA-256 is kept.

Nobody is made a member of a business without having said yes: who works for several could else be led to write
down one's customers at another's desk.
"""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tenants import plans
from tenants.audit.models import AuditEntry
from tenants.models import Invitation, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope

STANDS_FOR = datetime.timedelta(days=7)
RANDOM_BYTES = 24


class InvitationGone(Exception):
    """It was used, taken back, has expired, its business is suspended, or has as many people as its plan allows."""


def sent_since(tenant: Tenant, since: datetime.datetime) -> int:
    """Those that were taken back, too. Needs the tenant's scope or the platform's."""
    made = AuditEntry.objects.filter(tenant_id=tenant.pk, action="invitation.made", occurred_at__gte=since)
    return int(made.count())


def renew(invitation: Invitation) -> str:
    """A new link for it, and seven days from now. Not saved."""
    text = secrets.token_urlsafe(RANDOM_BYTES)
    invitation.digest, invitation.expires_at = _digest(text), timezone.now() + STANDS_FOR
    return text


def find(text: str) -> Invitation:
    """With its tenant. Raises InvitationGone. Which tenant it is for is what the link tells: needs no scope."""
    with platform_scope():
        owners = Member.objects.filter(tenant_id=OuterRef("tenant_id"), role=Member.Role.OWNER)
        still_owner = Exists(owners.filter(user_id=OuterRef("invited_by_id")))
        standing = Invitation.objects.select_related("tenant").filter(
            digest=_digest(text), expires_at__gt=timezone.now(), tenant__status=Tenant.Status.ACTIVE
        )
        # Whoever is an owner no longer has nobody to let in.
        found = standing.filter(Q(invited_by__is_superuser=True) | still_owner).first()
    if found is None:
        raise InvitationGone
    return found


def accept(invitation: Invitation, user: User) -> Member:
    """Once. Whoever is a member already keeps their role. Raises InvitationGone."""
    with tenant_scope(invitation.tenant_id), transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=invitation.tenant_id)  # two must not take one seat
        most = plans.seats(tenant)
        if most is not None and Member.objects.for_tenant(tenant).exclude(user=user).count() >= most:
            raise InvitationGone
        taken, _ = Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).delete()
        if not taken:
            raise InvitationGone
        member, _ = Member.objects.get_or_create(
            tenant_id=invitation.tenant_id, user=user, defaults={"role": invitation.role}
        )
    return member


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

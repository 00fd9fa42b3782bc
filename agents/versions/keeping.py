"""The only writer of versions: whenever a business is saved, and its agent is another than in its last version."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db.models import signals

from agents.versions.facts import facts
from agents.versions.models import AgentVersion
from tenants.audit import actors
from tenants.models import Tenant
from tenants.scoping import ScopeRequired, active_scope, tenant_scope

_restores: ContextVar[int | None] = ContextVar("tonris_version_restored", default=None)


@contextmanager
def going_back_to(number: int) -> Iterator[None]:
    """Versions that are made meanwhile say that they are that one again."""
    token = _restores.set(number)
    try:
        yield
    finally:
        _restores.reset(token)


def last_of(tenant_id: UUID) -> AgentVersion | None:
    """Needs a scope."""
    found: AgentVersion | None = AgentVersion.objects.filter(tenant_id=tenant_id).order_by("-number").first()
    return found


def watch() -> None:
    signals.pre_save.connect(_before, sender=Tenant, dispatch_uid="agent-versions")
    signals.post_save.connect(_after, sender=Tenant, dispatch_uid="agent-versions")


def _before(sender: type[Tenant], instance: Tenant, raw: bool = False, **_: Any) -> None:
    """The agent of a business that is older than versions are is its first one."""
    if raw or instance._state.adding or not _is_scoped() or last_of(instance.pk) is not None:
        return
    # Locked before it is looked at again: two first changes at once make one first version.
    row = Tenant.objects.select_for_update(no_key=True).filter(pk=instance.pk).first()
    if row is not None and last_of(row.pk) is None:
        _write(row, None)


def _after(sender: type[Tenant], instance: Tenant, raw: bool = False, **_: Any) -> None:
    """The row has just been written, and so is ours until the transaction ends: numbers are counted in peace."""
    if raw:
        return
    if not _is_scoped():
        with tenant_scope(instance.pk):
            _note(instance.pk)
    else:
        _note(instance.pk)


def _note(tenant_id: UUID) -> None:
    row, last = Tenant.objects.filter(pk=tenant_id).first(), last_of(tenant_id)
    if row is not None and (last is None or last.facts != facts(row.language, row.settings)):
        _write(row, last)


def _write(tenant: Tenant, last: AgentVersion | None) -> None:
    told, actor = facts(tenant.language, tenant.settings), actors.active()
    before = last.facts if last else {}
    AgentVersion.objects.create(
        tenant=tenant,
        number=last.number + 1 if last else 1,
        facts=told,
        changed=sorted(name for name in {*told, *before} if told.get(name) != before.get(name))
        if last
        else [],
        restores=_restores.get() if last else None,
        actor_kind=str(actor.kind),
        actor_label=actor.label[:150],
    )


def _is_scoped() -> bool:
    try:
        active_scope()
    except ScopeRequired:
        return False
    return True

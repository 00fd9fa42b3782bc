"""Who this unit of work is for.

Two walls stand between tenants. The first is here: managers of tenant-owned models raise when no scope is
active and filter by it when one is. The second is PostgreSQL's row-level security, which reads the scope
from settings that live exactly as long as the transaction (`SET LOCAL`), so that a pooled connection can
carry nothing over to its next borrower.

    with tenant_scope(tenant):      # one transaction, one tenant
        Appointment.objects.filter(...)

`platform_scope` sees every tenant. It is for what happens before a tenant is known (which tenant has this
number?), for sweeps over all of them, and for the platform's operators.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connection, connections, transaction

P = ParamSpec("P")
T = TypeVar("T")


class TenantRow(Protocol):
    """A Tenant, as far as scopes need to know one."""

    @property
    def pk(self) -> Any: ...


class ScopeError(RuntimeError):
    """A mistake in our own code: a tenant-owned row was asked for without saying for whom."""


class ScopeRequired(ScopeError):
    """No scope is active."""


class ScopeConflict(ScopeError):
    """Another tenant's scope is active."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One tenant, or with `tenant_id` None the whole platform."""

    tenant_id: UUID | None

    @property
    def is_platform(self) -> bool:
        return self.tenant_id is None


_active: ContextVar[Scope | None] = ContextVar("tonris_scope", default=None)


def active_scope() -> Scope:
    """The scope of this unit of work. Raises ScopeRequired outside of one."""
    scope = _active.get()
    if scope is None:
        raise ScopeRequired("No tenant: wrap this work in tenant_scope(tenant) or platform_scope()")
    return scope


@contextmanager
def tenant_scope(tenant: TenantRow | UUID) -> Iterator[None]:
    """One transaction for one tenant. Nested scopes of the same tenant join; another tenant's raise."""
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.pk
    outer = _active.get()
    if outer is not None and outer.tenant_id not in {None, tenant_id}:
        raise ScopeConflict("A scope of another tenant is active")
    with _scope(Scope(tenant_id), outer):
        yield


@contextmanager
def platform_scope() -> Iterator[None]:
    """One transaction over all tenants. Cannot be entered from within a tenant's scope."""
    outer = _active.get()
    if outer is not None and not outer.is_platform:
        raise ScopeConflict("A tenant's scope cannot widen to the platform")
    with _scope(Scope(None), outer):
        yield


@contextmanager
def _scope(scope: Scope, outer: Scope | None) -> Iterator[None]:
    nested = connection.in_atomic_block
    # Kept with the connection: a thread that inherits a scope has another one, in another transaction.
    mine: Any = connections[DEFAULT_DB_ALIAS]
    known = getattr(mine, "told_scope", None)
    told = nested and known == scope
    with transaction.atomic():
        if not told:
            _tell_database(scope)
        token, mine.told_scope = _active.set(scope), scope
        try:
            yield
        finally:
            _active.reset(token)
            mine.told_scope = known
        # A savepoint that is released keeps SET LOCAL, one that is rolled back undoes it.
        if nested and not told and not connection.needs_rollback:
            _tell_database(outer)


_TELL = "SELECT set_config('app.tenant_id', %s, true), set_config('app.platform', %s, true)"


def _tell_database(scope: Scope | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TELL, _told(scope))


def _told(scope: Scope | None) -> list[str]:
    tenant_id = str(scope.tenant_id) if scope and scope.tenant_id else ""
    return [tenant_id, "on" if scope and scope.is_platform else ""]


Statement = tuple[str, Sequence[Any]]
"""And its parameters."""


def telling(scope: Scope) -> Statement:
    """What shows PostgreSQL's rows to this scope until the transaction ends (`tenants/trips.py`)."""
    return _TELL, _told(scope)


# Channels and Django run the database work of all sockets of a process on one shared thread, so that one
# slow query would hold up every call. Calls use these threads instead, each with a connection of its own.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="scope")
_scribes = ThreadPoolExecutor(max_workers=4, thread_name_prefix="scribe")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking database work away from the event loop and from the thread that all sockets share."""
    return await _in_pool(_threads, partial(work, *args, **kwargs))


async def _in_pool(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    bound = partial(copy_context().run, _with_fresh_connections, work)
    return await asyncio.get_running_loop().run_in_executor(pool, bound)


def _with_fresh_connections(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


async def in_tenant(tenant_id: UUID, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`in_thread`, inside the tenant's scope: one unit of work, one transaction."""
    return await _in_pool(_threads, partial(_scoped, tenant_id, partial(work, *args, **kwargs)))


async def write_behind(tenant_id: UUID, work: Callable[[], T]) -> T:
    """As `in_tenant`, on threads of its own: what calls leave behind must not keep new calls waiting."""
    return await _in_pool(_scribes, partial(_scoped, tenant_id, work))


def _scoped(tenant_id: UUID, work: Callable[[], T]) -> T:
    with tenant_scope(tenant_id):
        return work()

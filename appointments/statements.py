"""Statements of our own words, which the database prepares once for each connection. Need the tenant's scope.

To plan them anew takes three times as long as to run them: their plans do not depend on what is asked.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection

from tenants.models import Tenant
from tenants.scoping import ScopeConflict, active_scope


class _PreparedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Django's own cursors bind on the client's side, and never prepare."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> "_PreparedCursor":
        return super().execute(query, params, prepare=True)


def read(tenant: Tenant, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement. Behind the first wall too: it needs the scope of this tenant."""
    if active_scope().tenant_id not in {None, tenant.pk}:
        raise ScopeConflict("A scope of another tenant is active")
    connection.ensure_connection()
    raw: Any = _PreparedCursor(connection.connection)
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(raw) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()

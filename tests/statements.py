"""What live calls send to the database from the event loop, carried out at once on the test's own connection."""

from unittest.mock import patch
from uuid import UUID

from django.db import connection

from telephony import calls
from telephony.frames import StreamStarted
from tenants.scoping import Statement, platform_scope, tenant_scope


def write_down(statement: Statement) -> list[tuple]:
    """Needs the tenant's scope."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall() if cursor.description else []


def claim_stream(started: StreamStarted) -> calls.ClaimedCall:
    """`calls.claim_stream`, in a test whose rows nobody else can see."""
    with patch("telephony.calls.arrivals.make", _here):
        claiming = calls.claim_stream(started)
        try:
            claiming.send(None)
        except StopIteration as done:
            return done.value
        claiming.close()
    raise AssertionError("It waits for something")


async def _here(tenant_id: UUID | None, statement: Statement) -> list[tuple]:
    with platform_scope() if tenant_id is None else tenant_scope(tenant_id):
        return write_down(statement)

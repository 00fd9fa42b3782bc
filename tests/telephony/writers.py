"""Somebody else who writes about a call at this moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from telephony.models import Call
from tenants.scoping import tenant_scope


@contextmanager
def writing_about(tenant_id: UUID, sid: str, **changes: object) -> Iterator[threading.Event]:
    """They have locked this call's row, and changed it, until they are told to let go."""
    locked, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant_scope(tenant_id):
            call = Call.objects.select_for_update().get(carrier_call_id=sid)
            if changes:
                Call.objects.filter(pk=call.pk).update(**changes)
            locked.set()
            let_go.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(10)
    try:
        yield let_go
    finally:
        let_go.set()
        thread.join()

"""The agent's session is asked for while the carrier still connects: one request less before the greeting.

Only asked for: nothing is dialled before the stream has proved itself. It is no matter if it fails, as whoever
carries the call then asks again.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from agents.assignments import api_key_for
from agents.providers import PROVIDERS
from telephony import calls
from telephony.dialplan import Route
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

_AT_ONCE = 4
_MOST_WAITING = 32
_threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="head start")
_room = BoundedSemaphore(_MOST_WAITING)


def begin(route: Route, token: str) -> None:
    """For the call that waits for the stream with this token. Returns at once."""
    if PROVIDERS[route.provider].head_start is None:
        return
    if connection.in_atomic_block:  # another thread would not see the call
        return
    if _room.acquire(blocking=False):
        _threads.submit(partial(_ask, route.tenant_id, route.provider, route.agent_id, token))


def _ask(tenant_id: UUID, provider: str, agent_id: str, token: str) -> None:
    try:
        with tenant_scope(tenant_id):
            api_key = api_key_for(tenant_id, provider)
        connection.close()
        ask = PROVIDERS[provider].head_start
        session_url = ask(api_key, agent_id) if ask else ""
        if session_url:
            with tenant_scope(tenant_id):
                calls.note_session(token, session_url)
    except DatabaseError:
        logger.info("A session was asked for in vain: the database is away")
    finally:
        connection.close()
        _room.release()

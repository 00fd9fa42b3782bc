"""Signed URLs: secrets that open paid sessions, used once and never logged.  Source: ElevenLabs, "Get signed url"."""

import asyncio
import logging
import threading
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import httpx2 as httpx
from django.conf import settings

from agents.errors import AgentRefused, AgentUnreachable
from agents.vendor_socket import tls

logger = logging.getLogger(__name__)

SECONDS = 5.0
_making = threading.Lock()
_LIMITS = httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30)

# A connection and its TLS cost more than the request: clients are for the process, one for each event loop.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


async def signed_url(api_key: str, agent_id: str) -> str:
    """Raises AgentRefused or AgentUnreachable."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = httpx.AsyncClient(
            verify=tls(), trust_env=False, timeout=SECONDS, limits=_LIMITS
        )
    try:
        return _url_in(await client.get(**_request(api_key, agent_id)))
    except httpx.HTTPError as error:
        raise AgentUnreachable(f"signed URL: {type(error).__name__}") from None


def signed_url_beforehand(api_key: str, agent_id: str) -> str:
    """Blocking, for threads. "" where none is to be had: whoever needs it will ask, and find out why."""
    try:
        return _url_in(_blocking_client().get(**_request(api_key, agent_id)))
    except (httpx.HTTPError, AgentRefused) as error:
        logger.info("No signed URL beforehand: %s", type(error).__name__)
        return ""


def _request(api_key: str, agent_id: str) -> dict[str, Any]:
    return {
        "url": f"{settings.ELEVENLABS_BASE_URL}/v1/convai/conversation/get-signed-url",
        "params": {"agent_id": agent_id},
        "headers": {"xi-api-key": api_key},
    }


def _url_in(answer: httpx.Response) -> str:
    if answer.status_code != httpx.codes.OK:
        raise AgentRefused("ElevenLabs gave no signed URL", answer.status_code)
    try:
        return str(answer.json()["signed_url"])
    except (ValueError, KeyError, TypeError):
        raise AgentRefused("ElevenLabs' answer has no signed_url") from None


def _blocking_client() -> httpx.Client:
    with _making:  # several threads may be the first, and the clients of all but one would be lost
        return _made_client()


@lru_cache(maxsize=1)
def _made_client() -> httpx.Client:
    return httpx.Client(verify=tls(), trust_env=False, timeout=SECONDS, limits=_LIMITS)

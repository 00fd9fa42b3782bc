"""Signed URLs: who may open a conversation, and until when."""

import secrets
import time
from urllib.parse import urlencode

LIFETIME_S = 15 * 60


class SignedUrls:
    """Each is good for any number of connections, but only for a quarter of an hour."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[str, float]] = {}

    def issue(self, base_url: str, agent_id: str) -> str:
        signature = f"cvtkn_{secrets.token_urlsafe(24)}"
        self._issued[signature] = (agent_id, time.monotonic() + LIFETIME_S)
        query = urlencode({"agent_id": agent_id, "conversation_signature": signature})
        return f"{base_url.replace('http', 'ws', 1)}/v1/convai/conversation?{query}"

    def allows(self, signature: str, agent_id: str) -> bool:
        issued_for, until = self._issued.get(signature, ("", 0.0))
        return issued_for == agent_id and time.monotonic() < until

"""Who sent a webhook: the three ways in which ElevenLabs, or what stands for it, proves itself.

- `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`, HMAC-SHA256 over `t.body`: signed webhooks.
- `X-ElevenLabs-Signature: <hex>`, HMAC-SHA256 over the body, or over the raw query string of a GET.
- `Authorization: Bearer <secret>`: server tools and initiation, which the vendor does not sign.

Pure: everything is compared as bytes and in constant time.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

FUTURE_TOLERANCE_S = 300


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request presents. At least one of the three, or it proves nothing."""

    content: bytes
    """The raw body, or of a GET the raw query string."""
    timestamped: tuple[int, tuple[str, ...]] | None = None
    plain: str = ""
    bearer: str = ""

    @property
    def is_empty(self) -> bool:
        return self.timestamped is None and not self.plain and not self.bearer

    def made_with(self, secret: str, *, now: float, tolerance_s: int) -> bool:
        """Whether any of what is presented was made with this secret, and recently where it has a time."""
        return self._repeatable(secret) or self._timestamp_holds(secret.encode(), now, tolerance_s)

    def _repeatable(self, secret: str) -> bool:
        """By one of the two schemes without a time, which may be presented again."""
        if self.bearer and _same(self.bearer, secret):
            return True
        return bool(self.plain) and _same(self.plain.lower(), _mac(secret.encode(), self.content))

    def _timestamp_holds(self, key: bytes, now: float, tolerance_s: int) -> bool:
        if self.timestamped is None:
            return False
        sent_at, macs = self.timestamped
        if not -FUTURE_TOLERANCE_S <= now - sent_at <= tolerance_s:
            return False
        expected = _mac(key, f"{sent_at}.".encode() + self.content)
        return any(_same(mac, expected) for mac in macs)

    def replay_key(self, secret: str) -> str:
        """The same for the same request signed with a time; "" for the schemes that may be repeated.

        Made of what we computed, not of what was presented: more than one `v0` may stand in a header.
        """
        if self.timestamped is None or self._repeatable(secret):
            return ""
        sent_at, _ = self.timestamped
        return _mac(secret.encode(), f"{sent_at}.".encode() + self.content)


def read_proof(headers: Mapping[str, str], content: bytes) -> Proof:
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    return Proof(
        content=content,
        timestamped=_timestamped(headers.get("ElevenLabs-Signature", "")),
        plain=headers.get("X-ElevenLabs-Signature", "").strip(),
        bearer=bearer.strip() if scheme.lower() == "bearer" else "",
    )


def _timestamped(header: str) -> tuple[int, tuple[str, ...]] | None:
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    macs = tuple(value for name, _, value in parts if name == "v0")
    if len(times) != 1 or not macs or not (times[0].isascii() and times[0].isdecimal()) or len(times[0]) > 12:
        return None
    return int(times[0]), macs


def _mac(key: bytes, content: bytes) -> str:
    return hmac.new(key, content, sha256).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())

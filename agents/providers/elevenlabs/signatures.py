"""Who sent a webhook: the three ways in which ElevenLabs, or what stands for it, proves itself.

- `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`, HMAC-SHA256 over `t.body`: signed webhooks.
- `X-ElevenLabs-Signature: <hex>`, HMAC-SHA256 over the body, or over the raw query string of a GET.
- `Authorization: Bearer <secret>`: server tools and initiation, which the vendor does not sign.

Pure: everything is compared as bytes and in constant time.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

FUTURE_TOLERANCE_S = 300
MAX_MACS = 8
"""While a secret is changed there are two."""

_UNIX_SECONDS = re.compile("[1-9][0-9]{0,11}")
_HEADERS = ("ElevenLabs-Signature", "X-ElevenLabs-Signature", "Authorization")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request presents."""

    content: bytes = b""
    """What is signed: the raw body, or of a GET the raw query string. A large body is fed to a `Signing` instead."""
    presented: bool = False
    """Whether any of the three headers is there, readable or not."""
    timestamped: tuple[int, tuple[str, ...]] | None = None
    plain: str = ""
    bearer: str = ""

    @property
    def is_signed(self) -> bool:
        return self.timestamped is not None or bool(self.plain)

    def is_recent(self, now: float, tolerance_s: int) -> bool:
        """Whether its time, where it has one, is not too old and not in the future."""
        if self.timestamped is None:
            return True
        return -FUTURE_TOLERANCE_S <= now - self.timestamped[0] <= tolerance_s

    def shows(self, secret: str) -> bool:
        """Whether it is the secret itself."""
        return bool(self.bearer) and _same(self.bearer, secret)

    def made_with(self, secret: str, *, now: float, tolerance_s: int) -> bool:
        """Whether any of what is presented was made with this secret, and recently where it has a time."""
        return self.shows(secret) or self.signed_with(secret).holds(now=now, tolerance_s=tolerance_s)

    def signed_with(self, secret: str) -> "Signing":
        """What this secret's signatures of `content` are."""
        signing = Signing(self, secret)
        signing.feed(self.content)
        return signing


class Signing:
    """What this secret's signatures of a body would be; the body is fed in pieces."""

    __slots__ = ("_macs", "_plain", "_proof", "_timestamped")

    def __init__(self, proof: Proof, secret: str) -> None:
        self._proof = proof
        self._plain = hmac.new(secret.encode(), digestmod=sha256) if proof.plain else None
        self._timestamped = None
        self._macs: tuple[str, ...] = ()
        if proof.timestamped is not None:
            sent_at, self._macs = proof.timestamped
            self._timestamped = hmac.new(secret.encode(), f"{sent_at}.".encode(), sha256)

    def feed(self, piece: bytes) -> None:
        for mac in (self._plain, self._timestamped):
            if mac is not None:
                mac.update(piece)

    def holds(self, *, now: float, tolerance_s: int) -> bool:
        """Whether any signature that is presented is this one, and recent where it has a time."""
        if self._is_repeatable():
            return True
        if self._timestamped is None or not self._proof.is_recent(now, tolerance_s):
            return False
        expected = self._timestamped.hexdigest()
        return any(_same(mac, expected) for mac in self._macs)

    def replay_key(self) -> str:
        """The same for the same request signed with a time; "" for the scheme that may be repeated.

        Made of what we computed, not of what was presented: more than one `v0` may stand in a header.
        """
        if self._timestamped is None or self._is_repeatable():
            return ""
        return self._timestamped.hexdigest()

    def _is_repeatable(self) -> bool:
        return self._plain is not None and _same(self._proof.plain.lower(), self._plain.hexdigest())


def read_proof(headers: Mapping[str, str], content: bytes = b"") -> Proof:
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    return Proof(
        content,
        presented=any(headers.get(name) for name in _HEADERS),
        timestamped=_timestamped(headers.get("ElevenLabs-Signature", "")),
        plain=headers.get("X-ElevenLabs-Signature", "").strip(),
        bearer=bearer.strip() if scheme.lower() == "bearer" else "",
    )


def _timestamped(header: str) -> tuple[int, tuple[str, ...]] | None:
    parts = [part.strip().partition("=") for part in header.split(",", 2 * MAX_MACS)]
    times = [value for name, _, value in parts if name == "t"]
    macs = tuple(value for name, _, value in parts if name == "v0")
    if len(times) != 1 or not 0 < len(macs) <= MAX_MACS:
        return None
    if not _UNIX_SECONDS.fullmatch(times[0]):
        return None
    return int(times[0]), macs


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(as_sent(given), expected.encode())


def as_sent(header: str) -> bytes:
    """Servers read the bytes of a header as Latin-1."""
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode("utf-8", "replace")

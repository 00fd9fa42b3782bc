"""The recording of a call as a webhook brings it: up to 64 MiB, of which memory holds a piece at a time.

While it streams by, everybody who may have signed it has it signed again, and the audio goes to a temporary
file. Nothing of it is used before a signature holds.
"""

import hashlib
from dataclasses import dataclass
from typing import IO, Any

from django.http import HttpRequest

from agents import recordings, webhook_bodies
from agents.diversion import Base64Decoder, Diversion, Malformed, TooMuch
from agents.keyring import Key
from agents.providers.elevenlabs.signatures import Proof, Signing, read_proof
from agents.webhook_identity import (
    Sender,
    first_that_holds,
    may_stay_unsigned,
    query_of,
    refused,
    shown,
    signers,
)
from tenants.responses import ApiError

MEBIBYTE = 1024 * 1024
ORDINARY_LIMIT = MEBIBYTE
LARGE_LIMIT = 64 * MEBIBYTE
PIECE_BYTES = 64 * 1024
AUDIO = ("data", "full_audio")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A genuine body: its JSON without the audio, and the audio. The file is the receiver's to close."""

    sender: Sender
    payload: dict[str, Any]
    digest: str
    audio: IO[bytes]


def unpack(request: HttpRequest, beginning: bytes) -> Parcel:
    """Read what follows the beginning of a body. Raises ApiError: 400, 401, 413, 503."""
    proof = read_proof(request.headers)
    sender = Sender(None) if may_stay_unsigned(request, proof) else shown(proof)
    audio = recordings.temporary()
    try:
        reading = _Reading(request, proof, beginning, audio, is_known=sender is not None)
        reading.read()
        sender = sender or reading.signer()
        return Parcel(sender, reading.payload(), reading.digest.hexdigest(), audio)
    except BaseException:
        audio.close()
        raise


class _Reading:
    def __init__(
        self, request: HttpRequest, proof: Proof, beginning: bytes, audio: IO[bytes], *, is_known: bool
    ) -> None:
        self.digest = hashlib.sha256()
        self._signings: list[tuple[Key, Signing]] = []
        self._request = request
        self._beginning = beginning
        self._diversion = Diversion(AUDIO, audio.write)
        self._error: ApiError | None = None
        if is_known:
            return
        keys = signers(proof, _declared(request), query_of(request), beginning[:PIECE_BYTES])
        self._signings = [(key, Signing(proof, key.secret)) for key in keys]
        if not self._signings:
            raise refused(request, "wrong, stale or foreign credential")

    def read(self) -> None:
        read, piece = 0, self._beginning
        while piece:
            read += len(piece)
            if read > LARGE_LIMIT:
                raise _too_large()
            self.digest.update(piece)
            for _, signing in self._signings:
                signing.feed(piece)
            self._divert(piece)
            piece = self._request.read(PIECE_BYTES)

    def signer(self) -> Sender:
        """Raises ApiError 401."""
        sender = first_that_holds(self._signings)
        if sender is None:
            raise refused(self._request, "wrong, stale or foreign credential")
        return sender

    def payload(self) -> dict[str, Any]:
        """Raises ApiError: what is wrong with the body is told to the genuine alone."""
        if self._error is None:
            try:
                self._diversion.finish()
            except Malformed as error:
                self._error = webhook_bodies.invalid(str(error))
        if self._error is not None:
            raise self._error
        return webhook_bodies.parse(bytes(self._diversion.left))

    def _divert(self, piece: bytes) -> None:
        if self._error is not None:
            return
        try:
            self._diversion.feed(piece)
        except TooMuch:
            self._error = _too_large()
        except Malformed as error:
            self._error = webhook_bodies.invalid(str(error))


def lift_audio(payload: dict[str, Any]) -> IO[bytes] | None:
    """The audio out of a recording's small payload, which keeps an empty string. Raises ApiError 400."""
    data = webhook_bodies.section(payload, AUDIO[0])
    encoded = data.get(AUDIO[1])
    if encoded is None:
        return None
    if not isinstance(encoded, str):
        raise webhook_bodies.invalid(f"{'.'.join(AUDIO)}: must be base64")
    audio = recordings.temporary()
    decoder = Base64Decoder(audio.write, ".".join(AUDIO))
    try:
        decoder.feed(encoded.encode())
        decoder.finish()
    except Malformed as error:
        audio.close()
        raise webhook_bodies.invalid(str(error)) from None
    data[AUDIO[1]] = ""
    return audio


def _declared(request: HttpRequest) -> int:
    try:
        return max(ORDINARY_LIMIT, int(request.META.get("CONTENT_LENGTH") or LARGE_LIMIT))
    except ValueError:
        return LARGE_LIMIT


def _too_large() -> ApiError:
    return ApiError("Only a recording may be larger than 1 MiB, and up to 64 MiB", "TOO_LARGE", 413)

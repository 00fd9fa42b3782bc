"""Recordings of calls: private files in the default storage, which only the admin plays."""

import contextlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from typing import IO
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

PIECE_BYTES = 64 * 1024
MAX_RANGE_BYTES = 1024 * 1024
"""A player that asks for everything gets the beginning, and asks for more as it plays."""

TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}

_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


def temporary() -> IO[bytes]:
    return tempfile.TemporaryFile()


def new_name(tenant_id: UUID, kind: str = "mp3") -> str:
    """`kind` is one of TYPES."""
    return f"recordings/{tenant_id}/{uuid4()}.{kind}"


def store(name: str, audio: IO[bytes]) -> None:
    """Copy a file into the storage, for this user's eyes only. Whole or not at all."""
    audio.seek(0)
    try:
        kept = default_storage.save(name, File(audio))
        with contextlib.suppress(NotImplementedError):  # a storage that is no directory of this machine
            os.chmod(default_storage.path(kept), 0o600)
    except BaseException:
        erase(name)
        raise


def erase(name: str) -> None:
    if name:
        default_storage.delete(name)


def play(request: HttpRequest, tenant_id: UUID, name: str) -> HttpResponseBase:
    """A recording of this tenant, or the part of it that a player asks for. Raises Http404."""
    if not name.startswith(f"recordings/{tenant_id}/") or not default_storage.exists(name):
        raise Http404
    size = default_storage.size(name)
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    response = _whole(name, size) if asked is None else _part(name, size, asked)
    kind = name.rpartition(".")[2]
    response.headers["Content-Type"] = TYPES.get(kind, TYPES["mp3"])
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'inline; filename="call.{kind}"'
    return response


def _whole(name: str, size: int) -> HttpResponseBase:
    return StreamingHttpResponse(_pieces(name), headers={"Content-Length": str(size)})


def _part(name: str, size: int, asked: re.Match[str]) -> HttpResponseBase:
    start = int(asked[1])
    last = min(int(asked[2] or size), size - 1, start + MAX_RANGE_BYTES - 1)
    if last < start:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with default_storage.open(name) as file:
        file.seek(start)
        content = file.read(last - start + 1)
    return HttpResponse(content, status=206, headers={"Content-Range": f"bytes {start}-{last}/{size}"})


async def _pieces(name: str) -> AsyncIterator[bytes]:
    file = await sync_to_async(default_storage.open, thread_sensitive=False)(name)
    with file:
        while piece := await sync_to_async(file.read, thread_sensitive=False)(PIECE_BYTES):
            yield piece

"""A business's own recorded apology, which the carrier plays where a machine's voice would say one.

A file of ours in the default storage, for the carrier to fetch from us: an address elsewhere would be one more thing
that can fail just then. `settings.apologyAudio` names it; `manage.py set_apology` writes both.
"""

import os
from contextlib import suppress
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse

from telephony.addresses import public_url
from tenants.models import Tenant

SETTING = "apologyAudio"
MAX_BYTES = 2 * 1024 * 1024
CACHE_SECONDS = 3600
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}

_signer = Signer(salt="apology")


class NotAudio(ValueError):
    """Nothing that the carrier could play."""


def kind_of(audio: bytes) -> str:
    """`mp3` or `wav`. Raises NotAudio."""
    if len(audio) > MAX_BYTES:
        raise NotAudio(f"larger than {MAX_BYTES // 1024} KiB")
    if audio[:4] == b"RIFF" and audio[8:12] == b"WAVE":
        return "wav"
    if audio[:3] == b"ID3" or (len(audio) > 2 and audio[0] == 0xFF and audio[1] >= 0xE0):
        return "mp3"
    raise NotAudio("neither MP3 nor WAV")


def keep(tenant: Tenant, audio: bytes) -> None:
    """In place of what there was; empty audio: nothing any more. Raises NotAudio. Needs the tenant's scope."""
    name = _store(tenant.pk, audio) if audio else ""
    row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = _name(row)
    row.settings = {key: value for key, value in row.settings.items() if key != SETTING}
    if name:
        row.settings[SETTING] = name
    row.save(update_fields=["settings"])
    if before:
        transaction.on_commit(lambda: default_storage.delete(before))


def _store(tenant_id: UUID, audio: bytes) -> str:
    name = default_storage.save(f"announcements/{tenant_id}/{uuid4()}.{kind_of(audio)}", ContentFile(audio))
    with suppress(NotImplementedError):  # a storage that is no directory of this machine
        os.chmod(default_storage.path(name), 0o600)
    return name


def _name(tenant: Tenant) -> str:
    """Of this tenant's own file; what the settings say besides is nobody's."""
    name = tenant.settings.get(SETTING)
    own = isinstance(name, str) and name.startswith(f"announcements/{tenant.pk}/") and ".." not in name
    return str(name) if own else ""


def url_of(tenant: Tenant) -> str:
    """Where the carrier gets it; "" when there is none, or the file is lost."""
    name = _name(tenant)
    if not name or not default_storage.exists(name):
        return ""
    return public_url("apology", _signer.sign(name))


def audio(request: HttpRequest, signed: str) -> HttpResponse:
    """The file. The same address as long as it is the same file, so that the carrier may keep it."""
    try:
        name = _signer.unsign(signed)
    except BadSignature:
        raise Http404 from None
    if not default_storage.exists(name):
        raise Http404
    with default_storage.open(name) as file:
        content = file.read()
    headers = {"Cache-Control": f"private, max-age={CACHE_SECONDS}"}
    return HttpResponse(content, content_type=TYPES[name.rpartition(".")[2]], headers=headers)

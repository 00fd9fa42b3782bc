"""Everything that is encrypted, put under the first of FIELD_ENCRYPTION_KEYS.

While others read and write: a value is only replaced if it is still the one that was read. Stopped half-way, it goes
on where it was when it is started again, since what is under the first key already is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import connection, models, transaction

from tenants.encryption import EncryptedTextField, Undecryptable, decrypt_once, encrypt, is_current
from tenants.scoping import platform_scope

BATCH = 500
FIRST = UUID(int=0)
SEALED_IN_SECOND_FACTORS = {"secret", "seed"}


@dataclass(slots=True)
class Count:
    """Of one column's values."""

    rotated: int = 0
    current: int = 0
    lost: int = 0
    """No key opens it."""


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    """By their type, or where a model names them: what is encrypted as a whole document is plain text to Django."""
    for model in apps.get_models():
        sealed = getattr(model, "sealed_columns", ())
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField) or field.name in sealed:
                yield model, field.column or field.name


def rotate(model: type[models.Model], column: str) -> Count:
    """Needs no scope: each batch is a transaction of its own, over all tenants."""
    count, last = Count(), FIRST
    while True:
        with platform_scope():
            rows = _batch(model, column, last)
            for pk, value in rows:
                _rotate(model, column, pk, value, count)
        if len(rows) < BATCH:
            return count
        last = rows[-1][0]


def rotate_second_factors() -> Count:
    """As `rotate`. These stand in a document, among what is no secret; whoever logs in waits for its row."""
    count = Count()
    for pk in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is not None and _renew_sealed(row.data, count):
                row.save(update_fields=["data"])
    return count


def _renew_sealed(document: dict[str, Any], count: Count) -> bool:
    before = count.rotated
    for name in SEALED_IN_SECOND_FACTORS & set(document):
        if is_current(document[name]):
            count.current += 1
            continue
        try:
            document[name] = encrypt(decrypt_once(document[name]))
        except Undecryptable:
            count.lost += 1
        else:
            count.rotated += 1
    return count.rotated > before


def _batch(model: type[models.Model], column: str, last: UUID) -> list[tuple[UUID, str]]:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT id, "{column}" FROM "{table}" WHERE "{column}" <> %s AND id > %s ORDER BY id LIMIT {BATCH}',  # noqa: S608
            ["", last],
        )
        return cursor.fetchall()


def _rotate(model: type[models.Model], column: str, pk: UUID, value: str, count: Count) -> None:
    if is_current(value):
        count.current += 1
        return
    try:
        renewed = encrypt(decrypt_once(value))
    except Undecryptable:
        count.lost += 1
        return
    told: list[Any] = [renewed, pk, value]
    with connection.cursor() as cursor:  # in SQL: a save would be a change of the secret, and is none
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" SET "{column}" = %s WHERE id = %s AND "{column}" = %s',  # noqa: S608
            told,
        )
        count.rotated += cursor.rowcount

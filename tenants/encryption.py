"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256), keys from FIELD_ENCRYPTION_KEYS, the first encrypts."""

import logging
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

logger = logging.getLogger(__name__)


class Undecryptable(ValueError):
    """None of FIELD_ENCRYPTION_KEYS opens this value: a key was dropped before the values were rotated."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Of a secret that is asked for often."""
    return _remembered(token, tuple(settings.FIELD_ENCRYPTION_KEYS))


def decrypt_once(token: str) -> str:
    """Of what is read once, and must not stay in memory. Raises Undecryptable."""
    return _decrypt(token, tuple(settings.FIELD_ENCRYPTION_KEYS))


def is_current(token: str) -> bool:
    """Whether the first key is the one that this was encrypted with."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _decrypt(token: str, keys: tuple[str, ...]) -> str:
    try:
        return _box(keys).decrypt(token.encode()).decode()
    except InvalidToken:
        raise Undecryptable(
            "FIELD_ENCRYPTION_KEYS lacks the key that this secret was encrypted with"
        ) from None


_remembered = lru_cache(maxsize=4096)(_decrypt)  # a webhook may have to try the secrets of many tenants


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, ciphertext in the database. Cannot be searched or ordered by."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """None for what no key opens: one lost secret must not break the query that it came with."""
        if value is None:
            return None
        try:
            return decrypt(value)
        except Undecryptable as error:
            logger.error("A secret cannot be read: %s", error)  # noqa: TRY400 - its trace tells nothing
            return None

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

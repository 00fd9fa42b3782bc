"""What django-allauth asks of the product."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from tenants import encryption


class ClosedAccounts(DefaultAccountAdapter):  # type: ignore[misc]
    """People are invited, or made by operators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, *asked: Any, **told: Any) -> None:
        """No mail of allauth's own: what happens to a second factor stands in the audit trail."""


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """Under FIELD_ENCRYPTION_KEYS, as every secret in the database."""

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt_once(encrypted_text)

    def get_totp_issuer(self) -> str:
        return "TONRIS"

    def get_totp_label(self, user: Any) -> str:
        name: str = user.get_username()
        return name

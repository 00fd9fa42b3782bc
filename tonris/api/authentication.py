"""`Authorization: Bearer tk_…`: the key decides the tenant."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.api_keys import KeyRefused, TenantSuspended, find_key
from tenants.audit.actors import Actor, Kind, become
from tenants.models import Tenant
from tenants.responses import SUSPENDED, ApiError

logger = logging.getLogger("tonris.security")

SCHEME = "Bearer"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that showed a key; REST framework calls it the user."""

    tenant: Tenant
    key_id: UUID
    key_name: str
    is_authenticated: bool = True

    @property
    def actor(self) -> str:
        """As histories name it."""
        return f"API key {self.key_name}"


def client_of(request: Request) -> Client:
    client: Any = request.user
    if not isinstance(client, Client):  # authentication refuses everybody else before a handler runs
        raise TypeError("This request was not authenticated by a key")
    return client


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, None]:
        """Raises ApiError: 401 for what is no key, 403 for a suspended tenant's."""
        try:
            key = find_key(_shown(request))
        except TenantSuspended as refused:
            code, error = SUSPENDED
            raise _refused(request, refused, error, code, 403) from None
        except KeyRefused as refused:
            raise _refused(
                request, refused, "The API key is missing or wrong", "UNAUTHENTICATED", 401
            ) from None
        become(Actor(Kind.API_KEY, str(key.pk), key.name))
        return Client(key.tenant, key.pk, key.name), None

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


def _shown(request: Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != SCHEME.lower():
        raise KeyRefused("no key")
    return text.strip()


def _refused(request: Request, why: KeyRefused, error: str, code: str, status: int) -> ApiError:
    logger.warning("An API request was refused at %s: %s", request.path, why)
    return ApiError(error, code, status)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key that `manage.py create_api_key` has printed: `tk_…`. It decides the tenant.",
        }

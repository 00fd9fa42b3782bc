"""One request is one unit of work: one transaction in the tenant of the key, all of it or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import repeats
from agents.refusals import refusals
from agents.tools.contract import ToolContext
from appointments import claims
from appointments.locks import limit_waiting
from tenants.idempotency import idempotency_key
from tenants.json_body import NotAnObject, parse_object
from tenants.log_context import log_context
from tenants.responses import ApiError
from tenants.scoping import tenant_scope
from tonris.api.authentication import SCHEME, ApiKeyAuthentication, Client, client_of


class ObjectParser(JSONParser):
    """A JSON object, without what PostgreSQL cannot store."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            return parse_object(stream.read())
        except NotAnObject as error:
            raise ApiError(str(error), "VALIDATION_ERROR", 400) from None


class KeyedView(APIView):
    """Everything here needs a key, and acts for its tenant alone."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [ObjectParser]

    @property
    def client(self) -> Client:
        return client_of(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        body: Any = request.data  # an object, as ObjectParser has seen to
        for said in (*request.query_params.getlist("tenantId"), body.get("tenantId")):
            if said not in (None, "") and str(said).lower() != str(self.client.tenant.pk):
                raise ApiError("The key belongs to another tenant", "FORBIDDEN", 403)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if response.status_code == 401:
            response["WWW-Authenticate"] = SCHEME
        return response

    @contextmanager
    def work(self) -> Iterator[ToolContext]:
        """What the calendar refuses inside is an ApiError outside, and leaves nothing behind."""
        tenant = self.client.tenant
        with log_context(tenant=tenant.pk), refusals(), tenant_scope(tenant):
            limit_waiting()
            yield ToolContext(tenant, None, timezone.now())

    def once(self, act: Callable[[ToolContext], Response]) -> Response:
        """Act, unless a request with the same Idempotency-Key has: then answer as that was answered."""
        key = idempotency_key(self.request)
        whole = [self.request.method, self.request.get_full_path(), self.request.data]
        with self.work() as context:
            return repeats.once(context.tenant, "api", key, whole, lambda: act(context))

    @property
    def verb_key(self) -> str:
        """The key as the calendar's verbs get it: a new one is a new wish, and no other door's key."""
        key = idempotency_key(self.request)
        return claims.digest(["api", key]) if key else ""

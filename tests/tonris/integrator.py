"""A program that holds a key. Every answer that it gets must be one that the OpenAPI document promises."""

import functools
import json
import re
from typing import Any

from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tenants.api_keys import create_key
from tenants.models import Tenant
from tenants.scoping import tenant_scope

ROOT = "/api/v1/"


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document, as plain JSON."""
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))
    return made


@functools.cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in document()["paths"]]


def _closed(schema: Any) -> Any:
    """The same, without room for anything that is not told."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in schema else closed


@functools.cache
def _shape(template: str, method: str, status: int) -> Any:
    told = document()["paths"][template][method]["responses"].get(str(status))
    assert told is not None, f"{status} is not documented for {method} {template}"
    shapes = {"schemas": _closed(document()["components"]["schemas"])}
    whole = {**told["content"]["application/json"]["schema"], "components": shapes}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check(method: str, path: str, answer: Any) -> None:
    """The answer's status is documented, and its body has the documented shape and nothing beside it."""
    template = next((known for pattern, known in _templates() if pattern.fullmatch(path)), None)
    if template is None or method not in document()["paths"][template]:
        assert answer.status_code in {404, 405}
        return
    _shape(template, method, answer.status_code).validate(answer.json())


class Integrator:
    def __init__(self, tenant: Tenant, name: str = "website") -> None:
        self.tenant = tenant
        with tenant_scope(tenant):
            self.row, self.key = create_key(tenant, name)

    def send(self, method: str, path: str, body: Any = None, query: Any = None, **headers: str) -> Any:
        known = {
            "Authorization": f"Bearer {self.key}",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        sent: dict[str, Any] = (
            {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        )
        answer = Client().generic(
            method.upper(), ROOT + path, headers=known, **({"query_params": query} if query else {}), **sent
        )
        check(method, ROOT + path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        return self.send("get", path, query=query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("post", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("patch", path, body)

    def delete(self, path: str) -> Any:
        return self.send("delete", path)

    def data(self, path: str, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.json()
        return answer.json()["data"]

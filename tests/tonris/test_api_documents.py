"""docs/api.md: every example is run, every address stands there, and every code that it names exists."""

import re
import shlex
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.tonris.integrator import ROOT, check, document
from tests.tonris.test_api import ANA, HAIRCUT
from tonris.api.urls import urlpatterns
from tonris.home import BASE_DIR

TEXT = (BASE_DIR / "docs/api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
IDS = {"appointment": "APPOINTMENT", "customer": "CUSTOMER", "entry": "ENTRY"}


def run(command: str, variables: dict[str, str]) -> Any:
    """Send what a curl command would, for the few options that the document uses."""
    filled = re.sub(r"\$\{?([A-Z]+)\}?", lambda found: variables[found[1]], command.replace("\\\n", " "))
    words = iter(shlex.split(filled)[1:])
    method, url, in_query = "", "", False
    headers: dict[str, str] = {}
    data: list[str] = []
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-G":
                in_query = True
            case "-d":
                data.append(next(words))
            case "--data-urlencode":
                name, _, value = next(words).partition("=")
                data.append(urlencode({name: value}))
            case _:
                assert not word.startswith("-"), word
                url = word
    path, _, query = url.partition("?")
    assert path.startswith("http://tonris.test" + ROOT)
    path = path.removeprefix("http://tonris.test")
    method = method or ("GET" if in_query or not data else "POST")
    sent: dict[str, Any] = (
        {} if in_query or not data else {"data": data[0], "content_type": headers["Content-Type"]}
    )
    query = "&".join(data) if in_query else query
    answer = Client().generic(method, path, headers=headers, QUERY_STRING=query, **sent)
    check(method.lower(), path, answer)
    return answer


def test_every_example_works(api, day):
    variables = {
        "TONRIS": "http://tonris.test", "KEY": api.key, "DAY": day, "SERVICE": HAIRCUT, "EMPLOYEE": ANA,
    }  # fmt: skip
    assert len(EXAMPLES) > 12
    for command in EXAMPLES:
        answer = run(command, variables)
        assert answer.status_code in {200, 201}, (command, answer.json())
        for name, variable in IDS.items():
            row = answer.json()["data"].get(name)
            if isinstance(row, dict):
                variables[variable] = row["id"]


def test_the_examples_find_what_they_booked(api, day):
    variables = {
        "TONRIS": "http://tonris.test", "KEY": api.key, "DAY": day, "SERVICE": HAIRCUT, "EMPLOYEE": ANA,
    }  # fmt: skip
    for command in EXAMPLES:
        told = run(command, variables).json()["data"] if "$APPOINTMENT" not in command else {}
        if "from=$DAY" in command:
            assert [one["customerName"] for one in told["appointments"]] == ["John Doe"]
            return
    pytest.fail("no example lists appointments")


def test_every_address_is_in_the_table():
    section = TEXT.partition("## What there is")[2].partition("## ")[0]
    for pattern in urlpatterns:
        path = re.sub(r"<\w+:\w+>", "<id>", str(pattern.pattern))
        last = "/" + path.rpartition("/")[2]
        assert f"/{path}`" in section or f"`{last}`" in section, path


def test_the_document_and_openapi_name_the_same_methods():
    section = TEXT.partition("## What there is")[2].partition("## ")[0]
    for verbs, path in re.findall(r"^\| ([A-Z, ]+) `(/api/v1/[^`]+)`", section, re.MULTILINE):
        template = re.compile(re.sub("<id>", r"{\\w+}", path))
        known = next(
            operations for known, operations in document()["paths"].items() if template.fullmatch(known)
        )
        assert {verb.lower() for verb in verbs.split(", ")} == set(known), path


def test_openapi_asks_for_the_key_everywhere_and_nowhere_else():
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            keyed = {"apiKey": []} in operation.get("security", [])
            assert keyed == path.startswith(ROOT), path
    scheme = document()["components"]["securitySchemes"]["apiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_openapi_describes_bodies_and_answers():
    for path, operations in document()["paths"].items():
        for method, operation in operations.items() if path.startswith(ROOT) else ():
            assert operation["summary"]
            done = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert "$ref" in done, (path, method)
            assert {"400", "401", "403", "503"} <= set(operation["responses"])
            if "{" in path:
                assert "404" in operation["responses"], path


def test_links_within_the_document_lead_somewhere():
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    headings = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_openapi_tells_how_webhooks_refuse():
    of_agents = ("/api/ai/", "/api/webhooks/elevenlabs/")
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            told = set(operation["responses"])
            assert not path.startswith(of_agents) or {"400", "401", "403", "404", "503"} <= told, path
            assert not path.startswith("/api/webhooks/twilio/") or {"200", "400", "403"} <= told, path

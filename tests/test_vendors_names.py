"""A carrier's or a provider's name stands in its own folder and in one registry line, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.providers import PROVIDERS
from telephony.carriers.registry import CARRIERS
from telephony.vendors import every_vendor
from tonris.home import BASE_DIR

APPS = ("agents", "appointments", "telephony", "tenants", "tonris")
ELSEWHERE = ("migrations", "simulators")
"""Folders that may speak of vendors: what once was, and the far ends of their wires."""

ALLOWED = {
    # Fixed by the contract: variables of the environment, and the names under which tenants' secrets are kept.
    "tonris/settings.py": "the environment's variables",
    "tonris/openai.py": "the words in which a variable of the environment is refused",
    "tonris/home.py": "a development machine's own secrets, by the names of those variables",
    "tenants/models.py": "names of secrets, as rows and `manage.py set_secret` have them",
    "tenants/credentials.py": "the one secret whose variable is called otherwise",
    # Fixed by the contract: the addresses, headers and secret by which the tools and events of agents come in.
    "agents/urls.py": "their addresses",
    "agents/views.py": "an operation's name in the OpenAPI document",
    "agents/webhook_identity.py": "who signed",
    "agents/large_bodies.py": "who signed, before the body is read",
    "agents/keyring.py": "which secret is whose, by the agent that a tenant's settings name",
    "agents/events_inbox.py": "whose events they are",
    "agents/briefings.py": "the voice of conversations that begin there",
    "agents/known_briefings.py": "the same, when it is asked for it",
    "tonris/body_limit.py": "the one address that takes recordings",
    # Fixed by the contract: words.
    "agents/tools/booking.py": "a note that integrators read",
    "agents/tools/registry.py": "a line of the log that operators search for",
    "agents/versions/facts.py": "settings, as tenants have them",
    "agents/versions/preview.py": "the provider of a business that has chosen none",
    "tonris/desk/agent_form.py": "settings, as tenants have them",
    # The demo's businesses are customers of real vendors.
    "tonris/demo/__init__.py": "the demo",
    "tonris/demo/businesses.py": "the demo",
    "tonris/demo/seeding.py": "the demo",
    "tonris/management/commands/seed_demo.py": "the demo",
    # A browser, and a caller of ours, speak one carrier's wire as that carrier would.
    "telephony/test_call/leg.py": "a browser's media socket",
    "telephony/test_call/page.py": "a recording, read as the simulated caller's are",
    "telephony/management/commands/simulate_call.py": "the simulated caller's script",
    "tonris/management/commands/simulate_vendors.py": "faults of simulated text messages",
    # The registries.
    "agents/providers/registry.py": "the line",
    "telephony/carriers/registry.py": "the line",
}


def names() -> re.Pattern[str]:
    known = {one.lower() for vendor in every_vendor() for one in (vendor.name, vendor.label)}
    return re.compile("|".join(re.escape(one) for one in sorted(known)))


def folders() -> list[str]:
    """Of each vendor, from the registries."""
    return [one.replace(".", "/") for one in (*CARRIERS.folders.values(), *PROVIDERS.folders.values())]


def product(*endings: str) -> Iterator[str]:
    own = tuple(f"{folder}/" for folder in folders())
    for app in APPS:
        for path in sorted((BASE_DIR / app).rglob("*")):
            name = path.relative_to(BASE_DIR).as_posix()
            if path.suffix in endings and not name.startswith(own) and not set(ELSEWHERE) & set(path.parts):
                yield name


def words(tree: ast.AST) -> Iterator[str]:
    """Everything in code that means something: names and strings, but neither comments nor docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in said:
                yield node.value
            continue
        for field in ("id", "attr", "name", "asname", "module", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def told(source: str, pattern: re.Pattern[str]) -> list[str]:
    found = (word for word in words(ast.parse(source)) if pattern.search(word.lower().replace("_", "")))
    return sorted(set(found))


@pytest.mark.parametrize(
    "source",
    [
        "if carrier == 'twilio': pass",
        "from telephony.carriers.infobip import rest",
        "Carrier.TWILIO",
        "def as_eleven_labs(): pass",
        "send(openai_key='x')",
        "say('There is no Infobip key')",
    ],
)
def test_each_way_of_naming_a_vendor_is_seen(source):
    assert told(source, names())


def test_comments_and_docstrings_may_explain():
    assert not told('"""Twilio drops it."""\ndef f():\n    """As OpenAI does."""\n    # Infobip\n', names())


def test_no_vendor_is_named_outside_its_folder_and_its_line():
    pattern = names()
    found = {name: told(Path(BASE_DIR, name).read_text(), pattern) for name in product(".py")}
    named = {name: what for name, what in found.items() if what}
    assert {name: what for name, what in named.items() if name not in ALLOWED} == {}
    assert ALLOWED.keys() - named.keys() == set(), "no longer needed"


def test_no_page_names_one():
    pattern = names()
    assert [one for one in product(".html") if pattern.search(Path(BASE_DIR, one).read_text().lower())] == []


def test_each_has_the_folder_that_its_line_names():
    assert all(Path(BASE_DIR, folder).is_dir() for folder in folders())

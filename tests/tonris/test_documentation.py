"""The README's table, .env.example and the settings name the same variables, and the compose file passes them on."""

import ast
import re
from collections.abc import Iterator

import pytest

from telephony import errors
from tonris.home import BASE_DIR

READERS = {
    "env.str", "env.bool", "env.int", "env.list", "os.environ.get",
    "_base_url", "_seconds", "_development_default",
}  # fmt: skip
COMPOSE_ONLY = {
    "POSTGRES_SUPERUSER_PASSWORD",
    "POSTGRES_OWNER_PASSWORD",
    "POSTGRES_APP_PASSWORD",
    "REDIS_PASSWORD",
    "TONRIS_VERSION",
}
NOT_FOR_CONTAINERS = {"ALLOW_UNSIGNED_WEBHOOKS", "MEDIA_ROOT", "TONRIS_HOME", "TONRIS_ENV_FILE"}


def text_of(name: str) -> str:
    return (BASE_DIR / name).read_text("utf-8")


def variables_read_by(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text_of(module))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in READERS:
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)


@pytest.fixture(scope="module")
def variables() -> set[str]:
    found = {*variables_read_by("tonris/settings.py"), *variables_read_by("tonris/home.py")}
    assert {"DATABASE_URL", "DJANGO_SECRET_KEY", "MAX_CALL_SECONDS", "TONRIS_HOME"} <= found
    return found


def test_readme_has_a_row_for_every_setting(variables: set[str]) -> None:
    section = text_of("README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(variables)


def test_env_example_has_every_setting_once_and_sets_none(variables: set[str]) -> None:
    text = text_of(".env.example")
    assert re.findall(r"^[^#\n].*", text, re.MULTILINE) == []
    lines = re.findall(r"^#([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    assert sorted(lines) == sorted(variables | COMPOSE_ONLY)


def test_compose_file_passes_every_setting_on(variables: set[str]) -> None:
    text = text_of("docker-compose.yml")
    passed = set(re.findall(r"^\s+([A-Z][A-Z0-9_]*):", text, re.MULTILINE)) | {"TONRIS_ROLE"}
    assert variables - passed == NOT_FOR_CONTAINERS
    assert set(re.findall(r"\$\{([A-Z0-9_]+)", text)) - variables == COMPOSE_ONLY


@pytest.mark.parametrize("document", ["README.md", "docs/webhooks.md"])
def test_documents_quote_what_callers_hear(document: str) -> None:
    family: list[type[errors.CallRefused]] = [errors.CallRefused, *errors.CallRefused.__subclasses__()]
    for refused in family:
        assert refused.spoken in text_of(document)


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md", "docs/webhooks.md"])
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(document)):
        assert (BASE_DIR / document).parent.joinpath(target).exists(), target

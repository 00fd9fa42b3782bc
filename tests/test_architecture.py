"""Imports run one way, and rules and codecs know nothing of frameworks: the contracts are in pyproject.toml."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tonris.home import BASE_DIR

LAYERS = ["tenants", "appointments", "agents", "telephony", "tonris"]


def test_the_contracts_hold():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    told = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stdout


def test_the_contract_is_the_one_that_is_meant():
    contracts = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert contracts[0]["type"] == "layers"
    assert contracts[0]["layers"] == LAYERS[::-1]


@pytest.mark.parametrize("app", LAYERS)
def test_no_app_imports_one_above_it_not_even_in_a_function(app):
    above = set(LAYERS[LAYERS.index(app) + 1 :])
    for path in (BASE_DIR / app).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            assert not above & {name.split(".")[0] for name in names}, f"{path}:{node.lineno}"

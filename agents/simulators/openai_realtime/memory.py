"""What a model reads in the words that an earlier session has left it."""

import json
import re
from collections.abc import Mapping
from typing import Any

_TOLD = re.compile(r"(\w+) was called with .*? and answered (\{.*)", re.DOTALL)
_LIST = re.compile(r'"(\w+)": \[(\{.*)', re.DOTALL)
_FLAT = re.compile(r"\{[^{}]*\}")


def tool_in(text: str) -> tuple[str, Mapping[str, Any]] | None:
    """A tool and its answer, as far as the text goes: long answers end anywhere."""
    found = _TOLD.match(text)
    if found is None:
        return None
    tool, told = found.groups()
    try:
        return tool, json.loads(told)
    except ValueError:
        return tool, {"success": '"success": true' in told, "data": _beginning_of(told)}


def _beginning_of(told: str) -> dict[str, Any]:
    """The first list in it, with those of its objects that are whole."""
    found = _LIST.search(told)
    return {found[1]: [json.loads(one) for one in _FLAT.findall(found[2])]} if found else {}

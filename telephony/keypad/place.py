"""Where a caller is in the menu: it travels in the address that the next answer is sent to, signed."""

from dataclasses import dataclass, field, replace
from typing import Any

from django.core import signing

_SALT = "keypad"
_STANDS_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True)
class Place:
    step: str = "main"
    about: dict[str, Any] = field(default_factory=dict)
    """What the step's options stand for. JSON, and nothing that tells who the caller is: addresses are logged."""
    silent: int = 0
    """How many times in a row nothing was understood."""
    turns: int = 0
    served: bool = False
    """The caller has got something done."""
    nobody: bool = False
    """A person was rung, and nobody came."""

    def at(self, step: str, **about: Any) -> "Place":
        return replace(self, step=step, about=about, silent=0)

    def main(self, *, served: bool = False) -> "Place":
        return replace(self.at("main"), served=self.served or served)


def encode(place: Place, carrier_call_id: str) -> str:
    state = [
        carrier_call_id,
        place.step,
        place.about,
        place.silent,
        place.turns,
        int(place.served),
        int(place.nobody),
    ]
    return signing.dumps(state, salt=_SALT, compress=True)


def decode(text: str, carrier_call_id: str) -> Place | None:
    """None for what is not ours, too old, or another call's."""
    try:
        owner, step, about, silent, turns, served, nobody = signing.loads(
            text, salt=_SALT, max_age=_STANDS_SECONDS
        )
    except (signing.BadSignature, ValueError):
        return None
    if owner != carrier_call_id:
        return None
    return Place(step, about, silent, turns, bool(served), bool(nobody))

"""What provisioning did, step by step, told as it happens."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to one thing: `created`, `updated` or `unchanged`; after a dry run what would be."""

    done: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.done:<13} {self.what}" + (f": {self.detail}" if self.detail else "")


@dataclass
class Log:
    """Collects steps and tells each as it is taken."""

    dry_run: bool = False
    tell: Callable[[Step], None] = lambda step: None
    steps: list[Step] = field(default_factory=list)

    def add(self, done: str, what: str, detail: str = "") -> None:
        if self.dry_run and done != "unchanged":
            done = f"would be {done}"
        step = Step(done, what, detail)
        self.steps.append(step)
        self.tell(step)

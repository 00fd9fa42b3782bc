"""What the doctor found: a value with its remedy. Pure."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Severity(enum.StrEnum):
    BROKEN = "broken"
    """Callers notice."""
    WARNING = "warning"
    """Works, but not as somebody would wish."""
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` for programs, `what` is wrong, and `fix` in one friendly sentence."""

    code: str
    severity: Severity
    what: str
    fix: str

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "severity": self.severity, "what": self.what, "fix": self.fix}


def broken(code: str, what: str, fix: str) -> Finding:
    return Finding(code, Severity.BROKEN, what, fix)


def warning(code: str, what: str, fix: str) -> Finding:
    return Finding(code, Severity.WARNING, what, fix)


def note(code: str, what: str, fix: str) -> Finding:
    return Finding(code, Severity.NOTE, what, fix)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first."""
    return sorted(findings, key=lambda found: list(Severity).index(found.severity))

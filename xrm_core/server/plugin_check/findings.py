"""What was found, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CHECKS: Mapping[str, str] = {
    "load": "it can be imported, and names a module or an object",
    "hooks": "hooks have names and arguments that exist",
    "imports": "it imports nothing of the platform but the API",
    "needs": "what it needs is there",
    "settings": "settings that it wants are set",
    "entity-files": "entity files are right on top of the core pack",
    "contributions": "a server and a worker start with it on the core pack",
    "languages": "labels and refusals are in all languages of the core pack",
    "documentation": "there is a README",
    "privacy": "the README says which personal data there are",
    "tests": "there are tests",
    "distribution": "the distribution has a version and depends on the platform",
}
"""What is looked at, in this order."""

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """A mistake, or what will be one for somebody. ``place`` is a file with its line."""

    check: str
    level: Level
    message: str
    place: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{self.level:8}{self.check:15}{where}{self.message}{f' {self.hint}' if self.hint else ''}"


@dataclass(frozen=True)
class Report:
    """Of one plugin."""

    plugin: str
    distribution: str
    version: str
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(each.level == "error" for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """All of it, and which checks were made."""
        return {
            "plugin": self.plugin,
            "distribution": self.distribution,
            "version": self.version,
            "checks": list(CHECKS),
            "findings": [vars(each) for each in self.findings],
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
        }

    def to_text(self) -> str:
        """A line for each finding, and one for all."""
        origin = f" ({self.distribution} {self.version})" if self.distribution else ""
        warnings = len(self.findings) - self.errors
        told = f"{self.errors} errors, {warnings} warnings" if self.findings else "all right"
        return "\n".join([*map(str, self.findings), f"{self.plugin}{origin}: {told}."])

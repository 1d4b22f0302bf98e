"""One example query for the demo's page."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """One entry of the page's menu. ``theme`` groups them; ``role`` is who asks."""

    theme: str
    title: str
    role: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the page wants it."""
        return {**asdict(self), "query": self.query.strip("\n")}

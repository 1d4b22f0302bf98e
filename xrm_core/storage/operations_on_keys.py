"""Operations on indexes and on what must be unique."""

from dataclasses import dataclass
from typing import ClassVar

from xrm_core.storage.operations import Operation, many


@dataclass(frozen=True, kw_only=True)
class ChangeIndex(Operation):
    """An index comes or goes. ``field`` has the columns, separated by commas."""

    @property
    def text(self) -> str:
        """One sentence."""
        word = "Add an" if self.op == "add_index" else "Drop the"
        return f"{word} index on {self.entity} ({self.field})."


@dataclass(frozen=True, kw_only=True)
class AddIndex(ChangeIndex):
    """A new index."""

    op: ClassVar[str] = "add_index"


@dataclass(frozen=True, kw_only=True)
class DropIndex(ChangeIndex):
    """An index goes."""

    op: ClassVar[str] = "drop_index"


@dataclass(frozen=True, kw_only=True)
class AddSearchIndex(Operation):
    """An index for searches comes. ``field`` has the columns, separated by commas."""

    op: ClassVar[str] = "add_search_index"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Make {self.entity} searchable by {', '.join(self.field.split(','))}."


@dataclass(frozen=True, kw_only=True)
class DropSearchIndex(Operation):
    """An index for searches goes. ``field`` has the columns, separated by commas."""

    op: ClassVar[str] = "drop_search_index"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Drop the index for searches of {self.entity} by {', '.join(self.field.split(','))}."


@dataclass(frozen=True, kw_only=True)
class AddUnique(Operation):
    """Values must be unique from now on. ``field`` has the columns, separated by commas."""

    op: ClassVar[str] = "add_unique"

    @property
    def text(self) -> str:
        """One sentence."""
        twice = f": {many(self.rows, 'record')} share theirs" if self.rows else ""
        return f"Make {self.entity} ({self.field}) unique{twice}."


@dataclass(frozen=True, kw_only=True)
class DropUnique(Operation):
    """Values need no longer be unique. ``field`` has the columns, separated by commas."""

    op: ClassVar[str] = "drop_unique"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Let {self.entity} ({self.field}) have the same values more than once."

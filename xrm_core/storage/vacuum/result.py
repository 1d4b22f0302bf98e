"""What a vacuum has done, and what it could not."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Left:
    """Something that may hold former values still, and how to mend that."""

    says: str
    remedy: str


@dataclass
class Vacuumed:
    """Of one database; sizes in bytes."""

    tables: int = 0
    before: int = 0
    after: int = 0
    left: list[Left] = field(default_factory=list)

    def leave(self, says: str, remedy: str) -> None:
        """Note what could not be done."""
        self.left.append(Left(says, remedy))

"""What is worked out of an entity once, and used for each of its records."""

from collections.abc import Callable
from typing import Generic, TypeVar

from xrm_core.metadata.model import Entity

MOST = 5_000
"""Entities for which it is kept; beyond that all is forgotten and worked out anew."""

Made = TypeVar("Made")


class WorkedOut(Generic[Made]):
    """A function of an entity that is asked once for each. For any number of threads.

    Entities are too large to be compared: one is known by its place in memory, and kept along, so that no other one
    can come to stand there.
    """

    def __init__(self, make: Callable[[Entity], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[Entity, Made]] = {}

    def __call__(self, entity: Entity) -> Made:
        """What the function says of this entity."""
        found = self._made.get(id(entity))
        if found is not None and found[0] is entity:
            return found[1]
        if len(self._made) >= MOST:
            self._made.clear()
        made = self._make(entity)
        self._made[id(entity)] = entity, made
        return made

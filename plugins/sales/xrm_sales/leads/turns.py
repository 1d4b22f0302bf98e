"""Whose turn it is to get a lead: reihum, or whoever has least to do; nobody beyond their capacity."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seller:
    """Somebody who may get leads.

    Args:
        id: of the user.
        open: how many open leads they have.
        capacity: how many they can have at a time; None: any number.
    """

    id: str
    open: int = 0
    capacity: int | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more fits."""
        return self.capacity is None or self.open < self.capacity


def in_turn(sellers: Sequence[Seller], last: str | None) -> Seller | None:
    """The next one with room, in the order of their ids after ``last``; None if nobody has room.

    Somebody who has left since does not disturb the order: whoever comes after them is next.
    """
    rising = sorted(sellers, key=lambda seller: seller.id)
    after = [seller for seller in rising if last is not None and seller.id > last]
    before = [seller for seller in rising if last is None or seller.id <= last]
    return next((seller for seller in after + before if seller.has_room), None)


def least_loaded(sellers: Sequence[Seller]) -> Seller | None:
    """Who has the least open leads for their capacity, of equals the least of all, then by id; None: nobody has room.

    Capacities are shares: who can have twice as many gets twice as many. Those without one count as if they could have
    as many as the largest of the others.
    """
    largest = max((seller.capacity for seller in sellers if seller.capacity), default=1)
    free = [seller for seller in sellers if seller.has_room]
    return min(free, key=lambda each: (each.open / (each.capacity or largest), each.open, each.id), default=None)

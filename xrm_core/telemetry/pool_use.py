"""How much of a pool of connections or threads is in use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolUse:
    """``open`` connections there are, of which ``busy`` work; ``waiting`` is how many wait for one."""

    open: int
    busy: int
    waiting: int

    def __add__(self, other: "PoolUse") -> "PoolUse":
        """That of both together."""
        return PoolUse(self.open + other.open, self.busy + other.busy, self.waiting + other.waiting)

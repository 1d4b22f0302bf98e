"""How much of a pool of connections or threads is in use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolUse:
    """``open`` connections there are, of which ``busy`` work; ``waiting`` is how many wait for one."""

    open: int
    busy: int
    waiting: int

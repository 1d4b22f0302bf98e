"""What writes one record on PostgreSQL by statements that are known before any of them has an answer."""

from dataclasses import dataclass

from xrm_core.storage.driver_statements import Call
from xrm_core.storage.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Written:
    """What writes a record, and what has to hold.

    ``first`` comes before the ``row`` and its ``entry`` in the change log. ``required`` has to hold then: in the
    same statement if ``at_once``, else in one after them. ``looked_at`` are queries of that same statement, by the
    names that the row and its entry call them by.
    """

    first: list[Call]
    row: Call
    entry: Call
    required: list[Requirement]
    at_once: bool
    looked_at: tuple[tuple[str, Call], ...] = ()

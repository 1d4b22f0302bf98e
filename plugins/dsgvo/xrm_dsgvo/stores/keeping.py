"""What of a store stays although the person is erased, as the planner decides of records. No I/O in here."""

from collections.abc import Collection, Iterable
from datetime import date

from xrm_core.api import StoredItem
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.deadline import end_of
from xrm_dsgvo.stores.saying import SaidStore


def kept(
    said: SaidStore | None,
    items: Iterable[StoredItem],
    registers: Registers,
    day: date,
    running: Collection[str] = (),
) -> frozenset[str]:
    """The ids of items that stay: as long as a law demands them, also where nobody knows since when; all of them where
    an activity goes on that has a basis of its own.

    Args:
        said: what the store says of itself; None: nothing keeps what it has.
        items: that it has of the person.
        registers: what it names.
        day: on which it is asked.
        running: activities of the person that go on.
    """
    if said is None:
        return frozenset()
    if not set(said.privacy.activities).isdisjoint(running):
        return frozenset(each.id for each in items)
    retention = said.privacy.retention
    class_ = None if retention is None else registers.retention_classes[retention.class_]
    if class_ is None or not class_.statutory:
        return frozenset()
    ends = {each.id: None if each.began_on is None else end_of(class_, each.began_on) for each in items}
    return frozenset(id_ for id_, end in ends.items() if end is None or end >= day)

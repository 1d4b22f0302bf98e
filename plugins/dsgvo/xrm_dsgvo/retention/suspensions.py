"""What keeps periods from ending: a tax assessment that is open, a dispute about a record."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Self

from xrm_core.api import Record
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Writing
from xrm_dsgvo.registers import RetentionClass
from xrm_dsgvo.retention.deadline import Suspension, end_of

SUSPENSION = "retention_suspension"
_AT_ONCE = 500


class Suspensions:
    """All of them; read once for all records that are looked at.

    Args:
        stored: records of them, those that have ended among them: a period may have been kept from ending by one.
        classes: the Löschklassen, by key.
    """

    def __init__(self, stored: Iterable[Record], classes: dict[str, RetentionClass]) -> None:
        self._tax: list[tuple[int, int, Suspension]] = []
        self._disputes: dict[Key, list[Suspension]] = defaultdict(list)
        for each in stored:
            ended = None if each["ended_on"] is None else date.fromisoformat(str(each["ended_on"])[:10])
            if each["ground"] == "tax":
                found = Suspension(ended, tax=True)
                self._tax.append((int(each["first_year"]), int(each["last_year"]), found))
            else:
                class_ = classes.get(str(each["retention_class"]))
                last = ended if ended is None or class_ is None else end_of(class_, ended)
                self._disputes[str(each["entity_name"]), str(each["record_id"])].append(Suspension(last))

    @classmethod
    def of(cls, context: Writing) -> Self:
        """Those that are stored."""
        stored: list[Record] = []
        while True:
            found = context.find(SUSPENSION, {}, _AT_ONCE, str(stored[-1]["id"]) if stored else "")
            stored += found
            if len(found) < _AT_ONCE:
                break
        return cls(stored, dict(context.settings.all_registers().retention_classes))

    def upon(self, key: Key, began: date | None) -> tuple[Suspension, ...]:
        """Those upon a record whose period has begun on a day; None: it has not."""
        tax = () if began is None else (each for first, last, each in self._tax if first <= began.year <= last)
        return (*self._disputes.get(key, ()), *tax)

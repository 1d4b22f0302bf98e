"""However many records there are, all of them are gone through."""

from collections.abc import Mapping
from typing import Any

import pytest
from xrm_dsgvo import paging
from xrm_dsgvo.paging import every
from xrm_dsgvo.restriction.standing import standing_of

from xrm_core.api import Record


class Kept:
    """So many records, which are found as contexts find them."""

    def __init__(self, count: int) -> None:
        self.records = [{"id": f"{number:04}", "deposit": f"d{number}"} for number in range(count)]

    def find(self, _entity: str, _where: Mapping[str, Any], limit: int = 100, after: str = "") -> list[Record]:
        return [each for each in self.records if each["id"] > after][:limit]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_pages_leave_nobody_out_and_end(monkeypatch: pytest.MonkeyPatch, count: int):
    monkeypatch.setattr(paging, "_AT_ONCE", 2)
    kept: Any = Kept(count)

    assert list(every(kept, "contact", {})) == kept.records


def test_who_is_changed_on_the_way_moves_nobody_out_of_sight(monkeypatch: pytest.MonkeyPatch):
    # given that what was seen does not fit the filter any more
    monkeypatch.setattr(paging, "_AT_ONCE", 2)
    kept: Any = Kept(7)
    seen = []

    # when
    for each in every(kept, "contact", {}):
        seen.append(each["id"])
        kept.records.remove(each)

    # then
    assert len(seen) == 7


def test_what_was_put_away_of_a_person_more_than_a_hundred_times_is_known():
    kept: Any = Kept(1_203)

    assert len(standing_of(kept, ["ada"])) == 1_203

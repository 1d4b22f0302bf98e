"""What is made once and kept."""

import gc
from weakref import WeakSet

import pytest

from xrm_core.storage import kept_statements
from xrm_core.storage.kept_statements import KeptStatements


def test_it_is_made_once_and_what_fails_is_not_kept() -> None:
    kept, made = KeptStatements(), []

    def make() -> object:
        made.append(1)
        if len(made) == 1:
            raise ValueError("not now")
        return object()

    with pytest.raises(ValueError, match="not now"):
        kept.get("a", make)
    first = kept.get("a", make)
    assert kept.get("a", make) is first
    assert kept.get("b", make) is not first
    assert len(made) == 3


def test_what_was_not_used_for_the_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_statements, "MOST", 2)
    kept = KeptStatements()
    first, second = kept.get("a", object), kept.get("b", object)
    assert kept.get("a", object) is first
    kept.get("c", object)
    assert kept.get("a", object) is first
    assert kept.get("b", object) is not second


def test_models_together_keep_so_many_and_the_one_that_rests_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_statements, "_all", WeakSet())  # those of other tests are none of ours
    monkeypatch.setattr(kept_statements, "MOST_TOGETHER", 4)
    resting, busy = KeptStatements(), KeptStatements()
    for key in "abc":
        resting.get(key, key.upper)
    for key in "de":
        busy.get(key, key.upper)
    assert (len(resting), len(busy), kept_statements.kept_together()) == (2, 2, 4)
    for key in "fgh":
        busy.get(key, key.upper)
    assert (len(resting), len(busy)) == (0, 4)
    assert resting.get("a", lambda: "again") == "again"
    del busy
    gc.collect()
    assert kept_statements.kept_together() == 1

"""Stores of plugins are asked all at once, each within its time, and what is no answer counts as none."""

import datetime as dt
import math
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.plugins.test_hooks import plugins, store
from xrm_core.api import DataStore, StoreAnswer, StoreContext, StoredItem, StoreSubject, ask_stores, data_stores
from xrm_core.contributions.asking_stores import BUSY, FAILED, LATE, NONSENSE

ADA = StoreSubject((("contact", "c1"),), frozenset({"ada@example.com"}))


def asking(*stores: DataStore, tenant: str = "acme") -> Any:
    """What an action would ask with."""
    return SimpleNamespace(plugins=plugins(register_data_stores=lambda: list(stores)), tenant=tenant)


def test_all_are_asked_about_the_person_in_their_tenant():
    asked: list[tuple[StoreContext, StoreSubject]] = []

    def erase(context: StoreContext, about: StoreSubject) -> int:
        asked.append((context, about))
        return 2

    item = StoredItem("i1", {"mail": "ada@example.com"}, dt.date(2026, 1, 2))
    context = asking(
        store(erase=erase, discover=lambda *_: [item]), store(name="sample.cache", export=lambda *_: (item,))
    )

    assert list(data_stores(context)) == ["sample.index", "sample.cache"]
    assert ask_stores(context, "erase", ADA, ["sample.index"]) == {"sample.index": StoreAnswer(count=2)}
    assert asked == [(StoreContext("acme", None), ADA)]
    # what a store shows without being asked for it is not passed on
    without = StoredItem("i1", began_on=dt.date(2026, 1, 2))
    assert ask_stores(context, "discover", ADA)["sample.index"] == StoreAnswer(items=(without,), count=1)
    assert ask_stores(context, "export", ADA) == {
        "sample.index": StoreAnswer(),
        "sample.cache": StoreAnswer(items=(item,), count=1),
    }


def test_whom_it_is_about_stands_in_no_text_of_it():
    item = StoredItem("i1", {"mail": "ada@example.com"})

    assert "ada@" not in f"{ADA!r} {item!r}"


def _exits(*_: Any) -> Any:
    raise SystemExit("ada@example.com")


def _raises(*_: Any) -> Any:
    raise RuntimeError("no ada@example.com here")


@pytest.mark.parametrize("fails", [_raises, _exits])
def test_one_that_raises_keeps_no_other_and_nothing_of_the_person_is_logged(fails: Any):
    context = asking(store(verify=fails), store(name="sample.cache", verify=lambda *_: 3))

    with capture_logs() as logs:
        answers = ask_stores(context, "verify", ADA)

    assert answers == {"sample.index": StoreAnswer(FAILED), "sample.cache": StoreAnswer(count=3)}
    [line] = logs
    assert (line["event"], line["store"], line["question"]) == ("store_failed", "sample.index", "verify")
    assert "ada@" not in str(logs)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        *(("erase", each) for each in (None, True, -1, "2", 1.0, [])),
        *(("discover", each) for each in (None, 3, "text", ["i1"], [StoredItem("")], [StoredItem("i" * 201)])),
        ("discover", [StoredItem("i1"), StoredItem("i1")]),
        ("discover", [StoredItem("i1", began_on=dt.datetime(2026, 1, 2))]),
        ("export", [StoredItem("i1", {"mail": object()})]),
        ("export", [StoredItem("i1", {"sum": math.nan})]),
        ("export", [StoredItem("i1", ["mail"])]),  # type: ignore[arg-type]
    ],
)
def test_nonsense_is_no_answer(question: Any, answer: Any):
    context = asking(store(**{question: lambda *_: answer}))

    assert ask_stores(context, question, ADA) == {"sample.index": StoreAnswer(NONSENSE)}


def test_one_that_hangs_is_left_alone_and_its_late_answer_is_not_heard():
    # given a store that hangs while it is to erase
    goes_on, done = threading.Event(), []

    def hangs(*_: Any) -> int:
        goes_on.wait(10)
        done.append("erase")
        return 1

    slow = store(erase=hangs, lift=lambda *_: done.append("lift") or 1, seconds=0.05)
    context = asking(slow, store(name="sample.cache", erase=lambda *_: 1))

    # then the other is heard, and nothing overtakes what hangs
    assert ask_stores(context, "erase", ADA) == {
        "sample.index": StoreAnswer(LATE),
        "sample.cache": StoreAnswer(count=1),
    }
    assert ask_stores(context, "lift", ADA, ["sample.index"]) == {"sample.index": StoreAnswer(BUSY)}

    # and once it goes on, it is asked again; what nobody waited for any more was not done
    goes_on.set()
    again = StoreAnswer(BUSY)
    while again.code:
        again = ask_stores(context, "lift", ADA, ["sample.index"])["sample.index"]
    assert again == StoreAnswer(count=1)
    assert done == ["erase", "lift"]

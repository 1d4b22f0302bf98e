"""Asking stores of plugins: all at once, each within its time. What one answers that is no answer counts as none.

A question runs in a thread of its own, which nobody can end: one that hangs is left alone, and its late answer is not
heard. One question is asked of a store at a time, so that none overtakes a former one that still hangs.
"""

import datetime as dt
import json
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import structlog

from xrm_core.contributions.data_store import (
    DataStore,
    StoreContext,
    StoredItem,
    StoreQuestion,
    StoreSubject,
    stores_of,
    without_stores,
)
from xrm_core.plugins import Plugins

FAILED, LATE, BUSY, NONSENSE = "STORE_FAILED", "STORE_TIMEOUT", "STORE_BUSY", "STORE_ANSWER_INVALID"
MOST_ITEMS = 100_000
_MOST_ID = 200
_MOST_BYTES = 16 * 1024 * 1024
_ITEMS = ("discover", "export")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What a store has answered.

    Args:
        code: why there is no answer: ``STORE_FAILED`` (it raised), ``STORE_TIMEOUT``, ``STORE_BUSY`` (a former question
            still hangs), ``STORE_ANSWER_INVALID``; empty: there is one.
        items: of ``discover`` and ``export``.
        count: of the others; of these two how many items there are.
    """

    code: str = ""
    items: tuple[StoredItem, ...] = ()
    count: int = 0


class AsksStores(Protocol):
    """What a question comes from: the context of an action, a job, a query field, a route, a command."""

    @property
    def tenant(self) -> str:
        """The name of the tenant."""

    @property
    def plugins(self) -> Plugins:
        """All of them."""


def data_stores(context: AsksStores) -> Mapping[str, DataStore]:
    """What plugins have registered, by name: labels and annotations are to be read, functions are asked by
    :func:`ask_stores`.
    """
    return stores_of(context.plugins)


def plugins_without_stores(context: AsksStores) -> Mapping[str, tuple[str, ...]]:
    """The plugins that have not said whether they keep data elsewhere, though some of their hooks, which are told, are
    made for that. ``register_data_stores`` with an empty list says that one does not.
    """
    return without_stores(context.plugins)


def ask_stores(
    context: AsksStores,
    question: StoreQuestion,
    about: StoreSubject,
    only: Collection[str] | None = None,
    seconds: float | None = None,
) -> dict[str, StoreAnswer]:
    """Ask stores of plugins about a person; nobody is asked for a right, and nothing raises.

    Args:
        context: from where; what changes something elsewhere is asked by jobs alone, since no rollback takes it back.
        question: which.
        about: the person.
        only: names of stores; None: all.
        seconds: for all of them together, if they may take less than each says of itself.
    """
    stores = [each for name, each in stores_of(context.plugins).items() if only is None or name in only]
    calls = [_Call(context.plugins, context.tenant, each, question, about, seconds) for each in stores]
    for call in calls:
        call.start()
    return {call.store.name: call.answer() for call in calls}


_locks: "WeakKeyDictionary[Plugins, dict[tuple[str, str], threading.Lock]]" = WeakKeyDictionary()
_of_locks = threading.Lock()


class _Call(threading.Thread):
    """One question to one store."""

    def __init__(
        self,
        plugins: Plugins,
        tenant: str,
        store: DataStore,
        question: StoreQuestion,
        about: StoreSubject,
        seconds: float | None,
    ) -> None:
        super().__init__(name=f"xrm-store-{store.name}", daemon=True)  # a process that ends does not wait for it
        self.store = store
        self._plugins, self._question, self._about = plugins, question, about
        self._context = StoreContext(tenant, plugins.settings_of(store.plugin))
        self._seconds = store.seconds if seconds is None else min(store.seconds, seconds)
        self._until = time.monotonic() + self._seconds
        self._began = False
        self._answer: StoreAnswer | None = None
        with _of_locks:
            self._lock = _locks.setdefault(plugins, defaultdict(threading.Lock))[tenant, store.name]

    def run(self) -> None:
        """Ask."""
        if not self._lock.acquire(timeout=self._seconds):
            return
        try:
            if time.monotonic() >= self._until:  # nobody waits for it any more, so nothing is done
                return
            self._began = True
            what = f"{self.store.name}/{self._question}"
            with self._plugins.calls.timed(self.store.plugin, "store", what):
                said = self.store.function(self._question)(self._context, self._about)
                self._answer = _checked(self._question, said)
        except Exception as error:
            # no text of it, and no values: whatever a store raises may name the person
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename}:{place.lineno}"
            code = NONSENSE if isinstance(error, _Nonsense) else FAILED
            told = str(error) if isinstance(error, _Nonsense) else type(error).__name__
            _log.warning(
                "store_failed", store=self.store.name, question=self._question, code=code, error=told, where=where
            )
            self._answer = StoreAnswer(code)
        finally:
            self._lock.release()

    def answer(self) -> StoreAnswer:
        """What it has answered in time."""
        self.join(max(0.0, self._until - time.monotonic()))
        if self._answer is None:
            code = LATE if self._began else BUSY
            _log.warning("store_failed", store=self.store.name, question=self._question, code=code)
            return StoreAnswer(code)
        return self._answer


class _Nonsense(ValueError):
    """An answer that is none; says why, without values."""


def _checked(question: StoreQuestion, said: Any) -> StoreAnswer:
    if question not in _ITEMS:
        if type(said) is not int or said < 0:
            raise _Nonsense(f"{question} answers how many: a whole number")
        return StoreAnswer(count=said)
    if not isinstance(said, list | tuple) or len(said) > MOST_ITEMS:
        raise _Nonsense(f"{question} answers a list of {MOST_ITEMS} StoredItem at most")
    items = tuple(_item(each, with_values=question == "export") for each in said)
    if len({each.id for each in items}) < len(items):
        raise _Nonsense("two items have the same id")
    return StoreAnswer(items=items, count=len(items))


def _item(said: Any, *, with_values: bool) -> StoredItem:
    if not isinstance(said, StoredItem) or not isinstance(said.id, str) or not 0 < len(said.id) <= _MOST_ID:
        raise _Nonsense(f"an item has an id of 1 to {_MOST_ID} characters")
    if not (said.began_on is None or type(said.began_on) is dt.date):
        raise _Nonsense("began_on is a date, or None")
    if not with_values:
        return StoredItem(said.id, began_on=said.began_on)
    try:
        text = json.dumps(dict(said.values), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _Nonsense("values are JSON") from None
    if len(text) > _MOST_BYTES:
        raise _Nonsense(f"values of an item are {_MOST_BYTES} characters at most")
    return StoredItem(said.id, json.loads(text), said.began_on)

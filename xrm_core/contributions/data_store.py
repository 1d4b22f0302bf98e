"""What a plugin registers that keeps data outside of the platform's tables, and what its functions are given."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

from xrm_core.plugins import Plugins, wrong_name
from xrm_core.records.hooks import On

StoreQuestion = Literal["discover", "export", "restrict", "lift", "erase", "verify"]
"""What a store can be asked."""

QUESTIONS: tuple[StoreQuestion, ...] = get_args(StoreQuestion)
MOST_SECONDS = 60.0
_WITHOUT: Mapping[str, str] = {
    "discover": "what there is of a person would be missed",
    "export": "an answer to a person would not be whole",
    "restrict": "a restriction would not hold there",
    "lift": "a restriction there would have no end",
    "erase": "an erasure would leave it there",
    "verify": "nobody could prove that an erasure has reached it",
}
"""What is so of a store that cannot be asked."""


@dataclass(frozen=True, slots=True)
class StorePart:
    """A record about a person, or some fields of it, where it is not about all of the person. ``fields`` empty: all."""

    entity: str
    record: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreSubject:
    """Whom a store is asked about. It lives in memory, as long as the question.

    Args:
        records: entity and id of the records that are the person, or about them.
        identifiers: what names the person, as it is or was written: addresses, numbers, names. Of ``verify`` only what
            names nobody else.
        keep: ids of items that stay since something demands them: ``erase`` leaves them, ``verify`` does not count
            them.
        parts: of ``restrict`` and ``lift``, to stores that know ``parts``: what alone it is about; ``records`` are
            theirs, and ``identifiers`` what stands in them. Empty: all of the person.
    """

    records: tuple[tuple[str, str], ...] = ()
    identifiers: frozenset[str] = field(default=frozenset(), repr=False)
    keep: frozenset[str] = frozenset()
    parts: tuple[StorePart, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredItem:
    """Something that a store has of a person.

    Args:
        id: by which the store knows it again: names nobody, 200 characters at most.
        values: by name, as JSON has them. Of ``export`` alone.
        began_on: the day on which the period begins for which it is kept; None: that has none, or has not begun.
    """

    id: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    began_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class StoreContext:
    """Where a store is asked: the tenant (empty: the main database), and the settings of the plugin whose it is."""

    tenant: str
    settings: Any


Ask = Callable[[StoreContext, StoreSubject], Any]


@dataclass(frozen=True)
class DataStore:
    """Data that a plugin keeps elsewhere: an index of its own, a service for mails, files, another system.

    Each function is given a :class:`StoreContext` and a :class:`StoreSubject`, and may be asked again. All are needed.

    Args:
        name: ``plugin.store``.
        discover: answers a list of :class:`StoredItem` without values: what there is of the person.
        export: answers the same with values.
        restrict: what there is of the person is kept, and nothing else is done with it; answers of how many items.
        lift: that ends; answers of how many items.
        erase: it goes, but for what is to be kept; answers how many items.
        verify: looks through all that is stored, not by an index that ``erase`` has emptied, and answers in how many
            places an identifier still stands.
        labels: what it is called, by language.
        annotations: what words of plugins say of it, as in entity files: ``{"x-dsgvo": {…}}``.
        seconds: that an answer may take.
        parts: ``restrict`` and ``lift`` know of records and fields where what they have comes from, and heed
            ``StoreSubject.parts``. A store that does not is told of restrictions of whole persons alone.
    """

    name: str
    discover: Ask | None = None
    export: Ask | None = None
    restrict: Ask | None = None
    lift: Ask | None = None
    erase: Ask | None = None
    verify: Ask | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 10.0
    parts: bool = False

    @property
    def plugin(self) -> str:
        """The name of the plugin whose it is."""
        return self.name.partition(".")[0]

    def function(self, question: StoreQuestion) -> Ask:
        """What answers a question."""
        found: Ask | None = getattr(self, question)
        assert found is not None  # noqa: S101 - a store without is not registered
        return found


_LEADING_OUT = ("register_channels", "after_record_create", "after_record_update", "after_record_delete")
_known: "WeakKeyDictionary[Plugins, Mapping[str, DataStore]]" = WeakKeyDictionary()


def stores_of(plugins: Plugins) -> Mapping[str, DataStore]:
    """The stores of all plugins, by name, in the order of the plugins.

    Raises:
        PluginLoadError: a plugin registers one that cannot be used; names it and what is missing.
    """
    if plugins not in _known:
        found: dict[str, DataStore] = {}
        for plugin, store in plugins.registered("register_data_stores", DataStore):
            if problem := _wrong(plugin, store, found):
                raise plugins.load_error(plugin, f"the store {store.name!r} {problem}")
            found[store.name] = store
        _known[plugins] = MappingProxyType(found)
    return _known[plugins]


def without_stores(plugins: Plugins) -> Mapping[str, tuple[str, ...]]:
    """The plugins that have not said whether they have stores, and by which of their hooks data may get elsewhere.

    One that has none says so by an empty list.
    """
    found: dict[str, list[str]] = {}
    for each in plugins.infos:
        if "register_data_stores" not in each.hooks:
            found[each.name] = [name for name in _LEADING_OUT if name in each.hooks]
    for plugin, on in plugins.registered("register_record_hooks", On) if found else ():
        if plugin in found and on.after is not None and "register_record_hooks" not in found[plugin]:
            found[plugin].append("register_record_hooks")
    return {name: tuple(hooks) for name, hooks in found.items() if hooks}


def _wrong(plugin: str, store: DataStore, known: Iterable[str]) -> str:
    if problem := wrong_name(plugin, store.name, known, "plugin.store"):
        return problem
    if lacking := next((each for each in QUESTIONS if not callable(getattr(store, each))), None):
        return f"has no {lacking}, so {_WITHOUT[lacking]}: give it a function that does it"
    if not isinstance(store.seconds, int | float) or not 0 < store.seconds <= MOST_SECONDS:
        return f"has seconds that are none: more than 0, and {MOST_SECONDS:g} at most"
    if not isinstance(store.parts, bool):
        return "has parts that are neither True nor False"
    texts = (store.labels, store.annotations)
    if not all(isinstance(each, Mapping) and all(isinstance(key, str) for key in each) for each in texts):
        return "has labels or annotations that are no mapping"
    if wrong := next((each for each in store.annotations if not each.startswith("x-")), None):
        return f"has the annotation {wrong!r}: words of plugins begin with «x-»"
    return ""

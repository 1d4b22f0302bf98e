"""Where records are looked for: in the tables, in the trash, and in the vault."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

from xrm_core.api import Field, Model, Record, Vaulted, former_values
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.privacy import PrivacyModel

_AT_ONCE = 500

MOST_GONE = 10_000
"""So many persons of an entity of whom only the change log has a record are looked at, those that went last."""


class Searching(Protocol):
    """What reads whatever there is, whoever may see it: contexts of actions, jobs and query fields."""

    def read(self, entity: str, id_: str) -> Record | None:
        """A record as it is stored."""

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100, after: str = "") -> list[Record]:
        """Records for which a filter holds."""

    def deleted(self, entity: str, after: str = "", limit: int = 1_000) -> list[Record]:
        """Records in the trash."""

    def vaulted(self, entity: str, ids: Iterable[str] | None = None) -> list[Vaulted]:
        """Records in the vault: those that are searched, or those with some ids."""

    def kept_aside(self) -> frozenset[str]:
        """Entities of which values lie in the vault that are not searched."""

    def gone(self, entity: str, limit: int = 1_000, id_: str = "") -> list[Record]:
        """Records that only the change log has."""

    def set_aside(self) -> frozenset[str]:
        """Entities of which something is in the trash or in the vault."""

    def merged(self, entity: str, id_: str) -> list[str]:
        """Ids of records that are one with a record by merges."""

    def in_clear(self, entity: str, record: Record) -> Record:
        """A record with its sealed values in clear."""

    def find_sealed_as_system(self, entity: str, field: str, text: str) -> list[str]:
        """Ids of records with a sealed value."""


class Sources:
    """All records, those in the trash and in the vault among them; each is read once. Nothing may write meanwhile.

    Args:
        context: what reads.
        model: the entities.
        privacy: what their files say.
        aside: whether the trash and the vault are looked at.
        gone: whether persons are looked for of whom only the change log has a record; :data:`MOST_GONE` of each entity.
    """

    def __init__(
        self, context: Searching, model: Model, privacy: PrivacyModel, *, aside: bool = True, gone: bool = False
    ) -> None:
        self._context = context
        self.model = model
        self.privacy = privacy
        self._read: dict[Key, Record | None] = {}
        self.trash: dict[str, dict[str, Record]] = {each.name: {} for each in privacy}
        self._vault: dict[str, dict[str, Record]] = {each.name: {} for each in privacy}
        for name in context.set_aside() & self.trash.keys() if aside else ():
            self.trash[name] = {str(record["id"]): record for record in self._deleted(name)}
            self._vault[name] = together(context.vaulted(name))
        self._archived: dict[str, dict[str, Record]] = {name: {} for name in (context.kept_aside() if aside else ())}
        self._gone: set[Key] = set()
        self._empty: dict[str, bool] = {}
        for each in privacy.subjects() if gone else ():
            if any(field.match is not None and field.match.strength == "strong" for field in each.fields.values()):
                self._take_gone(each.name, context.gone(each.name, MOST_GONE))

    def read(self, key: Key) -> Record | None:
        """A record, wherever it is."""
        if key not in self._read:
            self._read[key] = self._found(key)
        return self._read[key]

    def _found(self, key: Key) -> Record | None:
        entity, id_ = key
        if entity not in self.model:
            return None
        stored, kept = self._context.read(entity, id_), self._vault[entity].get(id_)
        if stored is not None:
            [stored] = self._with_archived(entity, [stored])
        if kept is not None:
            # what stays in its table has other values there meanwhile
            return self._context.in_clear(entity, {**(stored or {}), **kept})
        return self.trash[entity].get(id_) if stored is None else self._context.in_clear(entity, stored)

    def where(
        self,
        entity: str,
        filter_: Mapping[str, Any],
        fits: Callable[[Record], bool],
        equal: tuple[Field, str] | None = None,
    ) -> Iterator[tuple[Record, bool]]:
        """All records that a filter finds and that fit, and all of the trash that fit; and whether they are there.

        No filter can look at sealed fields: with one, all records are looked at, or those that the blind index of
        ``equal`` finds, a field and its value.
        """
        after = ""
        if _looks_at(filter_, {each.name for each in self.model[entity].fields.values() if each.sealing is not None}):
            filter_ = self._beside(entity, equal)
        while found := [] if self._is_empty(entity) else self._context.find(entity, filter_, _AT_ONCE, after):
            there = (each for each in found if str(each["id"]) not in self._vault[entity])
            for each in (self._context.in_clear(entity, stored) for stored in self._with_archived(entity, there)):
                if fits(each):
                    self._read[entity, str(each["id"])] = each
                    yield each, False
            if len(found) < _AT_ONCE:
                break
            after = str(found[-1]["id"])
        yield from ((each, True) for each in self.trash[entity].values() if fits(each))
        moved = (self.read((entity, id_)) for id_ in self._vault[entity])
        yield from ((each, False) for each in moved if each is not None and fits(each))

    def _is_empty(self, entity: str) -> bool:
        """Whether an entity has no records: many have none, and to make a filter takes longer than to see it."""
        if entity not in self._empty:
            self._empty[entity] = not self._context.find(entity, {}, 1)
        return self._empty[entity]

    def merged(self, key: Key) -> list[Key]:
        """Records that are one with a record by merges, those among them that are gone for good."""
        return [(key[0], id_) for id_ in self._context.merged(*key)]

    def former(self, key: Key, name: str) -> list[Any]:
        """What a field of a record has held by the change log; nothing where that cannot be read: in queries."""
        log: Any = self._context
        return former_values(log, key[1], [name]) if hasattr(log, "connection") else []

    def look_in_log(self, key: Key) -> None:
        """Let a record be found that only the change log has, if that has it."""
        if self.read(key) is None:
            self._take_gone(key[0], self._context.gone(key[0], 1, key[1]))

    def is_gone(self, key: Key) -> bool:
        """Whether only the change log has it."""
        return key in self._gone

    def _take_gone(self, entity: str, records: Iterable[Record]) -> None:
        """They are found like what is in the trash."""
        for each in records:
            key = (entity, str(each["id"]))
            self.trash[entity].setdefault(key[1], self._context.in_clear(entity, each))
            self._gone.add(key)
            self._read.pop(key, None)

    def is_restricted(self, key: Key) -> bool:
        """Whether all of it, or some of its values, lies in the vault."""
        return key[1] in self._vault[key[0]] or key[1] in self._archived.get(key[0], ())

    def restricted_persons(self) -> Iterator[Key]:
        """Persons whose records lie in the vault: nothing leads to them meanwhile."""
        for entity, found in self._vault.items():
            if self.privacy[entity].role == "is_subject":
                yield from ((entity, id_) for id_ in found)

    def is_deleted(self, key: Key) -> bool:
        """Whether it is in the trash."""
        return key[1] in self.trash[key[0]]

    def _with_archived(self, entity: str, records: Iterable[Record]) -> list[Record]:
        """Records with those of their values that are in the archive, which is not searched for them."""
        found = list(records)
        if entity in self._archived and found:
            there = together(self._context.vaulted(entity, [str(each["id"]) for each in found]))
            self._archived[entity] |= there
            found = [{**each, **there.get(str(each["id"]), {})} for each in found]
        return found

    def _beside(self, entity: str, equal: tuple[Field, str] | None) -> Mapping[str, Any]:
        """What finds the same without looking at sealed fields."""
        if equal is None or equal[0].sealing is None or not equal[0].sealing.bits:
            return {}
        found = self._context.find_sealed_as_system(entity, equal[0].name, equal[1])
        return {"or": [{"id": {"eq": each}} for each in found]}

    def _deleted(self, entity: str) -> Iterator[Record]:
        after = ""
        while found := self._context.deleted(entity, after, _AT_ONCE):
            yield from (self._context.in_clear(entity, each) for each in found)
            if len(found) < _AT_ONCE:
                return
            after = str(found[-1]["id"])


def together(vaulted: Iterable[Vaulted]) -> dict[str, Record]:
    """What lies in the vault of each record: values of it may have been moved for several persons, or at several times.

    Where it has been moved as a whole since, it has only what stood there instead of former ones.
    """
    found: dict[str, Record] = {}
    for each in sorted(vaulted, key=lambda each: (not each.whole, each.deposit)):
        found[each.id] = {**found.get(each.id, {}), **each.values}
    return found


def _looks_at(filter_: Any, names: Collection[str]) -> bool:
    """Whether a filter names one of some fields of its own entity."""
    if not names or not isinstance(filter_, Mapping):
        return False
    inner = [part for word in ("and", "or") for part in filter_.get(word, ())] + [filter_.get("not")]
    return not filter_.keys().isdisjoint(names) or any(_looks_at(each, names) for each in inner)


def target_of(field: Field, record: Record) -> Key | None:
    """To what a relation of a record refers."""
    value = record.get(field.name)
    if value is None or field.relation is None:
        return None
    if field.relation.polymorphic:
        [(entity, id_)] = value.items()
        return str(entity), str(id_)
    return field.relation.targets[0], str(value)


def refers_to(field: Field, key: Key) -> Mapping[str, Any]:
    """A filter: a relation refers to a record."""
    this: dict[str, Any] = {"id": {"eq": key[1]}}
    return {field.name: {key[0]: this} if field.reference.polymorphic else this}

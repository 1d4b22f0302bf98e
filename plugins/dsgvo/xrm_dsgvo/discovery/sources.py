"""Where records are looked for: in the tables, and in the trash."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from xrm_core.api import Field, Model, Record
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.privacy import PrivacyModel

_AT_ONCE = 500


class Searching(Protocol):
    """What reads whatever there is, whoever may see it: contexts of actions, jobs and query fields."""

    def read(self, entity: str, id_: str) -> Record | None:
        """A record as it is stored."""

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100) -> list[Record]:
        """Records for which a filter holds."""

    def deleted(self, entity: str, after: str = "", limit: int = 1_000) -> list[Record]:
        """Records in the trash."""


class Sources:
    """All records, those in the trash among them, which are read once.

    Args:
        context: what reads.
        model: the entities.
        privacy: what their files say.
    """

    def __init__(self, context: Searching, model: Model, privacy: PrivacyModel) -> None:
        self._context = context
        self.model = model
        self.privacy = privacy
        self.trash: dict[str, dict[str, Record]] = {
            each.name: {str(record["id"]): record for record in self._deleted(each.name)} for each in privacy
        }

    def read(self, key: Key) -> Record | None:
        """A record, wherever it is."""
        entity, id_ = key
        if entity not in self.model:
            return None
        return self._context.read(entity, id_) or self.trash[entity].get(id_)

    def where(
        self, entity: str, filter_: Mapping[str, Any], fits: Callable[[Record], bool]
    ) -> Iterator[tuple[Record, bool]]:
        """All records that a filter finds and that fit, and all of the trash that fit; and whether they are there."""
        after: dict[str, Any] = {}
        while found := self._context.find(entity, {**filter_, **after}, _AT_ONCE):
            yield from ((each, False) for each in found if fits(each))
            if len(found) < _AT_ONCE:
                break
            after = {"id": {"gt": found[-1]["id"]}}
        yield from ((each, True) for each in self.trash[entity].values() if fits(each))

    def is_deleted(self, key: Key) -> bool:
        """Whether it is in the trash."""
        return key[1] in self.trash[key[0]]

    def _deleted(self, entity: str) -> Iterator[Record]:
        after = ""
        while found := self._context.deleted(entity, after, _AT_ONCE):
            yield from found
            if len(found) < _AT_ONCE:
                return
            after = str(found[-1]["id"])


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

"""Saying that a caller is shown what was read with the rights of the platform: it is logged as any other read."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xrm_core.query.reads import Read, is_logged
from xrm_core.records.sealed_fields import SEALED_FIELDS

if TYPE_CHECKING:
    from xrm_core.records.door import Records


class Showing:
    """Part of the contexts whose caller gets an answer."""

    records: "Records"
    reads: list[tuple[Read, Any]]

    def shown(self, entity: str, id_: str, fields: Iterable[str]) -> None:
        """Say that the caller is shown fields of a record that was read with the rights of the platform, so that it is
        logged if reads of the entity are, or if one of them is sealed. What :meth:`query` answers is logged by itself.
        """
        names, kind = tuple(sorted(fields)), self.records.model[entity]
        if is_logged(kind, set(names)) or not SEALED_FIELDS(kind).keys().isdisjoint(names):
            self.reads.append((Read(entity, names), [id_]))

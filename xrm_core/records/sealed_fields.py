"""Which fields of an entity are sealed, and how."""

from collections.abc import Mapping

from xrm_core.metadata.model import Entity
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.worked_out import WorkedOut


def _of(kind: Entity) -> Mapping[str, Sealing]:
    return {name: field.sealing for name, field in kind.fields.items() if field.sealing is not None}


SEALED_FIELDS = WorkedOut(_of)
"""Field → how it is sealed."""

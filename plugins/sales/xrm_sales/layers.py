"""What packs above have added to the entities of this plugin: it goes along where one record is made of another."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from xrm_core.api import Record
from xrm_sales.writing import Writing

_SCHEMAS = Path(__file__).parent / "schemas"


def added(context: Writing, record: Record, entity: str) -> dict[str, Any]:
    """Values of a record for fields that the entity has from elsewhere; unique ones do not go along."""
    fields = context.records.model[entity].fields.items()
    wanted = [name for name, field in fields if name not in _own(entity) and field.writable and not field.unique]
    return {name: record[name] for name in wanted if record.get(name) is not None}


@cache
def _own(entity: str) -> frozenset[str]:
    """Fields of which the plugin itself knows."""
    return frozenset(json.loads((_SCHEMAS / f"{entity}.json").read_text("utf-8"))["properties"])

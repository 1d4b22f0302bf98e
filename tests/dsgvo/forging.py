"""What a forger tries: plausible values, each door, and a look at whether anything has changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from tests.dsgvo.consents import Consents
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field
from xrm_core.records.importing import ImportOptions, import_csv
from xrm_core.testing import Xrm

LONG_AGO = "2020-01-01T00:00:00Z"


def entities(xrm: Xrm) -> Iterator[Entity]:
    """Those of the plugin."""
    names = {path.stem for path in Path("plugins/dsgvo/xrm_dsgvo/schemas").glob("*.json")}
    found = [each for each in xrm.platform.model if each.name in names]
    assert len(found) == len(names)
    yield from found


def plausible(each: Field) -> Any:
    """A value of a field, as a forger may give it."""
    if each.relation is not None or each.file is not None:
        return str(uuid4())  # of what is not there
    if each.enum:
        return next(iter(each.enum))
    match str(each.type):
        case "boolean":
            return True
        case "integer":
            return 1
        case "date":
            return "2026-01-01"
        case "datetime":
            return LONG_AGO
        case "uuid":
            return str(uuid4())
        case "json":
            return {"names": ["x"]}
    return "DE" if each.max_length == 2 else "x"


def named(each: Field) -> str:
    """How the API calls a field in what is written."""
    return naming.camel(each.name) + ("Id" if each.relation is not None or each.file is not None else "")


def required(kind: Entity) -> dict[str, Any]:
    """The values that a record has to have, in the names of GraphQL; what it refers to is not there."""
    values: dict[str, Any] = {}
    for each in kind.fields.values():
        if each.required and each.writable:
            values[named(each)] = plausible(each)
    return values


_STAMPS = ("updated_at", "updated_by", "version")


def state(xrm: Xrm) -> dict[str, list[Any]]:
    """All that the plugin has; who changes a value to what it is changes nothing."""
    found: dict[str, list[Any]] = {}
    with xrm.database.read() as connection:
        for each in entities(xrm):
            columns = [one for one in xrm.platform.records.tables[each.name].c if one.name not in _STAMPS]
            found[each.name] = sorted(map(repr, connection.execute(select(*columns))))
    return found


def asked(consents: Consents, document: str, **variables: Any) -> dict[str, Any]:
    """An answer of the API, whatever it is."""
    headers = {"Authorization": f"Bearer {consents.admin.token}"}
    body = json.dumps({"query": document, "variables": variables})
    found = consents.xrm.http.post("/graphql", content=body, headers={**headers, "Content-Type": "application/json"})
    return dict(found.json())


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def imported(consents: Consents, folder: Path, entity: str, rows: list[dict[str, Any]]) -> list[str]:
    """What an import has against a file of these rows."""
    names = list(rows[0])
    lines = [",".join('"' + str(row[name]).replace('"', '""') + '"' for name in names) for row in rows]
    file = folder / "rows.csv"
    file.write_text("\n".join([",".join(names), *lines]))
    platform = consents.xrm.platform
    of = platform.model[entity]
    options = ImportOptions(columns={name: f"{name}.id" for name in names if of[name].relation is not None})
    with platform.database.begin() as connection:
        result = import_csv(platform.records, connection, entity, file, options)
    return sorted({each.code for each in result.problems}) or [f"written {result.written}"]

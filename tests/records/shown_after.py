"""What an answer shows of a record that was just written, read in the transaction of the write; and what it should."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from tests.graphql.kit import World
from tests.query.oracle_values import on_the_wire
from tests.records.write_oracle import Row, WriteOracle
from xrm_core import naming
from xrm_core.graphql import names
from xrm_core.graphql.documents import Document
from xrm_core.graphql.plans import Plan
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import TEXTUAL, FieldType
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.storage.readers import fetch_in

_TYPES = {*TEXTUAL, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.ENUM, FieldType.DATE}


class Shown:
    """Reads records of a world as one caller gets them, in any transaction, by the plans of their own schema."""

    def __init__(self, world: World, caller: User) -> None:
        engine = world.engine
        self._role = world.run(engine.roles.get(caller.access, engine.threads.planning))
        self._caller = caller
        self._plans: dict[str, tuple[Document, Plan]] = {}

    def read(self, connection: Connection, kind: Entity, id_: str, fields: Sequence[Field]) -> dict[str, Any] | None:
        """These fields of a record, by their names in answers; None: there is none. Raises QueryTooLarge: on SQLite."""
        if kind.name not in self._plans:
            self._plans[kind.name] = self._plan(kind, fields)
        document, plan = self._plans[kind.name]
        coerced = document.variables_of(document.operation(None)).coerced({"id": id_})
        values = plan.values(coerced, ContextValues(self._caller))
        assert values is not None
        [call] = plan.calls(values)
        answer = fetch_in(connection, call, 20)
        return None if answer is None else json.loads(answer)

    def _plan(self, kind: Entity, fields: Sequence[Field]) -> tuple[Document, Plan]:
        selected = " ".join(naming.camel(of.name) for of in fields)
        text = f"query($id: ID!) {{ record: {names.single(kind)}(id: $id) {{ __typename {selected} }} }}"
        document = self._role.documents.read(text)
        assert not document.errors, (text, document.errors)
        operation = document.operation(None)
        return document, self._role.planner.plan(document, operation, {"id": kind.name})


def asked_for(oracle: WriteOracle, kind: Entity) -> list[Field] | None:
    """The fields whose values the reference knows; None: the user may read no such records."""
    if not oracle.rights.readable(kind.name):
        return None
    return [
        of
        for of in kind.fields.values()
        if of.type in _TYPES and of.relation is None and not of.virtual and of.sequence is None
        if oracle.rights.has(kind, of)
    ]


def expected(after: WriteOracle, kind: Entity, row: Row, fields: Sequence[Field]) -> dict[str, Any] | None:
    """What an answer should have of a record in the state after the write."""
    if not after.sight.sees(kind.name, row):
        return None
    shown = {naming.camel(of.name): on_the_wire(of, after.sight.shown(kind.name, row, of.name)) for of in fields}
    return {"__typename": names.type_name(kind), **shown}

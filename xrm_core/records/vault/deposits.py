"""What is moved together is one deposit: its rows, and how they are sealed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Row, select

from xrm_core.metadata.model import Entity, Model
from xrm_core.permissions.caller import System
from xrm_core.query.trash import former_names
from xrm_core.records.sealing import store_of
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.storage.sealed_tables import made_mark, mark_of
from xrm_core.storage.vault_tables import KEPT, VAULT

if TYPE_CHECKING:
    from xrm_core.records.door import Records

CLASS = "vault"
"""Of the keys of a person: destroyed with those of what else is kept of them."""

RECORD, VALUES, TRASHED = "record", "values", "trashed"

OF_FIELDS = (VALUES, KEPT)
"""Of these the record itself is in its table."""
_FIELD = "$vault"


class Writing(Protocol):
    """A transaction in which somebody writes: of an action, of what follows a write, of a job or a command."""

    @property
    def records(self) -> "Records":
        """The door for records."""

    @property
    def connection(self) -> Connection:
        """With the transaction."""

    @property
    def system(self) -> System:
        """The platform, on behalf of whoever has begun it."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """What lies in the vault together.

    Args:
        id: of it.
        counts: entity → how many of its records are there, wholly or with some values.
    """

    id: str
    counts: Mapping[str, int]


def sealing(context: Writing) -> SealedBox:
    """What seals in this database. Raises SealingUnavailable: there is no key store."""
    store = store_of(context.records)
    store.require()
    return SealedBox(store, made_mark(context.connection))


def sealed(box: SealedBox, subject: str, entity: str, id_: str, content: Mapping[str, Any]) -> str:
    """The content of a row."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return box.seal(text, subject, CLASS, entity, id_, _FIELD)


def rows_of(connection: Connection, deposit: str) -> list[Row[Any]]:
    """The rows of a deposit in their order, held until the transaction ends. Raises KeyError: there is none."""
    mine = select(VAULT).where(VAULT.c.deposit == deposit).order_by(VAULT.c.place)
    rows = connection.execute(mine.with_for_update()).all()
    if not rows:
        raise KeyError(deposit)
    return list(rows)


def opened(
    records: "Records", connection: Connection, rows: list[Row[Any]], *, skip: bool = False
) -> Iterator[tuple[Row[Any], Any]]:
    """Each row with its content; ``skip``: those are left out whose keys are destroyed.

    Raises:
        SealedKeyDestroyed: whose it was is erased.
        SealingUnavailable, SealedValueForeign: it cannot be opened.
    """
    box = SealedBox(store_of(records), mark_of(connection) or "")
    for row in rows:
        text = box.open(row.content, row.entity, row.record_id, _FIELD).text
        if text is None and skip:
            continue
        if text is None:
            raise SealedKeyDestroyed(
                "What lies in the vault cannot be opened any more: the keys of whose it was were destroyed.",
                hint="It was erased; there is nothing to bring back.",
            )
        yield row, json.loads(text)


def kind_of(model: Model, then: str) -> Entity | None:
    """The entity that had a name; None: it is not there any more."""
    return next((each for each in model if then in former_names(each)), None)

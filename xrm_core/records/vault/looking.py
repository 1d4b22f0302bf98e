"""What lies in the vault, for who may open sealed values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Row, select

from xrm_core.errors import Forbidden
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import SEALED, Action
from xrm_core.query.reads import Read
from xrm_core.query.trash import former_names
from xrm_core.records import read_log
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.stored import Record
from xrm_core.records.trash import record_of, values_of
from xrm_core.records.vault.deposits import OF_FIELDS, kind_of, opened
from xrm_core.storage.columns import is_id
from xrm_core.storage.vault_tables import KEPT, VAULT
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


class _Asking(Protocol):
    @property
    def records(self) -> "Records": ...
    @property
    def connection(self) -> Connection: ...
    @property
    def caller(self) -> Caller: ...


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A record of which something lies in the vault.

    Args:
        deposit: with what it was moved.
        subject: id of whose it is.
        entity: of it, by the name that this has now.
        id: of it.
        values: its fields as they were stored; those that lie here alone, unless it is ``whole``.
        whole: whether all of it is here, and it is not in its table.
    """

    deposit: str
    subject: str
    entity: str
    id: str
    values: Record
    whole: bool


def in_vault(context: _Asking, *, deposit: str | None = None, subject: str | None = None) -> list[Vaulted]:
    """Records of a deposit, or of a subject; opened by the rights of the context's caller, and logged as reads.

    Args:
        context: of an action, a job or a command: it writes who has looked.
        deposit: its id; None: all of the subject.
        subject: its id.

    Raises:
        Forbidden: the caller may not open sealed values.
        SealingUnavailable, SealedKeyDestroyed: it cannot be opened, or nobody can open it any more.
    """
    if deposit is None and subject is None:
        raise ValueError("a deposit or a subject")
    caller, connection = context.caller, context.connection
    if not isinstance(caller, System) and not caller.access.may(SEALED, Action.READ):
        raise Forbidden(
            say("You may not open what lies in the vault."),
            hint=say("It takes a right to «{name}».", name=SEALED),
        )
    chosen = select(VAULT).order_by(VAULT.c.deposit, VAULT.c.place)
    chosen = chosen.where(VAULT.c.deposit == deposit) if deposit is not None else chosen
    chosen = chosen.where(VAULT.c.subject == subject) if subject is not None else chosen
    found = list(_found(context.records, connection, list(connection.execute(chosen))))
    if not isinstance(caller, System):
        reads = [(Read(each.entity, tuple(sorted(each.values))), [each.id]) for each in found]
        read_log.write(connection, caller, None, reads)
    return found


def vaulted(records: "Records", connection: Connection, entity: str, ids: Iterable[str] | None = None) -> list[Vaulted]:
    """What lies in the vault of an entity, as it was stored, whoever may open it: for a function to judge. What nobody
    can open any more is not among it: the end of one person's keys must not be in the way of what is asked of others.

    Args:
        records: the door.
        connection: with a transaction.
        entity: its name.
        ids: of records; None: all but what is kept there without being searched.

    Raises:
        KeyError: there is no such entity.
        SealingUnavailable: it cannot be opened.
    """
    mine = select(VAULT).where(VAULT.c.entity.in_(former_names(records.model[entity]))).order_by(VAULT.c.record_id)
    rows: list[Row[Any]] = []
    if ids is None:
        rows += connection.execute(mine.where(VAULT.c.kind != KEPT))
    else:
        wanted = sorted({each for each in ids if is_id(each)})
        for start in range(0, len(wanted), _AT_ONCE):
            rows += connection.execute(mine.where(VAULT.c.record_id.in_(wanted[start : start + _AT_ONCE])))
    return list(_found(records, connection, rows, judged=True)) if rows else []


def _found(
    records: "Records", connection: Connection, rows: list[Row[Any]], *, judged: bool = False
) -> Iterator[Vaulted]:
    for row, content in opened(records, connection, rows, skip=judged):
        kind = kind_of(records.model, row.entity)
        if kind is None:
            continue
        whole = row.kind not in OF_FIELDS
        values = record_of(kind, content["record"])[0] if whole else values_of(kind, content["values"])
        shown = {key: value for key, value in values.items() if judged or key not in SEALED_FIELDS(kind)}
        yield Vaulted(row.deposit, row.subject, kind.name, row.record_id, shown, whole)

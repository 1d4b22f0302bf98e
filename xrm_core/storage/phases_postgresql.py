"""A change of the model on PostgreSQL, in phases: make ahead, switch in a moment, finish. Each may be killed.

A killed change goes on when it is asked for again. Why, is told in ``docs/adr/0013-phases-on-postgresql.md``.
"""

from collections.abc import Callable

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model, save_model
from xrm_core.storage.change_postgresql import change, finish
from xrm_core.storage.counters import rename_counters
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.plan import Plan
from xrm_core.storage.prepare_postgresql import has_work, prepare
from xrm_core.storage.prepared import remove
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import begin, change_under_way, end, note


def in_phases(
    turn: Turn,
    new: Model,
    planned: Callable[[Connection], tuple[Model | None, Plan]],
    along: Callable[[Connection], None],
) -> Plan:
    """Bring the database to ``new``, from where it is. ``planned`` gives the model that it has, and the way.

    ``along`` is called in the transaction of the switch, just before ``new`` becomes the applied model.

    Raises:
        SchemaChangeRefused: by ``planned``, or because tables stay in use. What was made ahead is kept.
        IntegrityError: the data is not as the plan thought. What was made ahead is kept.
    """
    _come_from_a_former_change(turn, new)
    old, plan = turn.patiently(planned)
    if old is not None and plan.is_empty:
        turn.patiently(along)
        return plan
    evolution, before, after = Evolution(old, new), Tables(old or Model({})), Tables(new)
    if has_work(evolution, before, after):
        turn.patiently(lambda connection: _begin(connection, new, plan))
        prepare(turn, evolution, before, after)

    def switch(connection: Connection) -> None:
        change(Operations(MigrationContext.configure(connection)), evolution, before, after)
        rename_counters(connection, evolution)
        along(connection)
        save_model(connection, new, plan.to_json())
        note(connection, "Look through new foreign keys.", phase="finish")

    turn.patiently(switch)
    _finish(turn, new)
    return plan


def give_up(turn: Turn) -> None:
    """Take away what was made ahead, so that nothing is under way any more.

    Raises:
        SchemaChangeRefused: a table stays in use.
    """
    change = turn.patiently(change_under_way)
    if change is not None and change.phase == "prepare":
        remove(turn)
        turn.patiently(end)


def _come_from_a_former_change(turn: Turn, new: Model) -> None:
    """End what another applier has begun, unless it leads to where we go."""
    former = turn.patiently(change_under_way)
    if former is None:
        return
    if former.phase == "finish":
        _finish(turn, turn.patiently(current_model) or new)
    elif former.fingerprint != new.fingerprint:
        give_up(turn)


def _begin(connection: Connection, new: Model, plan: Plan) -> None:
    if change_under_way(connection) is None:
        begin(connection, new, plan.to_json())


def _finish(turn: Turn, model: Model) -> None:
    finish(turn, Tables(model))
    turn.patiently(end)

"""A change of the model on PostgreSQL, in phases: make ahead, switch in a moment, finish. Each may be killed.

A killed change goes on when it is asked for again. Why, is told in ``docs/adr/0013-phases-on-postgresql.md``.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.aside_tables import present_tables, wanted_tables
from xrm_core.storage.change_postgresql import change, finish
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.history import Back, last_step_back
from xrm_core.storage.mending import make_room
from xrm_core.storage.plan import Plan
from xrm_core.storage.prepare_postgresql import has_work, prepare
from xrm_core.storage.prepared import remove
from xrm_core.storage.save_change import Along, save_change
from xrm_core.storage.search_index import locate
from xrm_core.storage.under_way import BACK, begin, change_under_way, end, note


def in_phases(
    turn: Turn,
    evolution_of: Callable[[Connection], Evolution],
    planned: Callable[[Connection], tuple[Evolution, Plan]],
    along: Along,
    *,
    back: Back | None,
) -> Plan:
    """Bring the database to the model that is wanted, from where it is; ``planned`` refuses what may not be done.

    ``along`` is called in the transaction of the switch, just before the new model becomes the applied one.
    ``back``: it is a step back; if a former one of the kind only remains to be finished, that is all that is done.

    Raises:
        SchemaChangeRefused: by ``planned``, or because tables stay in use. What was made ahead is kept.
        IntegrityError, NoLongerFits: the data is not as the plan thought. What was made ahead is kept.
    """
    if _come_from_a_former_change(turn, evolution_of, back=back):
        return Plan()
    evolution, plan = turn.patiently(planned)
    if evolution.old is not None and evolution.undone is None and plan.is_empty:
        turn.patiently(lambda connection: along(connection, evolution.new))
        return plan
    before = turn.patiently(lambda connection: present_tables(connection, evolution))
    after = turn.patiently(lambda connection: wanted_tables(connection, evolution))
    turn.patiently(lambda connection: locate(connection, after.metadata))
    if has_work(evolution, before, after):
        turn.patiently(lambda connection: _begin(connection, evolution, plan))
        turn.patiently(lambda connection: make_room(connection, evolution, before))
        prepare(turn, evolution, before, after, plan)

    def switch(connection: Connection) -> None:
        # The tables come last: they are locked from then on.
        along(connection, evolution.new)
        save_change(connection, evolution, plan)
        note(connection, "Look through new foreign keys.", phase="finish")
        change(connection, evolution, before, after, plan)

    turn.patiently(switch)
    _finish(turn, evolution.new)
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


def give_up_step_back(turn: Turn) -> None:
    """The same, if what is under way is a step back: it reads what is aside. Raises as :func:`give_up`."""
    change = turn.patiently(change_under_way)
    if change is not None and change.step_back:
        give_up(turn)


def _come_from_a_former_change(
    turn: Turn, evolution_of: Callable[[Connection], Evolution], *, back: Back | None
) -> bool:
    """End what another applier has begun, unless it leads to where we go. True if nothing is left to do.

    Whoever goes back and is killed after the switch goes back once more: that finishes the former step back.
    """
    former = turn.patiently(change_under_way)
    if former is None:
        return False
    if former.phase == "finish":
        _finish(turn, turn.patiently(current_model) or Model({}))
        return former.step_back and turn.patiently(last_step_back) == back
    if former.fingerprint != _goal(turn.patiently(evolution_of)):
        give_up(turn)
    return False


def _begin(connection: Connection, evolution: Evolution, plan: Plan) -> None:
    if change_under_way(connection) is None:
        begin(connection, evolution.new, _goal(evolution), plan.to_record())


def _goal(evolution: Evolution) -> str:
    """What the change is after: going back to a model has other values than going on to the same one."""
    fingerprint = evolution.new.fingerprint
    return fingerprint if evolution.undone is None else f"{fingerprint}{BACK}{evolution.undone}"


def _finish(turn: Turn, model: Model) -> None:
    finish(turn, model)
    turn.patiently(end)

"""Running an action: the right to it, the record under the caller's rights, then the plugin's function."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import Forbidden
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action as Right
from xrm_core.query.reads import Read
from xrm_core.records.actions.context import ActionContext
from xrm_core.records.actions.shapes import made, told
from xrm_core.records.conflicts import version_conflict
from xrm_core.records.locking import locked
from xrm_core.records.rights import row_conditions
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records


def perform(
    records: "Records",
    connection: Connection,
    caller: Caller,
    name: str,
    *,
    id_: str | None = None,
    given: Any = None,
    version: int | None = None,
    reads: list[tuple[Read, Any]] | None = None,
) -> dict[str, Any]:
    """Run an action in the open transaction of the connection; what it answers, as JSON has it.

    Args:
        records: the door; it knows the action.
        connection: with the transaction.
        caller: who asks.
        name: of the action.
        id_: of its record, if it is about one.
        given: its input, if it has one, as GraphQL or JSON have it.
        version: that the record must have now, if given.
        reads: gets what the action shows its caller of entities whose reads are logged.

    Raises:
        Forbidden, NotFound, VersionConflict, ValueInvalid: it was not run.
        RefusedByPlugin: the plugin refused or failed. As after any error, the transaction must end.
    """
    action = records.actions[name]
    if not caller.access.may_run(name):
        raise Forbidden(
            say("You may not run the action {action}.", action=name),
            hint=say("Ask an administrator for the permission."),
        )
    shape, answers = records.actions.input(name), records.actions.answer(name)
    value = None if shape is None else made(shape, {} if given is None else given)
    context = ActionContext(records, connection, caller, name)
    context.reads = context.reads if reads is None else reads
    arguments: list[Any] = [context]
    if action.entity is not None:
        kind, scope, needs = records.model[action.entity], records.scope(connection, caller), Right(action.needs)
        conditions = row_conditions(scope, caller, kind, needs, ())
        [record] = locked(connection, scope, caller, kind, [id_ or ""], needs, conditions)
        if version is not None and version != record["version"]:
            raise version_conflict(connection, scope, caller, kind, record, version, {})
        arguments.append(record)
    if shape is not None:
        arguments.append(value)
    with records.plugins.acting(records.actions.plugin(name), name):
        answer = action.run(*arguments)
        if answers is None and answer is not None:
            raise TypeError(f"the action says that it answers nothing, and returned a {type(answer).__name__}")
        return {} if answers is None else told(answers, answer)

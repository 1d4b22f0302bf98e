"""The policy set that is in force in a database: read, put in the place of the former one, taken back."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from xrm_core.errors import ModelOutOfDate, PermissionsRefused, PolicyInvalid, VersionConflict
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import PolicySet, parse_files
from xrm_core.storage.applied import current_model
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import (
    StoredSet,
    applied_versions,
    change_sets,
    newest_set,
    policy_sets,
    save_set,
)

_ATTEMPTS = 20  # of one change, each on what somebody else has changed meanwhile


@dataclass(frozen=True)
class PolicyChange:
    """A change of policies in one model. ``number`` is the version that ``after`` gets or has got.

    ``before`` is None for the first set, and for one that does not fit the model any more.
    """

    model: Model
    before: PolicySet | None
    after: PolicySet
    number: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.before is not None and self.before.version == self.after.version


Along = Callable[[Connection, PolicyChange], None]
"""What is done along with a change, in the transaction that puts it in force; what it raises refuses the change."""


def _nothing(_connection: Connection, _change: PolicyChange) -> None:
    """What is done by default."""


def _anything(_change: PolicyChange) -> None:
    """What is refused by default."""


class _Outdated(Exception):
    """Somebody else has changed model or policies meanwhile."""


def in_force(connection: Connection, model: Model) -> PolicySet:
    """The policy set of a database.

    Raises:
        PolicyInvalid: there is none, or it does not fit the model.
    """
    found = newest_set(connection)
    if found is None:
        raise PolicyInvalid(
            "The database has no roles and policies, so nobody may do anything.",
            hint="Write permissions/roles.json and permissions/policies.csv, and run «xrm permissions apply».",
        )
    policies = parse_files(found.files, model)
    if policies.version != found.digest:
        raise PolicyInvalid("The policies in the database are damaged: they do not fit their digest.")
    return policies


def plan_set(database: Database, files: Mapping[str, str]) -> PolicyChange:
    """What it would be to put files in force. Raises as :func:`apply_set`."""
    with database.read() as connection:
        return _change(connection, files, newest_set(connection))


def apply_set(
    database: Database,
    files: Mapping[str, str],
    *,
    note: str = "",
    applied_by: str | None = None,
    version: int | None = None,
    judge: Callable[[PolicyChange], None] = _anything,
    along: Along = _nothing,
) -> PolicyChange:
    """Put files in force, if they are others than those that are; after it, no write goes on under the former ones.

    Args:
        database: where.
        files: the two texts of a set.
        note: why, for the history.
        applied_by: id of the user who does it.
        version: number of the set that must be in force.
        judge: raises what refuses the change, before anybody is held up by it.
        along: see :data:`Along`.

    Raises:
        PolicyInvalid: the files have mistakes, or do not fit the model.
        VersionConflict: another set than ``version`` is in force.
        ModelOutOfDate: the database has no model.
        Busy: writes under way do not end.
    """
    for _ in range(_ATTEMPTS):
        with database.read() as connection:
            seen, newest = applied_versions(connection), newest_set(connection)
            if version is not None and version != (0 if newest is None else newest.number):
                raise _other_version(version, 0 if newest is None else newest.number)
            change = _change(connection, files, newest)
        judge(change)
        try:
            return change_sets(database, lambda connection: _put(connection, seen, change, along, note, applied_by))  # noqa: B023
        except _Outdated:
            continue
    raise _never_at_rest()


def undo_set(database: Database, *, note: str = "", along: Along = _nothing) -> PolicyChange:
    """Put the set before the last change in force again, as a new version. A second time: that before it.

    Raises:
        PermissionsRefused: there is none.
        PolicyInvalid: it does not fit the model of today.
        Busy: writes under way do not end.
    """
    for _ in range(_ATTEMPTS):
        with database.read() as connection:
            seen = applied_versions(connection)
            last, former = to_undo(policy_sets(connection))
            change = _change(connection, former.files, newest_set(connection))
        try:
            return change_sets(
                database,
                lambda connection: _put(connection, seen, change, along, note, None, reverts=last.number),  # noqa: B023
            )
        except _Outdated:
            continue
    raise _never_at_rest()


def to_undo(sets: list[StoredSet]) -> tuple[StoredSet, StoredSet]:
    """The set that an undo takes back, and the one that it brings again.

    Raises:
        PermissionsRefused: there is nothing before the present one.
    """
    done: list[StoredSet] = []
    for each in sets:
        if each.reverts is None:
            done.append(each)
        else:
            done.pop()
    if len(done) < 2:
        raise PermissionsRefused(
            "There are no policies before the present ones." if done else "Nothing was applied yet.",
            hint="«xrm permissions history» lists the versions.",
        )
    return done[-1], done[-2]


def _put(
    connection: Connection,
    seen: tuple[str | None, str | None],
    change: PolicyChange,
    along: Along,
    note: str,
    applied_by: str | None,
    reverts: int | None = None,
) -> PolicyChange:
    if applied_versions(connection) != seen:
        raise _Outdated
    along(connection, change)
    if reverts is not None or not change.is_empty:
        policies = change.after
        save_set(connection, policies.files, policies.version, note=note, applied_by=applied_by, reverts=reverts)
    return change


def _change(connection: Connection, files: Mapping[str, str], newest: StoredSet | None) -> PolicyChange:
    model = current_model(connection)
    if model is None:
        raise ModelOutOfDate("The database has no model yet.", hint="Run «xrm schema apply» first.")
    before = None
    if newest is not None:
        with suppress(PolicyInvalid):  # one that does not fit can only be replaced
            before = parse_files(newest.files, model)
    after = parse_files(files, model)
    same = newest is not None and newest.digest == after.version
    return PolicyChange(model, before, after, (0 if newest is None else newest.number) + (not same))


def _other_version(expected: int, current: int) -> VersionConflict:
    return VersionConflict(
        f"The permissions were changed since you read them: they have version {current}, not {expected}.",
        hint="Read them again, look at what changed, and repeat your change with that version.",
        details={"currentVersion": current},
    )


def _never_at_rest() -> PermissionsRefused:
    return PermissionsRefused(
        "Others change the model or the policies one time after the other.", hint="Nothing was changed. Try again."
    )

"""Tests of permissions, run: each step is tried on a database of its own and taken back."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, select

from xrm_core.errors import PermissionTestsInvalid, XrmError
from xrm_core.metadata.model import USER, Model
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action, Policy, PolicySet
from xrm_core.permissions.reasons import reasons
from xrm_core.plugins import Plugins
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.records.door import Records
from xrm_core.records.permission_tests.records import ExampleRecords, is_about_rights
from xrm_core.records.permission_tests.tests import PermissionTest, PermissionTests, Place, Step
from xrm_core.records.rights import context
from xrm_core.records.teams import teams_below
from xrm_core.records.verdicts import Verdict, verdict
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables


@dataclass(frozen=True, slots=True)
class Failure:
    """What is not as a test says: ``because`` are lines about the policies that decide."""

    test: PermissionTest
    place: Place
    text: str
    because: tuple[str, ...] = ()


class _TakenBack(Exception):
    """Ends a transaction whose changes are not to stay."""


def run_tests(tests: PermissionTests, model: Model, policies: PolicySet) -> list[Failure]:
    """Run all tests of a file under these policies; what fails, in the order of the file.

    No database is touched but one in a temporary folder. Plugins are not asked: this is about policies.

    Raises:
        PermissionTestsInvalid: a record, or what a step writes, cannot be stored, whoever asks.
    """
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'tests.db'}")
        keys = KeyStore(f"sqlite:///{Path(folder) / 'keys.db'}", secrets.token_hex())
        try:
            apply(database, model)
            world = _World(tests, model, policies, database, keys)
            return [failure for test in tests.tests for failure in world.failures(test)]
        finally:
            keys.close()
            database.close()


class _World:
    def __init__(
        self, tests: PermissionTests, model: Model, policies: PolicySet, database: Database, keys: KeyStore
    ) -> None:
        self._database = database
        self._policies = policies
        self._authority = Authority(model, policies)
        self._door = Records(model, Tables(model), Plugins([]), key_store=keys)
        self._records = ExampleRecords(tests)
        self._tests = tests
        with database.begin() as connection:
            self._records.store(self._door, connection)

    def failures(self, test: PermissionTest) -> Iterator[Failure]:
        """What of a test fails."""
        caller = self._caller(test)
        for entity, expected in test.sees.items():
            found = self._seen(caller, entity)
            if more := sorted(found - expected):
                yield Failure(test, test.place, f"sees {entity}: also {', '.join(more)}")
            if missing := sorted(expected - found):
                yield Failure(test, test.place, f"sees {entity}: not {', '.join(missing)}")
        for step in test.may:
            if refused := self._refused(caller, step):
                yield self._failure(test, caller, step, f"may {step}: {refused}")
        for step in test.may_not:
            if allowed := self._allowed(caller, step):
                yield self._failure(test, caller, step, f"may not {step}: {allowed}")

    def _caller(self, test: PermissionTest) -> User:
        access = self._authority.access(test.roles)
        if test.user is None:
            return User(None, access)
        user = self._tests.records[test.user]
        team = self._records.resolved(user.entity, user.values).get("team")
        team = team if isinstance(team, str) else None
        with self._database.read() as connection:
            teams = teams_below(connection, team, self._door.tables[USER])
        return User(self._records.ids[test.user], access, team, teams=teams)

    def _seen(self, caller: User, entity: str) -> set[str]:
        if not caller.access.may(entity, Action.READ):
            return set()
        with self._database.read() as connection:
            found = scan(self._scope(caller, connection), self._door.model[entity])
            query = select(found.source.c.id)
            query = query if found.rule is None else query.where(found.rule)
            ids = set(connection.execute(query, context(caller)).scalars())
        return {name for name, id_ in self._records.ids.items() if id_ in ids}

    def _refused(self, caller: User, step: Step) -> str:
        """Why a step is refused; empty: it is not."""
        if step.values is None and step.action in (Action.READ, Action.UPDATE):
            found = self._verdict(caller, step)
            if not found.allowed:
                return "it is refused"
            missing = [name for name in step.fields if name not in found.fields]
            return f"refused for {', '.join(missing)}" if missing else ""
        error = self._tried(caller, step)
        return "" if error is None else f"it is refused: {error.message}"

    def _allowed(self, caller: User, step: Step) -> str:
        """What of a step is allowed; empty: nothing."""
        if step.values is None and step.action in (Action.READ, Action.UPDATE):
            found = self._verdict(caller, step)
            if not step.fields:
                return "it is allowed" if found.allowed else ""
            given = [name for name in step.fields if name in found.fields]
            return f"allowed for {', '.join(given)}" if given else ""
        return "it is allowed" if self._tried(caller, step) is None else ""

    def _verdict(self, caller: User, step: Step, policies: Sequence[Policy] = ()) -> Verdict:
        rules = [self._policies.rule(self._door.model, step.entity, each.rule) for each in policies]
        with self._database.read() as connection:
            scope = self._scope(caller, connection)
            return verdict(connection, scope, caller, step.entity, step.action, self._id(step), rules)

    def _tried(self, caller: User, step: Step) -> XrmError | None:
        """The refusal of a write, if it is about rights; the write is taken back."""
        try:
            with self._taken_back() as connection:
                self._write(connection, caller, step)
        except XrmError as error:
            if is_about_rights(error):
                return error
            reason = f"«{step}» is refused whoever asks: {error.message}"
            problem = step.place.problem(reason, "Let it be something that only rights can stand against.")
            raise PermissionTestsInvalid([problem]) from None
        return None

    def _write(self, connection: Connection, caller: User, step: Step) -> None:
        values = self._records.resolved(step.entity, step.values or {})
        if step.action is Action.CREATE:
            self._door.create(connection, caller, step.entity.name, values)
        elif step.action is Action.UPDATE:
            self._door.update(connection, caller, step.entity.name, self._id(step), values)
        else:
            self._door.delete(connection, caller, step.entity.name, self._id(step))

    @contextmanager
    def _taken_back(self) -> Iterator[Connection]:
        try:
            with self._database.begin() as connection:
                yield connection
                raise _TakenBack
        except _TakenBack:
            return

    def _failure(self, test: PermissionTest, caller: User, step: Step, text: str) -> Failure:
        why = reasons(self._authority, test.roles, step.entity, step.action)
        holds: list[str] = []
        if step.record is not None:
            holds = ["true " if each else "false" for each in self._verdict(caller, step, why.policies).rules]
        lines = []
        for number, policy in enumerate(why.policies):
            fields = "*" if policy.fields is None else " ".join(sorted(policy.fields))
            rule = "" if policy.rule is None else f" where {policy.rule}"
            held = f"{holds[number]}  " if holds else ""
            lines.append(f"{held}{policy.place}  {policy.role} {policy.effect} {fields}{rule}")
        return Failure(test, step.place, text, tuple(lines) or ("no policy is about it",))

    def _id(self, step: Step) -> str:
        return self._records.ids[step.record or ""]

    def _scope(self, caller: User, connection: Connection) -> Scope:
        return Scope(self._door.model, self._door.tables, caller.access, connection.dialect)

"""The app of a test: a real server on a database of its own, asked in this process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from sqlalchemy import delete, select
from starlette.testclient import TestClient

from xrm_core.auth import tokens
from xrm_core.changes.opening import remember
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import System
from xrm_core.records.stored import from_row
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform
from xrm_core.server.blueprints import Blueprint
from xrm_core.storage.engines import Database
from xrm_core.storage.notices import Notice
from xrm_core.storage.system import NOTICE
from xrm_core.testing import contributions
from xrm_core.testing.client import Client
from xrm_core.testing.clock import Clock
from xrm_core.testing.events import Happened, Recorder
from xrm_core.testing.mails import Mails
from xrm_core.testing.people import People
from xrm_core.testing.statements import Statements
from xrm_core.testing.working import Work, Worker


@dataclass(frozen=True)
class Beginning:
    """What is there when an app begins.

    Args:
        answer: of what has made it.
        users: roles → id and token of the user of :meth:`Xrm.as_role`.
        made: how many users there are of that method.
    """

    answer: Any = None
    users: Mapping[frozenset[str], tuple[str, str]] = field(default_factory=dict)
    made: int = 0


class Xrm:
    """An app. :func:`opened` makes one.

    ``clock`` can be set; ``mails`` are those that were sent, ``events`` the changes of which after-hooks were told, by
    :meth:`work`. ``begun`` is what the setup's ``begin`` has returned.
    """

    def __init__(
        self,
        platform: Platform,
        blueprint: Callable[[Platform], Blueprint],
        recorder: Recorder,
        patch: pytest.MonkeyPatch,
        stack: ExitStack,
        beginning: Beginning,
    ) -> None:
        self.platform, self._blueprint = platform, blueprint
        remember(platform.database.engine, platform.records.key_store)
        self.begun, self._known = beginning.answer, beginning.users
        self.clock, self.mails = Clock(), Mails()
        self._recorder, self._stack = recorder, stack
        stack.callback(self.clock.release)
        self.mails.catch(patch)
        self._statements = Statements(platform.database, patch)
        self._people = People(platform.model, beginning.made)
        self._clients: dict[frozenset[str], Client] = {}
        self._worker = Worker(platform, lambda: blueprint(platform).records)

    @property
    def database(self) -> Database:
        """Where all is kept."""
        return self.platform.database

    @property
    def events(self) -> list[Happened]:
        """The changes of which after-hooks were told so far, in their order; those of users of :meth:`as_role` not."""
        return self._recorder.events

    @cached_property
    def http(self) -> TestClient:
        """A client of the app without credentials; the app starts when it is first asked for."""
        app = create_app(self.platform, blueprint=self._blueprint(self.platform))
        return self._stack.enter_context(TestClient(app))

    def as_role(self, *roles: str, **user: Any) -> Client:
        """A client of a user with these roles; the same user each time, unless something is said of the ``user``.

        Args:
            roles: names of them; none: a user who may do nothing.
            user: values of the user's record.

        Raises:
            AssertionError: there is no such role.
        """
        known = self.platform.authority.policies.roles
        missing = sorted(set(roles) - set(known))
        if missing:
            raise AssertionError(f"There is no role {', '.join(missing)}; there are {', '.join(sorted(known))}.")
        key = frozenset(roles)
        if key in self._clients and not user:
            return self._clients[key]
        if key in self._known and not user:
            user_id, token = self._known[key]
            return self._clients.setdefault(key, Client(self.http, token, user_id))
        with self.database.begin() as connection:
            values = self._people.values("-".join(roles) or "nobody", user)
            user_id = self.platform.records.create(connection, self._system(), USER, values)
            tokens.set_roles(connection, user_id, roles)
        self._recorder.silent.add(user_id)
        made = self.as_user(user_id)
        if not user:
            self._clients[key] = made
        return made

    def as_user(self, user_id: str) -> Client:
        """A client of a user who is there already, with what roles they have."""
        with self.database.begin() as connection:
            token = tokens.create_token(connection, user_id, "test")
            # Nothing that has happened: else a test that takes longer than a few seconds finds a security notice.
            connection.execute(
                delete(NOTICE).where(NOTICE.c.user_id == user_id, NOTICE.c.kind == Notice.TOKEN_CREATED.value)
            )
        return Client(self.http, token, user_id)

    def create(self, entity: str, values: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Create a record as the platform itself, which may do everything; before-hooks are asked. Its id.

        Raises:
            XrmError: it was refused.
        """
        with self.database.begin() as connection:
            return self.platform.records.create(connection, self._system(), entity, {**(values or {}), **more})

    def get(self, entity: str, id_: str) -> dict[str, Any] | None:
        """A record as it is kept, of which nothing is hidden; None if it is not there."""
        table = self.platform.records.tables[entity]
        with self.database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == id_)).mappings().first()
        return None if row is None else from_row(self.platform.model[entity], dict(row))

    def work(self, *, fails: bool = False) -> Work:
        """Do what workers would do by now: schedules whose time has come, jobs that are due, after-hooks; and what
        comes of it, until nothing is left.

        Args:
            fails: whether something is expected to fail. It waits for its next attempt then, as it would otherwise:
                set the clock, and work again.

        Raises:
            AssertionError: something has failed and was not expected to, or the other way round.
        """
        return self._worker.work(fails=fails)

    def command(self, words: str, /, **given: Any) -> Any:
        """Call the function of a command of a plugin: ``xrm.command("fleet seize", plate="M-AB 12")``.

        Args:
            words: the plugin and the command.
            given: values for the function's parameters, as they are called there.

        Returns:
            What the function returns; what it prints is there to be captured.

        Raises:
            AssertionError: no plugin has it.
            RefusedByPlugin: it has refused.
        """
        return contributions.run_command(self.platform, words, given)

    def health(self) -> dict[str, str]:
        """What each health check of plugins says, by name: nothing, if all is well."""
        return contributions.health(self.platform)

    def demo(self) -> dict[str, list[str]]:
        """Write the demo data of plugins upon what there is, as ``xrm serve --demo`` does: entity → ids of what was
        made. Users of :meth:`as_role` are those of the demo.

        Raises:
            PluginLoadError: what a plugin brings cannot be made or stored.
        """
        users = {next(iter(roles)): client.user_id for roles, client in self._clients.items() if len(roles) == 1}
        return contributions.load_demo(self.platform, users)

    def statements(self, most: int | None = None) -> AbstractContextManager[list[str]]:
        """Count what the database is asked by requests, and by this thread, in a ``with`` block.

        Raises:
            AssertionError: at its end, if there were more than ``most``; tells them.
        """
        return self._statements.counted(most)

    def _beginning(self, answer: Any) -> Beginning:
        """What apps begin with that are made of copies of its database, with what is to be ``begun`` there.

        After-hooks are told first of what there is.

        Raises:
            AssertionError: one of them failed.
        """
        self._worker.tell()
        users = {key: (client.user_id, client.token) for key, client in self._clients.items()}
        return Beginning(answer, users, self._people.made)

    def _system(self) -> System:
        return System(self.platform.records.full_access, "test")


@contextmanager
def opened(
    platform: Platform,
    blueprint: Callable[[Platform], Blueprint],
    recorder: Recorder,
    beginning: Beginning | None = None,
) -> Iterator[Xrm]:
    """An app until the block ends; its database is closed then.

    Args:
        platform: what it is made of.
        blueprint: gives what it serves by.
        recorder: hears of events for it.
        beginning: what there is in its database; None: nothing.
    """
    beginning = beginning or Beginning()
    recorder.events.clear()
    recorder.silent.clear()
    recorder.silent.update(user_id for user_id, _ in beginning.users.values())
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        stack.callback(platform.database.close)
        yield Xrm(platform, blueprint, recorder, patch, stack, beginning)
        stack.close()  # while all that was patched still is

"""What a plugin registers as a command of ``xrm``, and what its function is given."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.permissions.caller import System, system
from xrm_core.plugins import Plugins
from xrm_core.records.asking import asks_of
from xrm_core.records.context import Context
from xrm_core.storage.applied import require_model
from xrm_core.storage.engines import Database

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_NAME = re.compile(r"[a-z][a-z0-9-]*")
OF_THE_PLATFORM = frozenset(
    {
        *(
            "actions",
            "backup",
            "doctor",
            "files",
            "import",
            "jobs",
            "journal",
            "log",
            "messages",
            "oidc",
            "permissions",
            "plugins",
            "query",
        ),
        *(
            "restore",
            "schema",
            "scim",
            "secrets",
            "serve",
            "tenant",
            "token",
            "user",
            "vacuum",
            "webhooks",
            "worker",
            "workflows",
        ),
    }
)
"""The first words of the platform's own commands."""


@dataclass(frozen=True)
class Command:
    """``xrm <plugin> <name>``.

    Args:
        name: of a-z, 0-9 and -.
        run: a function of a :class:`CommandContext`; its further parameters are those of the command, as typer has it.
        help: one sentence.
        files_only: no database is opened, and the function is given a
            :class:`~xrm_core.contributions.files_context.FilesContext` instead: for what runs where none is, as in CI.
    """

    name: str
    run: Callable[..., Any]
    help: str
    files_only: bool = False


class CommandContext:
    """One run of a command: on the main database, or on the tenant that ``--tenant`` names.

    Args:
        records: the door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller.
        database: of the tenant.
        tenant: its name; empty for the main database.
        settings: of the plugin.
        name: of the command.
    """

    def __init__(self, records: "Records", database: Database, tenant: str, settings: Any, name: str) -> None:
        self._database = database
        self._name = name
        self.records = records
        self.tenant = tenant
        self.settings = settings
        self.caller: System = system(records.model, f"xrm {name}")
        """The platform itself, which may do everything."""

    @property
    def plugins(self) -> Plugins:
        """Those that are loaded, for what asks them."""
        return self.records.plugins

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, from one snapshot."""
        with self._database.read() as connection:
            require_model(connection, self.records.model)
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: commits at the end of the block, rolls back if it raises."""
        with self._database.begin() as connection:
            require_model(connection, self.records.model)
            yield connection
            require_model(connection, self.records.model)

    def within(self, connection: Connection) -> Context:
        """A transaction of the command as actions and hooks see theirs, for code that they share.

        Args:
            connection: of :meth:`read` or :meth:`transaction`.
        """
        return Context(self.records, connection, self.caller, ("command", self._name))

    def query_as_system(
        self, connection: Connection, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a GraphQL query for records answers to the platform itself: its ``data``.

        Args:
            connection: of :meth:`read` or :meth:`transaction`.
            document: the text.
            variables: their values.
        """
        return asks_of(self.records).ask(connection, self.caller, document, variables).data


def commands_of(plugins: Plugins) -> Mapping[str, list[Command]]:
    """The commands of each plugin that has some.

    Raises:
        PluginLoadError: a plugin registers what cannot be used, or has the name of a command of the platform.
    """
    found: dict[str, list[Command]] = {}
    for plugin, command in plugins.registered("register_commands", Command):
        mine = found.setdefault(plugin, [])
        problem = _wrong(plugin, command, mine)
        if problem:
            raise plugins.load_error(plugin, f"the command {command.name!r} {problem}")
        mine.append(command)
    return found


def _wrong(plugin: str, command: Command, known: list[Command]) -> str:
    if plugin in OF_THE_PLATFORM:
        return f"would be found below «xrm {plugin}», which is the platform's"
    if not isinstance(command.name, str) or not _NAME.fullmatch(command.name):
        return "has a name that is none (a-z, 0-9 and -)"
    if any(each.name == command.name for each in known):
        return "is registered twice"
    if not callable(command.run):
        return "has no function to run"
    return "" if command.help else "has no help"

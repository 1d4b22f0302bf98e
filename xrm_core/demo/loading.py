"""The demo records into an empty database, through the door for writes; the demo users' roles and tokens."""

from collections.abc import Callable, Collection

from sqlalchemy import Connection, exists, func, select

from xrm_core.auth.tokens import create_token, remove_tokens, set_roles
from xrm_core.contributions.demo import load_plugins_demo, roles_besides
from xrm_core.demo.draw import NOW
from xrm_core.demo.packs import DemoPack, core_demo
from xrm_core.errors import SettingsError
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import system
from xrm_core.records.door import Records
from xrm_core.storage.applied import current_model
from xrm_core.storage.tables import Tables

TOKEN_LABEL = "demo"  # noqa: S105 - what such tokens are called, no secret
_BATCH = 500


def check_pack(model: Model, roles: Collection[str], demo: DemoPack | None = None) -> None:
    """The demo's records need the entities and roles of their pack; the core pack's, if none is given.

    Raises:
        SettingsError: some are missing.
    """
    demo = demo or core_demo()
    missing = [name for name in demo.counts if name not in model]
    missing += [name for name in demo.users if name not in roles]
    if missing:
        raise SettingsError(
            f"The demo needs the {demo.name} pack; these entity files have no {', '.join(missing)}.",
            hint="Leave --schemas out, or serve without --demo.",
        )


def is_loaded(connection: Connection, demo: DemoPack | None = None) -> bool:
    """Whether the database has the demo already; False: it has no records at all.

    Raises:
        SettingsError: it has other records, to which the demo must not be added.
    """
    wanted = (demo or core_demo()).users
    applied = current_model(connection)
    if applied is None:
        return False
    tables = Tables(applied)
    if "user" in applied:
        users = tables["user"]
        found = connection.scalar(select(func.count()).where(users.c.id.in_(wanted.values())))
        if found == len(wanted):
            return True
    if any(connection.scalar(select(exists().select_from(tables[entity.name]))) for entity in applied):
        raise SettingsError(
            "The database has records that are not the demo's.",
            hint="Name an empty one by --database or another folder by XRM_DATA_DIR, or serve without --demo.",
        )
    return False


def load_demo(
    door: Records,
    connection: Connection,
    progress: Callable[[int, int], None] | None = None,
    demo: DemoPack | None = None,
) -> None:
    """Write all demo records, those of plugins, too, and give the demo users their roles.

    Args:
        door: for writes; its model must have passed :func:`check_pack`.
        connection: in a write transaction on an empty database with that model.
        progress: told the records done and the records in all, after each batch.
        demo: whose records; the core pack's, if none is given.

    Raises:
        XrmError: the door refused a record; the transaction must be rolled back.
        PluginLoadError: what a plugin brings cannot be made or stored; likewise.
    """
    caller = system(door.model, "demo data", sets_system_fields=True)
    demo = demo or core_demo()
    done = 0
    ids: dict[str, list[str]] = {}
    for entity, rows in demo.records():
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            ids.setdefault(entity, []).extend(door.create_many(connection, caller, entity, batch))
            done += len(batch)
            if progress is not None:
                progress(min(done, demo.size), demo.size)
    for entity, id_, changes in demo.patches():
        door.update(connection, caller, entity, id_, changes)
    load_plugins_demo(door, connection, caller, demo.users, NOW, ids)
    besides = roles_besides(door.plugins, door.model).values()
    for role, user in demo.users.items():
        set_roles(connection, user, [role, *(more for each in besides for more in each.get(role, ()))])


def new_tokens(connection: Connection, demo: DemoPack | None = None) -> dict[str, str]:
    """Role → a new token of the demo user who has it. The tokens of former starts are removed.

    Args:
        connection: in a write transaction on a database with the demo in it.
        demo: whose users; the core pack's, if none is given.
    """
    users = (demo or core_demo()).users
    for user in users.values():
        remove_tokens(connection, user, TOKEN_LABEL)
    return {role: create_token(connection, user, TOKEN_LABEL) for role, user in users.items()}

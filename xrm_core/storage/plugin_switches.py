"""The plugins that are switched off in a deployment, with the files that keep their data in the model."""

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, Table, delete, insert, inspect, select, update

from xrm_core.plugins.resting import Resting
from xrm_core.storage.columns import Flag, Instant, String
from xrm_core.storage.system import METADATA

PLUGIN_SWITCH = Table(
    "xrm_plugin_switch",
    METADATA,
    Column("name", String, nullable=False),
    Column("distribution", String, nullable=False),
    Column("version", String, nullable=False),
    Column("files", String, nullable=False),
    Column("workflows", String),
    Column("removed", Flag, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("name", name="pk_xrm_plugin_switch"),
    sqlite_strict=True,
)
"""Plugins that are switched off, in the main database for all tenants; see
:class:`~xrm_core.plugins.resting.Resting`. ``files`` is a JSON list of names and texts, ``workflows`` one of names,
``at`` is since when."""


def resting_plugins(connection: Connection) -> Sequence[Resting]:
    """Those that are switched off, by name; none if the database has no such table yet."""
    found = inspect(connection)
    if not found.has_table(PLUGIN_SWITCH.name):
        return []
    # A database that was not brought up to date yet is asked, too, before that is done.
    there = {each["name"] for each in found.get_columns(PLUGIN_SWITCH.name)}
    columns = [each for each in PLUGIN_SWITCH.c if each.name in there]
    return [
        Resting(
            row.name,
            row.distribution,
            row.version,
            tuple((file, text) for file, text in json.loads(row.files)),
            bool(row.removed),
            tuple(json.loads(getattr(row, "workflows", None) or "[]")),
        )
        for row in connection.execute(select(*columns).order_by(PLUGIN_SWITCH.c.name))
    ]


def switch_off(connection: Connection, plugin: Resting) -> None:
    """Keep that a plugin is switched off, in place of what was kept of it before."""
    switch_on(connection, plugin.name)
    values = {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "files": json.dumps([list(each) for each in plugin.files], ensure_ascii=False),
        "workflows": json.dumps(list(plugin.workflows)),
        "removed": plugin.removed,
        "at": dt.datetime.now(dt.UTC),
    }
    connection.execute(insert(PLUGIN_SWITCH).values(values))


def switch_on(connection: Connection, name: str) -> bool:
    """Forget that a plugin is switched off; answers whether it was."""
    return connection.execute(delete(PLUGIN_SWITCH).where(PLUGIN_SWITCH.c.name == name)).rowcount > 0


def mark_removed(connection: Connection, name: str) -> None:
    """Its files are no part of the model any more."""
    connection.execute(update(PLUGIN_SWITCH).where(PLUGIN_SWITCH.c.name == name).values(removed=True))

"""In which team a user is, and which teams are below it."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, null, select

from xrm_core import naming
from xrm_core.metadata.model import TEAM

_TEAMS = naming.table(TEAM)
_PARENT = "parent"
"""The relation of a team to the one above it."""


def team_of(connection: Connection, user_id: str, users: Table) -> str | None:
    """The id of the team in which a user is, if any."""
    found: str | None = connection.scalar(select(team_column(users)).select_from(users).where(users.c.id == user_id))
    return found


def team_column(users: Table) -> ColumnElement[Any]:
    """The column of the table of users that refers to a team; NULL if there is none."""
    column = _to_team(users, TEAM)
    return null() if column is None else column


def teams_below(connection: Connection, team_id: str | None, users: Table) -> tuple[str, ...]:
    """The id of a team and those of all teams below it, by the relation ``parent`` of a team to another.

    Args:
        connection: where to look.
        team_id: the team at the top; None: there is none, so nothing is found.
        users: the table of the entity ``user``, of the model in which the teams are.
    """
    if team_id is None:
        return ()
    teams = users.metadata.tables[_TEAMS]
    parent = _to_team(teams, _PARENT)
    if parent is None:
        return (team_id,)
    below = select(teams.c.id).where(teams.c.id == team_id).cte("xrm_below", recursive=True)
    # Not UNION ALL: teams that are above each other are found once, and the search ends.
    below = below.union(select(teams.c.id).join(below, parent == below.c.id))
    return tuple(connection.scalars(select(below.c.id).order_by(below.c.id)))


def _to_team(table: Table, relation: str) -> Column[Any] | None:
    column = table.c.get(naming.relation_column(relation))
    if column is None or all(key.target_fullname != f"{_TEAMS}.id" for key in column.foreign_keys):
        return None
    return column

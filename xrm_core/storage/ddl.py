"""Statements that make a table and its parts, as text.

Written from the tables themselves: Alembic first copies each with all that hangs on it, which takes longer than to make
it.
"""

from sqlalchemy import Constraint, Dialect, Index, Table
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable


def create_table(table: Table, dialect: Dialect) -> str:
    """Without its indexes; on PostgreSQL without its foreign keys, too, since they may go in circles."""
    return str(CreateTable(table).compile(dialect=dialect)).strip()


def create_index(index: Index, dialect: Dialect) -> str:
    """An index of a table that is there."""
    return str(CreateIndex(index).compile(dialect=dialect))


def add_constraint(constraint: Constraint, dialect: Dialect) -> str:
    """A constraint upon a table that is there."""
    return str(AddConstraint(constraint, isolate_from_table=False).compile(dialect=dialect))

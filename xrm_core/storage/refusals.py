"""What a database says when it refuses a change of its tables, in words for people."""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

from xrm_core.errors import DatabaseUnavailable, SchemaChangeRefused
from xrm_core.storage.engines import Database

_NO_ROOM = "53"  # a full disk, too little memory, too many connections
_LIMIT = "54"  # more columns than a table can have, an index whose values are too long
_DEPENDENT = frozenset({"2BP01", "0A000"})  # others depend on it; not supported, as the type of a column in a view


def words_of(error: Exception) -> str:
    """The database's own words, without the statement and its values."""
    if not isinstance(error, DBAPIError):
        return "values that cannot be converted keep coming"
    diagnosis = getattr(error.orig, "diag", None)
    words = [getattr(diagnosis, "message_primary", None) or str(error.orig)]
    if _state(error) in _DEPENDENT:
        words.append(getattr(diagnosis, "message_detail", None) or "")
    return ": ".join(word.rstrip(".") for word in words if word)


def hint_of(error: Exception) -> str:
    """How to mend it."""
    if _state(error) in _DEPENDENT or "error in view" in str(error):
        return "Drop what was made by hand and uses it, such as a view, and make it anew afterwards."
    if (_state(error) or "").startswith(_LIMIT) or "too many columns" in str(error):
        return "Let go of columns that are aside («xrm schema contract»), split the entity, or store shorter values."
    return "Mend the data first."


def is_about_statement(error: DBAPIError) -> bool:
    """Whether a statement was refused, though that is called an operational error: the database is all right."""
    refused = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return refused or (_state(error) or "").startswith(_LIMIT)


def refused_by_data(error: Exception) -> SchemaChangeRefused:
    """The error for a change that the database refuses, for the data or the tables that it has."""
    return SchemaChangeRefused(
        f"The database refused the change: {words_of(error)}.", hint=f"Nothing was changed. {hint_of(error)}"
    )


def stopped_by(database: Database, error: OperationalError) -> DatabaseUnavailable:
    """The error for a database that cannot go on, or does not answer."""
    if (_state(error) or "").startswith(_NO_ROOM):
        return DatabaseUnavailable(
            f"The database cannot go on: {words_of(error)}.", hint="Make room, then run the same command again."
        )
    return database.unavailable()


def _state(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)

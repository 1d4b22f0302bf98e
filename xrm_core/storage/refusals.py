"""What a database says when it refuses a change of its tables, in words for people."""

import sqlite3

from sqlalchemy.exc import DBAPIError

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
    return "Mend the data first."


def is_about_statement(error: DBAPIError) -> bool:
    """Whether SQLite refused a statement, which it calls an operational error, too: its file is all right."""
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _state(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)

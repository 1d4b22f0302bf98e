"""Words that a database keeps for itself and SQLAlchemy 2.1 does not quote: a field may be called ``returning``."""

from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

_SQLITE = frozenset({"nothing", "returning"})
_POSTGRESQL = frozenset({"collation", "concurrently", "lateral", "system_user", "tablesample"})


def quote_all_reserved_words() -> None:
    """Teach SQLAlchemy the missing words, for every dialect made from now on, and those that are made already."""
    SQLiteIdentifierPreparer.reserved_words = SQLiteIdentifierPreparer.reserved_words | _SQLITE
    PGIdentifierPreparer.reserved_words = PGIdentifierPreparer.reserved_words | _POSTGRESQL

"""What content outside of the database is called in a row: ``disk:main/2f/…``, the store and its key there.

``borrowed:`` stands before it where another installation put the content there, as in all that was restored from a
backup: it is read, and never removed. Who that other one is does not matter, or whether it still is.
"""

from sqlalchemy import Connection, func, update

from xrm_core.storage.file_tables import CONTENT_LEFTOVER, FILE

BORROWED = "borrowed:"


def is_own(name: str) -> bool:
    """Whether content belongs to this installation, which may remove it."""
    return not name.startswith(BORROWED)


def borrow_all(connection: Connection) -> int:
    """Let no content be this installation's; answers of how many files that is."""
    number = 0
    for table in (CONTENT_LEFTOVER, FILE):
        key = table.c.content_key
        mine = key.is_not(None), ~key.startswith(BORROWED, autoescape=True)
        number = connection.execute(update(table).where(*mine).values(content_key=BORROWED + key)).rowcount
    return number


def adopt_all(connection: Connection) -> int:
    """Let all content be this installation's; answers of how many files that is."""
    number = 0
    for table in (CONTENT_LEFTOVER, FILE):
        key = table.c.content_key
        theirs = key.startswith(BORROWED, autoescape=True)
        name = func.substr(key, len(BORROWED) + 1)
        number = connection.execute(update(table).where(theirs).values(content_key=name)).rowcount
    return number

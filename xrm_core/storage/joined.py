"""Two statements as one on PostgreSQL: each that is sent costs both sides some microseconds, whatever it does."""

import re
from collections.abc import Sequence

from sqlalchemy import Connection

from xrm_core.storage.driver_statements import Call, Outcome
from xrm_core.storage.kept_statements import KeptStatements
from xrm_core.storage.prepared_steps import Text
from xrm_core.storage.written_rows import WRITTEN

_PLACES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)""")
"""Placeholders, and all in which there may be what looks like one."""


def written_together(first: Call, second: Call, kept: KeptStatements) -> Call:
    """What does both: neither gives rows, and neither needs what the other does."""

    def make() -> Text:
        return _text(f"WITH first AS ({first.text.sql}) {_moved(second, len(first.text.formats))}", first, second)

    return _both(first, second, kept.get(("written together", first.text.number, second.text.number), make))


def written_and_shown(
    row: Call,
    entry: Call,
    shown: Call,
    required: Call,
    kept: KeptStatements,
    looked_at: Sequence[tuple[str, Call]] = (),
) -> Call:
    """What :func:`written_together` and :func:`shown_if` do, as one.

    ``row`` writes one row; ``shown`` and ``required`` see it as :data:`~xrm_core.storage.written_rows.WRITTEN`, and
    everything else as it was before. ``looked_at`` are queries whose rows all see by these names. It fails if no row is
    written.
    """
    before = [each for _, each in looked_at]
    all_ = [*before, row, entry, shown, required]
    key = ("written and shown", *(each.text.number for each in all_))

    def make() -> Text:
        parts, behind = [], 0
        for name, each in [*looked_at, (WRITTEN, row), ("xrm_logged", entry)]:
            returned = " RETURNING *" if each is row else ""
            parts.append(f"{name} AS ({_moved(each, behind)}{returned})")
            behind += len(each.text.formats)
        after = shown_if(shown, required, kept)
        return Text(f"WITH {', '.join(parts)} {_moved(after, behind)}", behind + len(after.text.formats))

    values = [value for each in all_ for value in each.values]
    return Call(kept.get(key, make), values, None, _never)


def shown_if(shown: Call, required: Call, kept: KeptStatements) -> Call:
    """What gives the one text that a statement finds, and fails if it finds none, or if the other statement fails.

    ``required`` gives one value.
    """

    def make() -> Text:
        found = f"max(found.it), 1 / count(found.it), ({_moved(required, len(shown.text.formats))})"
        # «OFFSET 0»: else PostgreSQL puts the other in the place of each of these two, and makes the text twice.
        once = f"SELECT it FROM ({shown.text.sql}) AS one(it) OFFSET 0"
        return _text(f"SELECT {found} FROM ({once}) AS found(it)", shown, required)

    return _both(shown, required, kept.get(("shown if", shown.text.number, required.text.number), make))


def _moved(call: Call, count: int) -> str:
    """The text of a statement whose values stand behind so many others."""
    return _PLACES.sub(lambda found: f"${int(found[1]) + count}" if found[1] else found[0], call.text.sql)


def _text(sql: str, first: Call, second: Call) -> Text:
    return Text(sql, len(first.text.formats) + len(second.text.formats))


def _both(first: Call, second: Call, text: Text) -> Call:
    return Call(text, [*first.values, *second.values], None, _never)


def _never(_connection: Connection) -> Outcome:
    raise RuntimeError("this is not run by SQLAlchemy")

"""Records for which a filter holds, all of them, however many there are."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.own import Writing

_AT_ONCE = 500


def every(context: Writing, entity: str, where: Mapping[str, Any]) -> Iterator[Record]:
    """All of them, the oldest first, page by page: whoever goes through them may change them meanwhile."""
    after = ""
    while found := context.find(entity, where, _AT_ONCE, after):
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = str(found[-1]["id"])

"""A part of a file, asked for by the header «Range» (RFC 9110, section 14)."""

import re

from xrm_core.errors import BadRequest

_ONE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class RangeNotSatisfiable(BadRequest):
    """The file ends before the range begins; ``details.size`` is its size in bytes."""

    code = "RANGE_NOT_SATISFIABLE"
    http_status = 416


def part_of(size: int, range_: str | None, if_range: str | None, tag: str) -> range | None:
    """The bytes that the client wants, or None for the whole: also if it wants several ranges, or what is none.

    Args:
        size: of the file, in bytes.
        range_: the header «Range».
        if_range: the header of this name: only then a part, if the file is still the one with this tag.
        tag: of the file.

    Raises:
        RangeNotSatisfiable: the file has no byte of the range.
    """
    found = _ONE.fullmatch(range_ or "")
    if found is None or found[1] == found[2] == "" or (if_range is not None and if_range.strip() != tag):
        return None
    if found[1] and found[2] and int(found[2]) < int(found[1]):
        return None
    if found[1]:
        part = range(int(found[1]), min(int(found[2]) + 1, size) if found[2] else size)
    else:
        part = range(max(size - int(found[2]), 0), size)
    if not part:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes.", hint="Ask for a range inside of it.", details={"size": size}
        )
    return part

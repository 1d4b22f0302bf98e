"""Files of a folder → texts, strictly: ordinary files, not too large, UTF-8. What is not becomes a problem."""

from collections.abc import Iterator
from pathlib import Path

from xrm_core.errors import Problem
from xrm_core.metadata.lines import MAX_BYTES

PACK_FILE = "pack.json"
"""The one file ``*.json`` in a pack's folder that is not an entity: it says what the pack is."""


RELATIONSHIPS = "relationships"
"""The folder in a pack that holds its relationship files."""


def texts_in(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """(file, text) of each readable entity or extension file at the top of the folder."""
    if not folder.is_dir():
        remedy = "Create it, or name another folder with --schemas."
        problems.append(Problem(str(folder), 1, "", "There is no such folder.", remedy))
        return
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(".") or path.name == PACK_FILE:
            continue
        text = text_of(path, problems)
        if text is not None:
            yield str(path), text


def text_of(path: Path, problems: list[Problem]) -> str | None:
    """The text of one file, or None with a problem appended."""
    if not path.is_file():  # a pipe, say, would block for ever
        problems.append(Problem(str(path), 1, "", "This is not an ordinary file.", "Remove it or rename it."))
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # one more than allowed, so that a longer file is seen to be too long
    except OSError as error:
        reason = f"The file cannot be read: {error.strerror}."
        problems.append(Problem(str(path), 1, "", reason, "Give the user that runs this program the right to read it."))
        return None
    if len(data) > MAX_BYTES:
        reason = f"The file is larger than {MAX_BYTES // 1024} KiB."
        problems.append(Problem(str(path), 1, "", reason, "Split the entity into smaller ones."))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(str(path), line, "", f"Line {line} is not UTF-8 text.", "Save the file as UTF-8."))
        return None

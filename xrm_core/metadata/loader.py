"""Folders of entity files → :class:`~xrm_core.metadata.model.Model`, or all that is wrong with them at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.entities import Draft, read_entity
from xrm_core.metadata.lines import MAX_BYTES, Document, read
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import build
from xrm_core.metadata.wiring import check_wiring


def load(folders: Sequence[tuple[Path, str]]) -> Model:
    """Read the entity files of these folders as one model.

    Args:
        folders: folder and layer (``core``, or the name of the plugin that it belongs to). Of each, the files
            ``*.json`` at its top are read, save those whose name begins with a dot.

    Raises:
        SchemaFilesInvalid: with every problem of every file, by file and line.
    """
    problems: list[Problem] = []
    texts = list(_texts(folders, problems))
    if folders and not texts and not problems:
        reason = "There are no entity files (*.json) in this folder."
        problems.append(Problem(str(folders[0][0]), 1, "", reason, "Add one, or name another folder with --schemas."))
    return _load(texts, problems)


def load_texts(texts: Sequence[tuple[str, str, str]]) -> Model:
    """The same for texts at hand: (file name as it is to stand in messages, JSON text, layer) of each."""
    return _load(texts, [])


def _load(texts: Sequence[tuple[str, str, str]], problems: list[Problem]) -> Model:
    drafts: dict[str, Draft] = {}
    known: set[str] = set()
    for file, text, layer in texts:
        document = read(file, text, problems)
        draft = None if document is None else read_entity(document, layer, problems)
        known.add(_claimed_name(file, document))
        if draft is None or not draft.entity.name:
            continue
        first = drafts.setdefault(draft.entity.name, draft)
        if first is not draft:
            source = first.entity.source
            reason = f'The entity "{draft.entity.name}" is defined already, at {source.file}:{source.line}.'
            remedy = "Keep one of the two files, or give this entity another name."
            problems.append(draft.document.problem("/x-entity", reason, remedy))
    problems.extend(check_wiring(drafts, frozenset(known)))
    if problems:
        raise SchemaFilesInvalid(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.pointer)))
    return build(draft.entity for draft in drafts.values())


def _claimed_name(file: str, document: Document | None) -> str:
    """The entity that a file is about, even if the file is broken: relations to it are not to be blamed for that."""
    name = document.value.get("x-entity") if document is not None and isinstance(document.value, dict) else None
    return name if isinstance(name, str) else Path(file).stem


def _texts(folders: Sequence[tuple[Path, str]], problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """(file, text, layer) of each readable file; the others become problems."""
    for folder, layer in folders:
        if not folder.is_dir():
            remedy = "Create it, or name another folder with --schemas."
            problems.append(Problem(str(folder), 1, "", "There is no such folder.", remedy))
            continue
        for path in sorted(folder.glob("*.json")):
            if path.name.startswith("."):
                continue
            text = _text(path, problems)
            if text is not None:
                yield str(path), text, layer


def _text(path: Path, problems: list[Problem]) -> str | None:
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

"""A pack's folder → the layers it stands on, from the lowest up: ``pack.json`` says what the pack extends."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from xrm_core import shipped
from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import RANKS, LayerKind, LayerSource
from xrm_core.metadata.lines import Document, read
from xrm_core.metadata.reading import PACK_FILE, text_of
from xrm_core.metadata.structure import check, nearest

_MAX_CHAIN = 16  # packs upon packs; more is a mistake


def pack_layers(folder: Path, packs: Mapping[str, Path] | None = None) -> list[LayerSource]:
    """The pack in this folder and all that it stands on, the lowest first.

    A folder without ``pack.json`` is a pack of its own that stands on nothing.

    Args:
        folder: of the pack.
        packs: folders that ``extends`` finds by name; those that come with the platform if left out.

    Raises:
        SchemaFilesInvalid: ``pack.json`` of one of them is wrong, or they extend each other in a circle.
    """
    packs = shipped.shipped_packs() if packs is None else packs
    chain: list[LayerSource] = []
    seen: dict[Path, str] = {}
    by_name: dict[str, str] = {}
    while True:
        document = _pack_file(folder)
        if document is None:
            chain.append(LayerSource(shipped.CORE, "core", folder))
            break
        name, kind = document.value["pack"], document.value["kind"]
        above = chain[-1] if chain else None
        if above is not None and RANKS[kind] > RANKS[above.kind]:
            reason = f'The pack "{above.name}" above it has the kind "{above.kind}", so this one cannot be "{kind}".'
            _refuse(document, "/kind", reason, "The order is core, industry, deployment.")
        if name in by_name:
            reason = f'The pack that extends it is called "{name}", too, in {by_name[name]}.'
            _refuse(document, "/pack", reason, "Give one of the two another name.")
        chain.append(LayerSource(name, kind, folder, words=document.value.get("keywords", ())))
        seen[folder.resolve()], by_name[name] = name, document.file
        below = _below(document, folder, kind, packs)
        if below is None:
            break
        if below.resolve() in seen:
            circle = " → ".join([*list(seen.values())[list(seen).index(below.resolve()) :], seen[below.resolve()]])
            _refuse(document, "/extends", f"Packs extend each other in a circle: {circle}.", "Take one link out.")
        if len(chain) == _MAX_CHAIN:
            _refuse(document, "/extends", f"More than {_MAX_CHAIN} packs stand on each other.", "Join some of them.")
        folder = below
    return chain[::-1]


def _pack_file(folder: Path) -> Document | None:
    path = folder / PACK_FILE
    if not path.exists():
        return None
    problems: list[Problem] = []
    text = text_of(path, problems)
    document = None if text is None else read(str(path), text, problems)
    if document is not None and isinstance(document.value, Mapping) and "x-entity" in document.value:
        reason = f"{PACK_FILE} says what the pack is; an entity cannot have this file name."
        problems.append(document.problem("/x-entity", reason, "Give the entity's file another name."))
    elif document is not None:
        problems.extend(check(document, "pack"))
    if problems:
        raise SchemaFilesInvalid(problems)
    return document


def _below(document: Document, folder: Path, kind: LayerKind, packs: Mapping[str, Path]) -> Path | None:
    extends: str | None = document.value.get("extends")
    if kind == "core":
        if extends is not None:
            _refuse(document, "/extends", "A core pack stands on nothing.", 'Remove "extends", or set another kind.')
        return None
    if extends is None:
        reason = f'"extends" is missing: {"an" if kind == "industry" else "a"} {kind} pack stands on another.'
        _refuse(document, "", reason, 'Add "extends", e.g. "core"; or write "kind": "core".')
    if extends in packs:
        return packs[extends]
    below = folder / extends
    if not extends.startswith("."):
        remedy = f"{nearest(extends, packs)}There are {', '.join(packs) or 'none'}; a path begins with ./ or ../"
        _refuse(document, "/extends", f'No pack called "{extends}" comes with the platform.', remedy)
    try:
        there = below.is_dir()
    except (OSError, ValueError):  # a name that is too long; a folder that may not be looked into
        there = False
    if not there:
        _refuse(document, "/extends", f"There is no folder {below}.", "Correct the path; it counts from this folder.")
    return below


def _refuse(document: Document, pointer: str, reason: str, remedy: str) -> NoReturn:
    raise SchemaFilesInvalid([document.problem(pointer, reason, remedy)])

"""Layers of entity files → :class:`~xrm_core.metadata.model.Model`, or all that is wrong with them at once."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.entities import Draft, read_entity
from xrm_core.metadata.extensions import extend, is_extension
from xrm_core.metadata.keywords import Keywords, Note
from xrm_core.metadata.layers import LayerSource, ranked
from xrm_core.metadata.lines import Document, read
from xrm_core.metadata.links import link_drafts
from xrm_core.metadata.model import Model
from xrm_core.metadata.reading import RELATIONSHIPS, texts_in
from xrm_core.metadata.references import resolve
from xrm_core.metadata.relationships import is_relationship, relationship_drafts
from xrm_core.metadata.snapshot import build
from xrm_core.metadata.wiring import check_wiring, settle

_KEPT = 64 * 1024
"""Characters of the largest text whose document is kept in memory."""


def load(sources: Sequence[LayerSource], keywords: Keywords | None = None) -> Model:
    """Read the files of these layers as one model: core, plugins, industry, deployment, tenant.

    Args:
        sources: the layers, in any order; those of one kind stand upon each other as they are given.
        keywords: words of plugins.

    Raises:
        SchemaFilesInvalid: with every problem of every file, by file and line.
        PluginLoadError: what a plugin does with its words failed.
    """
    problems: list[Problem] = []
    texts: list[tuple[LayerSource, int, str, str]] = []
    kinds: dict[str, LayerSource] = {}
    for source, rank in ranked(sources):
        first = kinds.setdefault(source.name, source)
        if first.kind != source.kind:
            reason = f'The {first.kind} layer is called "{source.name}", and so is this {source.kind} layer.'
            remedy = 'Give the pack another name in pack.json ("pack").'
            problems.append(Problem(str(source.folder or source.name), 1, "", reason, remedy))
        found = list(source.texts)
        if source.folder is not None:
            found += texts_in(source.folder, problems)
            if (source.folder / RELATIONSHIPS).is_dir():
                found += texts_in(source.folder / RELATIONSHIPS, problems)
        texts += [(source, rank, file, text) for file, text in found]
    folders = [source.folder for source in sources if source.folder is not None]
    if folders and not texts and not problems:
        reason = "There are no entity files (*.json) in this folder."
        problems.append(Problem(str(folders[0]), 1, "", reason, "Add one, or name another folder with --schemas."))
    words = frozenset(word for source in sources for word in source.words)
    return _load(texts, problems, keywords or Keywords(), words)


def load_texts(texts: Sequence[tuple[str, str, str]]) -> Model:
    """The same for texts at hand: (file name as it is to stand in messages, JSON text, layer) of each.

    The layer ``core`` is the core pack; others are plugins.
    """
    return load(
        [
            LayerSource(layer, "core" if layer == "core" else "plugin", texts=tuple(each[:2] for each in found))
            for layer, found in groupby(texts, key=lambda text: text[2])
        ]
    )


def _load(
    texts: Sequence[tuple[LayerSource, int, str, str]],
    problems: list[Problem],
    keywords: Keywords,
    words: frozenset[str],
) -> Model:
    notes: list[Note] = []
    entities: dict[str, Document] = {}
    extensions: list[Document] = []
    relationships: dict[str, Document] = {}
    known: set[str] = set()
    for source, rank, file, text in texts:
        document = _document(file, text, source.name, rank, problems)
        document = None if document is None else keywords.take(document, words, notes, problems)
        if document is not None and is_extension(document):
            extensions.append(document)
            continue
        if document is not None and is_relationship(document):
            named = document.value["x-relationship"]
            named = named if isinstance(named, str) and named not in relationships else f"the relationship of {file}"
            relationships[named] = document  # one that is there already is told when they are read
            continue
        name = _claimed_name(file, document)
        known.add(name)
        if document is None:
            continue
        if not isinstance(document.value, dict) or document.value.get("x-entity") != name:
            entities[f"the entity of {file}"] = document  # it does not say what it is about, and that is told
            continue
        first = entities.setdefault(name, document)
        if first is not document:
            reason = f'The entity "{name}" is defined already, at {first.file}:{first.line("/x-entity")}.'
            remedy = "Keep one of the two files, or give this entity another name."
            if first.layer != document.layer:
                remedy = f'Write "x-extends" for "x-entity" to add to that of {first.layer}, or choose another name.'
            problems.append(document.problem("/x-entity", reason, remedy))
            entities[f"{name} again in {file}"] = document  # its other mistakes are told, too
    relationships = {
        f"the relationship {name}" if name in entities else name: document for name, document in relationships.items()
    }
    extended = extend({**relationships, **entities}, extensions, known, problems)
    drafts: dict[str, Draft] = {}
    for name in entities:
        draft = read_entity(extended[name], problems)
        if draft is not None and draft.entity.name:
            drafts.setdefault(draft.entity.name, draft)
    drafts.update(link_drafts(drafts, problems))
    drafts.update(relationship_drafts([extended[name] for name in relationships], drafts, problems))
    drafts = settle(drafts, problems)
    problems.extend(check_wiring(drafts, frozenset(known | drafts.keys())))
    entities_said = keywords.annotated({name: draft.entity for name, draft in drafts.items()}, notes, problems)
    model = None if problems else build(entities_said)
    if model is not None:
        keywords.check(model, problems)
    if model is None or problems:
        raise SchemaFilesInvalid(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.pointer)))
    return model


def _document(file: str, text: str, layer: str, rank: int, problems: list[Problem]) -> Document | None:
    document, found = (_read if len(text) <= _KEPT else _read.__wrapped__)(file, text, layer, rank)
    problems.extend(found)
    return None if document is None else replace(document)  # a file that is given twice is two documents


@lru_cache(maxsize=256)
def _read(file: str, text: str, layer: str, rank: int) -> tuple[Document | None, tuple[Problem, ...]]:
    """One file with its references unfolded, and what is wrong with it.

    All tenants have the files of the platform and its plugins, and whoever looks for changes reads them again. Nobody
    may change a document.
    """
    problems: list[Problem] = []
    document = read(file, text, problems, layer, rank)
    return None if document is None else resolve(document, problems), tuple(problems)


def _claimed_name(file: str, document: Document | None) -> str:
    """The entity that a file is about, even if the file is broken: relations to it are not to be blamed for that."""
    name = document.value.get("x-entity") if document is not None and isinstance(document.value, dict) else None
    return name if isinstance(name, str) else Path(file).stem

"""Files of higher layers that add to an entity or relationship of a lower one, and tighten its fields: ``x-extends``.

They are worked into the document of the entity before it is read, so that whatever an entity file can say can be added.
Each part keeps the place where it was written down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from xrm_core.errors import Problem
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.references import unresolved
from xrm_core.metadata.rules import RULE_WORDS
from xrm_core.metadata.structure import Form, mistakes, nearest
from xrm_core.metadata.tightening import TIGHTENING, tighten, wrong_fields

_OWN = frozenset({"$schema", "x-extends", "properties"})
_RULES = frozenset(RULE_WORDS) - {"allOf", "dependentRequired"}
_NAMES_FOR_PEOPLE = frozenset({"title", "description", "x-labels", "x-plural-labels", "x-reverse-labels"})


def is_extension(document: Document) -> bool:
    """Whether the file adds to an entity or relationship instead of defining one."""
    if not isinstance(document.value, Mapping):
        return False
    return "x-extends" in document.value and not {"x-entity", "x-relationship"} & set(document.value)


def extend(
    entities: Mapping[str, Document], extensions: Iterable[Document], known: Iterable[str], problems: list[Problem]
) -> dict[str, Document]:
    """The documents of the entities and relationships with all extensions worked in, lowest layer first.

    Args:
        entities: documents by the name of their entity or relationship.
        extensions: files with ``x-extends``, in the order of their layers.
        known: names of all entities that have a file, those included that cannot be read.
        problems: gets what is wrong with the extensions.
    """
    found = dict(entities)
    below: dict[str, tuple[int, Document]] = {}  # the rank of the last extension, and what stands below that rank
    known = frozenset(known)
    for extension in extensions:
        name = extension.value["x-extends"]
        base = found.get(name) if isinstance(name, str) else None
        form: Form = "extension" if base is None or _kind(base) == "entity" else "relationship_extension"
        wrong = mistakes(extension, form)
        problems.extend(extension.problem(*mistake) for mistake in wrong)
        pointers = frozenset((*(pointer for pointer, _, _ in wrong), *unresolved(extension.value)))
        if pointers & {"", "/x-extends"}:
            continue
        if base is None:
            if name not in known:
                problems.append(_nothing_to_extend(extension, name, found))
            continue
        reason = _wrong_layer(extension, base)
        if reason:
            remedy = "Only a higher layer extends; put the fields into its own file."
            problems.append(extension.problem("/x-extends", reason, remedy))
        elif isinstance(base.value, Mapping) and isinstance(_fields_of(base), Mapping):
            if name not in below or below[name][0] != extension.rank:
                below[name] = extension.rank, base
            found[name] = _Merge(base, below[name][1], _Right(extension, pointers), problems).done()
    return found


def _kind(base: Document) -> Form:
    relationship = isinstance(base.value, Mapping) and "x-relationship" in base.value
    return "relationship" if relationship else "entity"


def _fields_of(base: Document) -> Any:
    return base.value.get("properties", {} if _kind(base) == "relationship" else None)


def _nothing_to_extend(extension: Document, name: str, entities: Mapping[str, Document]) -> Problem:
    reason = f'There is no entity or relationship "{name}" in the layers below to which this could add.'
    for other, document in entities.items():
        if isinstance(document.value, Mapping) and document.value.get("x-renamed-from") == name:
            reason = (
                f'The {_kind(document)} "{name}" is called "{other}" now, since {document.file}:{document.line("")}.'
            )
            return extension.problem("/x-extends", reason, f'Write "{other}".')
    remedy = f"{nearest(name, entities)}If it was removed there, remove this file or define it in this layer."
    return extension.problem("/x-extends", reason, remedy)


def _wrong_layer(extension: Document, base: Document) -> str:
    kind = _kind(base)
    what = f'The {kind} "{extension.value["x-extends"]}" belongs to'
    where = f"{base.layer} ({base.file}:{base.line(f'/x-{kind}')})"
    if extension.layer == base.layer:
        return f"{what} the same layer, {where}."
    if extension.rank < base.rank:
        return f"{what} a higher layer, {where}."
    return ""


class _Right:
    """An extension less the parts in which something is wrong."""

    def __init__(self, document: Document, wrong: frozenset[str]) -> None:
        self.document = document
        self.wrong_fields = wrong_fields(wrong)
        words = {pointer.split("/")[1] for pointer in wrong if pointer} - {"properties"}
        self.words = {key: value for key, value in document.value.items() if key not in words | _OWN}
        whole = document.value.get("properties")
        fields = whole if isinstance(whole, Mapping) and "/properties" not in wrong else {}
        self.fields = {name: value for name, value in fields.items() if name not in self.wrong_fields}


class _Merge:
    """One extension worked into one entity."""

    def __init__(self, base: Document, below: Document, right: _Right, problems: list[Problem]) -> None:
        self.base = base
        self.below = below
        self.right = right
        self.extension = right.document
        self.problems = problems
        self.value: dict[str, Any] = dict(base.value)
        self.value["properties"] = dict(_fields_of(base))
        self.places = dict(base.places)
        wrong = frozenset((*(pointer for pointer, _, _ in mistakes(base, _kind(base))), *unresolved(base.value)))
        self.wrong_fields_below = wrong_fields(wrong)
        self.wrong_words_below = frozenset(pointer[1:] for pointer in wrong if pointer.count("/") == 1)

    def done(self) -> Document:
        """The entity's document with the extension in it."""
        for name, text in self.right.fields.items():
            self._field(name, text)
        rule = {word: value for word, value in self.right.words.items() if word in _RULES}
        if "x-message" in rule:  # it is about all the rules beside it
            rule |= {word: value for word, value in self.right.words.items() if word in RULE_WORDS}
        for word, value in self.right.words.items():
            if word not in rule:
                self._word(word, value)
        if rule:
            self._rule(rule)
        return replace(self.base, value=self.value, places=self.places)

    def _field(self, name: str, text: Mapping[str, Any]) -> None:
        pointer = step("/properties", name)
        known = self.value["properties"].get(name)
        narrows = set(text) <= TIGHTENING
        if known is None and narrows:
            self._refuse(pointer, *self._no_such_field(name))
        elif known is None:
            self.value["properties"][name] = text
            self._placed(pointer)
        elif not narrows:
            owner, line = self.base.place(pointer)[0], self.base.line(pointer)
            reason = f'The field "{name}" is defined already, by {owner.layer} at {owner.file}:{line}.'
            self._refuse(pointer, reason, "Give this field another name, or keep only words that tighten that one.")
        elif name not in self.wrong_fields_below:
            outcome = tighten(self.base, self.below, name, text, self.extension)
            for place, reason, remedy in outcome.mistakes:
                self._refuse(place, reason, remedy)
            self.value["properties"][name] = outcome.text
            for place in outcome.taken:
                self._placed(place)

    def _no_such_field(self, name: str) -> tuple[str, str]:
        entity, fields = self.extension.value["x-extends"], self.value["properties"]
        reason = f'There is no field "{name}" of "{entity}" in the layers below that could be tightened.'
        for other, text in fields.items():
            if isinstance(text, Mapping) and text.get("x-renamed-from") == name:
                place, line = (
                    self.base.place(step("/properties", other))[0].file,
                    self.base.line(f"/properties/{other}"),
                )
                return f'The field "{name}" is called "{other}" now, since {place}:{line}.', f'Write "{other}".'
        remedy = f'{nearest(name, fields)}If it was removed there, give it a "type" to make it a field of this layer.'
        return reason, remedy

    def _word(self, word: str, value: Any) -> None:
        if word in self.wrong_words_below:
            return  # said at the entity's own file; nothing can be added to that
        pointer = step("", word)
        known = self.value.get(word)
        if word == "x-log-reads" and True in (known, value):  # all is more than some, whoever says it
            if known is not True:
                self.value[word] = True
                self._placed(pointer)
            return
        if isinstance(value, Mapping) and isinstance(known or {}, Mapping):
            self.value[word] = dict(known or {})
            if known is None:
                self._placed(pointer)
            for key, part in value.items():
                self._member(word, step(pointer, key), key, part)
        elif isinstance(value, list) and isinstance(known or [], list):
            self.value[word] = list(known or [])
            for i, part in enumerate(value):
                self._append(word, part, step(pointer, i))
        elif known is None or known is False or known == value or self._may_rename(word, pointer):
            self.value[word] = value
            self._placed(pointer)

    def _member(self, word: str, pointer: str, key: str, part: Any) -> None:
        known = self.value[word].get(key)
        if word == "dependentRequired" and isinstance(known, list) and isinstance(part, list):
            self.value[word][key] = list(known)
            for i, name in enumerate(part):
                if name not in known:
                    self.places[step(step(step("", word), key), len(self.value[word][key]))] = (
                        self.extension,
                        step(pointer, i),
                    )
                    self.value[word][key].append(name)
        elif known is None or known == part or self._may_rename(word, pointer):
            self.value[word][key] = part
            self._placed(pointer)

    def _rule(self, rule: Mapping[str, Any]) -> None:
        """Rules that stand at the top of the extension become one of the list of rules that the entity must meet."""
        known = self.value.get("allOf", [])
        if "allOf" in self.wrong_words_below or rule in known:
            return
        pointer = step("/allOf", len(known))
        self.value["allOf"] = [*known, rule]
        self.places[pointer] = (self.extension, "")
        self.places |= {step(pointer, word): (self.extension, step("", word)) for word in rule}

    def _append(self, word: str, part: Any, pointer: str) -> None:
        known = self.value[word]
        if part in known or (word == "required" and part in self.right.wrong_fields):
            return
        self.places[step(step("", word), len(known))] = (self.extension, pointer)
        known.append(part)

    def _may_rename(self, word: str, pointer: str) -> bool:
        """Names for people may be given anew by a layer that stands higher; nothing else may."""
        owner, line = self.base.place(pointer)[0], self.base.line(pointer)
        named = word in _NAMES_FOR_PEOPLE
        if named and owner.rank < self.extension.rank:
            return True
        reason = f"{owner.layer} says otherwise, at {owner.file}:{line}"
        reason += ", and neither layer stands above the other." if named else "."
        self._refuse(pointer, reason, "Remove it here or there.")
        return False

    def _placed(self, pointer: str) -> None:
        for inner in [at for at in self.places if at.startswith(f"{pointer}/")]:
            del self.places[inner]
        self.places[pointer] = (self.extension, pointer)

    def _refuse(self, pointer: str, reason: str, remedy: str) -> None:
        self.problems.append(self.extension.problem(pointer, reason, remedy))

"""One document → :class:`~xrm_core.metadata.model.Entity` (still without inverses), and checks within one file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from types import MappingProxyType
from typing import Any

from xrm_core import naming
from xrm_core.errors import Problem
from xrm_core.metadata.fields import read_field, source_of
from xrm_core.metadata.frozen import freeze
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Source
from xrm_core.metadata.ownership import OWNER, OWNER_TEAM, owner_fields
from xrm_core.metadata.record_schema import record_schema
from xrm_core.metadata.references import unresolved
from xrm_core.metadata.reserved import why_not_entity, why_not_field, why_not_plural
from xrm_core.metadata.rules import mentioned, rule_mistakes, rules_of
from xrm_core.metadata.structure import mistakes, nearest
from xrm_core.metadata.types import COMPARABLE, TEXTUAL, FieldType
from xrm_core.metadata.virtual_fields import mention_mistakes

MAX_INDEX_BYTES = 2_600
"""What fits into one entry of a PostgreSQL index (2 704 bytes), less its own overhead."""

_MAX_COLUMN = 63  # bytes; PostgreSQL cuts longer identifiers


@dataclass(frozen=True, slots=True)
class Draft:
    """An entity as far as its file is right: parts that are wrong are left out of it.

    ``names`` has all field names of the file, the wrong ones included, so that one mistake is not told as two.
    ``many`` has the many-to-many relations, of which :mod:`~xrm_core.metadata.links` makes entities.
    """

    document: Document
    entity: Entity
    names: frozenset[str]
    many: Mapping[str, Any] = attribute(default_factory=dict)

    @property
    def wrong(self) -> frozenset[str]:
        """Fields of the file that are wrong and therefore left out."""
        return self.names - self.entity.fields.keys() - self.many.keys()

    def place(self, field: str) -> str:
        """JSON pointer to a field, or to the keyword that it comes from."""
        generated = self.entity.ownership is not None and field in (OWNER, OWNER_TEAM)
        return "/x-ownership" if generated else step("/properties", field)


def read_entity(document: Document, problems: list[Problem]) -> Draft | None:
    """Read one file; appends its mistakes to ``problems``. None if not even its fields can be found."""
    wrong = mistakes(document)
    problems.extend(document.problem(*mistake) for mistake in wrong)
    whole = document.value
    if not isinstance(whole, Mapping) or not isinstance(whole.get("properties"), Mapping):
        return None
    unread = frozenset((*(pointer for pointer, _, _ in wrong), *unresolved(whole)))
    text, properties = _right_parts(whole, unread)
    required = frozenset(text.get("required", ()))
    many = {name: value for name, value in properties.items() if "many" in value.get("x-relation", ())}
    fields = {
        name: read_field(document, name, required=name in required, problems=problems, text=value)
        for name, value in properties.items()
        if name not in many
    }
    entity = _entity(document, text, fields)
    names = frozenset(whole["properties"]) | (entity.fields.keys() - fields.keys())
    draft = Draft(document, entity, names, many)
    problems.extend(
        document.problem(*mistake)
        for checks in (
            _owned(draft),
            _naming(draft),
            _mentions(draft, text),
            _columns(draft),
            _indexes(draft, text),
            mention_mistakes(fields, text),
            _sealed(draft, text),
            rule_mistakes(rules_of(text), entity.fields, (*names, *many)),
        )
        for mistake in checks
    )
    return draft


def _right_parts(whole: Mapping[str, Any], wrong: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Top-level keywords and fields in and below which nothing is wrong."""
    steps = [pointer.split("/") for pointer in wrong]
    avoid = {"/".join(path[:length]) for path in steps for length in (2, 3) if len(path) >= length}
    text = {key: value for key, value in whole.items() if key != "properties" and step("", key) not in avoid}
    properties = whole["properties"].items()
    return text, {name: value for name, value in properties if step("/properties", name) not in avoid}


def _entity(document: Document, text: Mapping[str, Any], fields: dict[str, Field]) -> Entity:
    name = text.get("x-entity", "")
    plural = text.get("x-plural", naming.plural(name))
    ownership = text.get("x-ownership")
    place = source_of(document, "/x-ownership") if ownership else Source()
    labels, required = freeze(text.get("x-plural-labels", {})), frozenset(text.get("required", ()))
    owners = owner_fields(ownership, plural, labels, required, place)
    fields = {**fields, **{name: field for name, field in owners.items() if name not in fields}}
    return Entity(
        name,
        plural=plural,
        fields=MappingProxyType(fields),
        labels=freeze(text.get("x-labels", {})),
        plural_labels=freeze(text.get("x-plural-labels", {})),
        description=text.get("description", text.get("title", "")),
        display=text.get("x-display", _first_text(document, fields)),
        ownership=ownership,
        unique_together=tuple(map(tuple, text.get("x-unique", ()))),
        indexes=tuple(map(tuple, text.get("x-indexes", ()))),
        log_reads=_logged(text.get("x-log-reads", ())),
        rules=freeze(rules_of(text)),
        json_schema=freeze(record_schema(fields.values(), rules_of(text))) if fields else freeze({}),
        renamed_from=text.get("x-renamed-from"),
        layers=document.layers,
        source=source_of(document, "/x-entity"),
    )


def _logged(given: Any) -> tuple[str, ...]:
    return ("*",) if given is True else tuple(given)


def _first_text(document: Document, fields: Mapping[str, Field]) -> str:
    texts = [field for field in fields.values() if field.type in TEXTUAL and not field.virtual and not field.sealing]
    # Fields that a higher layer adds do not change what stands for a record, if the entity has a text of its own.
    texts = [field for field in texts if field.source.layer == document.layer] or texts
    return next((field.name for field in texts if field.required), texts[0].name if texts else "")


_Mistakes = Iterator[tuple[str, str, str]]  # (pointer, reason, remedy)


def _owned(draft: Draft) -> _Mistakes:
    """Are the fields of x-ownership left to it?"""
    properties = draft.document.value["properties"]
    for name in owner_fields(draft.entity.ownership, "", {}, frozenset(), Source()):
        if name in properties:
            reason = f'The field "{name}" comes from x-ownership.'
            yield step("/properties", name), reason, "Remove it here, or remove x-ownership."


def _naming(draft: Draft) -> _Mistakes:
    entity = draft.entity
    if entity.name and (reason := why_not_entity(entity.name)):
        yield "/x-entity", f'An entity cannot be called "{entity.name}": {reason}.', "Choose another name."
    elif entity.name and (reason := why_not_plural(entity.plural)):
        yield "/x-plural", f'The plural cannot be "{entity.plural}": {reason}.', "Choose another with x-plural."
    seen = {naming.camel(field.name): field.name for field in SYSTEM_FIELDS}
    for name in draft.many:
        if reason := why_not_field(name):
            yield step("/properties", name), f'A relation cannot be called "{name}": {reason}.', "Choose another name."
    for name in (*entity.fields, *draft.many):
        other = seen.setdefault(naming.camel(name), name)
        if other != name:
            reason = f'"{name}" and "{other}" are both "{naming.camel(name)}" in the API.'
            yield draft.place(name), reason, "Rename one of them."


def _mentions(draft: Draft, text: Mapping[str, Any]) -> _Mistakes:
    """Names of fields that stand elsewhere in the file: do they exist?"""
    places = [(step("/required", i), name) for i, name in enumerate(text.get("required", ()))]
    for keyword in ("x-indexes", "x-unique"):
        for i, names in enumerate(text.get(keyword, ())):
            places += [(step(step(f"/{keyword}", i), j), name) for j, name in enumerate(names)]
    logged = text.get("x-log-reads", ())
    places += [] if logged is True else [(step("/x-log-reads", i), name) for i, name in enumerate(logged)]
    if "x-display" in text:
        places.append(("/x-display", text["x-display"]))
    for pointer, name in places:
        if name in draft.many:
            yield pointer, f'"{name}" is a many-to-many relation and cannot be named here.', "Remove it."
        elif why_not_field(name) and name not in draft.names:
            yield pointer, f'"{name}" cannot be named here: it is not a field of this file.', "Remove it."
        elif name not in draft.names:
            reason = f'There is no field "{name}" in this file.'
            yield pointer, reason, f"{nearest(name, sorted(draft.names))}Add it to properties, or remove it here."
    display = draft.entity.fields.get(text.get("x-display", ""))
    if display is not None and display.relation is not None:
        yield "/x-display", f'"{display.name}" is a relation.', "Name a field that holds a value."
    elif display is not None and display.type not in COMPARABLE:
        yield "/x-display", f'"{display.name}" holds several values.', "Name a field that holds one."
    former: dict[str, str] = {}
    for field in draft.entity.fields.values():
        pointer = step(step("/properties", field.name), "x-renamed-from")
        if field.renamed_from is None:
            continue
        if field.renamed_from in draft.names:
            reason = f'The former name "{field.renamed_from}" is still a field of this file.'
            yield pointer, reason, "Remove that field or this keyword."
        elif (other := former.setdefault(field.renamed_from, field.name)) != field.name:
            yield pointer, f'"{other}" has the same former name "{field.renamed_from}".', "Keep one of the two."


def _sealed(draft: Draft, text: Mapping[str, Any]) -> _Mistakes:
    """Sealed fields where the database would have to read them, and whose their values are."""
    fields = draft.entity.fields
    sealed = {name for name, field in fields.items() if field.sealing is not None}
    places = [("/x-display", text.get("x-display", ""))]
    for keyword in ("x-indexes", "x-unique"):
        for i, names in enumerate(text.get(keyword, ())):
            places += [(step(step(f"/{keyword}", i), j), name) for j, name in enumerate(names)]
    if sealed:
        places += [("", name) for name in sorted(mentioned(draft.entity.rules))]
    for pointer, name in places:
        if name in sealed:
            reason = f'"{name}" is sealed, so that it cannot be read here{"" if pointer else " by a rule"}.'
            yield pointer or step("/properties", name), reason, "Name another field, or remove x-sealed."
    for name in sorted(sealed):
        sealing = fields[name].sealing
        subject = "" if sealing is None else sealing.subject
        to = fields.get(subject)
        if subject and subject in draft.names and (to is None or to.relation is None):
            pointer = step(step("/properties", name), "x-sealed")
            yield f"{pointer}/subject", f'"{subject}" is no relation to one record.', "Name one, or leave it out."
        elif subject and subject not in draft.names and to is None:
            pointer = step(step("/properties", name), "x-sealed")
            yield f"{pointer}/subject", f'There is no field "{subject}" in this file.', "Name a relation to one record."


def _columns(draft: Draft) -> _Mistakes:
    """Does each database column have a name of its own, and one that is short enough?"""
    seen = {column: field.name for field in SYSTEM_FIELDS for column in field.columns}
    # Plain fields first: a clash is told at the relation, whose column is the one that nobody wrote down.
    for field in sorted(draft.entity.fields.values(), key=lambda field: field.columns != (field.name,)):
        pointer = draft.place(field.name)
        for column in field.columns or (field.name,):
            other = seen.setdefault(column, field.name)
            if other != field.name and not why_not_field(field.name):
                verb = "has the name of" if field.virtual else "is kept in"
                reason = f'"{field.name}" {verb} the column "{column}", which "{other}" has already.'
                yield pointer, reason, "Rename one of the two fields."
            if len(column) > _MAX_COLUMN:
                reason = f'The column "{column}" would be longer than {_MAX_COLUMN} characters.'
                yield pointer, reason, "Shorten the name of the relation or of its target."


def _indexes(draft: Draft, text: Mapping[str, Any]) -> _Mistakes:
    """Do the values fit into a database index, and do unique combinations hold?"""
    fields = draft.entity.fields
    wanted = [
        (step(step("/properties", field.name), "x-unique" if field.unique else "x-index"), [field])
        for field in fields.values()
        if field.unique or field.indexed
    ]
    for keyword in ("x-indexes", "x-unique"):
        for i, names in enumerate(text.get(keyword, ())):
            wanted.append((step(f"/{keyword}", i), [fields[name] for name in names if name in fields]))
    for pointer, members in wanted:
        size = sum(_bytes(field) for field in members)
        if size > MAX_INDEX_BYTES:
            reason = f"The values may be {size} bytes long; a database index holds {MAX_INDEX_BYTES}."
            yield pointer, reason, "Set a smaller maxLength (a character may need 4 bytes), or remove the index."
        for field in members:
            if field.type in (FieldType.SET, FieldType.JSON) and pointer.startswith("/x-"):
                reason = f'"{field.name}" holds several values and cannot be indexed together with others.'
                yield pointer, reason, "Remove it from the list; a set may have an x-index of its own."
        if not pointer.startswith("/x-unique"):
            continue
        for field in members:
            if field.relation is not None and field.relation.polymorphic:
                reason = f'"{field.name}" refers to several entities and cannot be part of a unique combination.'
                yield pointer, reason, "Remove it from the list."


def _bytes(field: Field) -> int:
    """Greatest size in an index, in bytes."""
    if field.type is FieldType.URL:
        return field.max_length or 0  # a URI is ASCII
    if field.type in TEXTUAL:
        return 4 * (field.max_length or 0)
    return 64 if field.type is FieldType.ENUM else 16 * len(field.columns)

"""Entities → Model: relations meet their targets, inverses appear there, and no two generated names are equal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from xrm_core import naming
from xrm_core.errors import Problem
from xrm_core.metadata.entities import Draft
from xrm_core.metadata.lines import step
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Inverse, Link
from xrm_core.metadata.reserved import graphql_roots, graphql_types, platform_type, why_not_entity, why_not_field
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.virtual import resolve

Drafts = Mapping[str, Draft]
_Mistakes = Iterator[tuple[Draft, str, str, str]]  # (draft, pointer, reason, remedy)


def wire(entities: Iterable[Entity]) -> Mapping[str, Entity]:
    """The entities by name in alphabetical order, each with the inverses and links that others give it."""
    entities = sorted(entities, key=lambda entity: entity.name)
    inverses: dict[str, list[Inverse]] = {entity.name: [] for entity in entities}
    for entity, field, target in _relations(entities):
        if field.relation is not None and target in inverses:
            relation = field.relation
            inverses[target].append(Inverse(relation.inverse, entity.name, field.name, relation.inverse_labels))
    links: dict[str, dict[str, Link]] = {entity.name: {} for entity in entities}
    for entity in entities:
        for side, link in _sides(entity):
            links.get(side, {})[link.name] = link
    return MappingProxyType(
        {
            entity.name: replace(
                entity,
                links=MappingProxyType(dict(sorted(links[entity.name].items()))),
                inverses=MappingProxyType(
                    {inverse.name: inverse for inverse in sorted(inverses[entity.name], key=lambda found: found.name)}
                ),
            )
            for entity in entities
        }
    )


def settle(drafts: Drafts, problems: list[Problem]) -> dict[str, Draft]:
    """The drafts with the types of their computed fields and roll-ups worked out; appends what is wrong with those."""
    entities, misfits = resolve(wire(draft.entity for draft in drafts.values()))
    for misfit in misfits:
        if misfit.missing is not None and misfit.missing[1] in drafts[misfit.missing[0]].wrong:
            continue  # the field is there, but wrong itself, and that is told
        pointer = step("/properties", misfit.field) + misfit.pointer
        problems.append(drafts[misfit.entity].document.problem(pointer, misfit.reason, misfit.remedy))
    return {name: replace(draft, entity=entities[name]) for name, draft in drafts.items()}


def check_wiring(drafts: Drafts, known: frozenset[str]) -> list[Problem]:
    """What is wrong between entities. ``known`` has all names that a relation may lead to, broken files included."""
    return [
        draft.document.problem(pointer, reason, remedy)
        for mistakes in (
            _targets(drafts, known),
            _inverses(drafts),
            _former_names(drafts),
            _graphql_names(drafts),
            _database_names(drafts),
        )
        for draft, pointer, reason, remedy in mistakes
    ]


def _relations(entities: Iterable[Entity]) -> Iterator[tuple[Entity, Field, str]]:
    for entity in entities:
        for field in entity.fields.values():
            for target in field.relation.targets if field.relation is not None else ():
                yield entity, field, target


def _sides(entity: Entity) -> Iterator[tuple[str, Link]]:
    """For an entity of links, the entity and the link of each side."""
    if (between := entity.between) is not None:
        source, target = (entity.fields[name].reference.targets[0] for name in (between.source, between.target))
        near, far, labels = between.source, between.target, between.labels
        yield source, Link(between.name, target, entity.name, near, far, owned=True, labels=labels)
        labels = between.inverse_labels
        yield target, Link(between.inverse, source, entity.name, far, near, owned=False, labels=labels)


def _targets(drafts: Drafts, known: frozenset[str]) -> _Mistakes:
    for draft in drafts.values():
        for field in draft.entity.fields.values():
            if field.relation is None:
                continue
            place = draft.place(field.name)
            to = place if place == "/x-ownership" else f"{place}/x-relation/to"
            for i, target in enumerate(field.relation.targets):
                if target not in known:
                    pointer = step(to, i) if field.relation.polymorphic else to
                    remedy = f"{nearest(target, sorted(known))}Name an entity that has a file."
                    yield draft, pointer, f'There is no entity "{target}".', remedy


def _inverses(drafts: Drafts) -> _Mistakes:
    taken = {
        name: {naming.camel(field.name): f'a field "{field.name}"' for field in draft.entity.all_fields()}
        for name, draft in drafts.items()
    }
    for draft in drafts.values():
        for name in draft.many:
            taken[draft.entity.name][naming.camel(name)] = f'a field "{name}"'
    for entity, target, name, pointer, field in _inverse_names(drafts):
        if target not in taken:
            continue
        reason = why_not_field(name)
        # System fields are told by the table of names below, with the words that fit here.
        if reason and naming.camel(name) not in {naming.camel(system.name) for system in SYSTEM_FIELDS}:
            yield drafts[entity.name], pointer, f'An inverse cannot be called "{name}": {reason}.', "Choose another."
            continue
        mine = f'the inverse "{name}" of {entity.name}.{field}'
        other = taken[target].setdefault(naming.camel(name), mine)
        if other != mine:
            said = f'The entity "{target}" has {other} already, so "{name}" cannot be the inverse of {field}.'
            yield drafts[entity.name], pointer, said, "Choose another inverse."


def _inverse_names(drafts: Drafts) -> Iterator[tuple[Entity, str, str, str, str]]:
    """(entity, its target, name of the list there, pointer, field) of each relation and many-to-many relation."""
    entities = [draft.entity for draft in drafts.values()]
    for entity in entities:
        for side, link in _sides(entity):
            if not link.owned:
                yield entity, side, link.name, "/inverse", entity.between.name if entity.between else ""
    for entity, field, target in _relations(entities):
        place = drafts[entity.name].place(field.name)
        pointer = place if place == "/x-ownership" else f"{place}/x-relation/inverse"
        yield entity, target, field.reference.inverse, pointer, field.name


def _former_names(drafts: Drafts) -> _Mistakes:
    former: dict[str, str] = {}
    for draft in drafts.values():
        name = draft.entity.renamed_from
        if name is None:
            continue
        if name in drafts:
            reason = f'The former name "{name}" is still an entity (in {drafts[name].document.file}).'
            yield draft, "/x-renamed-from", reason, "Remove that file or this keyword."
        elif (other := former.setdefault(name, draft.entity.name)) != draft.entity.name:
            reason = f'"{other}" has the same former name "{name}".'
            yield draft, "/x-renamed-from", reason, "Keep one of the two."


def _graphql_names(drafts: Drafts) -> _Mistakes:
    roots: dict[str, tuple[str, str]] = {}
    types: dict[str, tuple[str, str]] = {}
    for draft in drafts.values():
        entity = draft.entity
        for root in graphql_roots(entity):
            owner = roots.setdefault(root, (entity.name, root))
            if owner != (entity.name, root):
                yield draft, "/x-entity", _both(root, entity.name, owner[0]), "Rename one, or set x-plural."
        if naming.camel(entity.name) == naming.camel(entity.plural):
            pointer = "/x-plural" if "x-plural" in draft.document.value else "/x-entity"
            reason = f'The plural "{entity.plural}" is the same as the singular; one record and the list would clash.'
            yield draft, pointer, reason, 'Set another x-plural, e.g. the name with "_list".'
        told = False
        own: set[str] = set()
        for made, field in graphql_types(entity):
            if made in own and entity.between is not None and not told:
                told = True
                reason = f'The list "{entity.between.name}" and its links would both make "{made}" in the API.'
                yield draft, "/x-entity", reason, 'Name the links with "through", or the list in the plural.'
            own.add(made)
            label = f"{entity.name}.{field}" if field else entity.name
            pointer = step("/properties", field) if field else "/x-entity"
            if platform_type(made) and not told and not why_not_entity(entity.name):
                told = True
                reason = f'"{label}" would make "{made}" in the API, which has a type of this name already.'
                yield draft, pointer, reason, "Choose another name."
            owner = types.setdefault(made, (label, entity.name))
            if owner[0] != label and not told:
                told = True
                yield draft, pointer, _both(made, label, owner[0]), "Rename one of them."


def _both(name: str, one: str, other: str) -> str:
    return f'"{one}" and "{other}" would both make "{name}" in the API.'


def _database_names(drafts: Drafts) -> _Mistakes:
    """Indexes and unique constraints share one list of names per database, whatever table they are on."""
    seen: dict[str, tuple[str, tuple[str, ...]]] = {}
    for draft in drafts.values():
        for name, columns, pointer in _index_names(draft.entity):
            owner, others = seen.setdefault(name, (draft.entity.name, columns))
            if (owner, others) != (draft.entity.name, columns):
                reason = f'The index "{name}" would have the same name as one of "{owner}".'
                yield draft, pointer, reason, "Rename the field or the entity."


def _index_names(entity: Entity) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Name, columns and place of each."""
    table = naming.table(entity.name)
    for field in entity.fields.values():
        pointer = step("/properties", field.name)
        if field.unique:
            yield naming.unique(table, field.columns), field.columns, pointer
        elif field.relation is not None or field.type is FieldType.FILE or field.indexed:
            for column in field.columns:
                yield naming.index(table, (column,)), (column,), pointer
    for keyword, lists, name in (
        ("/x-indexes", entity.indexes, naming.index),
        ("/x-unique", entity.unique_together, naming.unique),
    ):
        for i, names in enumerate(lists):
            members = [entity.fields[member] for member in names if member in entity.fields]
            columns = tuple(column for field in members for column in field.columns)
            yield name(table, columns), columns, step(keyword, i)

"""Header + options → which column fills which field. All that is wrong with it is said at once."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xrm_core.errors import ImportFailed
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.records.importing.options import ImportOptions

_ID = SYSTEM_FIELDS[0]
_SYSTEM_NAMES = frozenset(field.name for field in SYSTEM_FIELDS)


@dataclass(frozen=True, slots=True)
class RelationKey:
    """How a relation column names its target: by a unique field (or the id) of an entity."""

    entity: str
    field: Field


@dataclass(frozen=True, slots=True, eq=False)  # a key of dictionaries, by identity
class Column:
    """A column that fills a field. ``key`` is set for relations."""

    name: str
    place: int
    field: Field
    key: RelationKey | None = None


class _Wrong(Exception):
    """One thing that is wrong with the mapping."""


def map_columns(header: Sequence[str], entity: Entity, model: Model, options: ImportOptions) -> tuple[Column, ...]:
    """The columns that are imported.

    Raises:
        ImportFailed: a column is not mapped, or to something that cannot be imported, or a required field has none;
            ``details.problems`` has all reasons.
    """
    problems = list(_unknown_columns(header, options))
    columns: list[Column] = []
    for place, name in enumerate(header):
        try:
            column = _column(name, place, entity, model, options)
            if column is not None:
                _refuse_second(column, columns)
                columns.append(column)
        except _Wrong as wrong:
            problems.append(str(wrong))
    if not problems:
        problems += _missing(entity, columns, options)
    if problems:
        raise ImportFailed(
            f"The columns do not fit the entity {entity.name}: " + " ".join(problems),
            hint="Map them with --map column=field, or leave them out with --ignore column.",
            details={"problems": problems},
        )
    return tuple(columns)


def _column(name: str, place: int, entity: Entity, model: Model, options: ImportOptions) -> Column | None:
    if name in options.ignored:
        return None
    target = options.columns.get(name)
    if target is None:
        plain = unicodedata.normalize("NFKC", name).strip().casefold().replace(" ", "_").replace("-", "_")
        if name not in entity.fields:
            if options.ignore_unmapped:
                return None
            if plain in _SYSTEM_NAMES:
                raise _Wrong(f"Column {name!r} is named like {plain}, which the platform sets itself.")
            raise _Wrong(f"Column {name!r} is not mapped.")
        target = name
    field_name, *path = target.split(".")
    field = entity.field(field_name)
    if field is None:
        raise _Wrong(f"Column {name!r}: {entity.name} has no field {field_name!r}; it has {', '.join(entity.fields)}.")
    if field.system:
        raise _Wrong(f"Column {name!r} cannot fill {field.name}, which the platform sets itself.")
    if field.type is FieldType.FILE:
        raise _Wrong(f"Column {name!r} cannot fill {field.name}, which holds a file.")
    if field.virtual:
        raise _Wrong(f"Column {name!r} cannot fill {field.name}, which is worked out when it is read.")
    if field.relation is None:
        if path:
            raise _Wrong(f"Column {name!r}: {field.name} is no relation, so it cannot be mapped to {target!r}.")
        return Column(name, place, field)
    return Column(name, place, field, _key(name, field, path, model))


def _key(column: str, field: Field, path: list[str], model: Model) -> RelationKey:
    assert field.relation is not None  # noqa: S101 - for mypy; the caller has asked
    targets = field.relation.targets
    if field.relation.polymorphic:
        if not path or path[0] not in targets:
            forms = ", ".join(f"{field.name}.{target}" for target in targets)
            raise _Wrong(f"Column {column!r}: {field.name} refers to several entities; map it to one of {forms}.")
        target, *path = path
    else:
        target = targets[0]
    entity = model[target]
    if len(path) > 1:
        raise _Wrong(f"Column {column!r}: {'.'.join(path)!r} is no field of {target}.")
    if not path:
        return RelationKey(target, _default_key(column, field, entity))
    key = entity.field(path[0])
    if key is None or key not in _keys(entity):
        raise _Wrong(f"Column {column!r}: {path[0]!r} is no unique field of {target}. {_choice(entity)}")
    return RelationKey(target, key)


def _default_key(column: str, field: Field, entity: Entity) -> Field:
    keys = [key for key in _keys(entity) if not key.system]
    display = [key for key in keys if key.name == entity.display]
    if not display and len(keys) != 1:
        raise _Wrong(f"Column {column!r}: say by which field of {entity.name} it names {field.name}. {_choice(entity)}")
    return (display or keys)[0]


def _keys(entity: Entity) -> list[Field]:
    unique = [
        field for field in entity.fields.values() if field.unique and field.relation is None and len(field.columns) == 1
    ]
    return [*unique, _ID]


def _choice(entity: Entity) -> str:
    return f"Unique fields of {entity.name}: {', '.join(key.name for key in _keys(entity))}."


def _refuse_second(column: Column, columns: Sequence[Column]) -> None:
    for other in columns:
        same_target = column.key is None or other.key is None or column.key.entity == other.key.entity
        if other.field.name == column.field.name and same_target:
            raise _Wrong(f"Columns {other.name!r} and {column.name!r} both fill {column.field.name}.")


def _unknown_columns(header: Sequence[str], options: ImportOptions) -> Iterator[str]:
    given = {"--map": options.columns, "--ignore": options.ignored, "--replace": options.replacements}
    for option, names in given.items():
        for name in sorted(set(names) - set(header)):
            yield f"{option} names the column {name!r}, but the file has {', '.join(header)}."
    for name in sorted(options.ignored & set(options.columns)):
        yield f"Column {name!r} is both mapped and ignored."


def _missing(entity: Entity, columns: Sequence[Column], options: ImportOptions) -> Iterator[str]:
    filled = {column.field.name for column in columns}
    for field in entity.fields.values():
        given = not field.writable or (field.default is not None and field.relation is None)
        # By a key, rows may be about records that are there and have it; of those that are new the door says it.
        if field.required and not given and field.name not in filled and not options.upsert_by:
            yield f"No column fills {field.name}, which every {entity.name} must have."
    if not columns:
        yield "No column is imported."

"""Which records are natural persons: of an entity with ``subject.when`` only those that fit. No I/O in here."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from xrm_core.api import Record, Refuse
from xrm_dsgvo.privacy.model import EntityPrivacy


def is_company(entity: EntityPrivacy, record: Record) -> bool:
    """Whether a record is of an entity of persons, and by ``subject.when`` none of them."""
    return entity.when is not None and not is_person(entity, record)


def is_person(entity: EntityPrivacy, record: Record) -> bool:
    """Whether a record is a person: a company is none, though somebody's address stands on it."""
    if entity.role != "is_subject":
        return False
    return entity.when is None or _validator(entity).is_valid({k: v for k, v in record.items() if v is not None})


def require_person(entity: EntityPrivacy, record: Record, field: str) -> None:
    """What only a natural person has (Chapter III of the GDPR) is not done for a company.

    Args:
        entity: what its annotation says.
        record: as it is stored.
        field: of the input that names it.

    Raises:
        Refuse: it is none; says by which fields that is known, and what to do if it is one all the same.
    """
    if is_person(entity, record):
        return
    require_of_persons(entity, field)
    names = ", ".join(sorted(set(_named(entity.when or {}))))
    text = {
        "en": f"This record of {entity.name} is no natural person: subject.when of its annotation says so by {names}. "
        "If it is one, such as a sole trader, correct that in the record first.",
        "de": f"Dieser Datensatz von {entity.name} ist keine natürliche Person: Das sagt subject.when der Annotation "
        f"nach {names}. Ist es doch eine, etwa ein Einzelunternehmen, das zuerst im Datensatz berichtigen.",
    }
    raise Refuse(text, field=field)


def require_of_persons(entity: EntityPrivacy, field: str) -> None:
    """Raise Refuse: a record of an entity is about persons, or mentions them, and is none."""
    if entity.role != "is_subject":
        raise Refuse({"en": "That is no person.", "de": "Das ist keine Person."}, field=field)


def _named(schema: Any) -> Iterator[str]:
    """The fields of which a JSON Schema says something, however deep."""
    if isinstance(schema, Mapping):
        yield from map(str, schema.get("properties", ()))
        yield from map(str, schema.get("required", ()))
        for word in ("allOf", "anyOf", "oneOf", "not", "if", "then", "else"):
            yield from _named(schema.get(word))
    elif isinstance(schema, list | tuple):
        for each in schema:
            yield from _named(each)


@lru_cache(maxsize=64)
def _validator_of(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text))


def _validator(entity: EntityPrivacy) -> Draft202012Validator:
    return _validator_of(json.dumps(entity.when, sort_keys=True, default=dict))

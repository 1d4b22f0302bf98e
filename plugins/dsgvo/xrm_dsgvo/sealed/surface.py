"""``dsgvoSealedValues`` and ``dsgvoSealedRecords``: what is sealed of a record, and who has a value.

Both take the right to read ``xrm_sealed`` beside that to run them: the platform asks for it, and keeps who has looked.
"""

from dataclasses import dataclass

from xrm_core.api import QueryContext, QueryField, Refuse


@dataclass
class SealedValuesInput:
    """Of which record, and which fields; none: all that one may open."""

    entity: str
    record: str
    fields: list[str] | None = None


@dataclass
class SealedValue:
    """What is in a field. ``destroyed``: its key is, and nobody can read it any more."""

    field: str
    text: str | None
    destroyed: bool


@dataclass
class SealedRecordsInput:
    """A value, and the field in which it is looked for."""

    entity: str
    field: str
    text: str


@dataclass
class SealedRecords:
    """Ids of records that have it."""

    records: list[str]


def sealed_values(context: QueryContext, given: SealedValuesInput) -> list[SealedValue]:
    """Open them. Raises Refuse: there is no such entity."""
    _check(context, given.entity)
    found = context.open_sealed(given.entity, given.record, given.fields or ())
    return [SealedValue(name, each.text, each.destroyed) for name, each in sorted(found.items())]


def sealed_records(context: QueryContext, given: SealedRecordsInput) -> SealedRecords:
    """Find them by the blind index. Raises Refuse: there is no such entity."""
    _check(context, given.entity)
    return SealedRecords(context.find_sealed(given.entity, given.field, given.text))


def _check(context: QueryContext, entity: str) -> None:
    if entity not in context.model:
        text = {"en": f"There is no entity {entity[:60]}.", "de": f"Es gibt keine Entity {entity[:60]}."}
        raise Refuse(text, field="entity")


def query_fields() -> list[QueryField]:
    """Both."""
    values = {"en": "Sealed values of a record, in clear.", "de": "Versiegelte Werte eines Datensatzes, im Klartext."}
    records = {
        "en": "Records in whose sealed field a value stands.",
        "de": "Datensätze, in deren versiegeltem Feld ein Wert steht.",
    }
    return [
        QueryField(
            "dsgvo.sealed_values",
            sealed_values,
            input=SealedValuesInput,
            answers=list[SealedValue],
            description=values,
        ),
        QueryField(
            "dsgvo.sealed_records",
            sealed_records,
            input=SealedRecordsInput,
            answers=SealedRecords,
            description=records,
        ),
    ]

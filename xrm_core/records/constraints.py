"""Database constraints → the same errors that validation gives. No SQL, no constraint name leaves from here."""

import re

from sqlalchemy.exc import IntegrityError

from xrm_core import naming
from xrm_core.errors import InternalError, RecordInUse, ValidationFailed, XrmError
from xrm_core.metadata.model import Entity, Field
from xrm_core.records.wording import ABOUT, invalid, noun
from xrm_core.storage.tables import pair_columns
from xrm_core.translation import say


def translate(error: IntegrityError, entity: Entity, *, deleting: bool = False) -> XrmError:
    """The error for a write that broke a constraint of the entity's table (or of one that refers to it)."""
    diagnosis = getattr(error.orig, "diag", None)  # PostgreSQL says which; SQLite has words only
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    text = "" if diagnosis is not None else str(error.orig)
    blamed = getattr(diagnosis, "column_name", None) or _column_in(text)
    if deleting:
        return RecordInUse(
            say("The {entity} cannot be deleted: other records refer to it.", entity=noun(entity)),
            hint=say("Delete those records first, or let them refer to another record."),
        )
    table = naming.table(entity.name)
    for fields in _unique_groups(entity):
        columns = tuple(column for field in fields for column in field.columns)
        sqlite = "UNIQUE constraint failed: " + ", ".join(f"{table}.{column}" for column in columns)
        unique = naming.unique(table, columns)
        if constraint in (unique, naming.prepared(unique)) or text == sqlite:
            names = say(" and ").join(field.name for field in fields)
            message = say("there is another {entity} with the same {fields}", entity=noun(entity), fields=names)
            return _failed(entity, fields[0].name, "unique", message, fields)
    if constraint == naming.bounded(f"pk_{table}") or text == f"UNIQUE constraint failed: {table}.id":
        message = say("there is another {entity} with the same {fields}", entity=noun(entity), fields="id")
        return _failed(entity, "id", "unique", message)
    for pair in pair_columns(entity):
        columns = (*pair, "valid_from")
        sqlite = "UNIQUE constraint failed: " + ", ".join(f"{table}.{column}" for column in columns)
        if constraint == naming.unique(table, columns) or text == sqlite:
            message = say("there is such a {entity} with the same valid_from already", entity=noun(entity))
            return _failed(entity, "valid_from", "period", message)
    for field in entity.fields.values():
        for column in field.columns:
            if constraint == naming.foreign_key(table, column):
                return _gone(entity, field.name, say("refers to a record that does not exist"))
            if naming.check(table, field.name) in (constraint, text.rpartition(" ")[2]) or blamed == column:
                return _failed(entity, field.name, "constraint", say("has a value that the database refuses"))
    if constraint.startswith(naming.PREPARED):
        message = say("does not fit the model that is being applied at this moment")
        return _failed(entity, _prepared_for(entity, constraint), "constraint", message)
    if "FOREIGN KEY" in text or constraint.startswith("fk_"):
        return _gone(entity, "", say("a relation refers to a record that does not exist"))
    return InternalError(
        say("The {entity} could not be stored.", entity=noun(entity)), hint=say("The log has the cause.")
    )


def _prepared_for(entity: Entity, constraint: str) -> str:
    """The field that a constraint of the next model is about, if it has the same name there."""
    table = naming.table(entity.name)
    for field in entity.fields.values():
        names = [naming.check(table, field.name), naming.unique(table, field.columns)]
        names += [naming.not_null(table, column) for column in field.columns]
        if constraint in map(naming.prepared, names):
            return field.name
    return ""


def _column_in(text: str) -> str:
    """``NOT NULL constraint failed: customer.name`` → the column."""
    found = re.search(r"(?:failed: \w+\.)(\w+)$", text)
    return found.group(1) if found else ""


def _unique_groups(entity: Entity) -> list[tuple[Field, ...]]:
    single = [(field,) for field in entity.fields.values() if field.unique]
    return single + [tuple(entity.fields[name] for name in names) for names in entity.unique_together]


def _gone(entity: Entity, field: str, message: str) -> ValidationFailed:
    """The error for a reference to what was there when it was looked for.

    Who has taken it away may have brought it back before that was committed, as a merge does whose source is restored
    by the same document: PostgreSQL waits for the former row, and finds that it is gone. So it is tried once more.
    """
    error = _failed(entity, field, "relation", message)
    error.overtaken = True
    return error


def _failed(entity: Entity, field: str, rule: str, message: str, about: tuple[Field, ...] = ()) -> ValidationFailed:
    problem = {"field": field, "rule": rule, "message": message}
    if len(about) > 1:  # whoever is told of one hears of all of them
        problem[ABOUT] = " ".join(each.name for each in about)
    return invalid(entity, [problem])

"""What lies in the vault, as it is told to who may look at it: values, former ones, and what is to be said of files."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from starlette.responses import Response

from xrm_core.api import Refuse, RouteContext, Vaulted, changes_of, file_in_vault
from xrm_dsgvo.access.files import as_answer
from xrm_dsgvo.access.gathering import told_of
from xrm_dsgvo.access.values import plain
from xrm_dsgvo.own import Making

Purpose = TypeVar("Purpose", bound=Enum)


@dataclass
class RestrictedValue:
    """A field, with its value as JSON; of a file what is to be said of it."""

    field: str
    value: str


@dataclass
class RestrictedFormer:
    """What a field held until a moment, as JSON."""

    field: str
    value: str
    until: str


@dataclass
class RestrictedData:
    """A record. Not ``whole``: it is in its table, but for these values."""

    entity: str
    record: str
    whole: bool
    values: list[RestrictedValue]
    former: list[RestrictedFormer]


def told(context: Making, each: Vaulted) -> RestrictedData:
    """A record, with its former values."""
    values = {name: value for name, value in each.values.items() if value is not None}
    for name in files_of(context, each):
        if (file := file_in_vault(context, str(values[name]))) is not None:
            values[name] = told_of(file)
    values_ = [RestrictedValue(name, _json(value)) for name, value in sorted(values.items())]
    return RestrictedData(each.entity, each.id, each.whole, values_, list(_former(context, each)))


def files_of(context: Making, each: Vaulted) -> list[str]:
    """Its fields in which a file is."""
    fields = context.records.model[each.entity].fields.values()
    return [field.name for field in fields if str(field.type) == "file" and each.values.get(field.name) is not None]


def _former(context: Making, each: Vaulted) -> Iterator[RestrictedFormer]:
    """As the change log had them."""
    for change in changes_of(context, each.id, vaulted=True, fields=each.values):
        for name, pair in sorted(change.fields.items()):
            was = pair[0] if change.operation == "update" and isinstance(pair, list) and len(pair) == 2 else None
            if name in each.values and was is not None:
                yield RestrictedFormer(name, _json(was), change.at)


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def asked_for(context: RouteContext, right: str, purposes: type[Purpose]) -> tuple[Purpose, str]:
    """For what a file is asked, and why. Raises Refuse: the caller has no right to it, or names no purpose."""
    caller: Any = context.caller
    said = context.request.json()
    by_name = {str(each.value): each for each in purposes}
    purpose = by_name.get(str(said.get("purpose"))) if isinstance(said, dict) else None
    if not caller.access.may_run(right) or purpose is None:
        text = {
            "en": f"It takes the right to {right}, and a purpose: {', '.join(sorted(by_name))}.",
            "de": f"Es braucht das Recht {right} und einen Zweck: {', '.join(sorted(by_name))}.",
        }
        raise Refuse(text, field="purpose")
    return purpose, str(said.get("because") or "")


def file_among(context: RouteContext, records: Iterable[Vaulted]) -> Response:
    """The file that a path names, out of what lies in the vault of some records. Raises Refuse: it is not there."""
    wanted = context.request.path["file"]
    for each in records:
        if wanted in (str(each.values[name]) for name in files_of(context, each)):
            file = file_in_vault(context, wanted)
            if file is not None:
                return as_answer(file)
    raise Refuse({"en": "There is no such file in it.", "de": "Diese Datei ist nicht darunter."}, field="file")

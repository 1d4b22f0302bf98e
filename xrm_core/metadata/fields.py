"""One entry of ``properties`` → :class:`~xrm_core.metadata.model.Field`, and what only Python can check about it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from xrm_core.errors import Problem
from xrm_core.metadata.clock import duration_seconds, duration_text, is_zone, time_text
from xrm_core.metadata.currencies import CURRENCIES
from xrm_core.metadata.file_rules import DEFAULT_MAX_BYTES, FileRules
from xrm_core.metadata.frozen import freeze, thaw
from xrm_core.metadata.json_text import json_text
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import CALLER, CALLER_TEAM, TEAM, USER, Field, Relation, Source
from xrm_core.metadata.record_schema import value_schema
from xrm_core.metadata.reserved import why_not_field
from xrm_core.metadata.sealed_types import FOUND, stored
from xrm_core.metadata.sealing import GENERAL, Sealing
from xrm_core.metadata.sequence import MAX_LENGTH, Sequence, mistakes
from xrm_core.metadata.structure import nearest, shown
from xrm_core.metadata.types import SPANS, TEXTUAL, WHOLE, FieldType
from xrm_core.metadata.virtual_fields import form_mistakes, is_virtual, virtual_field

MAX_LENGTHS: Mapping[FieldType, int] = MappingProxyType(
    {
        FieldType.TEXT: 255,
        FieldType.LONG_TEXT: 100_000,
        FieldType.EMAIL: 320,
        FieldType.URL: 2_048,
        FieldType.PHONE: 50,
    }
)
"""Greatest length in characters of a text whose file sets no ``maxLength``."""

DEFAULT_CURRENCY = "EUR"
"""The currency of money whose file names none."""

PATTERN_OPTIONS = jsonschema_rs.RegexOptions(size_limit=1_000_000)
"""The regular expressions that a ``pattern`` may be: linear time, bounded size. Validate records with the same."""

_BY_FORMAT = {
    "email": FieldType.EMAIL,
    "uri": FieldType.URL,
    "date": FieldType.DATE,
    "date-time": FieldType.DATETIME,
    "uuid": FieldType.UUID,
    "duration": FieldType.DURATION,
}
_BY_TYPE = {"integer": FieldType.INTEGER, "number": FieldType.DECIMAL, "boolean": FieldType.BOOLEAN}


def read_field(
    document: Document, name: str, *, required: bool, problems: list[Problem], text: Mapping[str, Any]
) -> Field:
    """Read a field whose form the meta-schema has found right; appends further mistakes to ``problems``.

    Args:
        document: the file.
        name: the field's name.
        required: whether the file lists it as required.
        problems: mistakes found so far.
        text: the field as it stands in the file.
    """
    pointer = step("/properties", name)
    source, virtual = source_of(document, pointer), is_virtual(text)
    field = (
        virtual_field(name, text, source)
        if virtual
        else _field(name, text, required, source, _tightened(document, pointer))
    )
    if reason := why_not_field(name):
        problems.append(
            document.problem(pointer, f'A field cannot be called "{name}": {reason}.', "Choose another name.")
        )
    if virtual:
        problems.extend(document.problem(pointer + place, *words) for place, *words in form_mistakes(text))
    problems.extend(
        document.problem(f"{pointer}/{place}", reason, remedy)
        for check in (_bounds, _words, _linking, _numbering, _content, _sealed)
        for place, reason, remedy in check(field)
    )
    return stored(field, MAX_LENGTHS[FieldType.LONG_TEXT])


def source_of(document: Document, pointer: str) -> Source:
    """Where this really stands: file, line and layer."""
    return Source(document.place(pointer)[0].file, document.line(pointer), document.place(pointer)[0].layer)


def _tightened(document: Document, pointer: str) -> tuple[Source, ...]:
    own = document.place(pointer)[0].file
    found = [Source(at.file, line, at.layer) for at, line in document.shaped(pointer) if at.file != own]
    return tuple(dict.fromkeys(found))


def _type(text: Mapping[str, Any]) -> FieldType:
    if "x-relation" in text:
        return FieldType.RELATION
    if text.get("x-type") == FieldType.FILE:
        return FieldType.FILE
    if "enum" in text:
        return FieldType.ENUM
    if "x-type" in text:
        return FieldType(text["x-type"])
    if text["type"] == "array":
        return FieldType.SET
    if text["type"] in _BY_TYPE:
        return _BY_TYPE[text["type"]]
    return _BY_FORMAT[text["format"]] if "format" in text else FieldType.TEXT


def _field(name: str, text: Mapping[str, Any], required: bool, source: Source, tightened: tuple[Source, ...]) -> Field:
    kind = _type(text)
    least, greatest = SPANS.get(kind, (None, None))
    precision = int(text.get("x-precision", 18))
    numbered = "x-sequence" in text
    return Field(
        name,
        kind,
        required=required or numbered,
        unique=text.get("x-unique", numbered),
        indexed=text.get("x-index", False),
        searched=text.get("x-search", False),
        default=_default(kind, text.get("default")),
        min_length=_whole(text.get("minLength", 1 if required and kind in TEXTUAL else None)),
        max_length=MAX_LENGTH if numbered else _whole(text.get("maxLength", MAX_LENGTHS.get(kind))),
        minimum=_number(kind, text.get("minimum", least)),
        maximum=_number(kind, text.get("maximum", greatest)),
        exclusive_minimum=_number(kind, text.get("exclusiveMinimum")),
        exclusive_maximum=_number(kind, text.get("exclusiveMaximum")),
        multiple_of=_number(kind, text.get("multipleOf")),
        const=_number(kind, text.get("const")),
        min_items=_whole(text.get("minItems", 1 if required and kind is FieldType.SET else None)),
        max_items=_whole(text.get("maxItems")),
        pattern=text.get("pattern"),
        precision=precision,
        scale=int(text.get("x-scale", min(2, precision))),
        enum=tuple(text["items"]["enum"] if kind is FieldType.SET else text.get("enum", ())),
        currencies=tuple(text.get("x-currencies", (DEFAULT_CURRENCY,))) if kind is FieldType.MONEY else (),
        enum_labels=freeze(text.get("x-enum-labels", {})),
        relation=_relation(text["x-relation"]) if "x-relation" in text else None,
        sequence=_sequence(text["x-sequence"]) if numbered else None,
        file=_file(text) if kind is FieldType.FILE else None,
        labels=freeze(text.get("x-labels", {})),
        description=text.get("description", text.get("title", "")),
        renamed_from=text.get("x-renamed-from"),
        sealing=_sealing(text["x-sealed"]) if "x-sealed" in text else None,
        source=source,
        tightened=tightened,
    )


def _sealing(text: Mapping[str, Any]) -> Sealing:
    blind = text.get("blind", {})
    bits, form = int(blind.get("bits", 0)), blind.get("form", "exact")
    return Sealing(text.get("subject", ""), text.get("class", GENERAL), bits, form)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)  # JSON Schema takes 5.0 for an integer


def _number(kind: FieldType, value: Any) -> Any:
    return int(value) if kind in WHOLE and isinstance(value, float) else value


def _default(kind: FieldType, value: Any) -> Any:
    if value is None:
        return None
    if kind is FieldType.DECIMAL:
        return format(Decimal(str(value)), "f")  # text, as records hold decimals: never a float
    with suppress(ValueError):  # said by the field's own rules
        if kind is FieldType.TIME:
            return time_text(value)
        if kind in (FieldType.SET, FieldType.JSON):
            return freeze(value)
        if kind is FieldType.DURATION:
            return duration_text(duration_seconds(value))
    return _number(kind, value)


def _relation(text: Mapping[str, Any]) -> Relation:
    targets = text["to"]
    return Relation(
        targets=(targets,) if isinstance(targets, str) else tuple(targets),
        inverse=text["inverse"],
        on_delete=text.get("on_delete", "restrict"),
        inverse_labels=freeze(text.get("inverse_labels", {})),
    )


def _file(text: Mapping[str, Any]) -> FileRules:
    return FileRules(tuple(text.get("x-media-types", ())), int(text.get("x-max-bytes", DEFAULT_MAX_BYTES)))


def _sequence(text: Mapping[str, Any]) -> Sequence:
    gapless, start, zone = text.get("gapless", False), int(text.get("start", 1)), text.get("zone", "UTC")
    return Sequence(text["format"], gapless, start, zone)


_Mistakes = list[tuple[str, str, str]]  # (pointer below the field, reason, remedy)


def _bounds(field: Field) -> _Mistakes:
    found: _Mistakes = []
    if field.scale > field.precision:
        reason = f"x-scale {field.scale} is more than x-precision {field.precision}."
        return [("x-scale", reason, "x-precision counts all digits, those after the point included.")]
    if field.min_length is not None and field.max_length is not None and field.min_length > field.max_length:
        reason = f"minLength {field.min_length} is more than maxLength {field.max_length}; no text could be right."
        found.append(("minLength", reason, f"Lower it, or raise maxLength ({field.max_length} applies here)."))
    if field.min_items is not None and field.min_items > min(len(field.enum), field.max_items or len(field.enum)):
        reason = f"minItems {field.min_items} is more than there can be; no set could be right."
        found.append(("minItems", reason, "Lower it, or raise maxItems or the number of values."))
    lower = [("minimum", field.minimum), ("exclusiveMinimum", field.exclusive_minimum)]
    upper = [("maximum", field.maximum), ("exclusiveMaximum", field.exclusive_maximum)]
    for low, least in lower:
        for high, greatest in upper:
            if least is None or greatest is None:
                continue
            exclusive = low.startswith("exclusive") or high.startswith("exclusive")
            if least > greatest or (exclusive and least == greatest):
                than = "not less than" if least == greatest else "more than"
                reason = f"{low} {least} is {than} {high} {greatest}; no number could be right."
                found.append((low, reason, f"Lower it, or raise {high} ({greatest} applies here)."))
    if field.type in (FieldType.DECIMAL, FieldType.MONEY):
        limit = 10 ** (field.precision - field.scale)
        for keyword, bound in (*lower, *upper):
            if bound is not None and abs(bound) >= limit:
                reason = f"{keyword} {bound} does not fit {field.precision} digits with {field.scale} after the point."
                found.append((keyword, reason, f"Raise x-precision, or keep it between -{limit} and {limit}."))
    return found


def _words(field: Field) -> _Mistakes:
    unknown = [
        (
            f"x-currencies/{number}",
            f'"{code}" is not a currency of ISO 4217.',
            f"{nearest(code, sorted(CURRENCIES))}Write codes such as EUR, CHF or USD.",
        )
        for number, code in enumerate(field.currencies)
        if code not in CURRENCIES
    ]
    return unknown + [
        (f"x-enum-labels/{value}", f'"{value}" is not a value of this enum.', "Remove it or add it to enum.")
        for value in field.enum_labels
        if value not in field.enum
    ]


def _linking(field: Field) -> _Mistakes:
    if field.relation is None:
        return []
    found: _Mistakes = []
    if field.required and field.relation.on_delete == "set_null":
        reason = f'on_delete is "set_null", but {field.name} is required: it could not be emptied.'
        found.append(("x-relation/on_delete", reason, 'Write "restrict" or "cascade", or do not require it.'))
    if field.unique and field.relation.polymorphic:
        reason = "A relation to several entities cannot be unique."
        found.append(("x-unique", reason, "Remove x-unique, or make one relation for each target."))
    kind = {CALLER: USER, CALLER_TEAM: TEAM}.get(field.default)
    if kind is not None and field.relation.targets != (kind,):
        reason = f'"{field.default}" is a {kind}, but {field.name} does not refer to the entity "{kind}".'
        found.append(("default", reason, "Remove the default."))
    return found


def _numbering(field: Field) -> _Mistakes:
    if field.sequence is None:
        return []
    found = [("x-sequence/format", reason, remedy) for reason, remedy in mistakes(field.sequence.format)]
    if not is_zone(field.sequence.zone):
        reason = f"{shown(field.sequence.zone)} is not the name of a time zone."
        found.append(("x-sequence/zone", reason, "Use a name of the IANA list such as Europe/Berlin, or UTC."))
    return found


def _sealed(field: Field) -> _Mistakes:
    """What the database would have to know of a value that it cannot read."""
    if field.sealing is None:
        return []
    if field.type is FieldType.RELATION:
        reason = f"{field.name} is of the type {field.type}, which cannot be sealed."
        return [("x-sealed", reason, "Remove x-sealed.")]
    if field.sealing.bits and (
        field.type not in FOUND or (field.type not in TEXTUAL and field.sealing.form != "exact")
    ):
        reason = f"values of the type {field.type} are not found by this blind index."
        what = 'Remove "form": these are equal or not' if field.type in FOUND else 'Remove "blind"'
        return [("x-sealed/blind", reason, f"{what}.")]
    used = [("x-unique", field.unique), ("x-index", field.indexed), ("x-search", field.searched)]
    used.append(("default", field.default is not None))
    reason = "A sealed value is nothing that the database could read or compare."
    remedy = 'Remove it; "blind" in x-sealed finds equal values.'
    return [(word, reason, remedy) for word, on in used if on]


def _content(field: Field) -> _Mistakes:
    if field.scale > field.precision:
        return []  # no schema can be made; said above
    if field.pattern is not None:
        try:
            jsonschema_rs.Draft202012Validator({"pattern": field.pattern}, pattern_options=PATTERN_OPTIONS)
        except (jsonschema_rs.ValidationError, ValueError):
            reason = f"{shown(field.pattern)} is not a regular expression that can be used."
            remedy = "Close all brackets; avoid look-around (?=…), (?<…), back-references \\1 and very large counts."
            return [("pattern", reason, remedy)]
    if field.const is not None:
        reason = _misfit(replace(field, const=None), _exact(field, field.const))
        if reason:
            return [("const", f"The constant breaks the field's own rules: {reason}", "Change one or the other.")]
    if field.default is None or field.relation is not None:
        return []
    value = _exact(field, field.default)
    reason = _misfit(field, value)
    if reason:
        return [("default", f"The default breaks the field's own rules: {reason}", "Change one or the other.")]
    if isinstance(value, Decimal) and -int(value.as_tuple().exponent) > field.scale:
        reason = f"The default {field.default} has more than {field.scale} digits after the point."
        return [("default", reason, "Shorten it, or raise x-scale.")]
    return []


def value_fits(field: Field, value: Any) -> bool:
    """Whether a field may have a value by what its file says of it: type, length, limits, pattern. What rules of the
    entity, formats and types of plugins, or other records have against it is not asked.

    Args:
        field: of a model.
        value: in JSON types; of a decimal a number as text.
    """
    given = field.given
    try:
        return not _misfit(given, _exact(given, value))
    except (ValueError, ArithmeticError):
        return False


def _exact(field: Field, value: Any) -> Any:
    return Decimal(str(value)) if field.type is FieldType.DECIMAL else value


def _misfit(field: Field, value: Any) -> str:
    """Why no record can have this value of a field; ``""`` if one can."""
    if field.type is FieldType.DURATION:
        try:
            duration_seconds(value)
        except ValueError as wrong:
            return f"{shown(value)} is {wrong}."
    if field.type is FieldType.JSON:
        try:
            json_text(value)
        except ValueError as wrong:
            return f"it {wrong}."
    validator = jsonschema_rs.Draft202012Validator(
        value_schema(field), validate_formats=True, pattern_options=PATTERN_OPTIONS
    )
    error = next(validator.iter_errors(thaw(value)), None)
    return "" if error is None else f"{error.message[:200]}."

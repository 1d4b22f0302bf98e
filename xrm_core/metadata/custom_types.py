"""Types of fields that plugins bring: ``"x-type": "fleet-rating"`` in an entity file.

Such a field is stored as one of the platform's own types. What that is goes into the file before it is read, so that
whatever else looks at the field sees the type in which it is stored, with its limits.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from xrm_core import naming
from xrm_core.errors import Problem
from xrm_core.metadata.entities import read_entity
from xrm_core.metadata.lines import read
from xrm_core.metadata.predicate import Op, operators
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.text_formats import say_lengths
from xrm_core.metadata.types import FieldType
from xrm_core.plugins import Plugins

X_TYPE, STORED_AS, OPERATORS = "x-type", "x-stored-as", "x-operators"

OWN_TYPES = frozenset(FieldType)
_IDENTITY = ("type", X_TYPE, "format")
_LENGTHS = ("minLength", "maxLength", "pattern")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "x-precision", "x-scale")
STORAGE = (*_IDENTITY, *_LENGTHS, *_BOUNDS)
"""Words that say how a value is stored, in which a type says all."""

_VIRTUAL = frozenset({"x-computed", "x-rollup", "x-relation"})


@dataclass(frozen=True)
class CustomFieldType:
    """A type of fields: what a rating, a colour or a point on the map is.

    Args:
        name: the plugin's name (``-`` for ``_``), perhaps with more after another ``-``.
        stored: how its values are stored, in the words of entity files: ``{"type": "integer", "minimum": 1}``. A text,
            a number, a date or time, a boolean, or ``{"type": "object", "x-type": "json"}``; with limits.
        check: is given a value in its one form; answers what is wrong with it, in English as it stands in the plugin's
            catalogues, or None. The limits of ``stored`` hold already.
        normal: makes one form of the forms in which a value may be given; of that form, the same again. It raises
            nothing for any value.
        operators: of filters, of those that there are for what is stored; empty: all of them.
        description: of the scalar in the GraphQL schema.
    """

    name: str
    stored: Mapping[str, Any]
    check: Callable[[Any], str | None] | None = None
    normal: Callable[[Any], Any] | None = None
    operators: Sequence[str] = ()
    description: str = ""


def scalar_name(custom_type: str) -> str:
    """The name of the GraphQL scalar of a type: ``FleetRating`` of ``fleet-rating``."""
    return naming.pascal(custom_type.replace("-", "_"))


def custom_types_of(plugins: Plugins | None) -> dict[str, tuple[str, CustomFieldType]]:
    """The types that plugins bring, by name, each with its plugin.

    Raises:
        PluginLoadError: one cannot be used; names the plugin.
    """
    found: dict[str, tuple[str, CustomFieldType]] = {}
    for plugin, each in [] if plugins is None else plugins.registered("register_field_types", CustomFieldType):
        problem = _wrong(plugin.replace("_", "-"), each)
        if not problem and each.name in found and plugins is not None:
            problem = f"is one of the plugin {plugins.origin(found[each.name][0])}, too"
        if problem and plugins is not None:
            raise plugins.load_error(plugin, f"the field type {each.name!r} {problem}")
        found[each.name] = plugin, each
    return found


def _wrong(own: str, each: CustomFieldType) -> str:
    if not isinstance(each.name, str) or not (each.name == own or each.name.startswith(f"{own}-")):
        return f"must be called {own!r}, or begin with that and a «-»"
    if each.name in OWN_TYPES or not naming.NAME.fullmatch(each.name.replace("-", "_")):
        return "has a name that is none (a-z, 0-9 and «-»), or one of the platform"
    if any(function is not None and not callable(function) for function in (each.check, each.normal)):
        return "has a function that is none"
    if not isinstance(each.stored, Mapping) or not each.stored:
        return "is not stored"
    if others := sorted(set(each.stored) - set(STORAGE)):
        return f"is stored by words that are none for that: {', '.join(others)}"
    problems: list[Problem] = []
    text = {"x-entity": "sample", "type": "object", "properties": {"value": dict(each.stored)}}
    document = read("stored", json.dumps(text, default=str), problems)
    draft = None if document is None else read_entity(document, problems)
    if problems or draft is None:
        return f"is stored as what cannot be: {problems[0].reason if problems else each.stored}"
    field = draft.entity.fields["value"]
    if field.type is FieldType.MONEY:
        return "is stored as money, which has two columns"
    unknown = sorted(set(each.operators) - set(operators(field)))
    return f"has operators that are none of what is stored: {', '.join(unknown)}" if unknown else ""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A field whose own type was put in: the text, and what the model keeps of its type beside that."""

    text: dict[str, Any]
    name: str
    operators: tuple[str, ...]


def expand(
    text: Mapping[str, Any], types: Mapping[str, CustomFieldType], allowed: Callable[[str], bool], origin: str
) -> tuple[Expanded | None, tuple[str, str, str] | None]:
    """A field as it would be without its type, or what is wrong with that (pointer, reason, remedy), or neither.

    Args:
        text: of the field.
        types: of plugins that are loaded.
        allowed: whether a type may stand there whose plugin is not loaded.
        origin: the field, for messages.
    """
    name = text.get(X_TYPE)
    if not isinstance(name, str) or name in OWN_TYPES or not _VIRTUAL.isdisjoint(text):
        return None, None
    known, said = types.get(name), text.get(STORED_AS)
    rest = {word: value for word, value in text.items() if word not in (X_TYPE, STORED_AS)}
    if said is not None and not _is_storage(said):
        return None, (f"/{STORED_AS}", f'"{STORED_AS}" is no way to store a value.', f"Words: {', '.join(STORAGE)}.")
    if known is None and said is None and "-" not in name and not allowed(name):
        return None, None  # a mistake in one of the platform's own, most likely, and told as that
    if known is None and (said is None or not allowed(name)):
        return None, (f"/{X_TYPE}", *_missing(name, origin, types, allowed(name)))
    if known is not None and said is not None:
        for word in _IDENTITY:
            if said.get(word) != known.stored.get(word):
                reason = f'The type "{name}" of its plugin has "{word}": {json.dumps(known.stored.get(word))}; here it'
                reason += f" is {json.dumps(said.get(word))}."
                return None, (f"/{STORED_AS}", reason, f'Remove "{STORED_AS}", or give the field another name.')
    stored = dict(said if said is not None else known.stored if known is not None else {})
    for word in STORAGE:
        if word in rest and rest[word] != stored.get(word):
            reason = f'"{word}" is for the type "{name}" to say.'
            return None, (f"/{word}", reason, "Remove it, or choose one of the platform's types.")
    chosen = stored.pop(OPERATORS, known.operators if known is not None else ())
    return Expanded({**stored, **rest}, name, tuple(chosen)), None


def _is_storage(said: Any) -> bool:
    if not isinstance(said, Mapping) or not set(said) <= {*STORAGE, OPERATORS}:
        return False
    chosen = said.get(OPERATORS, [])
    return isinstance(chosen, list) and all(each in list(Op) for each in chosen)


def _missing(name: str, origin: str, types: Collection[str], allowed: bool) -> tuple[str, str]:
    reason = f'No plugin that is loaded has the type "{name}" of {origin}.'
    if allowed:
        return reason, f'Switch its plugin on, or say by "{STORED_AS}" how its values are stored.'
    return reason, f"{nearest(name, [*types, *OWN_TYPES])}Install the plugin that has it, or choose another type."


def collapsed(words: Mapping[str, Any], custom_type: str, chosen: Sequence[str]) -> dict[str, Any]:
    """A field as it is written into a file: with its type, and with how it is stored for who has not the plugin."""
    stored = {word: value for word, value in words.items() if word in STORAGE}
    if chosen:
        stored[OPERATORS] = list(chosen)
    rest = {word: value for word, value in words.items() if word not in STORAGE}
    return {X_TYPE: custom_type, STORED_AS: stored, **rest}


def stored_by(plugins: Plugins) -> dict[str, Mapping[str, Any]]:
    """How the values of each type are stored, as the plugins say."""
    return {
        name: {**found.stored, **({OPERATORS: list(found.operators)} if found.operators else {})}
        for name, (_, found) in custom_types_of(plugins).items()
    }


def kept(text: str, stored: Mapping[str, Mapping[str, Any]], lengths: Mapping[str, int] | None = None) -> str:
    """A file of a plugin that is to be switched off: it says itself what else only the plugin knows of its types.

    Args:
        text: of the file.
        stored: how the values of each type are stored.
        lengths: the greatest length that each format of texts says.
    """
    try:
        document = json.loads(text)
    except ValueError:  # told when it is read
        return text
    said = [_say(document, stored), say_lengths(document, lengths or {})]
    return json.dumps(document, ensure_ascii=False, indent=2) if any(said) else text


def _say(part: Any, stored: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether anything had to be said."""
    if isinstance(part, list):
        return any(list(map(partial(_say, stored=stored), part)))
    if not isinstance(part, dict):
        return False
    changed = any(list(map(partial(_say, stored=stored), part.values())))
    found = stored.get(part[X_TYPE]) if isinstance(part.get(X_TYPE), str) else None
    if found is not None and STORED_AS not in part:
        part[STORED_AS] = dict(found)
        return True
    return changed

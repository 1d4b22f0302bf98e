"""Words that plugins bring to entity files, such as ``x-dsgvo``: what they say stands in the model as annotations.

They are taken out of a file before it is read, so that nothing else meets them; whatever is unknown then is a mistake.
A word of a plugin that is not loaded is kept as it stands, unchecked, where the pack says that it may be there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

import jsonschema_rs
from jsonschema import Draft202012Validator

from xrm_core.errors import PluginLoadError, Problem
from xrm_core.metadata.custom_types import (
    STORAGE,
    X_TYPE,
    CustomFieldType,
    Expanded,
    custom_types_of,
    expand,
    scalar_name,
)
from xrm_core.metadata.frozen import freeze, thaw
from xrm_core.metadata.in_log import LogRules
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.reserved import graphql_types, platform_type
from xrm_core.metadata.structure import is_word
from xrm_core.metadata.text_formats import TextFormat
from xrm_core.plugins import Plugins

FORMAT = "format"
_OF_TYPES = frozenset({"x-type", "x-stored-as", *STORAGE})
MOST_CHARACTERS = 100_000

KeywordPlace = Literal["entity", "field"]


@dataclass(frozen=True, slots=True)
class KeywordMistake:
    """What a plugin has against what is said, or not said, of an entity, or of one of its fields."""

    entity: str
    reason: str
    remedy: str
    field: str | None = None


@dataclass(frozen=True)
class Keyword:
    """A word of a plugin in entity files.

    Args:
        name: ``x-`` and the plugin's name (``-`` for ``_``), perhaps with more after another ``-``.
        schema: of its value, JSON Schema 2020-12 without references to elsewhere.
        places: where it may stand: at an ``entity``, a ``field``, or both. Relations and attributes of links are
            fields, too.
        check: is given the whole model and answers what is wrong with it, also where the word is missing. The files are
            refused then.
        joined: of what a lower layer says and what a higher one says of the same place makes what counts; raises
            ValueError with the reason if they do not agree. Without: they must say the same.
        in_log: is given a whole model and answers of which fields the change log shall keep the values encrypted, or
            not at all: entity → field → how. What is logged already is changed accordingly.
    """

    name: str
    schema: Mapping[str, Any]
    places: Sequence[KeywordPlace] = ("entity", "field")
    check: "Callable[[Model], Iterable[KeywordMistake]] | None" = None
    joined: Callable[[Any, Any], Any] | None = None
    in_log: "Callable[[Model], LogRules] | None" = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a file says by a word: of an entity, a field of it, or an attribute of a many-to-many relation."""

    word: str
    value: Any
    document: Document
    pointer: str
    entity: str
    field: str | None = None
    attribute: str | None = None


class Keywords:
    """The words of all plugins.

    Args:
        plugins: are asked.
        but: of these none.
        unchecked: a plugin that looks at the model itself: what its words mean is not checked.

    Raises:
        PluginLoadError: a word is none, or two plugins have the same; names them.
    """

    def __init__(self, plugins: Plugins | None = None, *, but: Collection[str] = (), unchecked: str = "") -> None:
        self._plugins = plugins
        self._unchecked = unchecked
        self._owner: dict[str, str] = {}
        self._found: dict[str, Keyword] = {}
        self._fast: dict[str, jsonschema_rs.Draft202012Validator] = {}
        for plugin, keyword in [] if plugins is None else plugins.registered("register_keywords", Keyword):
            if plugin in but:
                continue
            problem = self._wrong(plugin, keyword)
            if problem:
                raise self._error(plugin, f"the keyword {keyword.name!r} {problem}")
            self._owner[keyword.name], self._found[keyword.name] = plugin, keyword
            self._fast[keyword.name] = jsonschema_rs.Draft202012Validator(dict(keyword.schema))
        self.formats: Mapping[str, TextFormat] = {
            name: found for name, (plugin, found) in formats_of(plugins).items() if plugin not in but
        }
        self.types: Mapping[str, CustomFieldType] = {
            name: found for name, (plugin, found) in custom_types_of(plugins).items() if plugin not in but
        }

    def take(self, document: Document, known: Iterable[str], notes: list[Note], problems: list[Problem]) -> Document:
        """The document without the words of plugins; ``notes`` gets what they say.

        Args:
            document: as it was read.
            known: words that may be there without a plugin, and what begins with one of them and a ``-``.
            notes: of all documents, the lowest layer first.
            problems: gets what is wrong with them.
        """
        stems = frozenset(known)
        if not isinstance(document.value, Mapping):
            return document
        reader = _Reader(self, document, stems, notes, problems)
        return replace(document, value=reader.whole())

    def knows(self, word: str, stems: Iterable[str]) -> bool:
        """Whether a word is a plugin's: of one that is loaded, or one of those that may be there without."""
        if word in self._found:
            return True
        return any(word == stem or word.startswith(f"{stem}-") for stem in stems) and not is_word(word)

    def mistakes(self, word: str, value: Any, place: KeywordPlace) -> Iterator[tuple[str, str, str]]:
        """Pointer below the word, reason and remedy of each mistake."""
        keyword = self._found.get(word)
        if keyword is None:
            return
        if place not in keyword.places:
            yield "", f'"{word}" does not belong at {"an entity" if place == "entity" else "a field"}.', "Remove it."
        elif not self._fast[word].is_valid(value):
            for error in Draft202012Validator(dict(keyword.schema)).iter_errors(value):
                pointer = ""
                for key in error.absolute_path:
                    pointer = step(pointer, key)
                about = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
                remedy = str(about) or f"See the documentation of the plugin {self._owner[word]}."
                yield pointer, f"{error.message[:200].rstrip('.')}.", remedy

    def annotated(self, entities: Mapping[str, Entity], notes: Sequence[Note], problems: list[Problem]) -> list[Entity]:
        """The entities with what the notes say of them."""
        found: dict[tuple[str, str | None], dict[str, Note]] = {}
        right = not problems
        for note in notes:
            place = _place(note, entities)
            if place is None and right:  # else its file is wrong, and that was said
                reason = f'There is no field "{note.field}" of "{note.entity}" in the layers below.'
                remedy = "Correct the name, or remove it."
                problems.append(note.document.problem(note.pointer.rpartition("/")[0], reason, remedy))
            elif place is not None:
                words = found.setdefault(place, {})
                words[note.word] = self._joined(words[note.word], note, problems) if note.word in words else note
        return [_with(entity, found) for entity in entities.values()]

    def check(self, model: Model, problems: list[Problem]) -> None:
        """What plugins have against a model, and what it has against the names of their types.

        Raises:
            PluginLoadError: a plugin failed.
        """
        problems.extend(problem_of(model, mistake) for mistake in _clashes(model))
        for word, keyword in self._found.items():
            if keyword.check is None or self._owner[word] == self._unchecked:
                continue
            try:
                problems.extend(problem_of(model, mistake) for mistake in keyword.check(model))
            except Exception as error:
                cause = f"the check of the keyword {word!r} raised {type(error).__name__}: {error}"
                raise self._error(self._owner[word], cause) from error

    def _joined(self, known: Note, note: Note, problems: list[Problem]) -> Note:
        if known.value == note.value:
            return known
        at = f"{known.document.layer} says otherwise, at {known.document.file}:{known.document.line(known.pointer)}"
        keyword = self._found.get(note.word)
        higher = known.document.rank < note.document.rank
        if keyword is None and higher:
            return replace(note, value=_patched(known.value, note.value))
        above = keyword is not None and keyword.joined is not None and higher
        reason = f'"{note.word}": {at}.'
        if above and keyword is not None and keyword.joined is not None:
            try:
                return replace(note, value=keyword.joined(known.value, note.value))
            except ValueError as error:
                reason = f'"{note.word}": {error}; {at}.'
            except Exception as error:
                cause = f"joining values of the keyword {note.word!r} raised {type(error).__name__}: {error}"
                raise self._error(self._owner[note.word], cause) from error
        problems.append(note.document.problem(note.pointer, reason, "Remove it here or there."))
        return known

    def _wrong(self, plugin: str, keyword: Keyword) -> str:
        own = own_word(plugin)
        if not isinstance(keyword.name, str) or not (keyword.name == own or keyword.name.startswith(f"{own}-")):
            return f"must be called {own!r}, or begin with that and a «-»"
        if is_word(keyword.name):
            return "is one of the platform"
        if keyword.name in self._owner:
            other = self._owner[keyword.name]
            return f"is one of the plugin {self._plugins.origin(other) if self._plugins else other}, too"
        if not keyword.places or not set(keyword.places) <= set(get_args(KeywordPlace)):
            return f"may stand at {' or '.join(get_args(KeywordPlace))}, and nowhere else"
        if any(each is not None and not callable(each) for each in (keyword.check, keyword.joined, keyword.in_log)):
            return "has a check that is no function"
        try:
            jsonschema_rs.Draft202012Validator(dict(keyword.schema), registry=jsonschema_rs.Registry([]))
        except Exception as error:  # whatever the library has against it
            return f"has a schema that is none: {error}"
        return ""

    def _error(self, plugin: str, cause: str) -> PluginLoadError:
        assert self._plugins is not None  # noqa: S101 - else there are no words
        return self._plugins.load_error(plugin, cause)


class _Reader:
    """One document whose words of plugins are taken out."""

    def __init__(
        self, keywords: Keywords, document: Document, stems: frozenset[str], notes: list[Note], problems: list[Problem]
    ) -> None:
        self._keywords = keywords
        self._document = document
        self._stems = stems
        self._notes = notes
        self._problems = problems
        value = document.value
        name = next((value[key] for key in ("x-entity", "x-extends", "x-relationship") if key in value), "")
        self._entity = name if isinstance(name, str) else ""

    def whole(self) -> dict[str, Any]:
        """Its value without them."""
        value = self._without(self._document.value, "", "entity")
        fields = value.get("properties")
        if isinstance(fields, Mapping):
            left = {name: self._field(name, text) for name, text in fields.items()}
            if "x-extends" in value:  # a field of which nothing else is said is none of its own
                left = {name: text for name, text in left.items() if text or not fields[name]}
            value["properties"] = left
            if not left and fields:
                del value["properties"]
        return value

    def _field(self, name: str, text: Any) -> Any:
        if not isinstance(text, Mapping):
            return text
        pointer = step("/properties", name)
        text = self._typed(self._without(text, pointer, "field", name), pointer, name)
        relation = text.get("x-relation")
        attributes = relation.get("attributes") if isinstance(relation, Mapping) else None
        if isinstance(relation, Mapping) and isinstance(attributes, Mapping):
            at = f"{pointer}/x-relation/attributes"
            inner = {key: self._attribute(name, key, part, step(at, key)) for key, part in attributes.items()}
            text["x-relation"] = {**relation, "attributes": inner}
        return text

    def _attribute(self, name: str, key: str, text: Any, pointer: str) -> Any:
        if not isinstance(text, Mapping):
            return text
        return self._typed(self._without(text, pointer, "field", name, key), pointer, name, key)

    def _typed(self, text: dict[str, Any], pointer: str, field: str, attribute: str | None = None) -> dict[str, Any]:
        """A field whose type is a plugin's as what that is stored as; the type is noted."""
        found, wrong = expand(text, self._keywords.types, self._is_allowed, f'"{attribute or field}"')
        if wrong is not None:
            below, *words = wrong
            self._problems.append(self._document.problem(pointer + below, *words))
            return {**{word: text[word] for word in text if word not in _OF_TYPES}, "type": "string"}
        if found is None:
            return self._formatted(text, pointer, field, attribute)
        note = Note(X_TYPE, found, self._document, step(pointer, X_TYPE), self._entity, field, attribute)
        self._notes.append(note)
        return found.text

    def _is_allowed(self, name: str) -> bool:
        return any(f"x-{name}" == stem or f"x-{name}".startswith(f"{stem}-") for stem in self._stems)

    def _formatted(
        self, text: dict[str, Any], pointer: str, field: str, attribute: str | None = None
    ) -> dict[str, Any]:
        """A text without the format of a plugin, which is noted."""
        name = text.get(FORMAT)
        if text.get("type") != "string" or not isinstance(name, str) or {"x-type", "enum"} & text.keys():
            return text
        known = self._keywords.formats.get(name)
        if known is None and not self._is_allowed(name):
            return text
        note = Note(FORMAT, name, self._document, step(pointer, FORMAT), self._entity, field, attribute)
        self._notes.append(note)
        rest = {word: value for word, value in text.items() if word != FORMAT}
        return rest if known is None else {"maxLength": known.max_length, **rest}

    def _without(
        self,
        text: Mapping[str, Any],
        pointer: str,
        place: KeywordPlace,
        field: str | None = None,
        attribute: str | None = None,
    ) -> dict[str, Any]:
        said = [word for word in text if word.startswith("x-") and self._keywords.knows(word, self._stems)]
        for word in said:
            at = step(pointer, word)
            mistakes = list(self._keywords.mistakes(word, text[word], place))
            self._problems.extend(self._document.problem(at + below, *words) for below, *words in mistakes)
            if not mistakes:
                note = Note(word, text[word], self._document, at, self._entity, field, attribute)
                self._notes.append(note)
        return {key: part for key, part in text.items() if key not in said}


def problem_of(model: Model, mistake: KeywordMistake) -> Problem:
    """What a plugin has against a model, where it stands in the files."""
    entity = model[mistake.entity]
    source = entity.source if mistake.field is None else entity.fields[mistake.field].source
    pointer = "" if mistake.field is None else step("/properties", mistake.field)
    if entity.between is not None:
        own = mistake.field not in (None, entity.between.source, entity.between.target)
        attribute = step("/x-relation/attributes", mistake.field) if own and mistake.field else ""
        pointer = f"{step('/properties', entity.between.name)}{attribute}"
    return Problem(source.file or entity.source.file, source.line, pointer, mistake.reason, mistake.remedy)


def formats_of(plugins: Plugins | None) -> dict[str, tuple[str, TextFormat]]:
    """The formats of text that plugins bring, by name, each with its plugin.

    Raises:
        PluginLoadError: one cannot be used; names the plugin.
    """
    found: dict[str, tuple[str, TextFormat]] = {}
    for plugin, each in [] if plugins is None else plugins.registered("register_text_formats", TextFormat):
        own = own_word(plugin).removeprefix("x-")
        problem = ""
        if not isinstance(each.name, str) or not (each.name == own or each.name.startswith(f"{own}-")):
            problem = f"must be called {own!r}, or begin with that and a «-»"
        elif each.name in ("email", "uri", "date", "date-time", "uuid", "duration"):
            problem = "is one of the platform"
        elif each.name in found and plugins is not None:
            problem = f"is one of the plugin {plugins.origin(found[each.name][0])}, too"
        elif not callable(each.check) or not (each.normal is None or callable(each.normal)):
            problem = "has a function that is none"
        elif not 1 <= each.max_length <= MOST_CHARACTERS:
            problem = f"has a greatest length that is none: 1 to {MOST_CHARACTERS}"
        if problem and plugins is not None:
            raise plugins.load_error(plugin, f"the format {each.name!r} {problem}")
        found[each.name] = plugin, each
    return found


def own_word(plugin: str) -> str:
    """The word of a plugin; its others begin with that and a ``-``."""
    return f"x-{plugin.replace('_', '-')}"


def words_of(model: Model) -> frozenset[str]:
    """The words of plugins that are said in a model; of a format, ``x-`` and its name."""
    fields = [field for entity in model for field in entity.fields.values()]
    said = [*(entity.annotations for entity in model), *(field.annotations for field in fields)]
    own = {f"x-{name}" for field in fields for name in (field.text_format, field.custom_type) if name is not None}
    return frozenset(word for each in said for word in each) | own


def _clashes(model: Model) -> Iterator[KeywordMistake]:
    """Types of plugins whose scalar has the name of another type of the API."""
    typed = [(entity, field) for entity in model for field in entity.fields.values() if field.custom_type is not None]
    taken = {name.lower() for entity in model for name, _ in graphql_types(entity)} if typed else set()
    for entity, field in typed:
        name = scalar_name(field.custom_type or "")
        for each in (name, f"{name}Filter"):
            if each.lower() in taken or platform_type(each):
                reason = f'The type "{field.custom_type}" makes the type {each} of the API, which is another\'s.'
                yield KeywordMistake(
                    entity.name, reason, "Rename the entity, or let the plugin rename its type.", field.name
                )


def _patched(lower: Any, higher: Any) -> Any:
    """What counts while the plugin is not there that would know: of objects each part, of others the higher layer's."""
    if not isinstance(lower, Mapping) or not isinstance(higher, Mapping):
        return higher
    return {part: value for part, value in {**lower, **higher}.items() if value is not None}


def _place(note: Note, entities: Mapping[str, Entity]) -> tuple[str, str | None] | None:
    """The entity and the field of which a note speaks, if they are there. Links are entities of their own."""
    entity = entities.get(note.entity)
    if entity is None or note.field is None or note.field in entity.fields:
        return None if entity is None else (note.entity, note.field)
    for other in entities.values():
        between = other.between
        if between is not None and between.name == note.field:
            owner = other.fields[between.source].reference.targets[0]
            if owner == note.entity and (note.attribute is None or note.attribute in other.fields):
                return other.name, note.attribute
    return None


def _with(entity: Entity, found: Mapping[tuple[str, str | None], Mapping[str, Note]]) -> Entity:
    def said(field: str | None) -> Mapping[str, Any]:
        words = found.get((entity.name, field), {})
        values = {word: thaw(words[word].value) for word in sorted(words) if word not in (FORMAT, X_TYPE)}
        frozen: Mapping[str, Any] = freeze(values)
        return frozen

    def told(field: str) -> dict[str, Any]:
        words = found[entity.name, field]
        values: dict[str, Any] = {"annotations": said(field)}
        if FORMAT in words:
            values["text_format"] = str(words[FORMAT].value)
        if X_TYPE in words:
            own: Expanded = words[X_TYPE].value
            mine: dict[str, Any] = {"custom_type": own.name, "operators": own.operators}
            values |= mine
            sealing = entity.fields[field].sealing
            if sealing is not None and sealing.given is not None:
                values["sealing"] = replace(sealing, given=replace(sealing.given, **mine))
        return values

    fields = {
        name: replace(field, **told(name)) if (entity.name, name) in found else field
        for name, field in entity.fields.items()
    }
    return replace(entity, fields=MappingProxyType(fields), annotations=said(None))

"""Whole models drawn at random, as the files that administrators write: entities of every kind of field and relation.

They are right by construction as far as that is short to say. What the loader refuses all the same (two names that
come to be one, an index that is too wide) is taken out where it says so.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.query.random_fields import Text, orderly, scalar
from tests.query.random_virtual import virtual
from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model

Files = dict[str, dict[str, Any]]
"""Name of the entity or relationship → its file."""

_ENTITIES = [
    *("firm", "person", "deal", "order", "group", "item", "box", "company", "select", "entry", "value", "key", "part"),
    *("a", "x2", "sales_order_line", "index", "grant", "column"),
]
_FIELDS = [
    *("name", "title", "note", "kind", "state", "amount", "order", "group", "select", "value", "key", "count", "nodes"),
    *("edges", "cursor", "node", "first", "after", "type", "label", "record", "depth", "other", "total_count", "sum"),
    *(
        "page_info",
        "x1",
        "a_b_c",
        "from",
        "where",
        "table",
        "default",
        "end",
        "values",
        "limit",
        "date",
        "time",
        "text",
    ),
    *(
        "year",
        "day",
        "interval",
        "position",
        "row",
        "json",
        "rank",
        "part",
        "eq",
        "every",
        "some",
        "none",
        "min",
        "max",
    ),
    *("currency", "url", "size", "media_type", "direction", "valid", "language", "data", "errors", "root", "rowids"),
]
_RELATIONS = ["owner_of", "parent", "boss", "for_what", "second", "place", "to", "of", "regarding", "source_of", "via"]


@dataclass
class Drawn:
    """A model: its files, the model itself, and what the loader had against it at first."""

    seed: int
    files: Files
    model: Model
    refused: list[Problem] = field(default_factory=list)


def models(*, stored: bool = False) -> st.SearchStrategy[Drawn]:
    """Models, each of a seed that makes it again: ``drawn(seed)``. ``stored``: without fields that are worked out."""
    return st.integers(0, 2**48).map(lambda seed: drawn(seed, stored=stored))


def drawn(seed: int, *, stored: bool = False) -> Drawn:
    """The model of a seed."""
    chance = random.Random(seed)
    files = _Files(chance).files
    refused: list[Problem] = []
    model = _mended(files, refused)
    for _ in range(0 if stored else chance.choice([0, 2, 4, 6])):
        name = chance.choice([each.name for each in model if each.kind == "entity"])
        found = virtual(chance, model, model[name])
        called = next((each for each in chance.sample(_FIELDS, 9) if each not in files[name]["properties"]), None)
        if found is not None and called is not None:
            files[name]["properties"][called] = found
            model = _mended(files, refused)
    return Drawn(seed, files, model, refused)


def loaded(files: Files) -> Model:
    """The model of these files, through the loader."""
    return load_texts([(f"{name}.json", json.dumps(text), "core") for name, text in files.items()])


def _mended(files: Files, refused: list[Problem]) -> Model:
    for _ in range(8):
        try:
            return loaded(files)
        except SchemaFilesInvalid as invalid:
            refused += invalid.problems
            for problem in invalid.problems:
                _take_out(files, problem)
    return loaded(files)


def _take_out(files: Files, problem: Problem) -> None:
    """Remove what a problem is about."""
    name = problem.file.removesuffix(".json")
    text, (_, word, *rest) = files.get(name, {}), [*problem.pointer.split("/"), ""]
    if "x-relationship" in text and word != "properties":
        files.pop(name)
    elif word == "properties":
        text["properties"].pop(rest[0], None)
        for keyword in ("x-indexes", "x-unique"):
            text[keyword] = [names for names in text.get(keyword, ()) if rest[0] not in names]
        text["required"] = [each for each in text.get("required", ()) if each != rest[0]]
        if text.get("x-display") == rest[0]:
            text.pop("x-display")
        text["properties"] = text["properties"] or {"name": {"type": "string"}}
    elif word in ("x-indexes", "x-unique", "required", "x-display", "x-ownership", "x-plural"):
        text.pop(word, None)
    else:
        raise AssertionError(f"{problem} is about nothing that is drawn")


class _Files:
    """Draws the files."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._numbers = 0
        self.files: Files = {}
        names = chance.sample(_ENTITIES, chance.randint(2, 4))
        if chance.random() < 0.4:  # who may own records
            names = ["team", "user", *names[:3]]
        self._names = names
        for place, name in enumerate(names):
            self.files[name] = self._entity(place, name)
        for number in range(chance.choice([0, 0, 1, 2])):
            self.files[f"knows{number}"] = self._relationship(f"knows{number}")

    def _new(self, letter: str) -> str:
        self._numbers += 1
        return f"{letter}{self._numbers}"

    def _entity(self, place: int, name: str) -> dict[str, Any]:
        chance = self._chance
        called = chance.sample(_FIELDS, chance.randint(1, 8))
        properties = {each: scalar(chance) for each in called}
        required = [each for each in called if chance.random() < 0.25]
        for relation in chance.sample(_RELATIONS, chance.choice([0, 1, 1, 2, 2])):
            properties[relation] = self._relation(place, relation, required)
        for _ in range(chance.choice([0, 0, 1])):
            properties[self._new("ties") + "s"] = self._many(name)
        if name == "user":
            properties["team"] = {"x-relation": {"to": "team", "inverse": "users"}}
        found: dict[str, Any] = {"x-entity": name, "type": "object", "required": required, "properties": properties}
        simple = [each for each in called if orderly(properties[each])]
        if simple and chance.random() < 0.3:
            found["x-display"] = chance.choice(simple)
        if chance.random() < 0.3:
            found["x-plural"] = f"all_{name}s"
        for keyword in ("x-indexes", "x-unique"):
            if len(simple) > 1 and chance.random() < 0.2:
                found[keyword] = [chance.sample(simple, 2)]
        if "user" in self._names and name not in ("user", "team") and chance.random() < 0.6:
            found["x-ownership"] = chance.choice(["user", "team", "user_and_team"])
        return found

    def _relation(self, place: int, name: str, required: list[str]) -> Text:
        chance = self._chance
        relation: Text = {"inverse": self._new(chance.choice(["list", "back_", "some"]))}
        if len(self._names) > 1 and chance.random() < 0.3:
            relation["to"] = chance.sample(self._names, chance.randint(2, min(3, len(self._names))))
        else:
            relation["to"] = chance.choice(self._names)
        # A record that needs another can only be stored after that one.
        before = self._names[:place]
        targets = relation["to"] if isinstance(relation["to"], list) else [relation["to"]]
        if chance.random() < 0.3 and any(each in before for each in targets):
            required.append(name)
        relation["on_delete"] = chance.choice(["restrict", "cascade"] if name in required else ["set_null", "cascade"])
        return {"x-relation": relation, **({"default": "$user"} if targets == ["user"] else {})}

    def _many(self, owner: str) -> Text:
        chance = self._chance
        names = [each for each in chance.sample(_FIELDS, chance.choice([0, 1, 3])) if each not in ("node", "cursor")]
        attributes = {each: scalar(chance, attribute=True) for each in names}
        target = chance.choice(self._names)
        relation: Text = {"to": target, "many": True, "inverse": self._new("tied") + "s", "attributes": attributes}
        relation["required"] = [each for each in attributes if chance.random() < 0.2]
        if chance.random() < 0.3:
            relation["through"] = self._new(f"{owner}_tie")
        return {"x-relation": relation}

    def _relationship(self, name: str) -> dict[str, Any]:
        chance = self._chance
        found = [{"from": chance.choice(self._names), "to": chance.choice(self._names)} for _ in range(3)]
        pairs = [each for place, each in enumerate(found[: chance.randint(1, 3)]) if each not in found[:place]]
        attributes = {each: scalar(chance, attribute=True) for each in chance.sample(_FIELDS, chance.choice([0, 1, 2]))}
        kind: dict[str, Any] = {"x-relationship": name, "type": "object", "x-pairs": pairs, "properties": attributes}
        kind["x-labels"] = {"de": "kennt", "en": "knows"}
        if chance.random() < 0.3:
            kind["x-symmetric"] = True
        elif chance.random() < 0.3:
            kind["x-one-at-a-time"] = True
        if chance.random() < 0.5:
            kind["x-reverse"] = f"known_by_{name}"
        return kind

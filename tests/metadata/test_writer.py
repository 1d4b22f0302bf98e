"""Model → files → model gives the same model, whatever it says."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metadata.pack import PACK
from xrm_core.metadata.keywords import words_of
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load, load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.shipped import shipped_packs

LANGUAGES = st.sampled_from(["de", "en", "fr", "de-AT"])
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=9
)
LABELS = st.dictionaries(LANGUAGES, WORDS, min_size=1, max_size=2)
FIELD_NAMES = [f"f{number}" for number in range(6)]
ENTITY_NAMES = ["order", "select", "visit", "user"]
LENGTHS = st.integers(1, 300)  # two of them fit into an index


def _maybe(**words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these words."""
    named = {name if name in NOT_X else name.replace("_", "-"): value for name, value in words.items()}
    return st.fixed_dictionaries({}, optional=named)


NOT_X = {"minLength", "maxLength", "minimum", "maximum", "default", "title", "description"}
NAMED = {"title": WORDS, "description": WORDS, "x_labels": LABELS}


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """A field that holds a value."""
    made = {
        "text": (
            {"type": "string"},
            {
                "default": st.just("a"),
                "x_unique": st.booleans(),
                "x_index": st.booleans(),
                "x_search": st.booleans(),
            },
        ),
        "long": ({"type": "string", "x-type": "long_text"}, {"x_search": st.booleans()}),
        "file": (
            {"x-type": "file", "x-max-bytes": 5},
            {"x_media_types": st.lists(st.sampled_from(["image/*", "application/pdf"]), min_size=1, unique=True)},
        ),
        "phone": ({"type": "string", "x-type": "phone", "pattern": "^[0-9]*$"}, {}),
        "email": ({"type": "string", "format": "email"}, {}),
        "url": ({"type": "string", "format": "uri"}, {}),
        "day": ({"type": "string", "format": "date"}, {"default": st.just("2026-02-28")}),
        "moment": ({"type": "string", "format": "date-time"}, {}),
        "uuid": ({"type": "string", "format": "uuid"}, {"x_unique": st.booleans()}),
        "enum": (
            {"type": "string", "enum": ["b", "a", "C_1"]},
            {"default": st.sampled_from(["a", "C_1"]), "x_enum_labels": st.dictionaries(st.sampled_from("ab"), LABELS)},
        ),
        "number": (
            {"type": "integer"},
            {"minimum": st.integers(-9, 0), "maximum": st.integers(5, 9), "default": st.integers(0, 5)},
        ),
        "decimal": (
            {"type": "number", "x-type": "decimal", "x-precision": 12, "x-scale": 3},
            {
                "x_scale": st.integers(3, 6),
                "minimum": st.floats(-9, 0).map(lambda number: round(number, 3)),
                "maximum": st.integers(5, 9),
                "default": st.integers(0, 5) | st.integers(0, 5000).map(lambda number: number / 1000),
            },
        ),
        "flag": ({"type": "boolean"}, {"default": st.booleans()}),
        "sequence": ({"type": "string", "x-sequence": {"format": "A-{YYYY}-{0000}", "gapless": True, "start": 7}}, {}),
    }
    plain, words = made[draw(st.sampled_from(sorted(made)))]
    textual = (
        plain.get("type") == "string"
        and not {"enum", "x-sequence"} & set(plain)
        and "date" not in plain.get("format", "")
    )
    lengths = {"maxLength": LENGTHS} if textual and plain.get("format") != "uuid" else {}
    return {**plain, **draw(_maybe(**words, **lengths, **NAMED))}


@st.composite
def relations(draw: st.DrawFn, entities: list[str], inverse: str) -> dict[str, Any]:
    targets = draw(st.lists(st.sampled_from(entities), min_size=1, max_size=3, unique=True))
    more = draw(_maybe(on_delete=st.sampled_from(["restrict", "cascade"]), inverse_labels=LABELS))
    more = {word.replace("-", "_"): value for word, value in more.items()}
    to = targets if len(targets) > 1 else targets[0]
    return {"x-relation": {"to": to, "inverse": inverse, **more}, **draw(_maybe(**NAMED))}


@st.composite
def packs(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Files of a small pack in which nothing is wrong."""
    names = draw(st.lists(st.sampled_from(ENTITY_NAMES), min_size=1, unique=True))
    texts = []
    for name in names:
        fields = draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=2, unique=True))
        properties = {
            field: draw(st.one_of(values(), values(), relations(names, f"{name}_{field}_of"))) for field in fields
        }
        small = [field for field in fields if not {"format", "x-type", "x-relation"} & set(properties[field])]
        body: dict[str, Any] = {"x-entity": name, "type": "object", "properties": properties}
        body["required"] = draw(st.lists(st.sampled_from(fields), unique=True))
        body |= draw(_maybe(**NAMED, x_plural_labels=LABELS, x_plural=st.just(f"{name}_list")))
        if len(small) > 1 and draw(st.booleans()):
            body[draw(st.sampled_from(["x-indexes", "x-unique"]))] = [small[:2]]
        valued = (field for field in fields if "x-relation" not in properties[field])
        shown = [field for field in valued if properties[field].get("x-type") != "file"]
        if shown and draw(st.booleans()):
            body["x-display"] = shown[-1]
        if "user" in names and draw(st.booleans()):
            body["x-ownership"] = "user"
            body["required"] += draw(st.sampled_from([[], ["owner"]]))
        if draw(st.booleans()):
            body["x-renamed-from"] = f"old_{name}"
        texts.append((f"{name}.json", json.dumps(body)))
    return texts


def again(model: Model) -> Model:
    return load([LayerSource("pulled", "core", texts=tuple(files_of(model).items()), words=tuple(words_of(model)))])


@settings(deadline=None)
@given(packs())
def test_any_model_written_as_files_loads_as_the_same_model(texts: list[tuple[str, str]]) -> None:
    # given a model as the database keeps it
    model = from_snapshot(to_snapshot(load([LayerSource("core", "core", texts=texts)])))
    # when it is written as files and these are loaded
    loaded = again(model)
    # then nothing has changed
    assert loaded == model
    assert loaded.fingerprint == model.fingerprint


def test_every_word_is_written() -> None:
    model = load_texts(PACK)
    assert again(model) == model


SALES = [LayerSource("sales", "plugin", Path(__file__).parents[2] / "plugins/sales/xrm_sales/schemas")]
"""On which one of the packs stands."""


def test_the_packs_that_come_with_the_platform_are_written_as_they_are() -> None:
    for folder in shipped_packs().values():
        model = load([*pack_layers(folder), *(SALES if folder.name.endswith("_sales") else [])])
        assert again(model).fingerprint == model.fingerprint


def test_files_are_written_for_people() -> None:
    text = files_of(load_texts(PACK))["contact.json"]
    assert text.startswith('{\n  "x-entity": "contact",\n')
    assert '"de": "Kontakt"' in text
    assert text.endswith("}\n")

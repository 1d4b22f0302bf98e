"""Words of plugins in entity files: taken, checked, kept in the model, written again."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from xrm_core.api import Keyword, KeywordMistake, Model, hookimpl
from xrm_core.errors import PluginLoadError, SchemaFilesInvalid
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerKind, LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

PRIVACY = {"enum": ["none", "name", "secret"], "description": "One of none, name, secret."}
TEXT = {"type": "string"}


class _Plugin(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]


def plugins(**keywords: list[Keyword]) -> Plugins:
    """Plugins by name, each with its keywords."""
    return Plugins(
        [
            InstalledPlugin(name, _Plugin(register_keywords=hookimpl(lambda found=found: found)), f"xrm-{name}", "1.0")
            for name, found in keywords.items()
        ]
    )


def words(*keywords: Keyword, name: str = "gdpr") -> Keywords:
    return Keywords(plugins(**{name: list(keywords)}))


def layer(name: str, kind: LayerKind = "core", said: tuple[str, ...] = (), **files: dict[str, Any]) -> LayerSource:
    """A layer of entity files: by name, or extensions where they say so."""
    texts = []
    for entity, body in files.items():
        own = {} if "x-extends" in body or "x-relationship" in body else {"x-entity": entity, "type": "object"}
        texts.append((f"{name}/{entity}.json", json.dumps({**own, **body}, indent=1)))
    return LayerSource(name, kind, texts=texts, words=said)


FIRM = {"x-gdpr": "none", "properties": {"name": {**TEXT, "x-gdpr": "name"}, "code": TEXT}}


def refused(*layers: LayerSource, keywords: Keywords | None = None) -> str:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(layers, keywords)
    return caught.value.message


def test_what_is_said_stands_in_the_model_and_in_what_is_made_of_it() -> None:
    person = {
        "properties": {
            "name": {**TEXT, "x-gdpr": "name"},
            "firms": {
                "x-gdpr": "secret",
                "x-relation": {
                    "to": "firm",
                    "many": True,
                    "inverse": "people",
                    "attributes": {"since": {**TEXT, "x-gdpr": "none"}},
                },
            },
            "count": {"x-rollup": {"relation": "firm_links", "function": "count"}, "x-gdpr": "none"},
        }
    }
    knows = {
        "x-relationship": "knows",
        "x-gdpr": "secret",
        "type": "object",
        "x-pairs": [{"from": "person", "to": "firm"}],
        "properties": {"well": {"type": "boolean", "x-gdpr": "name"}},
    }
    model = load([layer("core", firm=FIRM, person=person, knows=knows)], words(Keyword("x-gdpr", PRIVACY)))

    firm, link, relationship = model["firm"], model["person_firm"], model["knows"]
    assert (firm.annotations, firm.fields["name"].annotations) == ({"x-gdpr": "none"}, {"x-gdpr": "name"})
    assert firm.fields["code"].annotations == {}
    assert (link.annotations, link.fields["since"].annotations) == ({"x-gdpr": "secret"}, {"x-gdpr": "none"})
    assert (relationship.annotations, relationship.fields["well"].annotations) == (
        {"x-gdpr": "secret"},
        {"x-gdpr": "name"},
    )
    # the database keeps it, a server without the plugin reads it, and the files can be written again
    assert from_snapshot(json.loads(json.dumps(to_snapshot(model)))) == model
    written = LayerSource("core", "core", texts=tuple(files_of(model).items()))
    again = load([written], words(Keyword("x-gdpr", PRIVACY)))
    assert again.fingerprint == model.fingerprint
    assert again.fingerprint != load([layer("core", firm={"properties": {"name": TEXT, "code": TEXT}})]).fingerprint


def test_a_value_of_the_wrong_form_is_told_with_its_place() -> None:
    firm = {
        "x-gdpr": "none",
        "properties": {"name": {**TEXT, "x-gdpr": "names"}, "code": {**TEXT, "x-gdpr-kept": {"years": -1}}},
    }
    keep = Keyword("x-gdpr-kept", {"type": "object", "properties": {"years": {"minimum": 0}}}, places=("field",))
    said = refused(layer("core", firm=firm), keywords=words(Keyword("x-gdpr", PRIVACY), keep))
    assert "core/firm.json:8 /properties/name/x-gdpr: 'names' is not one of" in said
    assert "One of none, name, secret." in said
    assert "/properties/code/x-gdpr-kept/years: -1 is less than the minimum of 0." in said
    assert "See the documentation of the plugin gdpr." in said

    elsewhere = refused(
        layer("core", firm={**FIRM, "x-gdpr-kept": {}}), keywords=words(Keyword("x-gdpr", PRIVACY), keep)
    )
    assert "firm.json:" in elsewhere
    assert '/x-gdpr-kept: "x-gdpr-kept" does not belong at an entity. Remove it.' in elsewhere


def test_a_word_that_no_plugin_has_is_a_mistake_unless_the_pack_says_that_it_may_be_there() -> None:
    assert 'Unknown keyword "x-gdpr"' in refused(layer("core", firm=FIRM))
    assert 'Unknown keyword "x-gdpr"' in refused(
        layer("core", firm=FIRM), keywords=words(Keyword("x-ui", {}), name="ui")
    )
    kept = load([layer("core", said=("x-gdpr",), firm=FIRM)])
    assert kept["firm"].fields["name"].annotations == {"x-gdpr": "name"}
    # and the plugin makes no other model of it
    assert kept.fingerprint == load([layer("core", firm=FIRM)], words(Keyword("x-gdpr", PRIVACY))).fingerprint
    # no word of the platform is taken away by that
    unique = {"properties": {"name": {**TEXT, "x-unique": True}}}
    assert load([layer("core", said=("x-unique",), firm=unique)])["firm"].fields["name"].unique


def test_the_check_of_a_plugin_refuses_what_is_not_said() -> None:
    def check(model: Model) -> Iterator[KeywordMistake]:
        for entity in model:
            for field in entity.fields.values():
                if "x-gdpr" not in field.annotations:
                    remedy = f'Add "x-gdpr": "{"name" if "name" in field.name else "none"}".'
                    yield KeywordMistake(entity.name, f"{field.name} says nothing of privacy.", remedy, field.name)

    keyword = Keyword("x-gdpr", PRIVACY, check=check)
    said = refused(layer("core", firm=FIRM), keywords=words(keyword))
    assert 'core/firm.json:10 /properties/code: code says nothing of privacy. Add "x-gdpr": "none".' in said
    # what a higher layer adds must say it, too; and may say it for the layers below
    more = {"x-extends": "firm", "properties": {"code": {"x-gdpr": "none"}, "note": TEXT}}
    said = refused(layer("core", firm=FIRM), layer("mine", "deployment", firm=more), keywords=words(keyword))
    assert said.count("says nothing of privacy") == 1
    assert "mine/firm.json:" in said
    more["properties"]["note"] = {**TEXT, "x-gdpr": "secret"}
    model = load([layer("core", firm=FIRM), layer("mine", "deployment", firm=more)], words(keyword))
    assert {name: field.annotations["x-gdpr"] for name, field in model["firm"].fields.items()} == {
        "name": "name",
        "code": "none",
        "note": "secret",
    }


def test_layers_that_say_different_things_are_both_named_unless_the_plugin_joins_them() -> None:
    mine = {"x-extends": "firm", "properties": {"name": {"x-gdpr": "secret"}}}
    layers = layer("core", firm=FIRM), layer("mine", "deployment", firm=mine)
    said = refused(*layers, keywords=words(Keyword("x-gdpr", PRIVACY)))
    assert 'mine/firm.json:5 /properties/name/x-gdpr: "x-gdpr": core says otherwise, at core/firm.json:8.' in said

    def stricter(lower: Any, higher: Any) -> Any:
        if PRIVACY["enum"].index(higher) < PRIVACY["enum"].index(lower):  # type: ignore[attr-defined]
            raise ValueError(f"{higher} is less than {lower}")
        return higher

    joining = words(Keyword("x-gdpr", PRIVACY, joined=stricter))
    assert thaw(load(layers, joining)["firm"].fields["name"].annotations) == {"x-gdpr": "secret"}
    mine["properties"]["name"]["x-gdpr"] = "none"  # type: ignore[index]
    layers = layer("core", firm=FIRM), layer("mine", "deployment", firm=mine)
    assert "none is less than name; core says otherwise" in refused(*layers, keywords=joining)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"gdpr": [Keyword("x-privacy", {})]}, "must be called 'x-gdpr', or begin with that and a «-»"),
        ({"labels": [Keyword("x-labels", {})]}, "is one of the platform"),
        ({"gdpr": [Keyword("x-gdpr", {})] * 2}, "is one of the plugin gdpr of xrm-gdpr 1.0, too"),
        (
            {"gdpr": [Keyword("x-gdpr-kept", {})], "gdpr_kept": [Keyword("x-gdpr-kept", {})]},
            "The plugin gdpr_kept of xrm-gdpr_kept 1.0 .* is one of the plugin gdpr of xrm-gdpr 1.0, too",
        ),
        ({"gdpr": [Keyword("x-gdpr", {"type": "text"})]}, "has a schema that is none"),
        ({"gdpr": [Keyword("x-gdpr", {"$ref": "https://example.com/schema"})]}, "has a schema that is none"),
        ({"gdpr": [Keyword("x-gdpr", {}, places=("file",))]}, "may stand at entity or field, and nowhere else"),  # type: ignore[arg-type]
        ({"gdpr": [Keyword("x-gdpr", {}, check="all")]}, "has a check that is no function"),  # type: ignore[arg-type]
        ({"gdpr": ["x-gdpr"]}, "register_keywords must return a list of Keyword"),
    ],
)
def test_keywords_that_cannot_be_used_name_the_plugin(found: Any, cause: str) -> None:
    with pytest.raises(PluginLoadError, match=cause):
        Keywords(plugins(**found))


def test_a_database_keeps_what_is_said_of_its_model(database: Database) -> None:
    keywords = words(Keyword("x-gdpr", PRIVACY))
    apply(database, load([layer("core", firm=FIRM)], keywords))
    other = load([layer("core", firm={**FIRM, "x-gdpr": "secret"})], keywords)
    with database.read() as connection:
        planned = plan(connection, current_model(connection), other)
    assert [(each.risk, each.entity) for each in planned.operations] == [("safe", "firm")]
    apply(database, other)
    with database.read() as connection:
        found = current_model(connection)
    assert found == other
    assert found is not None
    assert found["firm"].annotations == {"x-gdpr": "secret"}


def test_a_word_about_a_field_that_is_not_there_is_told() -> None:
    mine = {"x-extends": "firm", "x-gdpr": "none", "properties": {"nam": {"x-gdpr": "name"}}}
    said = refused(
        layer("core", firm=FIRM), layer("mine", "deployment", firm=mine), keywords=words(Keyword("x-gdpr", PRIVACY))
    )
    assert 'mine/firm.json:5 /properties/nam: There is no field "nam" of "firm" in the layers below.' in said


def test_a_check_that_fails_names_the_plugin() -> None:
    failing = words(Keyword("x-gdpr", PRIVACY, check=lambda _model: 1 / 0))  # type: ignore[arg-type, return-value]
    with pytest.raises(PluginLoadError, match=r"The plugin gdpr of xrm-gdpr 1\.0 .*raised ZeroDivisionError"):
        load([layer("core", firm=FIRM)], failing)


def test_without_the_plugin_a_higher_layer_says_parts_otherwise() -> None:
    # given a word of a plugin that is not there, in two layers
    below = {"x-gdpr": {"kind": "none", "why": "?"}, "properties": {"name": {**TEXT, "x-gdpr": "name"}}}
    above = {
        "x-extends": "firm",
        "x-gdpr": {"kind": "name", "why": None, "since": 2},
        "properties": {"name": {"x-gdpr": "secret"}},
    }
    # when they are read
    firm = load([layer("core", said=("x-gdpr",), firm=below), layer("mine", "deployment", firm=above)])["firm"]
    # then of objects each part of the higher one counts, and what is null is gone
    assert thaw(firm.annotations) == {"x-gdpr": {"kind": "name", "since": 2}}
    assert thaw(firm.fields["name"].annotations) == {"x-gdpr": "secret"}

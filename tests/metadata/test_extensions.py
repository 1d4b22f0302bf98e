"""Higher layers add to entities of lower ones and tighten them; who claims what another has is named with it."""

import json
from typing import Any

import pytest

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import LayerKind, LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model

CUSTOMER = """{
"x-entity": "customer",
"x-labels": {"de": "Kunde", "en": "Customer"},
"type": "object",
"required": ["name"],
"x-indexes": [["name", "city"]],
"properties": {
"name": {"type": "string", "maxLength": 100, "x-labels": {"de": "Name"}},
"city": {"type": "string"},
"code": {"type": "string", "pattern": "^[A-Z]+$"},
"employees": {"type": "integer", "minimum": 0},
"revenue": {"type": "number", "x-type": "decimal", "maximum": 1000},
"status": {"type": "string", "enum": ["lead", "active", "gone"], "default": "lead",
"x-enum-labels": {"lead": {"de": "Interessent"}, "gone": {"de": "Weg"}}},
"boss": {"x-relation": {"to": "customer", "inverse": "reports", "on_delete": "set_null"}},
"town": {"type": "string", "x-renamed-from": "place"}
}
}"""

CORE = LayerSource("core", "core", texts=(("customer.json", CUSTOMER),))


def above(name: str, kind: LayerKind = "industry", **words: Any) -> LayerSource:
    """A layer with one extension of the customer, each word on a line of its own from line 2."""
    lines = [f"{json.dumps(word)}: {json.dumps(value)}" for word, value in {"x-extends": "customer", **words}.items()]
    return LayerSource(name, kind, texts=((f"{name}.json", "{\n" + ",\n".join(lines) + "\n}"),))


def field(name: str, /, **words: Any) -> dict[str, Any]:
    return {
        "properties": {name: {word.replace("_", "-") if word[0] == "x" else word: it for word, it in words.items()}}
    }


def problems_of(*layers: LayerSource) -> tuple[Problem, ...]:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([CORE, *layers])
    return caught.value.problems


def loaded(*layers: LayerSource) -> Model:
    return load([CORE, *layers])


def test_an_extension_adds_fields_indexes_unique_combinations_and_labels() -> None:
    # given an industry layer that says more of the customer
    layer = above(
        "club",
        **{"x-labels": {"fr": "Client"}, "x-indexes": [["city", "joined_on"]], "x-unique": [["name", "joined_on"]]},
        required=["joined_on"],
        properties={
            "joined_on": {"type": "string", "format": "date"},
            "patron": {"x-relation": {"to": "customer", "inverse": "protected"}},
        },
    )
    # when both layers are loaded
    customer = loaded(layer)["customer"]
    # then the entity has it all, and its own parts are what they were
    assert list(customer.fields)[-2:] == ["joined_on", "patron"]
    assert customer["joined_on"].required
    assert customer.indexes == (("name", "city"), ("city", "joined_on"))
    assert customer.unique_together == (("name", "joined_on"),)
    assert customer.labels == {"de": "Kunde", "en": "Customer", "fr": "Client"}
    assert "protected" in customer.inverses
    assert customer.display == "name"
    # and each part knows where it is from
    assert (customer.source.file, customer.source.layer) == ("customer.json", "core")
    assert (customer["city"].source.file, customer["city"].source.layer) == ("customer.json", "core")
    assert (customer["joined_on"].source.file, customer["joined_on"].source.layer) == ("club.json", "club")
    assert customer["joined_on"].source.line == 7


def test_an_extension_tightens_fields() -> None:
    tighter = {
        "name": {"minLength": 3, "maxLength": 50, "pattern": "^[^ ]", "x-unique": True, "x-labels": {"de": "Firma"}},
        "code": {"x-search": True},
        "employees": {"minimum": 1, "maximum": 500, "default": 5, "x-index": True},
        "revenue": {"minimum": 0.5, "maximum": 999.5, "description": "In thousands."},
        "status": {"enum": ["lead", "active"], "x-enum-labels": {"lead": {"fr": "Prospect"}, "active": {"de": "Ja"}}},
    }
    customer = loaded(above("club", required=["city"], properties=tighter))["customer"]
    name, code, employees, revenue, status = (customer[each] for each in tighter)
    assert (code.searched, name.searched) == (True, False)
    assert (name.min_length, name.max_length, name.pattern, name.unique) == (3, 50, "^[^ ]", True)
    assert name.labels == {"de": "Firma"}
    assert (employees.minimum, employees.maximum, employees.default, employees.indexed) == (1, 500, 5, True)
    assert (revenue.minimum, revenue.maximum, revenue.description) == (0.5, 999.5, "In thousands.")
    assert status.enum == ("lead", "active")
    assert status.enum_labels == {"lead": {"de": "Interessent", "fr": "Prospect"}, "active": {"de": "Ja"}}
    assert customer["city"].required
    assert [(at.file, at.layer) for at in name.tightened] == [("club.json", "club")] * len(name.tightened)
    assert customer["city"].tightened
    assert not customer["town"].tightened
    assert name.source.file == "customer.json"


def test_layers_tighten_upon_each_other_and_the_order_of_sources_does_not_matter() -> None:
    # given three layers with ever shorter names and other labels
    low = above("plug", "plugin", **field("name", maxLength=80, x_labels={"de": "A"}, default="abc"))
    mid = above("club", "industry", **field("name", maxLength=60, x_labels={"de": "B"}))
    high = above("mine", "deployment", **field("name", maxLength=40, x_labels={"de": "C"}, default="xyz"))
    top = above("acme", "tenant", **field("name", maxLength=20))
    # when they are given in any order
    one, other = loaded(low, mid, high, top), load([top, high, mid, low, CORE])
    # then the highest says what counts
    assert (one["customer"]["name"].max_length, one["customer"]["name"].default) == (20, "xyz")
    assert one["customer"]["name"].labels == {"de": "C"}
    assert one == other
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "words", [{"x-labels": {"fr": "Client"}}, {"required": ["city"]}, {"not": {"required": ["town"]}}]
)
def test_an_entity_knows_the_layers_that_say_something_of_it(words: dict[str, Any]) -> None:
    assert loaded(above("club", **words))["customer"].layers == {"core", "club"}
    assert loaded()["customer"].layers == {"core"}


def test_a_higher_layer_extends_what_a_layer_in_between_added() -> None:
    added = above("club", **field("joined_on", type="string"))
    narrowed = above("mine", "deployment", **field("joined_on", maxLength=10), required=["joined_on"])
    joined = loaded(added, narrowed)["customer"]["joined_on"]
    assert (joined.max_length, joined.required, joined.source.layer) == (10, True, "club")
    assert {at.layer for at in joined.tightened} == {"mine"}


@pytest.mark.parametrize(
    ("words", "pointer", "reason"),
    [
        (field("name", maxLength=101), "/properties/name/maxLength", "maxLength 101 is more than 100"),
        (field("city", maxLength=256), "/properties/city/maxLength", "maxLength 256 is more than 255"),
        (field("name", minLength=0), "/properties/name/minLength", "minLength 0 is less than 1"),
        (field("name", minLength=101), "/properties/name/minLength", "more than the greatest"),
        (field("employees", minimum=-1), "/properties/employees/minimum", "minimum -1 is less than 0"),
        (field("employees", maximum=-1), "/properties/employees/maximum", "less than the least"),
        (field("revenue", maximum=1001), "/properties/revenue/maximum", "maximum 1001 is more than 1000"),
        (field("code", pattern="^[A-C]+$"), "/properties/code/pattern", "two cannot be compared"),
        (field("status", enum=["lead", "new"]), "/properties/status/enum", '"new" would be added'),
        (field("city", enum=["Ulm"]), "/properties/city/enum", "has no list of values"),
        (field("boss", enum=["Ulm"]), "/properties/boss/enum", "has no list of values"),
        (field("name", x_unique=False), "/properties/name/x-unique", "should be true"),
        (field("name", x_index=False), "/properties/name/x-index", "should be true"),
        (field("employees", minLength=3), "/properties/employees/minLength", '"minLength" does not belong in'),
        (field("employees", x_search=True), "/properties/employees/x-search", '"x-search" does not belong in'),
        (field("name", x_search=False), "/properties/name/x-search", "should be true"),
        (field("boss", maximum=3), "/properties/boss/maximum", '"maximum" does not belong in'),
        (field("employees", maximum=2**31), "/properties/employees/maximum", "is more than 2147483647"),
        (field("employees", default="x"), "/properties/employees/default", "should be a whole number"),
        (field("status", default="new"), "/properties/status/default", "breaks the field's own rules"),
        (field("name", type="string"), "/properties/name", "defined already, by core at customer.json:8"),
        (field("name", type="integer"), "/properties/name", "defined already, by core at customer.json:8"),
        (field("name"), "/properties/name", "At least 1 entry"),
        (field("nam", maxLength=9), "/properties/nam", 'no field "nam" of "customer" in the layers below'),
        (field("place", maxLength=9), "/properties/place", 'is called "town" now, since customer.json:16'),
        (field("id", maxLength=9), "/properties/id", 'no field "id"'),
        (field("version", type="integer"), "/properties/version", "every record has this field already"),
        (field("Über", type="string"), "/properties/Über", "is not allowed"),
        ({"required": ["nix"]}, "/required/0", 'There is no field "nix"'),
        ({"x-indexes": [["name", "nix"]]}, "/x-indexes/0/1", 'There is no field "nix"'),
        ({"x-unique": [["name"]]}, "/x-unique/0", "too short"),
        ({"x-display": "city"}, "/x-display", '"x-display" does not belong in an extension file'),
        ({"x-plural": "clients"}, "/x-plural", '"x-plural" does not belong'),
        ({"x-renamed-from": "client"}, "/x-renamed-from", '"x-renamed-from" does not belong'),
        ({"type": "object"}, "/type", '"type" does not belong'),
        ({"x-foo": 1}, "/x-foo", 'Unknown keyword "x-foo"'),
        ({"$ref": "https://example.com/x"}, "/$ref", "nothing is ever fetched"),
        ({"x-extends": "custmer"}, "/x-extends", 'no entity or relationship "custmer" in the layers below'),
        ({"x-extends": 5}, "/x-extends", "5 should be text"),
        ({"x-extends": "A B"}, "/x-extends", "does not have the right form"),
    ],
)
def test_what_loosens_or_changes_or_does_not_fit_is_refused(words: dict[str, Any], pointer: str, reason: str) -> None:
    [problem] = problems_of(above("club", **words))
    assert (problem.file, problem.pointer) == ("club.json", pointer)
    assert reason in problem.reason
    assert problem.remedy
    assert problem.line == 2 if pointer == "/x-extends" else problem.line == 3


def test_a_required_relation_that_could_be_emptied_names_both_files() -> None:
    [problem] = problems_of(above("club", required=["boss"]))
    assert (problem.file, problem.pointer) == ("customer.json", "/properties/boss/x-relation/on_delete")
    assert problem.reason.endswith("See also club.json:3.")


def test_a_default_that_a_higher_layer_rules_out_names_both_files() -> None:
    [problem] = problems_of(above("club", **field("status", enum=["active"])))
    assert (problem.file, problem.pointer) == ("customer.json", "/properties/status/default")
    assert problem.reason.endswith("See also club.json:3.")


def test_two_layers_that_claim_one_field_are_both_named() -> None:
    one = above("plug_a", "plugin", **field("score", type="integer"))
    other = above("plug_b", "plugin", **field("score", type="string"))
    [problem] = problems_of(one, other)
    assert (problem.file, problem.line, problem.pointer) == ("plug_b.json", 3, "/properties/score")
    assert "defined already, by plug_a at plug_a.json:3" in problem.reason


def test_two_layers_that_claim_one_entity_are_both_named() -> None:
    entity = '{\n"x-entity": "hall", "type": "object", "properties": {"f": {"type": "string"}}}'
    layers = [LayerSource(name, "industry", texts=((f"{name}.json", entity),)) for name in ("a", "b")]
    [problem] = problems_of(*layers)
    assert (problem.file, problem.line, problem.pointer) == ("b.json", 2, "/x-entity")
    assert "defined already, at a.json:2" in problem.reason
    assert '"x-extends"' in problem.remedy


def test_plugins_that_say_different_things_are_both_named() -> None:
    labels = [above(name, "plugin", **field("name", x_labels={"de": name})) for name in ("plug_a", "plug_b")]
    [problem] = problems_of(*labels)
    assert (problem.file, problem.pointer) == ("plug_b.json", "/properties/name/x-labels/de")
    assert "plug_a says otherwise, at plug_a.json:3, and neither layer stands above the other" in problem.reason
    defaults = [above(name, "plugin", **field("name", default=name)) for name in ("plug_a", "plug_b")]
    assert [problem.pointer for problem in problems_of(*defaults)] == ["/properties/name/default"]
    names = [above(name, "plugin", **{"x-plural-labels": {"de": name}}) for name in ("plug_a", "plug_b")]
    assert [problem.pointer for problem in problems_of(*names)] == ["/x-plural-labels/de"]
    same = [above(name, "plugin", **field("name", x_labels={"de": "Eins"})) for name in ("plug_a", "plug_b")]
    assert loaded(*same)["customer"]["name"].labels == {"de": "Eins"}


NEIGHBOURS = {
    "name": ({"maxLength": 50, "minLength": 2}, {"maxLength": 80, "minLength": 5}),
    "employees": ({"minimum": 5, "maximum": 99}, {"minimum": 3, "maximum": 90}),
    "status": ({"enum": ["lead", "active"]}, {"enum": ["gone", "lead"]}),
}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_plugins_the_tighter_word_counts_whatever_their_order(order: tuple[int, int]) -> None:
    plugins = [
        above(f"plug_{i}", "plugin", properties={name: words[i] for name, words in NEIGHBOURS.items()}) for i in order
    ]
    customer = loaded(*plugins)["customer"]
    assert (customer["name"].min_length, customer["name"].max_length) == (5, 50)
    assert (customer["employees"].minimum, customer["employees"].maximum) == (5, 90)
    assert customer["status"].enum == ("lead",)


@pytest.mark.parametrize(
    ("one", "other", "pointer", "reason"),
    [
        (field("name", maxLength=50), field("name", maxLength=200), "/properties/name/maxLength",
         "is more than 100, so it would loosen the field; core says so at customer.json:8"),
        (field("city", pattern="^a"), field("city", pattern="^b"), "/properties/city/pattern",
         "says so at plug_a.json:3"),
        (field("status", enum=["gone"], default="gone"), field("status", enum=["lead"]), "/properties/status/enum",
         'None of "lead" would be left; plug_a says so at plug_a.json:3'),
        (field("city", maxLength=3), field("city", minLength=4), "/properties/city/minLength", "plug_a.json:3"),
    ],
)  # fmt: skip
def test_plugins_that_cannot_both_be_right_are_both_named(
    one: dict[str, Any], other: dict[str, Any], pointer: str, reason: str
) -> None:
    [problem] = problems_of(above("plug_a", "plugin", **one), above("plug_b", "plugin", **other))
    assert (problem.file, problem.pointer) == ("plug_b.json", pointer)
    assert reason in problem.reason


def test_layers_that_tighten_until_nothing_fits_are_both_named() -> None:
    low, high = above("low", **field("city", maxLength=5)), above("high", "deployment", **field("city", minLength=6))
    [problem] = problems_of(low, high)
    assert (problem.file, problem.pointer) == ("high.json", "/properties/city/minLength")
    assert "low.json:3" in problem.reason


def test_an_entity_is_extended_by_a_higher_layer_only() -> None:
    hall = ("hall.json", '{"x-entity": "hall", "type": "object", "properties": {"f": {"type": "string"}}}')
    more = ("more.json", '{"x-extends": "hall", "properties": {"g": {"type": "string"}}}')
    [problem] = problems_of(LayerSource("club", "industry", texts=(hall, more)))
    assert "belongs to the same layer, club (hall.json:1)" in problem.reason
    [problem] = problems_of(
        LayerSource("plug", "plugin", texts=(more,)), LayerSource("club", "industry", texts=(hall,))
    )
    assert "belongs to a higher layer, club (hall.json:1)" in problem.reason


def test_an_entity_that_was_renamed_below_is_named_by_its_new_name() -> None:
    core = LayerSource(
        "core",
        "core",
        texts=(("c.json", CUSTOMER.replace('"type": "object",', '"type": "object", "x-renamed-from": "client",', 1)),),
    )
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([core, above("club", **{"x-extends": "client"}, **field("a", type="string"))])
    [problem] = caught.value.problems
    assert 'is called "customer" now' in problem.reason
    assert problem.remedy == 'Write "customer".'


def test_mistakes_below_are_not_told_again_above() -> None:
    # given a core file with a wrong field, and one that is no JSON, both extended
    wrong = CUSTOMER.replace('"maxLength": 100', '"maxLength": "x"')
    core = LayerSource("core", "core", texts=(("customer.json", wrong), ("team.json", "{")))
    more = above(
        "club", properties={"name": {"maxLength": 9}, "nick": {"type": "string", "maxLength": "y"}}, required=["nick"]
    )
    team = above("mine", "deployment", **{"x-extends": "team"}, **field("f", type="string"))
    # when they are loaded
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([core, more, team])
    # then each mistake is told once, where it is
    assert [(each.file, each.pointer) for each in caught.value.problems] == [
        ("club.json", "/properties/nick/maxLength"),
        ("customer.json", "/properties/name/maxLength"),
        ("team.json", ""),
    ]


@pytest.mark.parametrize("required", [5, None, "name", [["name"]], {"name": 1}])
def test_a_wrong_list_of_required_fields_below_is_told_once(required: object) -> None:
    wrong = CUSTOMER.replace('["name"],\n"x-ind', f'{json.dumps(required)},\n"x-ind')
    more = above("club", required=["city"], **field("name", maxLength=9))
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([LayerSource("core", "core", texts=(("customer.json", wrong),)), more])
    [problem] = caught.value.problems
    assert problem.file == "customer.json"
    assert problem.pointer.startswith("/required")


@pytest.mark.parametrize("name", ["name", "nick"])
def test_a_wrong_definition_of_an_extension_is_told_once(name: str) -> None:
    part: dict[str, object] = {"maxLength": "x"} if name == "name" else {"type": "string", "maxLength": "x"}
    [problem] = problems_of(above("club", **{"$defs": {"a": part}, "properties": {name: {"$ref": "#/$defs/a"}}}))
    assert (problem.file, problem.pointer) == ("club.json", "/$defs/a/maxLength")
    assert "should be a whole number" in problem.reason


def test_a_reference_of_an_extension_to_nothing_is_told_once() -> None:
    [problem] = problems_of(above("club", properties={"name": {"$ref": "#/$defs/a"}}))
    assert (problem.file, problem.pointer) == ("club.json", "/properties/name/$ref")


def test_mistakes_of_an_added_field_are_told_in_the_file_that_adds_it() -> None:
    to_nowhere = above("club", **field("hall", **{"x-relation": {"to": "hal", "inverse": "x"}}))
    [problem] = problems_of(to_nowhere)
    assert (problem.file, problem.line, problem.pointer) == ("club.json", 3, "/properties/hall/x-relation/to")
    inverse = above("club", **field("other", **{"x-relation": {"to": "customer", "inverse": "reports"}}))
    [problem] = problems_of(inverse)
    assert (problem.file, problem.pointer) == ("club.json", "/properties/other/x-relation/inverse")


def test_a_layer_called_like_another_of_another_kind() -> None:
    problems = problems_of(above("core", "deployment", **field("f", type="string")))
    assert any('The core layer is called "core"' in problem.reason for problem in problems)


def test_an_extension_adds_rules_and_has_definitions_of_its_own() -> None:
    # given a layer with a rule, and one above it with another, both with a definition of the same name
    club = above(
        "club",
        allOf=[{"if": {"required": ["revenue"]}, "then": {"$ref": "#/$defs/known"}}],
        **{"$defs": {"known": {"required": ["city"]}}},
    )
    ours = above(
        "ours", "deployment", allOf=[{"$ref": "#/$defs/known"}], **{"$defs": {"known": {"required": ["code"]}}}
    )
    ours_too = above("more", "deployment", dependentRequired={"city": ["code"]})
    # when they are loaded, then both hold
    rules = loaded(club, ours, ours_too)["customer"].rules
    assert rules["allOf"] == (
        {"if": {"required": ("revenue",)}, "then": {"required": ("city",)}},
        {"required": ("code",)},
    )
    assert rules["dependentRequired"] == {"city": ("code",)}
    # and a mistake is told where it was written
    wrong = above("club", allOf=[{"required": ["name"]}, {"required": ["nmae"]}])
    [problem] = problems_of(wrong)
    assert (problem.file, problem.line, problem.pointer) == ("club.json", 3, "/allOf/1/required/0")


def test_every_word_of_rules_stands_in_extensions_and_holds_beside_those_below() -> None:
    # given two layers with rules at the top of their files, the lower one with words of its own
    club = above(
        "club",
        **{"if": {"required": ["revenue"]}, "then": {"required": ["city"]}, "x-message": {"en": "Where?"}},
        dependentRequired={"city": ["code"]},
    )
    ours = above(
        "ours",
        "deployment",
        **{"if": {"required": ["town"]}, "else": {"required": ["boss"]}, "not": {"required": ["employees"]}},
        dependentRequired={"city": ["town", "code"], "code": ["town"]},
        dependentSchemas={"code": {"properties": {"revenue": {"minimum": 1}}}},
    )
    plain = above("acme", "tenant", dependentRequired={"code": ["status", "town"]}, anyOf=[{"required": ["code"]}])
    # when they are loaded
    rules = loaded(club, ours, plain)["customer"].rules
    # then each file's rules are one of those that a record must meet, with what a message is about inside of it
    assert rules == {
        "allOf": (
            {
                "if": {"required": ("revenue",)},
                "then": {"required": ("city",)},
                "x-message": {"en": "Where?"},
                "dependentRequired": {"city": ("code",)},
            },
            {
                "if": {"required": ("town",)},
                "else": {"required": ("boss",)},
                "not": {"required": ("employees",)},
                "dependentSchemas": {"code": {"properties": {"revenue": {"minimum": 1}}}},
            },
            {"anyOf": ({"required": ("code",)},)},
        ),
        "dependentRequired": {"city": ("town", "code"), "code": ("town", "status")},
    }


@pytest.mark.parametrize(
    ("words", "pointer", "reason"),
    [
        ({"then": {"required": ["name"]}}, "/then", 'nothing without "if"'),
        ({"if": {"required": ["nmae"]}, "then": {}}, "/if/required/0", 'no field "nmae"'),
        ({"anyOf": [{"required": ["nmae"]}]}, "/anyOf/0/required/0", 'no field "nmae"'),
        ({"not": 5}, "/not", "should be an object"),
        ({"dependentRequired": {"city": ["code", "nix"]}}, "/dependentRequired/city/1", 'no field "nix"'),
    ],
)
def test_wrong_rules_of_an_extension_are_told_where_they_stand(
    words: dict[str, Any], pointer: str, reason: str
) -> None:
    low = above("low", dependentRequired={"city": ["name"]})
    [problem] = problems_of(low, above("club", "deployment", **words))
    assert (problem.file, problem.line, problem.pointer) == ("club.json", 3, pointer)
    assert reason in problem.reason


def test_currencies_media_types_multiples_and_constants_are_tightened() -> None:
    low = above(
        "low",
        properties={
            "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "CHF", "USD"]},
            "photo": {"x-type": "file", "x-media-types": ["image/*", "application/pdf"]},
            "paper": {"x-type": "file"},
            "step": {"type": "integer", "multipleOf": 5},
        },
    )
    words = {
        "price": {"x-currencies": ["CHF", "EUR"]},
        "photo": {"x-media-types": ["image/png"]},
        "paper": {"x-media-types": ["application/pdf"]},
        "employees": {"multipleOf": 10, "const": 20},
        "step": {"multipleOf": 5},
    }
    customer = loaded(low, above("mine", "deployment", properties=words))["customer"]
    assert customer["price"].currencies == ("CHF", "EUR")
    assert [customer[name].file.media_types for name in ("photo", "paper")] == [("image/png",), ("application/pdf",)]  # type: ignore[union-attr]
    assert (customer["employees"].multiple_of, customer["employees"].const) == (10, 20)
    loose = {
        "price": {"x-currencies": ["EUR", "GBP"]},
        "photo": {"x-media-types": ["image/png", "text/plain"]},
        "step": {"multipleOf": 10},
        "name": {"x-currencies": ["EUR"]},
    }
    problems = problems_of(low, above("mine", "deployment", properties=loose))
    assert [(each.pointer, each.reason.partition(";")[0]) for each in problems] == [
        ("/properties/name/x-currencies", '"x-currencies" does not belong in a text field. See also customer.json:8.'),
        ("/properties/photo/x-media-types", "text/plain would be added to the media types"),
        ("/properties/price/x-currencies", "GBP would be added to the currencies EUR, CHF, USD"),
        ("/properties/step/multipleOf", "The field has the multipleOf 5 already, and two cannot be compared"),
    ]


def test_sets_files_and_open_ends_are_tightened() -> None:
    fields = {
        "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b", "c"]}, "maxItems": 3},
        "paper": {"x-type": "file", "x-max-bytes": 5000},
        "share": {"type": "number", "x-type": "decimal", "exclusiveMinimum": 0},
        "twice": {"type": "integer", "x-computed": "employees * 2"},
    }
    low = above("club", properties=fields)
    words = {
        "tags": {"items": {"enum": ["a", "b"]}, "maxItems": 2, "minItems": 1},
        "paper": {"x-max-bytes": 400},
        "share": {"exclusiveMinimum": 1, "exclusiveMaximum": 9},
        "twice": {"x-labels": {"de": "Doppelt"}},
    }
    customer = loaded(low, above("mine", "deployment", properties=words))["customer"]
    assert (customer["tags"].enum, customer["tags"].min_items, customer["tags"].max_items) == (("a", "b"), 1, 2)
    assert customer["paper"].file is not None
    assert customer["paper"].file.max_bytes == 400
    assert (customer["share"].exclusive_minimum, customer["share"].exclusive_maximum) == (1, 9)
    assert customer["twice"].labels == {"de": "Doppelt"}
    loose = {
        "tags": {"items": {"enum": ["a", "z"]}},
        "paper": {"x-max-bytes": 5001},
        "share": {"exclusiveMinimum": -1},
        "twice": {"maximum": 5},
    }
    problems = problems_of(low, above("mine", "deployment", properties=loose))
    assert {problem.pointer for problem in problems} == {
        "/properties/tags/items",
        "/properties/paper/x-max-bytes",
        "/properties/share/exclusiveMinimum",
        "/properties/twice/maximum",
    }

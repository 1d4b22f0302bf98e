"""Higher layers add to entities of lower ones and tighten them; who claims what another has is named with it."""

from typing import Any

import pytest

from tests.metadata.layer_kit import CORE, CUSTOMER, above, field, loaded, problems_of
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load


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


def test_a_layer_called_like_another_of_another_kind() -> None:
    problems = problems_of(above("core", "deployment", **field("f", type="string")))
    assert any('The core layer is called "core"' in problem.reason for problem in problems)

"""Extensions add rules and tighten fields of all types."""

from typing import Any

import pytest

from tests.metadata.layer_kit import above, loaded, problems_of


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

"""Mistakes of extensions, and of what they extend, are told once and where they stand."""

import json

import pytest

from tests.metadata.layer_kit import CUSTOMER, above, field, problems_of
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load


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

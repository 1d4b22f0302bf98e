"""Computed fields and roll-ups in the model: types that follow, order of working out, circles, and what is refused."""

import json
import subprocess
import sys

import pytest

from tests.metadata.test_wrong_files import problems_of
from tests.metadata.wrong_file import Wrong
from tests.metadata.wrong_virtual import ALL
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.types import FieldType


@pytest.mark.parametrize("wrong", ALL.values(), ids=ALL.keys())
def test_wrong_virtual_field_gets_exactly_one_problem_with_place_reason_and_remedy(wrong: Wrong) -> None:
    [problem] = problems_of(wrong.text)
    assert (problem.line, problem.pointer) == (wrong.line, wrong.pointer)
    assert wrong.reason in problem.reason
    assert wrong.remedy in problem.remedy
    assert "\n" not in problem.reason
    assert len(problem.reason) < 300


def pack(**fields: str) -> Model:
    """A customer with these fields, and projects of it."""
    mine = ", ".join(f'"{name}": {text}' for name, text in fields.items())
    named = '"properties": {"name": {"type": "string"}'
    customer = f'{{"x-entity": "customer", "type": "object", {named}, {mine}}}}}'
    project = """{"x-entity": "project", "type": "object", "properties": {
        "title": {"type": "string", "maxLength": 30}, "hours": {"type": "integer"},
        "phase": {"type": "string", "enum": ["open", "done"]},
        "budget": {"type": "number", "x-type": "decimal", "x-scale": 3},
        "rate": {"type": "number", "x-type": "decimal", "x-scale": 4, "x-computed": "budget / hours"},
        "customer": {"x-relation": {"to": "customer", "inverse": "projects"}}}}"""
    return load_texts([("customer.json", customer, "core"), ("project.json", project, "core")])


def rollup(function: str, field: str) -> str:
    return f'{{"x-rollup": {{"relation": "projects", "function": "{function}", "field": "{field}"}}}}'


@pytest.mark.parametrize(
    ("function", "field", "type_", "scale"),
    [
        ("sum", "hours", FieldType.BIG_INTEGER, 2),
        ("sum", "budget", FieldType.DECIMAL, 3),
        ("avg", "hours", FieldType.DECIMAL, 2),
        ("avg", "budget", FieldType.DECIMAL, 3),
        ("max", "rate", FieldType.DECIMAL, 4),
        ("min", "title", FieldType.TEXT, 2),
        ("last", "phase", FieldType.ENUM, 2),
        ("first", "created_at", FieldType.DATETIME, 2),
    ],
)
def test_the_type_of_a_rollup_follows_from_its_field(function: str, field: str, type_: FieldType, scale: int) -> None:
    found = pack(figure=rollup(function, field))["customer"]["figure"]
    assert (found.type, found.scale, found.columns, found.virtual, found.writable) == (type_, scale, (), True, False)
    assert found.enum == (("open", "done") if type_ is FieldType.ENUM else ())


def test_fields_may_stand_in_any_order_and_over_several_entities() -> None:
    model = pack(
        share='{"type": "integer", "x-computed": "total / 2"}',
        total='{"type": "integer", "x-computed": "hours + 1"}',
        hours=rollup("sum", "hours"),
    )
    assert set(model["customer"].expressions["share"].fields()) == {"total"}


def test_a_circle_over_two_entities_is_told_once() -> None:
    mine = '{"x-rollup": {"relation": "bs", "function": "max", "field": "g"}}'
    one = '{"x-entity": "a", "type": "object", "properties": {"n": {"type": "integer"}, "f": %s,'
    one += '"top": {"x-relation": {"to": "b", "inverse": "as_"}}}}'
    other = '{"x-entity": "b", "type": "object", "properties": {"g": %s,'
    other += '"top": {"x-relation": {"to": "a", "inverse": "bs"}}}}'
    [problem] = problems_of(one % mine, other % mine.replace("bs", "as_").replace('"g"', '"f"'))
    assert "made of itself: a.f → b.g → a.f" in problem.reason


def test_what_is_made_of_a_wrong_field_is_not_told_as_well() -> None:
    text = '{"x-entity": "a", "type": "object", "properties": {"f": {"type": "integer", "x-computed": "nothing"},'
    text += '"g": {"type": "integer", "x-computed": "f + 1"}}}'
    assert [problem.pointer for problem in problems_of(text)] == ["/properties/f/x-computed"]


def test_the_snapshot_keeps_the_text_and_gives_the_same_model() -> None:
    model = pack(total='{"type": "integer", "x-computed": "hours * 2"}', hours=rollup("sum", "hours"))
    snapshot = to_snapshot(model)
    [total] = [field for field in snapshot["entities"][0]["fields"] if field["name"] == "total"]
    assert total == {"name": "total", "type": "integer", "computed": "hours * 2"}
    again = from_snapshot(snapshot)
    assert again == model
    assert again["customer"].expressions == model["customer"].expressions


def test_packs_without_computed_fields_do_not_pay_for_the_parser() -> None:
    code = (
        "import sys; from xrm_core.metadata.loader import load_texts; load_texts([('a.json', "
        '\'{"x-entity": "a", "type": "object", "properties": {"f": {"type": "integer"}}}\', "core")]); '
        'assert "sqlglot" not in sys.modules'
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def chain(expression: str, levels: int) -> str:
    fields: dict[str, dict[str, str]] = {"f0": {"type": "integer"}}
    for i in range(levels, 0, -1):  # the last one first, so that each has to wait for all below it
        fields[f"f{i}"] = {"type": "integer", "x-computed": expression.replace("P", f"f{i - 1}")}
    return json.dumps({"x-entity": "a", "type": "object", "properties": fields})


@pytest.mark.parametrize(
    ("expression", "right", "wrong"),
    [("P + 1", 6, 12), ("P + P + P", 3, 9), ("ABS(ABS(ABS(ABS(ABS(ABS(P))))))", 2, 4), ("P + 1", 6, 400)],
)
def test_fields_made_of_fields_end_before_their_sql_explodes(expression: str, right: int, wrong: int) -> None:
    assert load_texts([("a.json", chain(expression, right), "core")])["a"].expressions
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts([("a.json", chain(expression, wrong), "core")])
    assert all(problem.pointer.endswith("/x-computed") for problem in caught.value.problems)
    assert "too large" in str(caught.value) or "made of each other" in str(caught.value)

"""A wrong file is refused with file, line, pointer, reason and remedy."""

from pathlib import Path

import pytest

from tests.metadata.wrong_file import BASE, Wrong
from tests.metadata.wrong_files import ALL
from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.lines import MAX_BYTES
from xrm_core.metadata.loader import load, load_texts
from xrm_core.metadata.packs import pack_layers

RIGHT = BASE % ("", "")


def problems_of(*texts: str) -> tuple[Problem, ...]:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts([(f"{i}.json", text, "core") for i, text in enumerate(texts)])
    return caught.value.problems


def entity(name: str, rest: str = "", field: str = '{"type": "string"}') -> str:
    return f'{{\n"x-entity": "{name}",\n"type": "object",\n"properties": {{\n"f": {field}}}{rest}}}'


def test_file_without_mistake_loads() -> None:
    assert load_texts([("thing.json", RIGHT, "core")])["thing"].plural == "things"


@pytest.mark.parametrize("wrong", ALL.values(), ids=ALL.keys())
def test_wrong_file_gets_exactly_one_problem_with_place_reason_and_remedy(wrong: Wrong) -> None:
    [problem] = problems_of(wrong.text)
    assert (problem.file, problem.line, problem.pointer) == ("0.json", wrong.line, wrong.pointer)
    assert wrong.reason in problem.reason
    assert wrong.remedy in problem.remedy
    assert "\n" not in problem.reason
    assert len(problem.reason) < 300


def test_all_problems_of_all_files_are_told_at_once_in_order(tmp_path: Path) -> None:
    # given three wrong files in two folders, one of them with mistakes of three kinds
    core, plugin = tmp_path / "core", tmp_path / "plugin"
    core.mkdir()
    plugin.mkdir()
    (core / "b.json").write_text(
        entity("b", ',\n"x-foo": 1,\n"required": ["g"]', '{"type": "integer", "default": "x"}')
    )
    (core / "a.json").write_text('{"x-entity": "a",')
    (plugin / "c.json").write_text(entity("c", "", '{"x-relation": {"to": "d", "inverse": "cs"}}'))
    # when they are loaded
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([*pack_layers(core), LayerSource("fleet", "plugin", plugin)])
    # then each mistake is there, by file and line
    assert [(Path(p.file).name, p.line, p.pointer) for p in caught.value.problems] == [
        ("a.json", 1, ""),
        ("b.json", 5, "/properties/f/default"),
        ("b.json", 6, "/x-foo"),
        ("b.json", 7, "/required/0"),
        ("c.json", 5, "/properties/f/x-relation/to"),
    ]
    assert str(caught.value).startswith("5 problems in the schema files:")
    assert caught.value.to_json()["details"]["problems"][0]["file"] == str(core / "a.json")


def test_relation_to_a_broken_file_is_not_told_as_a_second_mistake() -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts(
            [
                ("far/target.json", "{", "core"),
                ("other.json", entity("other", "", '{"x-relation": {"to": "target", "inverse": "others"}}'), "core"),
            ]
        )
    assert [problem.file for problem in caught.value.problems] == ["far/target.json"]


def test_field_that_is_wrong_is_not_told_again_where_it_is_named() -> None:
    [problem] = problems_of(entity("a", ', "required": ["f"], "x-display": "f"', '{"type": "sting"}'))
    assert problem.pointer == "/properties/f/type"


def test_what_is_made_of_a_wrong_field_is_not_told_beside_it() -> None:
    # given a computed field and two roll-ups of a field that is wrong, each in another file
    count = '{"x-rollup": {"relation": "as", "function": "sum", "field": "f"}}'
    last = '{"x-rollup": {"relation": "as", "function": "last", "field": "id", "order_by": "f"}}'
    more = ', "b": {"x-relation": {"to": "b", "inverse": "as"}}, "twice": {"type": "integer", "x-computed": "f * 2"}'
    one = entity("a", "", '{"type": "intiger"}' + more)
    # when they are loaded, then only the wrong field is told
    [problem] = problems_of(one, entity("b", "", f'{count}, "last": {last}'))
    assert (problem.file, problem.pointer) == ("0.json", "/properties/f/type")


@pytest.mark.parametrize(
    ("relation", "where"),
    [
        ('{"to": "gone", "inverse": "as"}', '{"name": {"eq": "x"}}'),
        ('{"to": ["b", "gone"], "inverse": "bs"}', '{"gone": {"name": {"eq": "x"}}}'),
        ('{"to": "gone", "many": true, "inverse": "bs", "through": "tie"}', '{"some": {"name": {"eq": "x"}}}'),
    ],
)
def test_a_filter_that_leads_to_an_entity_that_is_not_there_is_told_at_the_relation(relation: str, where: str) -> None:
    count = f'{{"x-rollup": {{"relation": "as", "function": "count", "where": {{"f": {where}}}}}}}'
    one = entity("a", "", f'{{"x-relation": {relation}}}, "up": {{"x-relation": {{"to": "b", "inverse": "as"}}}}')
    [problem] = problems_of(one, entity("b", "", count))
    assert problem.file == "0.json"
    assert problem.pointer.startswith("/properties/f/x-relation/to")
    assert 'no entity "gone"' in problem.reason


def test_a_roll_up_over_links_to_nowhere_is_told_at_the_relation() -> None:
    count = '{"x-rollup": {"relation": "f", "function": "count"}}'
    many = '{"x-relation": {"to": "gone", "many": true, "inverse": "bs", "through": "tie"}}'
    [problem] = problems_of(entity("a", "", f'{many}, "n": {count}'))
    assert problem.pointer == "/properties/f/x-relation/to"


def test_two_files_for_one_entity_name_both_places() -> None:
    [problem] = problems_of(entity("a"), "\n" + entity("a"))
    assert (problem.file, problem.line, problem.pointer) == ("1.json", 3, "/x-entity")
    assert "at 0.json:2." in problem.reason


def test_a_file_that_names_no_entity_is_not_said_to_claim_one() -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts(
            [("a.json", entity("a"), "core"), ("mine/a.json", entity("a").replace("x-entity", "x-entty"), "mine")]
        )
    assert [(each.file, each.pointer) for each in caught.value.problems] == [
        ("mine/a.json", ""),
        ("mine/a.json", "/x-entty"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "pointer", "made"),
    [
        (entity("customer"), entity("customers"), "/x-entity", '"customers"'),
        (entity("a1b"), entity("a_1b"), "/x-entity", '"a1b"'),
        (entity("customer"), entity("client", ', "x-plural": "customers"'), "/x-entity", '"customers"'),
        (entity("customer"), entity("customer_aggregate"), "/x-entity", '"CustomerAggregate"'),
        (entity("customer"), entity("customer_connection"), "/x-entity", '"CustomerConnection"'),
        (entity("customer"), entity("create_customer_input"), "/x-entity", '"CreateCustomerInput"'),
        (entity("a", "", '{"type": "string", "enum": ["x"]}'), entity("a_f"), "/x-entity", '"AF"'),
        (entity("a", "", '{"type": "string", "x-index": true}'), entity("b"), "", ""),
        (
            '{"x-entity": "a", "type": "object", "properties": {"b_c": {"type": "string", "x-index": true}}}',
            '{"x-entity": "a_b", "type": "object", "properties": {"c": {"type": "string", "x-index": true}}}',
            "/properties/c",
            '"ix_a_b_c"',
        ),
        (
            '{"x-entity": "a", "type": "object", "properties": {"b_c_id": {"type": "string", "x-index": true}}}',
            '{"x-entity": "a_b", "type": "object", "properties": {"c": {"type": "string", "x-type": "file"}}}',
            "/properties/c",
            '"ix_a_b_c_id"',
        ),
    ],
)
def test_generated_names_of_two_entities_may_not_be_equal(one: str, other: str, pointer: str, made: str) -> None:
    if not made:  # the pair that does not clash
        assert len(load_texts([("0.json", one, "core"), ("1.json", other, "core")]).entities) == 2
        return
    problems = problems_of(one, other)
    assert {problem.file for problem in problems} == {"1.json"}
    assert any(problem.pointer == pointer and made in problem.reason for problem in problems)
    assert all("Rename" in problem.remedy for problem in problems)


def test_generated_names_of_one_entity_may_not_be_equal() -> None:
    [problem] = problems_of(
        """{
"x-entity": "a", "type": "object", "x-unique": [["b", "c"]],
"properties": {"b": {"type": "string"}, "c": {"type": "string"}, "b_c": {"type": "string", "x-unique": true}}}"""
    )
    assert (problem.pointer, problem.reason) == (
        "/x-unique/0",
        'The index "uq_a_b_c" would have the same name as one of "a".',
    )


@pytest.mark.parametrize(
    ("name", "field", "made"),
    [("order", "direction", "OrderDirection"), ("currency", "code", "CurrencyCode"), ("page", "info", "PageInfo")],
)
def test_a_field_whose_type_the_api_has_already_is_refused(name: str, field: str, made: str) -> None:
    enum = entity(name, "", '{"type": "string", "enum": ["x"]}').replace('"f"', f'"{field}"')
    [problem] = problems_of(enum)
    assert (problem.pointer, problem.line) == (f"/properties/{field}", 5)
    assert f'would make "{made}" in the API' in problem.reason
    assert load_texts([("a.json", enum.replace(', "enum": ["x"]', ""), "core")])[name]


def test_ordinary_neighbours_do_not_clash() -> None:
    names = ("customer", "customer_order", "customer_group", "order", "user", "group", "case", "contract")
    assert len(load_texts([(f"{name}.json", entity(name), "core") for name in names]).entities) == len(names)


def test_polymorphic_column_that_a_field_has_already() -> None:
    text = """{
"x-entity": "call", "type": "object", "properties": {
"regarding": {"x-relation": {"to": ["call", "a"], "inverse": "calls"}},
"regarding_a_id": {"type": "string"}}}"""
    [problem] = problems_of(text, entity("a"))
    assert (problem.line, problem.pointer) == (3, "/properties/regarding")
    assert 'the column "regarding_a_id"' in problem.reason


def test_polymorphic_column_that_is_too_long_for_a_database() -> None:
    long = "l" * 40
    relation = f'{{"x-relation": {{"to": ["a", "{long}"], "inverse": "calls"}}}}'
    [problem] = problems_of(
        entity("a"), entity(long), entity("call").replace('"f": {"type": "string"}', f'"{long}": {relation}')
    )
    assert problem.file == "2.json"
    assert "longer than 63 characters" in problem.reason


def test_polymorphic_relation_cannot_be_unique_alone_or_with_others() -> None:
    relation = '{"x-unique": true, "x-relation": {"to": ["a", "b"], "inverse": "calls"}}'
    problems = problems_of(entity("a", "", relation), entity("b"))
    assert [(p.pointer, "cannot be unique" in p.reason) for p in problems] == [("/properties/f/x-unique", True)]
    text = entity(
        "a", ',\n"x-unique": [["f", "g"]]', relation.replace('"x-unique": true, ', "") + ',"g": {"type": "integer"}'
    )
    [problem] = problems_of(text, entity("b"))
    assert (problem.line, problem.pointer) == (6, "/x-unique/0")
    assert "several entities" in problem.reason


def test_entity_renamed_twice_from_one_name_or_from_one_that_is_there() -> None:
    old = ', "x-renamed-from": "old"'
    [problem] = problems_of(entity("a", old), entity("b", old))
    assert (problem.file, problem.pointer) == ("1.json", "/x-renamed-from")
    [problem] = problems_of(entity("old"), entity("b", old))
    assert "still an entity (in 0.json)" in problem.reason


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(pack_layers(tmp_path / "none"))
    [problem] = caught.value.problems
    assert (problem.file, problem.reason) == (str(tmp_path / "none"), "There is no such folder.")


def test_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(SchemaFilesInvalid, match="no entity files"):
        load(pack_layers(tmp_path))


def test_files_that_cannot_be_read_as_text(tmp_path: Path) -> None:
    # given a folder named like a file, a file in Latin-1 and one that is too large
    (tmp_path / "a.json").mkdir()
    (tmp_path / "b.json").write_bytes('{\n"x-entity": "kühn"}'.encode("latin-1"))
    (tmp_path / "c.json").write_text(" " * (MAX_BYTES + 1))
    # when they are loaded
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(pack_layers(tmp_path))
    # then each is named
    first, second, third = caught.value.problems
    assert "not an ordinary file" in first.reason
    assert (second.line, second.reason) == (2, "Line 2 is not UTF-8 text.")
    assert "larger than 1024 KiB" in third.reason


def test_a_list_of_links_that_is_called_like_one_of_them() -> None:
    centre = '{"x-relation": {"to": "a", "many": true, "inverse": "deals"%s}}'
    [problem] = problems_of(entity("a"), entity("deal", "", centre % "").replace('"f":', '"centre":'))
    assert (problem.file, problem.pointer) == ("1.json", "/properties/centre")
    assert '"DealCentreConnection"' in problem.reason
    assert '"through"' in problem.remedy
    named = entity("deal", "", centre % ', "through": "deal_role"').replace('"f":', '"centre":')
    assert "deal_role" in load_texts([("a.json", entity("a"), "core"), ("deal.json", named, "core")])

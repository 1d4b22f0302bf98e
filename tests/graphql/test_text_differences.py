"""Comparisons of text that ignore case and accents, alike on both databases."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.errors import BadQuery
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import parse
from xrm_core.storage.folding import fold, fold_accents

NAMES = [
    "Müller",
    "MÜLLER",
    "Muller",
    "Mu\u0308ller",
    "Straße",
    "STRASSE",
    "Ærø",
    "aero",
    "Ελλάς",
    "ΕΛΛΑΣ",
    "ёлка",
    "елка",
    "",
]
POLICIES = ["admin,*,*,*,,allow", "blind,firm,read,*,named,allow"]
RULES = {"named": {"name": {"startsWith": "MULL", "ignoring": "CASE_AND_ACCENTS"}}}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def firms(request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rows = {"firm": [{"id": uid(100 + place), "name": name} for place, name in enumerate(NAMES)]}
    rights = kit.policies(model, POLICIES, RULES)
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('text') / 'world.db'}", rows)
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = World(model, rights, url, rows)
        yield opened
        opened.close()


def found(world: World, condition: dict[str, Any], role: str = "admin") -> list[str]:
    """Names, by a filter in a variable and in the document alike."""
    query = "query($w: FirmFilter) { firms(where: $w) { nodes { name } } }"
    names = [node["name"] for node in world.ask(role, query, {"w": {"name": condition}})["firms"]["nodes"]]
    words = ", ".join(f"{key}: {value if key == 'ignoring' else json.dumps(value)}" for key, value in condition.items())
    document = f"{{ firms(where: {{name: {{{words}}}}}) {{ nodes {{ name }} }} }}"
    assert [node["name"] for node in world.ask(role, document)["firms"]["nodes"]] == names
    return names


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"eq": "müller"}, []),
        ({"eq": "müller", "ignoring": "CASE"}, ["Müller", "MÜLLER"]),
        ({"eq": "müller", "ignoring": "CASE_AND_ACCENTS"}, ["Müller", "MÜLLER", "Muller", "Mu\u0308ller"]),
        ({"eq": "MULLER", "ignoring": "CASE"}, ["Muller"]),
        ({"eq": "strasse", "ignoring": "CASE_AND_ACCENTS"}, ["Straße", "STRASSE"]),
        ({"eq": "straße", "ignoring": "CASE"}, ["Straße"]),
        ({"in": ["AERO", "x"], "ignoring": "CASE_AND_ACCENTS"}, ["Ærø", "aero"]),
        ({"contains": "ROS", "ignoring": "CASE_AND_ACCENTS"}, []),
        ({"contains": "ÜLL", "ignoring": "CASE"}, ["Müller", "MÜLLER"]),
        ({"startsWith": "æ", "ignoring": "CASE_AND_ACCENTS"}, ["Ærø", "aero"]),
        ({"endsWith": "aς", "ignoring": "CASE_AND_ACCENTS"}, []),
        ({"eq": "ελλας", "ignoring": "CASE_AND_ACCENTS"}, ["Ελλάς"]),
        ({"eq": "ЕЛКА", "ignoring": "CASE_AND_ACCENTS"}, ["ёлка", "елка"]),
        ({"eq": "ЁЛКА", "ignoring": "CASE"}, ["ёлка"]),
        ({"eq": "", "ignoring": "CASE_AND_ACCENTS"}, [""]),
        ({"startsWith": "mu", "endsWith": "ER", "ignoring": "CASE"}, ["Muller", "Mu\u0308ller"]),
    ],
)
def test_text_is_compared_without_the_differences(firms: World, condition: Any, expected: list[str]) -> None:
    assert found(firms, condition) == expected


@pytest.mark.parametrize(("one", "other"), [("eq", "ne"), ("in", "notIn")])
@pytest.mark.parametrize("ignoring", ["CASE", "CASE_AND_ACCENTS"])
def test_opposites_share_the_list(firms: World, one: str, other: str, ignoring: str) -> None:
    value: Any = "MÜLLER" if one == "eq" else ["MÜLLER", "elka"]
    both = [found(firms, {op: value, "ignoring": ignoring}) for op in (one, other)]
    assert sorted(both[0] + both[1]) == sorted(NAMES)


def test_row_rules_have_it_too(firms: World) -> None:
    assert found(firms, {"isNull": False}, "blind") == ["Müller", "MÜLLER", "Muller", "Mu\u0308ller"]


@pytest.mark.parametrize(
    "where",
    [
        '{name: {lt: "a", ignoring: CASE}}',
        "{name: {isNull: false, ignoring: CASE}}",
        '{name: {eq: "a", ignoring: case}}',
        "{employees: {eq: 1, ignoring: CASE}}",
        "{kind: {eq: lead, ignoring: CASE}}",
    ],
)
def test_what_cannot_ignore_anything_is_refused(firms: World, where: str) -> None:
    assert firms.code("admin", f"{{ firms(where: {where}) {{ totalCount }} }}") == "BAD_QUERY"


def test_figures_and_files_take_it(firms: World) -> None:
    query = (
        '{ firmsAggregate(groupBy: [{name: VALUE}], having: {max: {name: {eq: "MÜLLER", ignoring: CASE}}}) { count } }'
    )
    assert firms.ask("admin", query) == {"firmsAggregate": [{"count": 1}, {"count": 1}]}


@pytest.mark.parametrize(
    "rule",
    [
        {"name": {"eq": "a", "ignoring": "ACCENTS"}},
        {"name": {"gt": "a", "ignoring": "CASE"}},
        {"employees": {"eq": 1, "ignoring": "CASE"}},
        {"name": {"ignoring": ["CASE"], "eq": "a"}},
    ],
)
def test_rules_that_cannot_ignore_anything_are_refused(model: Model, rule: Any) -> None:
    with pytest.raises(BadQuery, match=r"/ignoring|ignoring is for"):
        parse(model, model["firm"], rule)


LETTERS = st.characters(max_codepoint=0x24FF, exclude_categories=["Cs"], exclude_characters="\0")


@examples(30)
@given(texts=st.lists(st.text(LETTERS, max_size=6), min_size=1, max_size=8))
def test_databases_fold_like_python(firms: World, texts: list[str]) -> None:
    # Given any texts
    firms.fill({"firm": [{"id": uid(100 + place), "name": text} for place, text in enumerate(texts)]})
    for ignoring, folded in (("CASE", fold), ("CASE_AND_ACCENTS", fold_accents)):
        query = "query($w: FirmFilter) { firms(where: $w) { nodes { name } } }"
        for text in texts:
            # Then each is equal to those, and only those, that Python folds alike
            answer = firms.ask("admin", query, {"w": {"name": {"eq": text, "ignoring": ignoring}}})
            same = [each for each in texts if folded(each) == folded(text)]
            assert [node["name"] for node in answer["firms"]["nodes"]] == same


@given(text=st.text(LETTERS))
@example(text="Ǿǿ")
def test_folding_ends(text: str) -> None:
    """What is folded stays as it is, and decomposed text is folded like composed text in Latin letters."""
    once = fold_accents(text) or ""
    assert fold_accents(once) == once
    assert fold_accents(unicodedata.normalize("NFD", "ÄÖÜéèñ")) == fold_accents("ÄÖÜéèñ")

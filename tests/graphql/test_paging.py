"""``orderBy`` and paging: every page of every size, forwards and backwards, against the whole list."""

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.graphql import small_world
from tests.graphql.kit import World, load_model, uid
from tests.query.oracle import Oracle
from tests.query.oracle_rights import Rights
from xrm_core import naming
from xrm_core.permissions.policy import Effect, Policy

MODEL = load_model()
ADMIN = Rights(MODEL, [Policy("admin", None, None, None, None, Effect.ALLOW)], {})
ORACLE = Oracle(ADMIN, small_world.RECORDS, uid(1))
Path = tuple[str, ...]

FIRM_ORDERS: list[list[tuple[Path, bool]]] = [
    [],
    *(
        [((name,), down)]
        for name in ("id", "name", "revenue", "employees", "founded_on", "seen_at")
        for down in (False, True)
    ),
    *(
        [((name,), down)]
        for name in ("kind", "active", "note", "code", "updated_by", "version")
        for down in (False, True)
    ),
    [(("kind",), False), (("employees",), True)],
    [(("kind",), True), (("founded_on",), True), (("name",), False)],
    [(("owner", "name"), False)],
    [(("owner", "born_on"), True), (("revenue",), False)],
    [(("parent", "owner", "badge"), False), (("id",), True)],
    [(("parent", "parent", "name"), True)],
]


def order_by(order: list[tuple[Path, bool]]) -> list[Any]:
    found = []
    for path, down in order:
        item: Any = "DESC" if down else "ASC"
        for name in reversed(path):
            item = {naming.camel(name): item}
        found.append(item)
    return found


QUERY = """query($by: [FirmOrderBy!], $first: Int, $after: String, $last: Int, $before: String) {
  firms(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""


@pytest.mark.parametrize("order", FIRM_ORDERS, ids=str)
def test_walking_all_pages_gives_the_whole_list(world: World, order: list[tuple[Path, bool]]) -> None:
    by = order_by(order)
    whole = [row["id"] for row in ORACLE.sorted("firm", ORACLE.visible("firm"), order)]
    for size in (1, 3, len(whole) - 1, len(whole)):
        assert walk(world, by, size, whole, backward=False) == whole
        assert walk(world, by, size, whole, backward=True) == whole


def walk(world: World, by: Any, size: int, whole: list[str], *, backward: bool) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(len(whole) + 2):
        given = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = world.ask("admin", QUERY, {"by": by, **given})["firms"]
        ids = [each["id"] for each in page["nodes"]]
        info = page["pageInfo"]
        assert [each["node"]["id"] for each in page["edges"]] == ids
        assert page["totalCount"] == len(whole)
        assert info["startCursor"] == page["edges"][0]["cursor"]
        assert info["endCursor"] == page["edges"][-1]["cursor"]
        found = ids + found if backward else found + ids
        assert info["hasPreviousPage" if backward else "hasNextPage"] is (len(found) < len(whole))
        assert info["hasNextPage" if backward else "hasPreviousPage"] is (cursor is not None)
        if len(found) >= len(whole):
            return found
        cursor = info["startCursor" if backward else "endCursor"]
    raise AssertionError("paging does not end")


def test_pages_of_nodes_alone_are_the_same(world: World) -> None:
    query = "query($n: Int) { a: firms(first: $n) { nodes { id } } b: firms(last: $n) { nodes { id } } }"
    whole = [row["id"] for row in ORACLE.visible("firm")]
    for size in range(9):
        answer = world.ask("admin", query, {"n": size})
        assert [each["id"] for each in answer["a"]["nodes"]] == whole[:size]
        assert [each["id"] for each in answer["b"]["nodes"]] == (whole[-size:] if size else [])


@pytest.mark.parametrize("way", ["first", "last"])
def test_a_page_of_no_records(world: World, way: str) -> None:
    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    page = world.ask("admin", f"{{ firms({way}: 0) {{ nodes {{ id }} edges {{ cursor }} totalCount {info} }} }}")
    more = way == "first"
    assert page["firms"] == {
        "nodes": [],
        "edges": [],
        "totalCount": 7,
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": not more,
            "startCursor": None,
            "endCursor": None,
        },
    }


def test_pages_of_a_filtered_list(world: World) -> None:
    where = "{kind: {in: [lead, active]}}"
    arguments = f"where: {where}, first: 2, after: $after"
    query = f"query($after: String) {{ firms({arguments}) {{ edges {{ cursor node {{ id }} }} totalCount }} }}"
    first = world.ask("admin", query)["firms"]
    second = world.ask("admin", query, {"after": first["edges"][-1]["cursor"]})["firms"]
    assert [each["node"]["id"] for each in first["edges"] + second["edges"]] == [uid(101), uid(102), uid(105)]
    assert first["totalCount"] == second["totalCount"] == 3


def test_a_cursor_still_works_when_its_record_is_gone_from_the_list(world: World) -> None:
    edges = world.ask("admin", "{ firms(orderBy: [{name: ASC}]) { edges { cursor node { name } } } }")["firms"]["edges"]
    for one, other in pairwise(edges):
        name = json.dumps(one["node"]["name"])
        arguments = f'orderBy: [{{name: ASC}}], where: {{name: {{ne: {name}}}}}, first: 1, after: "{one["cursor"]}"'
        query = f"{{ firms({arguments}) {{ nodes {{ name }} }} }}"
        assert world.ask("admin", query)["firms"]["nodes"] == [other["node"]]


def test_nested_lists_have_their_own_pages(world: World) -> None:
    inner = "deals(first: 1, orderBy: [{title: DESC}], after: $after) "
    inner += "{ nodes { title } pageInfo { hasNextPage endCursor } totalCount }"
    query = f"query($after: String) {{ firms(first: 3) {{ nodes {{ {inner} }} }} }}"
    nodes = world.ask("admin", query)["firms"]["nodes"]
    assert [each["deals"]["nodes"] for each in nodes] == [[{"title": "d2"}], [{"title": "d3"}], [{"title": "d5"}]]
    assert [each["deals"]["totalCount"] for each in nodes] == [2, 1, 2]
    assert [each["deals"]["pageInfo"]["hasNextPage"] for each in nodes] == [True, False, True]
    after = nodes[0]["deals"]["pageInfo"]["endCursor"]
    again = world.ask("admin", query, {"after": after})["firms"]["nodes"]
    assert [each["deals"]["nodes"] for each in again] == [[{"title": "d1"}], [], []]


def forged(mark: str, *values: Any) -> str:
    return json.dumps([mark, *values]).encode().hex()


def test_damaged_foreign_and_forged_cursors_are_refused(world: World) -> None:
    def cursor(field: str, by: str) -> str:
        edges = world.ask("admin", f"{{ {field}(orderBy: [{by}], first: 1) {{ edges {{ cursor }} }} }}")[field]["edges"]
        return str(edges[0]["cursor"])

    fields = {
        "name": "ASC",
        "foundedOn": "DESC",
        "seenAt": "ASC",
        "revenue": "ASC",
        "employees": "DESC",
        "active": "ASC",
    }
    for name, direction in fields.items():
        by = f"{{{name}: {direction}}}"
        good = cursor("firms", by)
        mark = json.loads(bytes.fromhex(good))[0]
        others = [each for each in fields if each != name]
        wrong = [
            "",
            "x",
            "ff",
            "00",
            "é",
            good[:-1],
            good[2:],
            good + "00",
            good[:-4] + "5d5d",
            "7b7d",
            "5b5d",
            "31",
            "[" * 5000,
            (b"[" * 5000).hex(),
            cursor("firms", f"{{{others[0]}: ASC}}"),
            cursor("deals", "{title: ASC}"),
            forged(mark),
            forged(mark, uid(101)),
            forged(mark, None, None),
            forged(mark, None, uid(101), uid(101)),
            forged(mark, {}, uid(101)),
            forged(mark, [], uid(101)),
            forged(mark, 10**400, uid(101)),
            forged(mark, 2**31, uid(101)),
            forged(mark, float("nan"), uid(101)),
            forged(mark, "a\0b", uid(101)),
            forged(mark, 1.5, uid(101)),
        ]
        if name != "name":
            wrong += [
                forged(mark, "no value", uid(101)),
                forged(mark, "NaN", uid(101)),
                forged(mark, "1e999999", uid(101)),
            ]
        else:
            wrong.append('["' + mark + '","\\ud800","' + uid(101) + '"]')
            wrong.append(('["' + mark + '","\\ud800","' + uid(101) + '"]').encode().hex())
        if name != "active":
            wrong.append(forged(mark, True, uid(101)))
        for each in wrong:
            for way in ("first: 1, after", "last: 1, before"):
                query = f"query($c: String) {{ firms(orderBy: [{by}], {way}: $c) {{ nodes {{ id }} }} }}"
                assert world.code("admin", query, {"c": each}) == "BAD_CURSOR", (name, each[:80])


def test_a_forged_cursor_names_a_place_and_gives_no_rights(world: World) -> None:
    query = "query($c: String) { firms(first: 9, after: $c) { edges { cursor node { id } } } }"
    mine = world.ask("rep", query)["firms"]["edges"]
    mark = json.loads(bytes.fromhex(mine[0]["cursor"]))[0]
    after = world.ask("rep", query, {"c": forged(mark, uid(0))})["firms"]["edges"]
    assert after == mine
    assert world.ask("rep", query, {"c": forged(mark, "no id")})["firms"]["edges"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: -1", "BAD_QUERY"),
        ("last: -5", "BAD_QUERY"),
        ("first: 1001", "QUERY_TOO_LARGE"),
        ("last: 2147483647", "QUERY_TOO_LARGE"),
        ("first: 2147483648", "BAD_QUERY"),
        ("first: 1, last: 1", "BAD_QUERY"),
        ('after: "x", before: "x"', "BAD_QUERY"),
        ('first: 1, before: "x"', "BAD_QUERY"),
        ('last: 1, after: "x"', "BAD_QUERY"),
        ("orderBy: [{}]", "BAD_QUERY"),
        ("orderBy: [{name: ASC, kind: ASC}]", "BAD_QUERY"),
        ("orderBy: [{name: null}]", "BAD_QUERY"),
        ("orderBy: [{owner: {}}]", "BAD_QUERY"),
        ("orderBy: [{owner: null}]", "BAD_QUERY"),
        ("orderBy: [{name: asc}]", "BAD_QUERY"),
        ("orderBy: [{deals: ASC}]", "BAD_QUERY"),
        (f"orderBy: [{'{name: ASC},' * 21}]", "QUERY_TOO_LARGE"),
        (f"orderBy: [{'{parent: ' * 25}{{name: ASC}}{'}' * 25}]", "QUERY_TOO_LARGE"),
    ],
)
def test_page_arguments_that_make_no_sense(world: World, arguments: str, code: str) -> None:
    assert world.code("admin", f"{{ firms({arguments}) {{ nodes {{ id }} }} }}") == code
    assert world.code("admin", f"{{ firms {{ nodes {{ children({arguments}) {{ nodes {{ id }} }} }} }} }}") == code


def test_page_sizes_out_of_variables_have_the_same_limits(world: World) -> None:
    query = "query($n: Int) { firms { nodes { children(first: $n) { nodes { id } } } } }"
    assert world.ask("admin", query, {"n": 1000})
    assert world.code("admin", query, {"n": 1001}) == "QUERY_TOO_LARGE"
    assert world.code("admin", query, {"n": -1}) == "BAD_QUERY"
    assert world.ask("admin", query, {"n": None}) == world.ask("admin", query) == world.ask("admin", query, {"n": 1000})


def test_one_order_is_not_a_list_of_one(world: World) -> None:
    single = world.ask("admin", "{ firms(orderBy: {name: DESC}) { nodes { id } } }")
    assert single == world.ask("admin", "{ firms(orderBy: [{name: DESC}]) { nodes { id } } }")
    assert world.ask("admin", "{ firms(orderBy: []) { nodes { id } } }") == world.ask(
        "admin", "{ firms { nodes { id } } }"
    )
    assert world.ask("admin", "{ firms(orderBy: null) { nodes { id } } }") == world.ask(
        "admin", "{ firms { nodes { id } } }"
    )


def test_a_required_field_hidden_on_some_records_pages_without_loss(world: World) -> None:
    """name is required, but the role sees it on its own firms only."""
    query = "query($by: [FirmOrderBy!], $c: String) { firms(orderBy: $by, first: 1, after: $c) "
    query += "{ nodes { name id } pageInfo { endCursor } } }"
    for by, names in (
        ([{"name": "ASC"}], ["Zeta", "under_score", "Ärzte 100%", None, None]),
        ([{"name": "DESC"}], [None, None, "Ärzte 100%", "under_score", "Zeta"]),
    ):
        found, cursor = [], None
        for _ in range(5):
            page = world.ask("own_name team_notes", query, {"by": by, "c": cursor})["firms"]
            found += page["nodes"]
            cursor = page["pageInfo"]["endCursor"]
        assert [each["name"] for each in found] == names
        assert len({each["id"] for each in found}) == 5


@pytest.mark.parametrize("where", ["{}", '{name: {eq: "nobody"}}'])
@pytest.mark.parametrize(("page", "known"), [("first: 3", "hasPreviousPage"), ("last: 3", "hasNextPage")])
def test_what_is_known_of_a_page_without_its_records(world: World, where: str, page: str, known: str) -> None:
    # given lists of several records and of none, of whose page nothing is asked that its records tell
    asked = f"pageInfo {{ {known} __typename }} a: pageInfo {{ __typename }}"
    found = world.ask("admin", f"{{ firms(where: {where}, {page}) {{ {asked} totalCount }} }}")
    # then the list is there, once
    info = {known: False, "__typename": "PageInfo"}
    assert found == {
        "firms": {"pageInfo": info, "a": {"__typename": "PageInfo"}, "totalCount": 7 if where == "{}" else 0}
    }

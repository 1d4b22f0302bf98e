"""Whole lists under random rights, walked page by page in a random order, as a naive reference has them."""

import json
from collections.abc import Mapping, Sequence

from hypothesis import note
from hypothesis import strategies as st

from tests.graphql.kit import World
from tests.query import documents
from tests.query.oracle import Oracle
from tests.query.random_rights import Pool
from tests.query.random_rows import values
from tests.query.two_ways import too_deep
from xrm_core import naming


def walk(
    data: st.DataObject, oracle: Oracle, worlds: Mapping[str, World], names: Sequence[str], pool: Pool = values
) -> None:
    """Ask for a list of one of these entities in pages, with a random filter as a variable; each world has the rows."""
    drawn = documents.Documents(data.draw, oracle.rights, pool)
    readable = [name for name in names if oracle.rights.readable(name)]
    if not readable:
        return
    filled = [name for name in readable if oracle.visible(name)]
    entity = oracle.model[data.draw(st.sampled_from([*readable, *filled * 3]))]
    order = drawn.connection(entity, 0)["order"]
    where = drawn.conditions.tree(entity)
    size, backward = data.draw(st.integers(1, 4)), data.draw(st.booleans())
    matching = [row for row in oracle.visible(entity.name) if oracle.holds(entity.name, row, where)]
    whole = [row["id"] for row in oracle.sorted(entity.name, matching, order)]
    way = "last: $n, before: $c" if backward else "first: $n, after: $c"
    by = ", ".join(documents.nested(path, "DESC" if down else "ASC") for path, down in order)
    name = naming.pascal(entity.name)
    query = (
        f"query($w: {name}Filter, $n: Int, $c: String) "
        f"{{ list: {naming.camel(entity.plural)}(where: $w, orderBy: [{by}], {way}) "
        "{ nodes { id } pageInfo { startCursor endCursor } totalCount } }"
    )
    note(f"{query}\n{where}")
    for world in worlds.values():
        found: list[str] = []
        cursor = None
        while len(found) < len(whole):
            answer = world.body("role", query, {"w": documents.variable(where), "n": size, "c": cursor})
            if too_deep(answer):
                found = whole
                break
            page = json.loads(answer)["data"]["list"]
            ids = [each["id"] for each in page["nodes"]]
            assert ids, "a page too few"
            assert page["totalCount"] == len(whole)
            found = ids + found if backward else found + ids
            cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]
        assert found == whole

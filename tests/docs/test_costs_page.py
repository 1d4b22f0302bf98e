"""The table of docs/costs.md: each query costs what stands beside it."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import create_engine

from tests.docs.pages import DOCS, REPOSITORY
from tests.graphql.kit import policies, uid
from xrm_core.graphql.costs import ACCOUNT, AS_OF, CHANGE, CHANGES, FEED, LOOKUPS, SCAN, SCAN_INSIDE, SHARES, WRITTEN
from xrm_core.graphql.explain import explain
from xrm_core.graphql.scans import SLOW
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions.authority import Authority
from xrm_core.query.network import EDGES_PER_NODE
from xrm_core.server.blueprints import make_roles
from xrm_core.settings import load_settings
from xrm_core.storage.tables import Tables

TEXT = (DOCS / "costs.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(.+?)` \| (\d+) \|", TEXT, re.MULTILINE)


def test_each_query_costs_what_the_table_says() -> None:
    # given a role that may read everything of the core pack
    assert len(ROWS) >= 20
    model = load(pack_layers(REPOSITORY / "schemas"))
    access = Authority(model, policies(model, ["role,*,read,*,,allow"], {})).access(frozenset({"role"}))
    roles = make_roles(load_settings(), Tables(model), create_engine("sqlite://").dialect)
    with ThreadPoolExecutor(1) as threads:
        role = asyncio.run(roles.get(access, threads))
    # when each query is explained
    found: dict[str, Any] = {}
    for query, _ in ROWS:
        document = "{ " + query.replace("…", uid(1)) + " }"
        found[query] = explain(role, document, None, {}, {"ctx_user": None, "ctx_team": None}).cost["requested"]
    # then it costs that
    assert found == {query: int(points) for query, points in ROWS}


def test_the_weights_are_those_of_the_code() -> None:
    table = TEXT.partition("## Examples")[0]
    numbers = [int(number.replace(" ", "")) for number in re.findall(r"^\| .+? \| (\d[\d ]*)", table, re.MULTILINE)]
    reads = [1, SCAN, SCAN_INSIDE, SLOW, 1, 1, EDGES_PER_NODE, SHARES, FEED, CHANGES, AS_OF]
    assert numbers == [*reads, CHANGE, WRITTEN, WRITTEN, ACCOUNT]
    assert f"1 more for every {LOOKUPS} entities" in TEXT

"""What permissions cost with 100 roles and 1 000 policies: to make them, to keep them, and in a request.

    python bench/permissions.py              # everything below; about a minute, SQLite in a temporary folder
    python bench/permissions.py postgresql://…   # the same in this database, which must be empty

Requests are those of two users in turns: an admin without any rule, and somebody whose role has the same fields by
policies of its own and of nine roles that it inherits. Both have the same answer, so what is left is the permissions.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from httpx2 import ASGITransport, AsyncClient

from xrm_core.auth.tokens import create_token, set_roles
from xrm_core.graphql.schema import build
from xrm_core.metadata.model import Model
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import system
from xrm_core.permissions.policy import parse_files
from xrm_core.plugins import Plugins
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied, read_model
from xrm_core.server.policy_changes import policies_along
from xrm_core.settings import Settings, load_settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

ENTITIES, ROLES, POLICIES = 100, 100, 1_000
ROUNDS, IN_A_ROUND = 30, 100
TEXT = {"type": "string", "maxLength": 100}
QUERIES = {
    "one record": "{ e1(id: %s) { name f1 f2 f3 n } }",
    "a list of 50 with a relation": "{ e1s(first: 50) { nodes { id name f1 n prev { name } } } }",
    "figures by groups": "{ e1sAggregate(groupBy: [{f1: VALUE}]) { key { f1 } count } }",
}
Result = TypeVar("Result")


def files() -> dict[str, str]:
    """The two texts of the policies; «same» has the rights of «admin» on e0 and e1 in many small parts."""
    draw = random.Random(1)  # noqa: S311
    roles: dict[str, Any] = {"admin": {}, "same": {"inherits": [f"r{number}" for number in range(9)]}}
    roles |= {f"r{number}": {"inherits": [f"r{number // 2}"] if number > 9 else []} for number in range(ROLES - 2)}
    rows = ["role,entity,action,fields,rule,effect", "admin,*,*,*,,allow", "same,user,read,*,,allow"]
    rows += [f"r{number % 9},e{number % 2},read,*,,allow" for number in range(18)]
    while len(rows) <= POLICIES:
        role, entity = f"r{draw.randrange(ROLES - 2)}", f"e{draw.randrange(2, ENTITIES - 1)}"
        fields, rule = draw.choice(["*", "name f1 f2"]), draw.choice(["", "own", "few"])
        rows.append(f"{role},{entity},{draw.choice(['read', 'create', 'update', '*'])},{fields},{rule},allow")
    rules = {"own": {"owner": {"id": {"eq": "$user"}}}, "few": {"n": {"gt": 5}}}
    return {"roles.json": json.dumps({"roles": roles, "rules": rules}), "policies.csv": "\n".join(rows) + "\n"}


def pack(folder: Path) -> Path:
    """A pack of users and 99 entities in a chain."""
    (folder / "permissions").mkdir(parents=True)
    for name, text in files().items():
        (folder / "permissions" / name).write_text(text)
    user = {"x-entity": "user", "type": "object", "properties": {"name": TEXT}}
    (folder / "user.json").write_text(json.dumps(user))
    for number in range(ENTITIES - 1):
        relation = {"to": "user", "inverse": f"e{number}_owned", "on_delete": "set_null"}
        properties: dict[str, Any] = {
            "name": TEXT,
            **{f"f{each}": TEXT for each in range(10)},
            "n": {"type": "integer"},
        }
        properties["owner"] = {"x-relation": relation}
        if number:
            relation = {"to": f"e{number - 1}", "inverse": "nexts", "on_delete": "set_null"}
            properties["prev"] = {"x-relation": relation}
        body = {"x-entity": f"e{number}", "x-plural": f"e{number}s", "type": "object", "properties": properties}
        (folder / f"e{number}.json").write_text(json.dumps(body))
    return folder


def timed(what: str, work: Callable[[], Result], times: int = 1) -> Result:
    """Do something and print how long it took, in the middle of so many times."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        result = work()
        took.append(time.perf_counter() - began)
    print(f"{what:58} {statistics.median(took) * 1000:9.1f} ms")
    return result


def making(model: Model) -> None:
    """What has to be made: once for each policy set, set of roles, and permission shape."""
    policies = timed("read and check the two files", lambda: parse_files(files(), model), 3)
    timed("policies into Casbin (an Authority)", lambda: Authority(model, policies), 3)
    for roles in ({"admin"}, {"r97"}, {"same"}):
        name = "+".join(sorted(roles))
        timed(f"rights of {name}", lambda roles=roles: Authority(model, policies).access(frozenset(roles)))  # type: ignore[misc]
    authority = Authority(model, policies)
    sets = [frozenset({f"r{number}", f"r{(number * 7) % 90}"}) for number in range(90)]
    timed("rights of 90 more sets of roles", lambda: [authority.access(each) for each in sets])
    timed("the same, kept", lambda: [authority.access(each) for each in sets], 5)
    shapes = {authority.access(each).shape for each in sets}
    print(f"{'permission shapes of these':58} {len(shapes):9}")
    access = authority.access(frozenset({"same"}))
    timed("GraphQL schema of a shape, as far as a query needs it", lambda: build(model, access), 3)
    timed("the same, all of it (introspection)", lambda: build(model, authority.access(frozenset({"admin"}))).text())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [build(model, authority.access(each)) for each in sets[:30]]
    each_one = (tracemalloc.get_traced_memory()[0] - before) / len(kept) / 1024
    tracemalloc.stop()
    print(f"{'memory of a shape before it is asked':58} {each_one:9.0f} KiB")


def fill(settings: Settings) -> tuple[dict[str, str], str]:
    """1 000 records of e1 and two users; answers their tokens and the id of a record."""
    platform = assemble_applied(settings)
    with platform.database.begin() as connection:
        caller = system(platform.model, "benchmark")
        firsts = [{"name": f"first {number}"} for number in range(20)]
        ends = platform.records.create_many(connection, caller, "e0", firsts)
        rows = [
            {"name": f"name {number}", "f1": f"group {number % 10}", "n": number, "prev": ends[number % 20]}
            for number in range(1_000)
        ]
        records = platform.records.create_many(connection, caller, "e1", rows)
        tokens = {}
        for role in ("admin", "same"):
            [user] = platform.records.create_many(connection, caller, "user", [{"name": role}])
            set_roles(connection, user, [role])
            tokens[role] = create_token(connection, user, "benchmark")
    platform.database.close()
    return tokens, records[500]


async def requests(settings: Settings) -> None:
    """The same requests of both users in turns: the first of each role, and the median of the others."""
    tokens, record = fill(settings)
    app = create_app(assemble_applied(settings))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as http:

        async def ask(role: str, query: str) -> bytes:
            answer = await http.post(
                "/graphql", json={"query": query}, headers={"Authorization": f"Bearer {tokens[role]}"}
            )
            assert b'"errors"' not in answer.content, answer.content[:500]
            return bytes(answer.content)

        for what, form in QUERIES.items():
            query = form % json.dumps(record) if "%s" in form else form
            answers = {}
            for role in tokens:
                began = time.perf_counter()
                answers[role] = await ask(role, query)
                print(f"{f'{what}: first request of {role}':58} {(time.perf_counter() - began) * 1000:9.1f} ms")
            assert answers["admin"] == answers["same"]
            took: dict[str, list[float]] = {role: [] for role in tokens}
            for number in range(ROUNDS):
                for role in sorted(tokens, reverse=bool(number % 2)):
                    for _ in range(IN_A_ROUND):
                        began = time.perf_counter()
                        await ask(role, query)
                        took[role].append(time.perf_counter() - began)
            admin, same = (statistics.median(took[role]) * 1000 for role in ("admin", "same"))
            print(f"{what:44} admin {admin:6.2f} ms, same {same:6.2f} ms: {same / admin - 1:+.1%}")


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder / 'bench.db'}"
        settings = load_settings(database_url=url, schemas=pack(folder / "pack"), data_dir=folder)
        model = read_model(settings, Plugins())
        making(model)
        database = Database(url)
        apply(database, model, along=policies_along(settings, database, model))
        database.close()
        asyncio.run(requests(settings))


if __name__ == "__main__":
    main()

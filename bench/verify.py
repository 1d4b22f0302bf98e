"""Is the answer right? Every read is compared value by value with the reference SQL's, every write is read back."""

import json
import sqlite3
from itertools import islice
from typing import Any

import answers
import operations
from reference import FOR_ROLE, OPERATIONS, WRITES
from servers import BODIES, REFERENCE_SQLITE, Server
from serving import Running, postgresql, restore

BODIES_CHECKED = 12
"""How many bodies of an operation are compared: for most operations all that there are."""


def verify(running: Running, roles: list[str]) -> dict[str, dict[str, str]]:
    """Role → operation → ``ok …`` or what is wrong. Leaves the data as they were."""
    restore(running.server)
    found: dict[str, dict[str, str]] = {}
    for role in roles:
        found[role] = {operation: _operation(running, role, operation) for operation in OPERATIONS}
        if running.server.platform and role == "bench_rep":
            found[role].update(_denials(running))
        restore(running.server)
    return found


def _operation(running: Running, role: str, operation: str) -> str:
    size = 0
    for body, call in _calls(running.server, role, operation):
        status, text = running.post(body, role)
        size = len(text)
        try:
            got = answers.data(text)
        except ValueError as error:
            return f"FAILED status {status}: {error}"
        wanted = (
            _written(running.server, operation, call, got) if operation in WRITES else _reference(role, operation, call)
        )
        if got != wanted:
            return f"WRONG for {call}: {_difference(got, wanted)}"
    return f"ok, {size} bytes"


def _calls(server: Server, role: str, operation: str) -> list[tuple[str, list[Any]]]:
    with (
        (BODIES / server.bodies(role) / f"{operation}.txt").open() as bodies,
        (BODIES / f"limit-{role}" / f"{operation}.txt").open() as calls,
    ):
        pairs = islice(zip(bodies, calls, strict=True), BODIES_CHECKED)
        return [(body.strip(), json.loads(call)["arguments"]) for body, call in pairs]


def _reference(role: str, operation: str, call: list[Any]) -> Any:
    connection = sqlite3.connect(f"file:{REFERENCE_SQLITE}?mode=ro", uri=True)
    try:
        return answers.data(connection.execute(FOR_ROLE[role]["sqlite"][operation], call).fetchone()[0])
    finally:
        connection.close()


def _written(server: Server, operation: str, call: list[Any], got: Any) -> Any:
    """What the database has now in the record that the answer names, if that is what the request said."""
    contacts, opportunities = server.tables
    record = got.get("id") if isinstance(got, dict) else None
    if operation == "Q5":
        said = dict(zip(["company_id", "first_name", "last_name", "email", "phone"], call, strict=True))
        table, keys = contacts, ["first_name", "last_name", "email"]
    else:
        said = {"id": call[0], "stage": call[1]}
        table, keys = opportunities, ["stage"]
    stored = row(server, f"SELECT {', '.join(said)} FROM {table} WHERE id = {{}}", [record])
    if stored != tuple(said.values()):
        return {"in the database": stored, "requested": said}
    return {"id": record, **{key: said[key] for key in keys}}


def row(server: Server, sql: str, arguments: list[Any]) -> tuple[Any, ...] | None:
    """One row of a server's database, ids as text; ``{}`` in the SQL stands for an argument."""
    if server.postgresql:
        with postgresql(server.database) as connection:
            found = connection.execute(sql.replace("{}", "%s"), arguments).fetchone()
    else:
        connection = sqlite3.connect(server.database)
        found = connection.execute(sql.replace("{}", "?"), arguments).fetchone()
        connection.close()
    return None if found is None else tuple(each if isinstance(each, int) else str(each) for each in found)


def _difference(got: Any, wanted: Any) -> str:
    if isinstance(got, list) and isinstance(wanted, list):
        if len(got) != len(wanted):
            return f"{len(got)} items instead of {len(wanted)}"
        place = next(number for number, pair in enumerate(zip(got, wanted, strict=True)) if pair[0] != pair[1])
        return f"item {place}: {_difference(got[place], wanted[place])}"
    if isinstance(got, dict) and isinstance(wanted, dict) and set(got) == set(wanted):
        key = next(key for key in got if got[key] != wanted[key])
        return f"{key}: {_difference(got[key], wanted[key])}"
    return f"{str(got)[:300]} instead of {str(wanted)[:300]}"


def _denials(running: Running) -> dict[str, str]:
    """What the restricted role must not get, neither read nor written."""
    hidden = json.loads((BODIES / "hidden.json").read_text())
    contacts, opportunities = running.server.tables
    count = f"SELECT count(*) FROM {contacts} WHERE company_id = {{}}"
    stage = f"SELECT stage FROM {opportunities} WHERE id = {{}}"
    before = row(running.server, count, [hidden["company"]]), row(running.server, stage, [hidden["opportunity"]])
    new_stage = "lost" if before[1] == ("won",) else "won"
    read = running.graphql("query($id: ID!) { company(id: $id) { name } }", {"id": hidden["company"]}, "bench_rep")
    field = running.graphql(operations.HIDDEN_FIELD, {}, "bench_rep")
    create = running.graphql(
        operations.GRAPHQL["Q5"],
        {"company": hidden["company"], "f": "Bench", "l": "Denied", "e": "bench.denied@bench.invalid", "p": "+1000"},
        "bench_rep",
    )
    update = running.graphql(operations.GRAPHQL["Q6"], {"id": hidden["opportunity"], "s": new_stage}, "bench_rep")
    after = row(running.server, count, [hidden["company"]]), row(running.server, stage, [hidden["opportunity"]])
    checks = {
        "hidden record": (read.get("data") == {"company": None}, read),
        "hidden field": ("errors" in field and not field.get("data"), field),
        "create on hidden": ("errors" in create and before[0] == after[0], create),
        "update of hidden": ("errors" in update and before[1] == after[1], update),
    }
    return {name: "ok, refused" if fine else f"WRONG: {str(answer)[:300]}" for name, (fine, answer) in checks.items()}

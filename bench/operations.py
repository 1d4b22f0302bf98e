"""The eight operations as requests: GraphQL for the platform, names and arguments for the limit application.

A request body is one line of JSON. The document of an operation is always the same, its variables change from request
to request. Every role gets the same bodies: they name only records that ``bench_rep`` may see.
"""

import json
import random
from pathlib import Path
from typing import Any

import dataset
from reference import FOR_ROLE, MAX_EMPLOYEES, OPERATIONS

_COMPANY = "id name city country industry employees annualRevenue createdAt"
_CONTACT = "id firstName lastName email"

GRAPHQL = {
    "Q1": f"query Q1($id: ID!) {{ company(id: $id) {{ {_COMPANY} }} }}",
    "Q2": f"""query Q2($c: String!) {{
  companies(where: {{country: {{eq: $c}}}}, orderBy: [{{name: ASC}}], first: 100) {{ nodes {{ {_COMPANY} }} }} }}""",
    "Q3": f"""query Q3($c: String!) {{
  companies(where: {{country: {{eq: $c}}}}, orderBy: [{{name: ASC}}], first: 20) {{ nodes {{ id name city country
    contacts(first: 5) {{ nodes {{ {_CONTACT} }} }}
    opportunities(first: 1000) {{ nodes {{ id name stage amount owner {{ name }} }} }} }} }} }}""",
    "Q4": """query Q4 {
  stages: opportunitiesAggregate(groupBy: [{stage: VALUE}]) { key { stage } count sum { amount } } }""",
    "Q5": f"""mutation Q5($company: ID!, $f: String!, $l: String!, $e: String!, $p: String!) {{
  createContact(input: {{companyId: $company, firstName: $f, lastName: $l, email: $e, phone: $p}}) {{ {_CONTACT} }} }}""",
    "Q6": """mutation Q6($id: ID!, $s: OpportunityStage!) {
  updateOpportunity(id: $id, input: {stage: $s}) { id stage } }""",
    "Q7": f"query Q7 {{ companies(first: 1000) {{ nodes {{ {_COMPANY} }} }} }}",
    "Q8": f"""query Q8($c: String!, $a: Decimal!) {{
  contacts(where: {{company: {{country: {{eq: $c}}, opportunities: {{some: {{amount: {{gt: $a}}}}}}}}}}, first: 50) {{
    nodes {{ {_CONTACT} }} }} }}""",
}

HIDDEN_FIELD = "query Hidden { contacts(first: 1) { nodes { phone } } }"
"""``bench_rep`` may not read it; it must be told that there is no such field."""

COUNTRIES = dataset.COUNTRIES[:12]
MIN_AMOUNT = 400000
PASSES = 4
"""How often all opportunities of Q6 are changed before the first comes again: to another stage each time, so that each
request is a change. One that is none is far cheaper for a database, and the quicker server would have more of them."""

BENCH_EMAIL = "bench.%@bench.invalid"
"""Contacts that the benchmark made, as an SQL pattern."""


def write(folder: Path) -> None:
    """Write all request bodies, pgbench scripts, the stages to restore, and records hidden from ``bench_rep``."""
    tables = dataset.tables()
    visible = {c["id"] for c in tables["companies"] if c["employees"] < MAX_EMPLOYEES and c["country"] in COUNTRIES}
    stages = {o["id"]: o["stage"] for o in tables["opportunities"] if o["company_id"] in visible}
    arguments = _arguments(sorted(visible), stages)
    for dialect in ("graphql", "pgbench", *(f"limit-{role}" for role in FOR_ROLE)):
        (folder / dialect).mkdir(parents=True, exist_ok=True)
    for operation in OPERATIONS:
        calls = arguments[operation]
        _lines(
            folder / "graphql" / f"{operation}.txt",
            [{"query": GRAPHQL[operation], "variables": each, "operationName": operation} for each in calls],
        )
        for role in FOR_ROLE:
            _lines(
                folder / f"limit-{role}" / f"{operation}.txt",
                [{"role": role, "operation": operation, "arguments": list(each.values())} for each in calls],
            )
        (folder / "pgbench" / f"{operation}.sql").write_text(_pgbench(operation, calls[:2048]))
    touched = {each["id"]: stages[each["id"]] for each in arguments["Q6"]}
    (folder / "stages.json").write_text(json.dumps(touched))
    large = {c["id"] for c in tables["companies"] if c["employees"] >= MAX_EMPLOYEES}
    hidden = next(o for o in tables["opportunities"] if o["company_id"] in large)
    (folder / "hidden.json").write_text(json.dumps({"company": hidden["company_id"], "opportunity": hidden["id"]}))


def first(folder: Path, dialect: str, operation: str) -> str:
    """The first request body."""
    with (folder / dialect / f"{operation}.txt").open() as file:
        return file.readline().strip()


def _arguments(companies: list[str], stages: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Named variables of each operation, in the order of the reference SQL's parameters.

    Args:
        companies: ids of them.
        stages: that of each opportunity, by id.
    """
    rnd = random.Random(7)
    opportunities = sorted(stages)
    rnd.shuffle(companies)
    rnd.shuffle(opportunities)
    countries: list[dict[str, Any]] = [{"c": country} for country in COUNTRIES]
    return {
        "Q1": [{"id": company} for company in companies[:2048]],
        "Q2": countries,
        "Q3": countries,
        "Q4": [{}],
        "Q5": [
            {"company": company, "f": "Bench", "l": f"Mark{n}", "e": f"bench.{n}@bench.invalid", "p": "+1000"}
            for n, company in enumerate(companies[:2048])
        ],
        "Q6": [
            {"id": each, "s": _later(stages[each], steps)}
            for steps in range(1, PASSES + 1)
            for each in opportunities[:8192]
        ],
        "Q7": [{}],
        "Q8": [{"c": country, "a": MIN_AMOUNT} for country in COUNTRIES],
    }


def _later(stage: str, steps: int) -> str:
    """The stage so many steps behind another, in a circle."""
    return dataset.STAGES[(dataset.STAGES.index(stage) + steps) % len(dataset.STAGES)]


def _lines(path: Path, bodies: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(body, separators=(",", ":")) + "\n" for body in bodies))


def _pgbench(operation: str, calls: list[dict[str, Any]]) -> str:
    """One script: a random index picks the arguments out of constant arrays."""
    sql, names = FOR_ROLE["admin"]["postgresql"][operation], list(calls[0])
    for number in range(len(names), 0, -1):
        values = [call[names[number - 1]] for call in calls]
        array = ",".join(str(value) if isinstance(value, int) else f"'{value}'" for value in values)
        kind = "uuid" if f"${number}::uuid" in sql else "numeric" if isinstance(values[0], int) else "text"
        sql = sql.replace(f"${number}::{kind}", f"${number}").replace(f"${number}", f"(ARRAY[{array}]::{kind}[])[:i]")
    head = f"\\set i random(1, {len(calls)})\n" if names else ""
    return head + " ".join(sql.split()) + ";\n"

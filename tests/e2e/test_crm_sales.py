"""The whole way, through the public interface: entity files → plan → tables → real CSV files → answers by HTTP.

The figures that are expected are computed from the CSV files here, by plain Python.
"""

import csv
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Installation, ask

DATA = Path(__file__).parents[1] / "data" / "crm-sales"

SIMPLE_IMPORTS = (
    ("product", "products.csv", "--map", "product=name", "--map", "sales_price=list_price"),
    ("sales_agent", "sales_teams.csv", "--map", "sales_agent=name", "--map", "regional_office=region"),
    ("account", "accounts.csv", "--map", "account=name", "--replace", "sector:technolgy=technology"),
)
OPPORTUNITIES = (
    *("opportunity", "sales_pipeline.csv", "--date-format", "%d-%m-%y"),
    *("--ignore", "engage_quarter", "--ignore", "close_quarter"),
    *(
        word
        for column, field in {
            "opportunity_id": "code",
            "sales_agent": "agent.name",
            "product": "product.name",
            "account": "account.name",
            "deal_stage": "stage",
            "engage_date": "engaged_on",
            "close_date": "closed_on",
        }.items()
        for word in ("--map", f"{column}={field}")
    ),
)
MENDED = ("--replace", "product:GTXPro=GTX Pro")

WON_BY_SECTOR = """
{
  opportunitiesAggregate(where: {stage: {eq: won}}, groupBy: [{account: {sector: VALUE}}]) {
    key { account { sector } }
    count
    sum { closeValue }
  }
}
"""
NESTED = """
query ($agent: String!) {
  salesAgents(where: {name: {eq: $agent}}) {
    nodes {
      name
      region
      opportunities(
        where: {stage: {eq: won}, product: {name: {eq: "GTX Pro"}}}
        orderBy: [{closeValue: DESC}, {code: ASC}]
        first: 5
      ) {
        totalCount
        nodes { code closedOn closeValue product { name listPrice } account { name subsidiaryOf { name } } }
      }
    }
  }
}
"""


def rows(name: str) -> list[dict[str, str]]:
    """A file of the sample, with its known mistakes mended."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return [{column: mended(value) for column, value in row.items()} for row in csv.DictReader(file)]


def mended(value: str) -> str:
    """What was meant by a value."""
    return {"technolgy": "technology", "GTXPro": "GTX Pro"}.get(value, value)


def won_by_sector() -> list[dict[str, Any]]:
    """The answer to WON_BY_SECTOR, out of the files."""
    sectors = {row["account"]: row["sector"] for row in rows("accounts.csv")}
    values: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows("sales_pipeline.csv"):
        if row["deal_stage"] == "Won":
            values[sectors[row["account"]]].append(Decimal(row["close_value"]))
    return [
        {"key": {"account": {"sector": sector}}, "count": len(found), "sum": {"closeValue": f"{sum(found):.2f}"}}
        for sector, found in sorted(values.items())
    ]


def best_deals(agent: str) -> dict[str, Any]:
    """The answer to NESTED, out of the files."""
    prices = {row["product"]: row["sales_price"] for row in rows("products.csv")}
    parents = {row["account"]: row["subsidiary_of"] for row in rows("accounts.csv")}
    [region] = [row["regional_office"] for row in rows("sales_teams.csv") if row["sales_agent"] == agent]
    found = [
        row
        for row in rows("sales_pipeline.csv")
        if (row["sales_agent"], row["deal_stage"], row["product"]) == (agent, "Won", "GTX Pro")
    ]
    found.sort(key=lambda row: (-Decimal(row["close_value"]), row["opportunity_id"]))
    nodes = []
    for row in found[:5]:
        day, month, year = row["close_date"].split("-")
        parent = parents[row["account"]]
        nodes.append(
            {
                "code": row["opportunity_id"],
                "closedOn": f"20{year}-{month}-{day}",
                "closeValue": f"{Decimal(row['close_value']):.2f}",
                "product": {"name": row["product"], "listPrice": f"{Decimal(prices[row['product']]):.2f}"},
                "account": {"name": row["account"], "subsidiaryOf": {"name": parent} if parent else None},
            }
        )
    opportunities = {"totalCount": len(found), "nodes": nodes}
    return {"name": agent, "region": region.lower(), "opportunities": opportunities}


def import_file(installation: Installation, words: tuple[str, ...], expect: int = 0) -> str:
    """Import a file of the sample; what is printed."""
    entity, file, *options = words
    return installation.xrm("import", entity, str(DATA / file), *options, expect=expect).stdout


def test_from_entity_files_and_csv_to_answers(installation: Installation):
    # given a pack of entity files with its plan, which says what is to be done and does nothing yet
    shutil.copytree(DATA / "schemas", installation.pack)
    planned = installation.xrm("schema", "plan", expect=2).stdout
    assert "safe    Create the entity opportunity with 8 fields.\n" in planned
    installation.xrm("schema", "apply")

    # when the simple files are imported, then all rows are written
    for words in SIMPLE_IMPORTS:
        count = len(rows(words[1]))
        assert import_file(installation, words) == f"{count} of {count} rows were written as {words[0]}.\n"

    # when the file is imported as it is, then every bad row is reported and none is written
    assert import_file(installation, OPPORTUNITIES, expect=1) == "0 of 8800 rows were written as opportunity.\n"
    with (installation.folder / "sales_pipeline.csv.errors.csv").open(newline="", encoding="utf-8") as file:
        report = list(csv.DictReader(file))
    with (DATA / "sales_pipeline.csv").open(newline="", encoding="utf-8") as file:
        misspelt = [line for line, row in enumerate(csv.DictReader(file), start=2) if row["product"] == "GTXPro"]
    assert [int(problem["line"]) for problem in report] == misspelt
    assert {(each["column"], each["value"], each["code"]) for each in report} == {("product", "GTXPro", "relation")}

    # and when the misspelling is replaced, all are written
    assert import_file(installation, (*OPPORTUNITIES, *MENDED)) == "8800 of 8800 rows were written as opportunity.\n"

    # then the server answers what the files say
    installation.xrm("user", "create", "--email", "ada@example.com", "--role", "analyst")
    token = installation.xrm("token", "create", "ada@example.com").stdout.strip()
    with installation.serve() as address:
        opportunities = ask(
            address,
            token,
            "{opportunities {totalCount} empty: opportunities(where: {account: {isNull: true}}) {totalCount}}",
        )
        assert opportunities["opportunities"] == {"totalCount": 8800}
        assert opportunities["empty"] == {"totalCount": sum(not row["account"] for row in rows("sales_pipeline.csv"))}
        assert ask(address, token, WON_BY_SECTOR)["opportunitiesAggregate"] == won_by_sector()
        for agent in ("Darcel Schlecht", "Moses Frase"):
            assert ask(address, token, NESTED, agent=agent)["salesAgents"]["nodes"] == [best_deals(agent)]

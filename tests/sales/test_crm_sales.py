"""A public CRM sample with the plugin's own entities: its figures are those that the CSV files have by themselves."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sales.conftest import Sales
from xrm_core.records.importing import ImportOptions, import_csv

DATA = Path(__file__).parents[1] / "data" / "crm-sales"
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> str:
    return datetime.strptime(text, "%d-%m-%y").date().isoformat() if text else ""


def product(row: Row) -> str:
    return row["product"].replace("GTXPro", "GTX Pro")


def email(agent: str) -> str:
    return f"{agent.replace(' ', '.').lower()}@example.com"


class Sample:
    """The files, imported: users of agents and managers, teams, products, customers, opportunities."""

    def __init__(self, sales: Sales, folder: Path, only: int | None) -> None:
        self.sales, self.folder = sales, folder
        self.pipeline = rows("sales_pipeline")[:only]
        self.teams = {row["sales_agent"]: row for row in rows("sales_teams")}
        managers = {row["manager"]: row["regional_office"] for row in self.teams.values()}
        people = [{"last_name": name, "email": email(name)} for name in (*self.teams, *managers)]
        self.load("user", people, {})
        teams = [{"name": name, "region": region, "lead": email(name)} for name, region in managers.items()]
        self.load("team", teams, {"lead": "lead.email"})
        self.load("product", ({"sku": row["product"], "name": row["product"]} for row in rows("products")), {})
        accounts = [*(row["account"] for row in rows("accounts")), "Not known"]
        self.load("customer", ({"customer_number": name[:20], "name": name} for name in accounts), {})
        stages = {"Prospecting": "Qualification", "Engaging": "Needs analysis"}
        opportunities = (
            {
                "external_id": row["opportunity_id"],
                "name": f"{product(row)} for {row['account'] or 'somebody'}",
                "customer": (row["account"] or "Not known")[:20],
                "stage": sales.stages[stages.get(row["deal_stage"], row["deal_stage"])],
                "loss_reason": "No decision" if row["deal_stage"] == "Lost" else "",
                "engaged_on": day(row["engage_date"]),
                "closed_on": day(row["close_date"]),
                "amount": row["close_value"],
                "product": product(row),
                "owner": email(row["sales_agent"]),
                "team": self.teams[row["sales_agent"]]["manager"],
            }
            for row in self.pipeline
        )
        keys = {"customer": "customer.customer_number", "stage": "stage.id", "loss_reason": "loss_reason.name"}
        more = {"product": "product.sku", "owner": "owner.email", "team": "team.name"}
        self.load("opportunity", opportunities, {**keys, **more})

    def load(self, entity: str, records: Iterable[Row], columns: dict[str, str]) -> None:
        """Write them as a CSV file, and import that."""
        records = list(records)
        path = self.folder / f"{entity}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        platform = self.sales.xrm.platform
        with platform.database.begin() as connection:
            result = import_csv(platform.records, connection, entity, path, ImportOptions(columns=columns))
            assert result.ok, result.problems[:3]

    def figures(self, arguments: str, selection: str) -> list[dict[str, Any]]:
        document = f"{{ opportunitiesAggregate({arguments}, first: 1000) {{ {selection} }} }}"
        return list(self.sales.admin.query(document)["opportunitiesAggregate"])


def won_by(pipeline: Iterable[Row], key: Callable[[Row], str]) -> dict[str, Decimal]:
    """Won value by something of a row, out of the file alone."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in pipeline:
        if row["deal_stage"] == "Won":
            totals[key(row)] += Decimal(row["close_value"])
    return dict(totals)


def test_what_is_counted_out_of_the_files_is_what_is_known_of_them():
    pipeline, teams = rows("sales_pipeline"), {row["sales_agent"]: row for row in rows("sales_teams")}

    agents = won_by(pipeline, lambda row: row["sales_agent"])
    managers = won_by(pipeline, lambda row: teams[row["sales_agent"]]["manager"])

    assert (len(agents), len(managers)) == (30, 6)
    assert agents["Darcel Schlecht"] == 1_153_214
    assert managers["Melvin Marxen"] == 2_251_930
    assert sum(agents.values()) == 10_005_534
    assert won_by(pipeline, lambda row: teams[row["sales_agent"]]["regional_office"]) == {
        "West": 3_568_647,
        "Central": 3_346_293,
        "East": 3_090_594,
    }
    assert won_by(pipeline, product)["GTX Pro"] == 3_510_578


@pytest.mark.parametrize("only", [250, pytest.param(None, marks=pytest.mark.slow)])
def test_the_figures_of_the_sample_are_those_of_its_files(sales: Sales, tmp_path: Path, only: int | None):
    sample = Sample(sales, tmp_path, only)

    won = "where: {status: {eq: won}}, groupBy: "
    by_agent = sample.figures(won + "[{owner: {email: VALUE}}]", "key { owner { email } } sum { amount }")
    assert {each["key"]["owner"]["email"]: Decimal(each["sum"]["amount"]) for each in by_agent} == won_by(
        sample.pipeline, lambda row: email(row["sales_agent"])
    )
    for field, column in (("name", "manager"), ("region", "regional_office")):
        found = sample.figures(
            won + f"[{{team: {{{field}: VALUE}}}}]", f"key {{ team {{ {field} }} }} sum {{ amount }}"
        )
        assert {each["key"]["team"][field]: Decimal(each["sum"]["amount"]) for each in found} == won_by(
            sample.pipeline,
            lambda row, column=column: sample.teams[row["sales_agent"]][column],  # type: ignore[misc]
        )

    by_product = sample.figures(won + "[{product: {sku: VALUE}}]", "key { product { sku } } sum { amount }")
    assert {each["key"]["product"]["sku"]: Decimal(each["sum"]["amount"]) for each in by_product} == won_by(
        sample.pipeline, product
    )

    ended = [row for row in sample.pipeline if row["deal_stage"] in ("Won", "Lost")]
    rates = sample.figures("groupBy: [{product: {sku: VALUE}}]", "key { product { sku } } count avg { wonPercent }")
    offered, decided, gained = (
        Counter(map(product, some))
        for some in (sample.pipeline, ended, (row for row in ended if row["deal_stage"] == "Won"))
    )
    assert {each["key"]["product"]["sku"]: each["count"] for each in rates} == offered
    assert gained.total() < decided.total() < offered.total()
    for each in rates:
        sku, rate = each["key"]["product"]["sku"], each["avg"]["wonPercent"]
        if decided[sku]:
            assert abs(Decimal(rate) - Decimal(100 * gained[sku]) / decided[sku]) < Decimal("0.0001"), sku
        else:
            assert rate is None, sku

    [cycle] = sample.figures("where: {status: {eq: won}}", "avg { cycleDays } count")
    days = [
        (date.fromisoformat(day(row["close_date"])) - date.fromisoformat(day(row["engage_date"]))).days
        for row in ended
        if row["deal_stage"] == "Won"
    ]
    assert cycle["count"] == len(days)
    assert abs(Decimal(cycle["avg"]["cycleDays"]) - Decimal(sum(days)) / len(days)) < Decimal("0.0001")

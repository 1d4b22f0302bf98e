"""A change of the model as a case for tests: two models, rows, what the plan says, and what becomes of the rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.storage.worlds import add_rows, entity, model, record_id, text
from xrm_core.metadata.model import Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

Rows = dict[str, list[dict[str, Any]]]
INTEGER, DECIMAL, BOOLEAN, ENUM = FieldType.INTEGER, FieldType.DECIMAL, FieldType.BOOLEAN, FieldType.ENUM


@dataclass
class Case:
    """From ``before`` with ``rows`` to ``after``: ``plan`` has key → (risk, rows)."""

    name: str
    before: Model
    after: Model
    rows: Rows
    plan: dict[str, tuple[str, int]]
    then: Mapping[Any, list[Any]] = field(default_factory=dict)

    @property
    def lossy(self) -> list[str]:
        return [key for key, (risk, _) in self.plan.items() if risk == "lossy"]


def one(*fields: Field, **more: Any) -> Model:
    return model(entity("customer", *fields, **more))


def status(*values: str, **more: Any) -> Field:
    return Field("status", ENUM, enum=values, **more)


def money(name: str, *currencies: str) -> Field:
    return Field(name, FieldType.MONEY, currencies=currencies)


NAME = text("name")
TWO = {"customer": [{"name": "Müller"}, {"name": "O'Brien"}]}
NAMES = {("customer", "name"): ["Müller", "O'Brien"]}
LINKED = {
    "customer": [{"name": "A"}, {"name": "B"}],
    "contact": [{"name": "C"}],
    "activity": [{"about_customer_id": record_id(1)}, {"about_contact_id": record_id(1)}, {}],
}
CUSTOMER, CONTACT = entity("customer", NAME), entity("contact", NAME)


def by_name(cases: list[Case]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def given(database: Database, case: Case) -> None:
    apply(database, case.before)
    for name, rows in case.rows.items():
        add_rows(database, case.before, name, *rows)


def planned(database: Database, model_: Model) -> dict[str, tuple[str, int]]:
    with database.read() as connection:
        found = plan(connection, current_model(connection), model_)
    return {operation.key: (operation.risk, operation.rows) for operation in found.operations}

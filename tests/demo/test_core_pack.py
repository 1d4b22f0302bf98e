"""The core pack in ``schemas/``: its entities, and what its three roles may do."""

from pathlib import Path

import pytest

from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import OF_ENTITIES, OF_RECORDS, Action
from xrm_core.permissions.policy import load as load_policies

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module")
def model() -> Model:
    return load(pack_layers(SCHEMAS))


def test_entities(model: Model) -> None:
    assert {entity.name for entity in model if entity.kind == "entity"} == {
        "user", "team", "customer", "contact", "partner", "project", "competitor", "product", "activity", "institution",
    }  # fmt: skip
    assert {entity.name for entity in model if entity.kind == "link"} == {"project_member", "project_product"}
    assert {entity.name for entity in model if entity.kind == "relationship"} == {
        "decides_for", "influences", "subsidiary_of", "competes_with", "partner_of",
    }  # fmt: skip


def test_everything_is_labelled_in_german_and_english(model: Model) -> None:
    for entity in model:
        assert entity.description
        labels = [link.labels for link in entity.links.values()]
        if entity.kind != "relationship":
            labels.append(entity.plural_labels)
        labels.append(entity.labels)
        for field in entity.fields.values():
            if field.name not in ("source", "target"):
                labels.append(field.labels)
            labels.extend(field.enum_labels.get(value, {}) for value in field.enum)
            if field.relation is not None and entity.kind != "relationship":
                labels.append(field.relation.inverse_labels)
        assert all(set(label) == {"de", "en"} and all(label.values()) for label in labels), entity.name


def test_a_customer_has_contacts_and_activities(model: Model) -> None:
    customer = model["customer"]
    assert customer.inverses["contacts"].entity == "contact"
    assert customer.inverses["activities"].entity == "activity"
    assert customer.inverses["subsidiaries"].field == "parent"
    assert "last_name" in model["contact"].fields


@pytest.fixture(scope="module")
def authority(model: Model) -> Authority:
    return Authority(model, load_policies([SCHEMAS / "permissions"], model))


def readable(authority: Authority, role: str) -> dict[str, set[str]]:
    """Entity → fields that the role may read, as the platform itself sees it."""
    access = authority.access(frozenset({role}))
    found = {entity.name: access.get(entity.name, Action.READ) for entity in authority.model}
    return {entity: set(permission.fields) for entity, permission in found.items() if permission is not None}


def allowed(authority: Authority, role: str, action: Action) -> set[str]:
    access = authority.access(frozenset({role}))
    return {entity.name for entity in authority.model if access.may(entity.name, action)}


def test_an_administrator_may_do_everything(model: Model, authority: Authority) -> None:
    entities = {entity.name for entity in model}
    of_their_own = {entity.name for entity in model if entity.kind == "entity"}
    for action in OF_RECORDS:
        assert allowed(authority, "admin", action) == (of_their_own if action in OF_ENTITIES else entities)
    every_field = {entity.name: set(entity.grantable()) for entity in model}
    assert readable(authority, "admin") == every_field


def test_a_guest_reads_a_few_fields_of_customers_and_products(authority: Authority) -> None:
    assert readable(authority, "guest") == {
        "customer": {"id", "name", "industry", "city", "country"},
        "product": {
            "id", "sku", "name", "description", "category", "product_line", "unit", "price", "currency", "active",
        },
    }  # fmt: skip
    assert not any(allowed(authority, "guest", action) for action in (Action.CREATE, Action.UPDATE, Action.DELETE))


def test_a_sales_rep_writes_own_records_and_deletes_own_activities(authority: Authority) -> None:
    own, links = {"customer", "contact", "project", "activity"}, {"project_member", "project_product"}
    links |= {"decides_for", "influences"}
    assert allowed(authority, "sales_rep", Action.CREATE) == own | links
    assert allowed(authority, "sales_rep", Action.UPDATE) == own | links
    assert allowed(authority, "sales_rep", Action.DELETE) == {"activity"} | links
    access = authority.access(frozenset({"sales_rep"}))
    for entity in authority.model:
        for action in Action:
            permission = access.get(entity.name, action)
            assert (
                permission is None
                or (permission.rule == EVERYTHING) == (entity.name not in own | links and entity.kind == "entity")
                or entity.name in ("competes_with", "partner_of", "subsidiary_of")
            )


def test_a_sales_rep_does_not_see_what_is_confidential(model: Model, authority: Authority) -> None:
    fields = readable(authority, "sales_rep")
    assert set(fields) == {entity.name for entity in model}
    assert not fields["customer"] & {"credit_limit", "internal_notes"}
    assert not fields["product"] & {"cost_price"}
    assert not fields["project"] & {"actual_cost"}
    assert not fields["user"] & {"birthday", "mobile", "hired_on", "annual_target", "employee_number"}
    assert not fields["team"] & {"annual_target", "cost_center"}
    assert all({"id"} <= names for names in fields.values())

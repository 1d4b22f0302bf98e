"""The demo data as a whole: the same each time, complete, consistent, and valid by the core pack's entity files."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import phonenumbers
import pytest

from xrm_core.demo import DEMO_USERS, counts, links, patches, records
from xrm_core.errors import SettingsError
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import SYSTEM_FIELDS, Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.types import FieldType

Records = dict[str, list[dict[str, Any]]]
SCHEMAS = Path(__file__).parents[2] / "schemas"
SYSTEM = {field.name for field in SYSTEM_FIELDS}
DIGEST = "c325e5632ea97b0d111ea407dfb27e171abb179b9e77cc9393165f420d871f4d"
"""SHA-256 of the default demo as JSON; a wanted change of the demo changes it."""


def digest(demo: Any) -> str:
    return hashlib.sha256(json.dumps(demo, ensure_ascii=False, default=str).encode()).hexdigest()


@pytest.fixture(scope="module")
def model() -> Model:
    return load(pack_layers(SCHEMAS))


@pytest.fixture(scope="module")
def demo() -> Records:
    return dict(records())


def test_same_seed_same_bytes(demo: Records) -> None:
    assert digest(demo) == digest(dict(records())) == DIGEST


def test_independent_of_hash_seed() -> None:
    program = (
        "import hashlib, json; from xrm_core.demo import records;"
        "print(hashlib.sha256(json.dumps(dict(records(size=600)), default=str).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(SCHEMAS.parent), "TZ": zone},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "America/New_York"))
    }
    assert len(seen) == 1


def test_another_seed_gives_other_records_but_the_same_demo_users(demo: Records) -> None:
    other = dict(records(seed=7))
    assert digest(other) != DIGEST
    assert [row["name"] for row in other["customer"]] != [row["name"] for row in demo["customer"]]
    assert set(DEMO_USERS.values()) <= {row["id"] for row in other["user"]}


def test_counts(demo: Records) -> None:
    assert {entity: len(rows) for entity, rows in demo.items()} == counts()
    assert sum(counts().values()) == 20_000
    assert list(demo) == list(counts())


@pytest.mark.parametrize("size", [500, 1_234, 5_000])
def test_other_sizes_are_met_exactly(size: int) -> None:
    demo = dict(records(size=size))
    assert sum(map(len, demo.values())) == size
    assert all(demo.values())


def test_too_small_a_size_is_refused() -> None:
    with pytest.raises(SettingsError, match="too small"):
        next(records(size=100))


def test_generation_is_quick() -> None:
    started = time.process_time()
    for _ in records():
        pass
    assert time.process_time() - started < 10  # takes about 1.5 s; ten times that would spoil the demo's start


def test_every_entity_of_the_core_pack_has_records(demo: Records, model: Model) -> None:
    assert {entity.name for entity in model if entity.kind == "entity"} == set(demo)
    found = dict(links(demo))
    assert {entity.name for entity in model if entity.kind != "entity"} == set(found)
    assert all(found.values())


def test_records_are_valid(demo: Records, model: Model) -> None:
    for entity, rows in (*demo.items(), *links(demo)):
        validator = jsonschema_rs.Draft202012Validator(
            json.loads(json.dumps(model[entity].json_schema, default=dict)), validate_formats=True
        )
        for row in rows:
            plain = {
                name: float(value) if isinstance(value, Decimal) else value
                for name, value in row.items()
                if name not in SYSTEM
            }
            problems = [f"{problem.instance_path}: {problem.message}" for problem in validator.iter_errors(plain)]
            assert not problems, (entity, row["id"], problems)


def test_decimals_have_the_digits_that_their_fields_allow(demo: Records, model: Model) -> None:
    for entity, rows in demo.items():
        for field in model[entity].fields.values():
            if field.type is FieldType.DECIMAL and not field.virtual:
                step = Decimal(1).scaleb(-field.scale)
                values = [row[field.name] for row in rows if row.get(field.name) is not None]
                assert values, (entity, field.name)
                assert all(value == value.quantize(step) for value in values), (entity, field.name)


def test_records_of_an_entity_have_the_same_fields(demo: Records) -> None:
    for entity, rows in demo.items():
        assert {frozenset(row) for row in rows} == {frozenset(rows[0])}, entity


def test_every_field_is_used(demo: Records, model: Model) -> None:
    used = {
        (entity, name)
        for entity, rows in (*demo.items(), *links(demo))
        for row in rows
        for name in row
        if row[name] is not None
    }
    used |= {(entity, name) for entity, _, fields in patches() for name in fields}
    stored = {(entity.name, name) for entity in model for name, field in entity.fields.items() if not field.virtual}
    unused = stored - used
    # Nobody writes long notes on these, and that is fine; anything else would be forgotten.
    assert unused == {("partner", "notes"), ("institution", "notes"), ("institution", "description"),
                      ("competitor", "description")}  # fmt: skip


def test_references_point_to_earlier_records(demo: Records, model: Model) -> None:
    known: dict[str, set[str]] = {entity: set() for entity in demo}
    for entity, rows in demo.items():
        relations = [field for field in model[entity].fields.values() if field.relation is not None]
        for row in rows:
            for field in relations:
                value = row.get(field.name)
                if value is None:
                    continue
                targets = field.relation.targets if field.relation else ()
                reference = value if isinstance(value, dict) else {targets[0]: value}
                for target, identifier in reference.items():
                    assert target in targets
                    assert identifier in known[target], (entity, field.name, identifier)
            known[entity].add(row["id"])


def test_patches_give_every_team_a_lead_from_its_own_members(demo: Records) -> None:
    team_of = {user["id"]: user["team"] for user in demo["user"]}
    given = {identifier: fields["lead"] for _, identifier, fields in patches()}
    assert set(given) == {team["id"] for team in demo["team"]}
    assert all(team_of[lead] == team for team, lead in given.items())


def test_unique_fields_are_unique(demo: Records, model: Model) -> None:
    for entity, rows in demo.items():
        assert len({row["id"] for row in rows}) == len(rows)
        for field in model[entity].fields.values():
            if field.unique:
                values = [row[field.name] for row in rows if row[field.name] is not None]
                assert len(set(values)) == len(values), (entity, field.name)


def test_no_two_organisations_share_a_name_or_domain(demo: Records) -> None:
    rows = [row for entity in ("customer", "partner", "competitor", "institution") for row in demo[entity]]
    assert Counter(row["name"] for row in rows).most_common(1)[0][1] == 1
    assert Counter(row["website"] for row in rows).most_common(1)[0][1] == 1


def test_ids_are_uuid7_of_the_moment_of_creation(demo: Records) -> None:
    for rows in demo.values():
        for row in rows:
            identifier = uuid.UUID(row["id"])
            created = dt.datetime.fromisoformat(row["created_at"])
            assert identifier.version == 7
            assert identifier.variant == uuid.RFC_4122
            assert identifier.int >> 80 == round(created.timestamp() * 1000)


def test_system_fields_are_consistent(demo: Records) -> None:
    hired = {user["id"]: user["created_at"] for user in demo["user"]}
    for entity, rows in demo.items():
        for row in rows:
            assert "2018-01-08" <= row["created_at"] <= row["updated_at"] <= "2026-06-30T16:00:00.000+00:00", entity
            assert row["created_by"] in hired
            if entity not in ("team", "user"):
                assert hired[row["created_by"]] <= row["created_at"]


def test_nothing_is_older_than_what_it_belongs_to(demo: Records) -> None:
    created = {row["id"]: row["created_at"] for rows in demo.values() for row in rows}
    for contact in demo["contact"]:
        assert created[next(iter(contact["organisation"].values()))] <= contact["created_at"]
    for activity in demo["activity"]:
        assert created[next(iter(activity["regarding"].values()))] <= activity["created_at"]
    for project in demo["project"]:
        assert created[project["customer"]] <= project["created_at"]
    for customer in demo["customer"]:
        assert customer["parent"] is None or created[customer["parent"]] <= customer["created_at"]


def test_phone_numbers_are_valid_in_their_country(demo: Records) -> None:
    for entity, rows in demo.items():
        for row in rows:
            for name in ("phone", "mobile"):
                if row.get(name) is None:
                    continue
                number = phonenumbers.parse(row[name])
                assert phonenumbers.is_valid_number(number), (entity, row[name])
                assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == row[name]
                if "country" in row:
                    assert phonenumbers.region_code_for_number(number) == row["country"], (entity, row[name])


def test_addresses_lead_nowhere_real(demo: Records) -> None:
    emails = [row["email"] for rows in demo.values() for row in rows if row.get("email")]
    assert len(emails) > 8_000
    assert all(email.endswith(".example") for email in emails)


def test_the_sales_rep_has_something_to_show(demo: Records) -> None:
    rep = DEMO_USERS["sales_rep"]
    owned = {
        entity: sum(row["owner"] == rep for row in demo[entity])
        for entity in ("customer", "contact", "project", "activity")
    }
    assert 60 <= owned["customer"] <= 150
    assert owned["contact"] >= 150
    assert owned["project"] >= 20
    assert owned["activity"] >= 200


def test_demo_users_by_role(demo: Records) -> None:
    users = {user["id"]: user for user in demo["user"]}
    assert set(DEMO_USERS) == {"admin", "sales_rep", "guest"}
    teams = {team["id"]: team["name"] for team in demo["team"]}
    assert teams[users[DEMO_USERS["sales_rep"]]["team"]] == "Vertrieb Süd"
    assert users[DEMO_USERS["guest"]]["team"] is None
    assert not any(row["owner"] == DEMO_USERS["guest"] for row in demo["customer"])


def test_owners_are_active_and_come_from_the_team_of_the_region(demo: Records) -> None:
    users = {user["id"]: user for user in demo["user"]}
    assert all(users[row["owner"]]["active"] and users[row["owner"]]["team"] == row["team"] for row in demo["customer"])
    teams = {team["id"]: team["name"] for team in demo["team"]}
    assert {teams[row["team"]] for row in demo["customer"] if row["state"] == "Bayern"} == {"Vertrieb Süd"}


def test_figures_are_believable(demo: Records) -> None:
    euro = [row for row in demo["customer"] if row["currency"] == "EUR"]
    per_head = sorted(row["annual_revenue"] / row["employees"] for row in euro)
    assert 120_000 < per_head[len(per_head) // 2] < 320_000
    assert per_head[0] > 20_000
    assert per_head[-1] < 3_000_000
    sole = [row for row in demo["customer"] if row["legal_form"] == "e. K."]
    assert sole
    assert all(row["employees"] <= 15 for row in sole)
    assert all(row["cost_price"] < row["price"] for row in demo["product"])
    assert all(row["starts_on"] <= row["ends_on"] for row in demo["project"])


def test_histories_are_consistent(demo: Records) -> None:
    now = "2026-06-30T16:00:00.000+00:00"
    states = Counter(row["status"] for row in demo["activity"])
    assert set(states) == {"planned", "in_progress", "completed", "cancelled"}
    assert states["completed"] > 8_000
    assert states["planned"] > 100
    for row in demo["activity"]:
        assert (row["completed_at"] is not None) == (row["status"] == "completed")
        assert row["completed_at"] is None or row["completed_at"] <= now
        if row["starts_at"] is not None and row["starts_at"] > now:
            assert row["status"] == "planned"
    assert {next(iter(row["regarding"])) for row in demo["activity"]} == {
        "customer", "contact", "partner", "project", "competitor", "product", "team", "institution",
    }  # fmt: skip


def test_texts_are_filled_in(demo: Records) -> None:
    for rows in demo.values():
        for row in rows:
            assert not any(isinstance(value, str) and set("{}#@") & set(value) and name != "email"
                           for name, value in row.items()), row  # fmt: skip


def test_the_world_is_larger_than_one_country(demo: Records) -> None:
    countries = Counter(row["country"] for row in demo["customer"])
    assert set(countries) == {"DE", "AT", "CH", "FR", "IT", "ES", "NL", "PL", "SE", "GB", "US"}
    assert countries["DE"] > 1_000
    assert any("ü" in row["last_name"] for row in demo["contact"])
    assert any("ł" in row["first_name"] for row in demo["contact"])


def test_nothing_unforeseen_is_planned(demo: Records) -> None:
    ahead = [row for row in demo["activity"] if row["status"] == "planned"]
    assert not any(row["kind"] == "note" or row["direction"] == "inbound" for row in ahead)

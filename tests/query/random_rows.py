"""Hypothesis strategies: some records of each entity, linked at random."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.graphql.kit import Rows, uid
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.types import FieldType

Draw = Callable[[st.SearchStrategy[Any]], Any]

FIRST_ID = {"person": 0, "firm": 100, "deal": 200, "visit": 300, "secret": 400, "firm_advisor": 600, "firm_ally": 700}
ENTITIES = tuple(FIRST_ID)
COUNTS = {"person": 3, "firm": 6, "deal": 6, "visit": 5, "secret": 3, "firm_advisor": 6, "firm_ally": 6}

_TEXTS = ["", "a", "A", "ab", "b%", "_", "ä", "\\", "'", '"', "Z", "😀", "a\nb", "äöü-1234", "1234567"]
_DATES = ["0999-12-31", "1999-12-31", "2000-01-01", "2024-02-29", "2999-12-31"]
_MOMENTS = ["2026-03-01T10:00:00+00:00", "2026-03-01T10:00:00.5+00:00", "2026-03-01T11:00:00.000001+01:00"]
_MOMENTS += ["2999-12-31T23:59:59+00:00"]
_JSON: list[dict[str, Any]] = [{}, {"a": None}, {"bb": [1, 0.5, "ä", {}], "a": True}, {"\\": '"', "😀": -(2**63)}]


def values(of: Field) -> st.SearchStrategy[Any]:
    """Values of a field: few, so that equal ones are frequent."""
    match of.type:
        case FieldType.INTEGER:
            return st.sampled_from([-(2**31), -7, 0, 1, 2, 2**31 - 1])
        case FieldType.BIG_INTEGER:
            return st.sampled_from([-(2**63), -(10**12), -1, 0, 3, 2**53 + 1, 2**63 - 1])
        case FieldType.TIME:
            return st.sampled_from(["00:00:00", "08:30:00", "08:30:00.000001", "08:30:00.5", "23:59:59.999999"])
        case FieldType.DURATION:
            return st.sampled_from(["PT0S", "PT59S", "PT1H", "P1D", "P1DT1S", "P1157407DT9H46M40S"])
        case FieldType.SET:
            return st.lists(st.sampled_from(of.enum), unique=True).map(lambda found: sorted(found, key=of.enum.index))
        case FieldType.JSON:
            return st.sampled_from(_JSON)
        case FieldType.MONEY:
            amounts = st.sampled_from(["-1", "0", "2.5" if of.scale else "2", "9999999999"]).map(Decimal)
            return st.fixed_dictionaries({"amount": amounts, "currency": st.sampled_from(of.currencies)})
        case FieldType.DECIMAL:
            return st.sampled_from(["-1.5", "-0.01", "0", "0.01", "2", "2.5", "1000000000"]).map(Decimal)
        case FieldType.BOOLEAN:
            return st.booleans()
        case FieldType.DATE:
            return st.sampled_from(_DATES)
        case FieldType.DATETIME:
            return st.sampled_from(_MOMENTS)
        case FieldType.UUID:
            return st.sampled_from([uid(number) for number in (1, 2, 101, 102, 201, 999)])
        case FieldType.ENUM:
            return st.sampled_from(of.enum)
    return st.sampled_from(_TEXTS)


@st.composite
def rows(draw: Any, model: Model) -> Rows:
    """Some records of each entity, linked at random."""
    counts = {name: draw(st.integers(0, most)) for name, most in COUNTS.items()}
    found = {
        name: [_row(draw, model[name], FIRST_ID[name] + number, counts) for number in range(1, counts[name] + 1)]
        for name in ENTITIES
    }
    for name, links in found.items():
        between = model[name].between
        if between is not None:  # both ends of each, and each pair once
            ends = {(row[between.source], row[between.target]): row for row in links}
            found[name] = [row for pair, row in ends.items() if None not in pair]
    return found


def _row(draw: Draw, entity: Entity, number: int, counts: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": uid(number)}
    for of in entity.fields.values():
        if of.virtual:
            continue
        if of.relation is not None:
            row[of.name] = _link(draw, of, number, counts)
        elif of.required or draw(st.booleans()):
            row[of.name] = draw(values(of))
    return row


def _link(draw: Draw, of: Field, number: int, counts: Mapping[str, int]) -> Any:
    target = draw(st.sampled_from(of.reference.targets))
    first = FIRST_ID[target]
    # A record may refer to those before it only, so that they can be stored one after the other.
    most = min(counts[target], number - first - 1) if first <= number <= first + COUNTS[target] else counts[target]
    chosen = draw(st.integers(0, most))
    if chosen == 0:
        return None
    return {target: uid(first + chosen)} if of.reference.polymorphic else uid(first + chosen)


@st.composite
def shares(draw: Any, rows: Rows) -> list[dict[str, Any]]:
    """Some of the records shared: with who asks, with others, for a while, or in the past."""
    ids = [(entity, row["id"]) for entity in FIRST_ID if entity in rows for row in rows[entity]]
    if not ids:
        return []
    grantees = [f"user:{uid(1)}", f"user:{uid(2)}", f"team:{uid(2)}", "role:role", "role:other"]
    found: dict[Any, dict[str, Any]] = {}
    for entity, id_ in draw(st.lists(st.sampled_from(ids), max_size=8)):
        grantee, level = draw(st.sampled_from(grantees)), draw(st.sampled_from(["read", "update"]))
        until = draw(st.sampled_from([None, None, "2001-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"]))
        share = {"entity": entity, "record_id": id_, "grantee": grantee, "level": level, "until": until}
        found[entity, id_, grantee] = share
    return list(found.values())

"""One record by id."""

import pytest

from tests.graphql.kit import World, uid

FIRM = "{{ firm(id: {}) {{ name }} }}"


def test_a_record_is_found_by_id_however_it_is_spelt(world: World) -> None:
    plain = uid(101)
    spellings = [plain, plain.replace("-", ""), f"{{{plain}}}", f"urn:uuid:{plain}"]
    for spelling in spellings:
        assert world.ask("admin", FIRM.format(f'"{spelling}"')) == {"firm": {"name": "Ärzte 100%"}}
        asked = world.ask("admin", "query($id: ID!) { firm(id: $id) { name } }", {"id": spelling.upper()})
        assert asked["firm"] is not None or spelling.startswith("urn")


@pytest.mark.parametrize(
    "id_",
    [
        pytest.param(f'"{uid(999)}"', id="unknown"),
        pytest.param('"no uuid"', id="not a UUID"),
        pytest.param('""', id="empty"),
        pytest.param("7", id="a number"),
        pytest.param(f'"{uid(201)}"', id="of a deal"),
        pytest.param(f'"{uid(102)}"', id="of a firm that is not the caller's"),
        pytest.param(f'"{uid(101)}{uid(101)}"', id="too long"),
    ],
)
def test_what_is_not_there_and_what_is_hidden_look_the_same(world: World, id_: str) -> None:
    assert world.body("rep", FIRM.format(id_)) == b'{"data":{"firm":null}}'


def test_null_is_no_id(world: World) -> None:
    assert world.code("admin", "{ firm(id: null) { name } }") == "BAD_QUERY"
    assert world.code("admin", "query($id: ID!) { firm(id: $id) { name } }", {"id": None}) == "BAD_QUERY"


def test_values_of_each_type_as_they_are_on_the_wire(world: World) -> None:
    answer = world.ask(
        "admin",
        """query($id: ID!) { firm(id: $id) { id name kind revenue employees active foundedOn seenAt code note
        createdAt createdBy updatedAt updatedBy version parent { id } owner { name } } }""",
        {"id": uid(101)},
    )
    assert answer["firm"] == {
        "id": uid(101),
        "name": "Ärzte 100%",
        "kind": "lead",
        "revenue": "1234.50",
        "employees": 5,
        "active": True,
        "foundedOn": "2001-01-01",
        "seenAt": "2026-03-01T10:00:00+00:00",
        "code": uid(901),
        "note": "a_b",
        "createdAt": "2026-01-02T03:04:05+00:00",
        "createdBy": uid(1),
        "updatedAt": "2026-01-02T03:04:05+00:00",
        "updatedBy": None,
        "version": 1,
        "parent": None,
        "owner": {"name": "Ada"},
    }


@pytest.mark.parametrize("count", [50, 51, 60, 61, 63, 64, 70])
def test_objects_of_more_fields_than_json_functions_take(world: World, count: int) -> None:
    fields = [f"w{number:02}" for number in range(count)]
    record = {name: number for number, name in enumerate(fields)}
    asked = f"{{ {' '.join(fields)} }}"
    answer = world.ask(
        "admin", f'{{ wide(id: "{uid(501)}") {asked} wides {{ nodes {asked} edges {{ node {asked} }} }} }}'
    )
    assert answer == {"wide": record, "wides": {"nodes": [record], "edges": [{"node": record}]}}
    assert list(answer["wide"]) == fields


def test_more_than_a_hundred_keys_with_aliases_and_nested_json_among_them(world: World) -> None:
    aliases = " ".join(f"alias{number}: w{number % 70:02}" for number in range(70))
    fields = " ".join(f"w{number:02}" for number in range(70))
    answer = world.ask("admin", f"{{ wides {{ nodes {{ {aliases} __typename {fields} id }} }} }}")
    [node] = answer["wides"]["nodes"]
    assert len(node) == 142
    assert (node["alias69"], node["w69"], node["__typename"], node["id"]) == (69, 69, "Wide", uid(501))


def test_figures_of_more_fields_than_json_functions_take(world: World) -> None:
    fields = " ".join(f"w{number:02}" for number in range(70))
    answer = world.ask("admin", f"{{ widesAggregate {{ max {{ {fields} }} countDistinct {{ {fields} }} }} }}")
    assert answer["widesAggregate"][0]["max"] == {f"w{number:02}": number for number in range(70)}
    assert set(answer["widesAggregate"][0]["countDistinct"].values()) == {1}

"""The industry packs: their demo data fits their files, is the same each time, and their examples show something."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.docs.in_this_process import xrm
from tests.docs.pages import Example as Shown
from tests.docs.pages import examples, marked
from xrm_core.demo import loading
from xrm_core.demo.example import Example
from xrm_core.demo.packs import DemoPack, demo_of
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import SYSTEM_FIELDS, Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions.fitting import put_first
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform, assemble
from xrm_core.settings import Settings
from xrm_core.shipped import shipped_packs
from xrm_core.storage.apply import apply

PACKS = {
    "association": "2eed0627866e2f22acdaacc82c3470d73ddd5af1d791690388aa037bcfdadc89",
    "machine_builder": "3338bb62435ad1faeaeda609d446fd7cc7ec69f9e7143207b1155ccdb5eea9db",
}
"""Name → SHA-256 of the demo data; a wanted change changes it."""

EXAMPLES = [(name, example) for name in PACKS for example in demo_of([name]).examples]


@pytest.fixture(scope="module", params=PACKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Model:
    return load(pack_layers(shipped_packs()[name]))


@pytest.fixture(scope="module")
def demo(name: str) -> DemoPack:
    return demo_of(["core", name])


def test_the_highest_pack_with_a_demo_gives_it() -> None:
    assert demo_of(["core", "association", "mine"]).name == "association"
    assert demo_of(["mine"]).name == "core"


def test_the_data_is_the_same_each_time(demo: DemoPack) -> None:
    text = json.dumps([list(demo.records()), list(demo.patches())], ensure_ascii=False, default=str)
    assert hashlib.sha256(text.encode()).hexdigest() == PACKS[demo.name]
    assert 3_000 < demo.size < 10_000


def test_every_entity_of_the_pack_has_records_and_nothing_that_it_does_not_know(demo: DemoPack, model: Model) -> None:
    system = {field.name for field in SYSTEM_FIELDS}
    own = {entity.name for entity in model if entity.source.layer == demo.name}
    assert own <= set(demo.counts)
    for entity, rows in demo.records():
        known = {field.name for field in model[entity].fields.values()} | system
        assert rows, entity
        assert {name for row in rows for name in row} <= known, entity
        assert len({row["id"] for row in rows}) == len(rows), entity


def test_references_point_to_earlier_records(demo: DemoPack, model: Model) -> None:
    known: dict[str, set[str]] = {}
    for entity, rows in demo.records():
        known[entity] = set()
        for row in rows:
            for field in model[entity].fields.values():
                value = row.get(field.name)
                if field.relation is None or value is None:
                    continue
                pairs = value.items() if isinstance(value, dict) else [(field.relation.targets[0], value)]
                assert all(found in known[target] for target, found in pairs), (entity, field.name)
            known[entity].add(row["id"])


def test_everything_has_labels_in_german_and_english(model: Model, demo: DemoPack) -> None:
    for entity in (each for each in model if each.kind != "relationship"):
        texts = [entity.labels, entity.plural_labels, *(field.labels for field in entity.fields.values())]
        texts += [each.labels for each in entity.inverses.values() if model[each.entity].kind != "relationship"]
        texts += [labels for field in entity.fields.values() for labels in field.enum_labels.values()]
        assert all({"de", "en"} <= set(labels) for labels in texts), entity.name
        assert entity.description


Filled = tuple[Platform, dict[str, str]]


def filled(pack: str, folder: Path, **settings: Any) -> Filled:
    """The pack in an empty database, with its demo and a token of each of its users."""
    demo = demo_of(["core", pack])
    platform = assemble(Settings(data_dir=folder, schemas=Path(pack), **settings))
    rights = platform.authority.policies
    loading.check_pack(platform.model, rights.roles, demo)
    apply(platform.database, platform.model, along=lambda connection, _: put_first(connection, rights))
    with platform.database.begin() as connection:
        loading.load_demo(platform.records, connection, None, demo)
        return platform, loading.new_tokens(connection, demo)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Filled]]:
    """The demo of each pack, loaded when it is asked for; tests only read it."""
    made: dict[str, Filled] = {}

    def of(name: str) -> Filled:
        if name not in made:
            made[name] = filled(name, tmp_path_factory.mktemp(name))
        return made[name]

    yield of
    for platform, _ in made.values():
        platform.database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_demo_loads_on_both_databases(
    demo: DemoPack,
    name: str,
    kind: str,
    on_sqlite: Callable[[str], Filled],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    # when the demo of a pack is loaded into an empty database
    if kind == "sqlite":
        platform, tokens = on_sqlite(name)
    else:
        platform, tokens = filled(name, tmp_path, database_url=request.getfixturevalue("postgres_url"))
        request.addfinalizer(platform.database.close)
    # then each of its users has a token
    assert set(tokens) == set(demo.users)
    with platform.database.read() as connection:
        assert loading.is_loaded(connection, demo)


@pytest.fixture(scope="module")
def served(on_sqlite: Callable[[str], Filled]) -> Iterator[Callable[[str], tuple[TestClient, dict[str, str]]]]:
    """A client and the tokens of each pack's demo, made when it is asked for."""
    made: dict[str, tuple[TestClient, dict[str, str]]] = {}

    def of(name: str) -> tuple[TestClient, dict[str, str]]:
        if name not in made:
            platform, tokens = on_sqlite(name)
            client = TestClient(create_app(platform))
            client.__enter__()
            made[name] = client, tokens
        return made[name]

    yield of
    for client, _ in made.values():
        client.__exit__(None, None, None)


@pytest.mark.parametrize(("pack", "example"), EXAMPLES, ids=lambda value: getattr(value, "title", value))
def test_an_example_shows_something(pack: str, example: Example, served: Any) -> None:
    client, tokens = served(pack)
    body = {"query": example.query, "variables": dict(example.variables)}
    headers = {"Authorization": f"Bearer {tokens[example.role]}"}
    answer = client.post("/graphql", json=body, headers=headers).json()
    assert "errors" not in answer
    for name, value in answer["data"].items():
        nodes = value.get("nodes") if isinstance(value, dict) else value
        assert nodes is None or len(nodes) > 0, f"{name} has nothing to show"


READMES = [
    (name, number, shown)
    for name in PACKS
    for number, shown in enumerate(examples(shipped_packs()[name] / "README.md"), 1)
]


@pytest.mark.parametrize(
    ("pack", "number", "shown"), READMES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_query_of_the_readme_gives_the_answer_shown(pack: str, number: int, shown: Shown, served: Any) -> None:
    client, tokens = served(pack)
    headers = {"Authorization": f"Bearer {tokens[shown.role]}"}
    assert client.post("/graphql", json={"query": shown.query}, headers=headers).json() == shown.answer, number


@pytest.mark.parametrize("pack", PACKS)
def test_the_commands_of_the_readme_print_what_it_shows(pack: str, tmp_path: Path) -> None:
    folder = shipped_packs()[pack]
    [block] = marked(folder / "README.md", "run")
    done = xrm(*block.text.split()[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.replace(str(folder), pack).replace(str(shipped_packs()["core"]), "core").splitlines()
    for line in block.following[0].splitlines():
        assert line.split() in [each.split() for each in printed]
    assert (folder / "README.md").read_text("utf-8").count("```graphql") == len(list(examples(folder / "README.md")))

"""What the README tells to type works, and says what the README says."""

import csv
import json
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import Serve, xrm
from tests.docs.pages import DOCS, README, REPOSITORY, Marked, examples, marked
from tests.docs.test_examples import ask
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import Action


@pytest.fixture
def clone(copy_of_demo: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A folder with the pack, the demo's data, and the files that the README tells to write."""
    shutil.copytree(REPOSITORY / "schemas", tmp_path / "schemas")
    copy_of_demo(tmp_path / "xrm-data")
    return tmp_path


def write_file(clone: Path, name: str) -> None:
    """Write a file of the README."""
    [block] = [block for block in marked(README, "file") if block.label == name]
    (clone / name).write_text(block.text, "utf-8")


def run(clone: Path, label: str) -> list[tuple[Marked, str, int]]:
    """Run the commands of a label: block, what is printed, exit code."""
    results = []
    for block in marked(README, "run"):
        if block.label == label:
            program, *words = shlex.split(block.text.replace("\\\n", " "))
            assert program == ".venv/bin/xrm"
            done = xrm(*words, cwd=clone)
            assert "error" not in done.stderr
            results.append((block, done.stdout, done.returncode))
    return results


def test_add_an_entity(clone: Path, serve: Serve):
    write_file(clone, "schemas/vehicle.json")

    results = run(clone, "add an entity")

    assert [code for _, _, code in results] == [2, 0]  # the plan says by 2 that there is something to do
    for block, printed, _ in results:
        assert printed == block.following[0]
    with serve(clone / "xrm-data", clone / "schemas") as (client, tokens):
        [example] = examples(README, "vehicle")
        assert ask(client, tokens, example) == example.answer


def test_import_a_csv_file(clone: Path, serve: Serve):
    write_file(clone, "prospects.csv")

    [(block, printed, code)] = run(clone, "import")

    assert code == 0
    assert printed == block.following[0]
    query = '{customers(where: {name: {eq: "Musterbau AG"}}) {nodes {city employees owner {firstName}}}}'
    with serve(clone / "xrm-data", clone / "schemas") as (client, tokens):
        token = tokens["sales_rep"]
        answer = client.post("/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"}).json()
    assert answer["data"]["customers"]["nodes"] == [{"city": "Ulm", "employees": 1250, "owner": {"firstName": "Jonas"}}]


def test_the_policies_shown_are_in_the_core_pack():
    policies = (REPOSITORY / "schemas" / "permissions" / "policies.csv").read_text("utf-8").splitlines()
    section = README.read_text("utf-8").partition("## Roles and tokens")[2]
    shown = section.partition("```csv\n")[2].partition("```")[0].splitlines()

    assert len(shown) == 3
    assert set(shown) <= set(policies)


def test_the_permissions_page_shows_a_pack_that_does_what_it_says(tmp_path: Path):
    # given the two files of the page
    for block in marked(DOCS / "permissions.md", "pack"):
        (tmp_path / block.label).write_text(block.text, "utf-8")
    model = load(pack_layers(REPOSITORY / "schemas"))
    # when they are loaded
    authority = Authority(model, policy.load([tmp_path], model))
    sales, staff = authority.access(frozenset({"sales"})), authority.access(frozenset({"staff"}))
    # then «sales» has what «staff» has, and all fields of its own customers
    assert not staff.readable("product", "cost_price")
    assert staff.readable("product", "price")
    assert not staff.readable("customer", "phone")
    assert sales.readable("customer", "phone")
    assert sales.readable("product", "price")
    assert sales.may("customer", Action.CREATE)
    assert not sales.may("customer", Action.DELETE)


def test_the_commands_install_with_the_pinned_versions():
    demo, tests = (
        next(block.text for block in marked(README, "command") if block.label == each) for each in ("demo", "tests")
    )

    for command in (demo, tests):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -c constraints.txt ")
        assert len(command.splitlines()) == 1
    assert demo.endswith("&& .venv/bin/xrm serve --demo\n")
    assert tests.endswith("&& .venv/bin/pytest -n auto\n")


def test_every_dependency_is_pinned_and_no_address_is_in_the_way():
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]

    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in lines)
    assert "casbin" not in pinned
    missing = {name for name in map(distribution, wanted) if name not in pinned}
    assert not missing


def distribution(requirement: str) -> str:
    """``psycopg[binary]>=3`` → ``psycopg``."""
    for separator in "[<>=!~; ":
        requirement = requirement.partition(separator)[0]
    return requirement.lower().replace("_", "-")


def test_the_files_of_the_readme_are_what_they_seem():
    files = {block.label: block.text for block in marked(README, "file")}

    assert json.loads(files["schemas/vehicle.json"])["x-entity"] == "vehicle"
    rows = list(csv.reader(files["prospects.csv"].splitlines(), delimiter=";"))
    assert {len(row) for row in rows} == {5}

"""Each error code has a page, and what the pages show is what happens."""

import importlib
import json
import pkgutil
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import xrm_core
from tests.docs.conftest import Serve
from tests.docs.in_this_process import xrm
from tests.docs.pages import DOCS, REPOSITORY, marked
from xrm_core.errors import PolicyInvalid, SchemaChangeRefused, SchemaFilesInvalid, XrmError
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions import policy
from xrm_core.plugins.registration import load_error
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import timed_out

ERRORS = DOCS / "errors"
PAGES = {page.stem: page.read_text("utf-8") for page in ERRORS.glob("*.md") if page.stem != "index"}
QUERY = {"query": "{ customers { totalCount } }"}
REQUESTS = {
    "BAD_REQUEST": ("POST", {"json": {}}),
    "BODY_TOO_LARGE": ("POST", {"json": {"query": "#" * 1_100_000}}),
    "DOCUMENT_UNKNOWN": ("POST", {"json": {"documentId": "2f1d"}}),
    "METHOD_NOT_ALLOWED": ("PUT", {"json": QUERY}),
    "MUTATION_BY_GET": ("GET", {"params": {"query": 'mutation { deleteCustomer(id: "") { id } }'}}),
    "NOT_ACCEPTABLE": ("POST", {"json": QUERY, "headers": {"Accept": "text/html"}}),
    "UNSUPPORTED_MEDIA_TYPE": ("POST", {"data": {"query": "{ me }"}}),
}


def subclasses(root: type[XrmError]) -> Iterator[type[XrmError]]:
    """All errors below one."""
    for each in root.__subclasses__():
        yield each
        yield from subclasses(each)


def codes() -> set[str]:
    """The codes of all errors in the code base."""
    for module in pkgutil.walk_packages(xrm_core.__path__, "xrm_core."):
        if ".revisions" not in module.name:
            importlib.import_module(module.name)
    return {error.code for error in subclasses(XrmError) if error.__module__.startswith("xrm_core.")}


def json_block(code: str) -> dict:
    """The answer that a page shows."""
    return json.loads(PAGES[code].partition("```json\n")[2].partition("```")[0])


def test_every_code_has_a_page_and_every_page_a_code():
    assert codes() == set(PAGES)


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_says_what_it_means_shows_one_and_how_to_mend_it(code: str):
    parts = re.split(r"^#+ (.*)$", PAGES[code], flags=re.MULTILINE)[1:]

    assert parts[::2] == [code, "What it means", "Example", "How to mend it"]
    assert all(len(part.strip()) > 10 for part in parts[1::2])
    assert code in parts[5]


@pytest.mark.parametrize("code", sorted(code for code in PAGES if any(marked(ERRORS / f"{code}.md", "cli"))))
def test_the_command_line_says_what_the_page_shows(code: str, tmp_path: Path):
    [block] = marked(ERRORS / f"{code}.md", "cli")
    words = shlex.split(block.text)
    environment = dict(word.split("=") for word in words[: words.index("xrm")])

    done = xrm(*words[words.index("xrm") + 1 :], cwd=tmp_path, **environment)

    assert done.stderr == block.following[0]
    assert done.returncode == 1
    assert done.stdout == ""


def said(error: XrmError) -> str:
    """What the command line prints of an error."""
    return f"error {error.code}: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")


def text_block(code: str) -> str:
    """What the page of a code shows of the command line."""
    return PAGES[code].partition("```text\n")[2].partition("```")[0]


def test_packs_with_mistakes_are_refused_as_the_pages_show(
    copy_of_demo: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # given a pack and the demo's database
    shutil.copytree(REPOSITORY / "schemas", tmp_path / "schemas")
    copy_of_demo(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    pack, file = Path("schemas"), Path("schemas/customer.json")
    good = file.read_text("utf-8")

    # when a relation leads nowhere
    file.write_text(good.replace('"to": "team", "inverse": "customers"', '"to": "taem", "inverse": "customers"'))
    with pytest.raises(SchemaFilesInvalid) as refused:
        load(pack_layers(pack))
    line = re.compile(r":\d+ /")  # moves with every change of the core pack
    assert line.sub(":1 /", said(refused.value)) == line.sub(":1 /", text_block("SCHEMA_FILES_INVALID"))

    # when a field is gone
    file.write_text(re.sub(r'    "vat_id": \{.*?\n    \},\n', "", good, flags=re.DOTALL))
    database = Database(f"sqlite:///{tmp_path / 'data' / 'xrm.db'}")
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, load(pack_layers(pack)))
    database.close()
    assert said(refused.value) == text_block("SCHEMA_CHANGE_REFUSED")

    # when a policy has a word that does not exist
    file.write_text(good)
    policies = pack / "permissions" / "policies.csv"
    lines = policies.read_text("utf-8").splitlines(keepends=True)
    lines[6] = lines[6].replace("deny", "Deny").replace("allow", "Deny")
    policies.write_text("".join(lines))
    with pytest.raises(PolicyInvalid) as refused:
        policy.load([pack / "permissions"], load(pack_layers(pack)))
    assert said(refused.value) == text_block("POLICY_INVALID")


def test_a_plugin_that_cannot_be_imported_is_named_as_the_page_shows():
    cause = "ModuleNotFoundError: No module named 'xrm_fleet'"
    assert said(load_error("fleet", "xrm-fleet", "1.2.0", cause)) == text_block("PLUGIN_LOAD_FAILED")


def test_http_answers_what_the_pages_show(copy_of_demo: Callable[[Path], Path], serve: Serve, tmp_path: Path):
    with serve(copy_of_demo(tmp_path / "data"), REPOSITORY / "schemas") as (client, tokens):
        for code, (method, arguments) in REQUESTS.items():
            headers = {"Authorization": f"Bearer {tokens['admin']}", **arguments.get("headers", {})}
            answer = client.request(method, "/graphql", **{**arguments, "headers": headers})

            assert answer.json() == json_block(code)
            assert f"({answer.status_code}" in PAGES[code].partition("##")[0]


def test_the_timeout_shown_is_that_of_the_default_setting():
    error = timed_out(30).to_json()

    assert json_block("TIMEOUT") == {
        "errors": [{"message": error["message"], "extensions": {"code": "TIMEOUT", "hint": error["hint"]}}]
    }

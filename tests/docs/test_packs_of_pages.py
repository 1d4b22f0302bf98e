"""Pages that bring entity files of their own: the examples below them are asked of a server on just these.

Blocks: ``entity: FILE`` (an entity file), ``pack: FILE`` (roles and policies; if there are none, an admin may do
everything), ``upload: ROLE`` (a curl command that stores :data:`CONTENT`; all of them are done first) and ``ask: ROLE``
(as ``demo``). There is a user for each role, who is called like it; all but the first are in the team «North».
"""

import datetime as dt
import itertools
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.docs.pages import examples, marked, pages
from tests.docs.test_examples import ask
from xrm_core.auth.tokens import create_token, set_roles
from xrm_core.permissions.caller import system
from xrm_core.permissions.fitting import put_first
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform, assemble
from xrm_core.settings import Settings
from xrm_core.storage.apply import apply

MEMBERSHIP = {"x-relation": {"to": "team", "inverse": "members", "on_delete": "set_null"}}
USER = {"x-entity": "user", "type": "object", "properties": {"name": {"type": "string"}, "team": MEMBERSHIP}}
TEAM = {"x-entity": "team", "type": "object", "properties": {"name": {"type": "string"}}}
CONTENT = b"%PDF-1.7\n"
PACK = {
    "roles.json": json.dumps({"roles": {"admin": {}}}),
    "policies.csv": "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n",
}
PAGES = [page for page in pages() if any(marked(page, "entity"))]


def write_pack(page: Path, folder: Path) -> None:
    """The pack of a page, with a user and a team if it has none of its own."""
    files = {"user.json": json.dumps(USER), "team.json": json.dumps(TEAM)}
    files |= {block.label: block.text for block in marked(page, "entity")}
    permissions = PACK | {block.label: block.text for block in marked(page, "pack")}
    (folder / "permissions").mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for name, text in permissions.items():
        (folder / "permissions" / name).write_text(text)


@contextmanager
def serving(page: Path, folder: Path) -> Iterator[tuple[TestClient, dict[str, str], Platform]]:
    """A client, tokens by role, and what stands behind it."""
    write_pack(page, folder / "pack")
    platform = assemble(Settings(data_dir=folder / "data", schemas=folder / "pack"))
    rights = platform.authority.policies
    apply(platform.database, platform.model, along=lambda connection, _: put_first(connection, rights))
    roles = list(platform.authority.policies.roles)
    users = {role: f"00000000-0000-7000-8000-{number:012d}" for number, role in enumerate(roles, 1)}
    with platform.database.begin() as connection:
        caller = system(platform.model, "test", sets_system_fields=True)
        team = platform.records.create(connection, caller, "team", {"name": "North"})
        rows = [{"id": id_, "name": role, "team": None if role == roles[0] else team} for role, id_ in users.items()]
        platform.records.create_many(connection, caller, "user", rows)
        for role, id_ in users.items():
            set_roles(connection, id_, [role])
        tokens = {role: create_token(connection, id_, "test") for role, id_ in users.items()}
    with TestClient(create_app(platform)) as client:
        yield client, tokens, platform


def upload(client: TestClient, token: str, command: str) -> object:
    """What the curl command of a page answers."""
    words = shlex.split(command.replace("\\\n", " ").replace("$TOKEN", token))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    return client.post(words[1], content=CONTENT, headers=headers).json()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_examples_give_the_answers_shown(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.records.door._now", lambda: dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC))
    ids = (f"019abc00-0000-7000-8000-{number:012d}" for number in itertools.count(1))
    monkeypatch.setattr("xrm_core.storage.file_store.new_id", lambda: next(ids))
    records = (f"019abc11-0000-7000-8000-{number:012d}" for number in itertools.count(1))
    monkeypatch.setattr("xrm_core.records.creating.uuid7", lambda: next(records))
    shown = list(examples(page, "ask"))
    assert shown
    with serving(page, tmp_path) as (client, tokens, _platform):
        for block in marked(page, "upload"):
            assert upload(client, tokens[block.label], block.text) == json.loads(block.following[0])
        for example in shown:
            assert ask(client, tokens, example) == example.answer, example.query

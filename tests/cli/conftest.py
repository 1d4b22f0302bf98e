"""Commands run as users run them: in this process for speed, or as a process of their own where that matters."""

import json
import logging
import os
import re
import select
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.demo_folder import demo_folder
from tests.nursed import COMMAND_LINE, Nursed
from tests.plain_logs import plain
from tests.records.prepared_worlds import change_mask_key
from xrm_core.cli.main import main

REPOSITORY = Path(__file__).parents[2]
CORE_PACK = REPOSITORY / "schemas"
CRM_SALES = REPOSITORY / "tests" / "data" / "crm-sales"
START_SECONDS = 300
"""For a server that never begins; on a machine where much else runs it may take a minute."""


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def failed(self, code: str) -> str:
        """Check that it ended with one clear error of this code; return what it said."""
        assert self.code == 1, self
        assert f"error {code}: " in self.err
        assert self.err.count("error ") == 1
        assert "Traceback" not in self.err + self.out
        return self.err


Xrm = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder to work in, no settings from outside, and nothing that a command leaves in the process."""
    for name in [name for name in os.environ if name.startswith("XRM_") and not name.startswith("XRM_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = list(logging.getLogger().handlers)
    yield
    plain()
    logging.getLogger().handlers[:] = handlers
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.fixture
def xrm(capsys: pytest.CaptureFixture[str]) -> Xrm:
    """Run a command in this process."""

    def run(*words: str | Path) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


def write_pack(folder: Path, **entities: dict[str, Any]) -> Path:
    """A pack of these entities (name → properties; «title» is required where it is there) and two roles."""
    (folder / "permissions").mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, properties in entities.items():
        required = [each for each in ("title", "email") if each in properties]
        entity = {"x-entity": name, "type": "object", "required": required, "properties": properties}
        (folder / f"{name}.json").write_text(json.dumps(entity, indent=2))
    roles = {"roles": {"clerk": {"labels": {"en": "Clerk"}}, "reader": {"labels": {"en": "Reader"}}}}
    (folder / "permissions" / "roles.json").write_text(json.dumps(roles))
    policies = ["role,entity,action,fields,rule,effect", "clerk,*,*,*,,allow"]
    policies += [f"reader,{name},read,id {next(iter(properties))},,allow" for name, properties in entities.items()]
    (folder / "permissions" / "policies.csv").write_text("\n".join(policies) + "\n")
    return folder


TEXT = {"type": "string", "maxLength": 100}
USER = {"email": {"type": "string", "format": "email", "x-unique": True}, "last_name": TEXT, "age": {"type": "integer"}}
BOOK = {"title": {**TEXT, "x-unique": True}, "pages": {"type": "integer", "minimum": 1}, "summary": TEXT}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Books and users, in the default place: no command needs --schemas."""
    return write_pack(tmp_path / "schemas", user=USER, book=BOOK)


@pytest.fixture(scope="session")
def applied_files() -> dict[Path, bytes]:
    """What «xrm schema apply» leaves behind, for the next one."""
    return {}


@pytest.fixture
def applied(pack: Path, xrm: Xrm, tmp_path: Path, applied_files: dict[Path, bytes]) -> Path:
    """The same pack, applied to the default database."""
    if not applied_files:
        before = set(tmp_path.rglob("*"))
        assert xrm("schema", "apply").code == 0
        made = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
        applied_files.update({path.relative_to(tmp_path): path.read_bytes() for path in made})
        return pack
    for path, content in applied_files.items():
        (tmp_path / path).parent.mkdir(mode=0o700, exist_ok=True)
        (tmp_path / path).write_bytes(content)
        change_mask_key(tmp_path / path)
    return pack


CLOSED_POSTGRES = "postgresql://reader:s3cret@127.0.0.1:1/none?connect_timeout=2"
"""Nobody listens there."""


class Server:
    """``xrm serve`` as a process of its own, on any free port."""

    def __init__(self, folder: Path, *words: str | Path, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        environment |= {"PYTHONPATH": str(REPOSITORY), "XRM_DATA_DIR": str(folder / "data"), **settings}
        self._errors = (folder / "stderr").open("w+")
        command = ["serve", "--port", "0", *map(str, words)]
        self.process = Nursed(COMMAND_LINE, command, cwd=folder, env=environment, stderr=self._errors)
        self.data = folder / "data"
        self.url = self._await_url()

    def _await_url(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                found = re.search(r"http://127\.0\.0\.1:\d+/", self.process.stdout.readline())
                if found:
                    return found[0]
        self.process.kill()
        raise AssertionError(f"The server does not start: {self.errors()}")

    def errors(self) -> str:
        """What it said on standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def tokens(self) -> dict[str, str]:
        """Role → token of a demo."""
        found: dict[str, str] = json.loads((self.data / "demo-tokens.json").read_text())
        return found

    def graphql(self, token: str, query: str, variables: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and answer of a request over HTTP."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def get(self, path: str) -> bytes:
        """The body of a page that must be there."""
        with urllib.request.urlopen(self.url + path, timeout=120) as answer:
            found: bytes = answer.read()
            return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=120)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self._errors.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running demo, loaded by itself into a new folder."""
    server = Server(tmp_path_factory.mktemp("demo"), "--demo", "--schemas", CORE_PACK)
    demo_folder(tmp_path_factory, lambda folder: copy_database(server, folder / "xrm.db"))  # others need not load it
    yield server
    server.stop()


def copy_database(server: Server, target: Path) -> None:
    """A copy of a running server's SQLite database, as it is at this moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(server.data / "xrm.db")) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)

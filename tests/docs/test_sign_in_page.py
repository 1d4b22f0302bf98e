"""What docs/sign-in.md says is so."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

from tests.auth.kit import PASSWORD, opened
from tests.docs.pages import DOCS, examples, marked
from xrm_core.auth import devices, notices, passkey_challenges, passkeys, passwords, sessions
from xrm_core.auth.attempts import Kind
from xrm_core.auth.notice_texts import letter
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.permissions.caller import system
from xrm_core.server import forgotten_http
from xrm_core.server.security_notices import LOOK_SECONDS
from xrm_core.storage.notices import Notice

PAGE = DOCS / "sign-in.md"
TEXT = PAGE.read_text("utf-8")
AT = dt.datetime(2026, 11, 26, 16, 5, tzinfo=dt.UTC)


def shape(value: Any) -> Any:
    """What is shown as «…» may be anything that begins so."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return re.sub(r"(?<=xrm[sd]_).+|^[0-9a-f-]{36}$|^\d{4}-.*", "…", value)


def test_the_answer_is_the_one_that_is_shown(tmp_path: Path) -> None:
    blocks = {block.label: block for block in marked(PAGE, "http")}
    body = json.loads(blocks["login"].text)
    assert body["password"] == PASSWORD
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        person = house.person()
        with house.database.begin() as connection:
            caller = system(house.platform.model, "test")
            house.platform.records.update(connection, caller, "user", person.id, {"email": body["email"]})
            token = create_link(connection, person.id, Purpose.INVITATION, dt.timedelta(days=1))
        answer = house.post("/auth/login", body)
        assert shape(answer.json()) == json.loads(blocks["login"].following[0])
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        [example] = examples(PAGE, "account")
        assert house.ask(example.query, **headers).json() == example.answer
        set_anew = {**json.loads(blocks["password"].text), "token": token}
        answer = house.post("/auth/password", set_anew)
        assert shape(answer.json()) == json.loads(blocks["password"].following[0])


def test_the_numbers_are_those_of_the_code() -> None:
    table = re.findall(r"^\| .+? \| (\d+) \| (\d+) (s|min) \|$", TEXT, re.MULTILINE)
    shown = [(int(free), int(longest) * (60 if unit == "min" else 1)) for free, longest, unit in table]
    assert shown == [kind.value[1:] for kind in (Kind.ACCOUNT, Kind.ADDRESS, Kind.DEVICE)]
    assert f"{passwords.SHORTEST} to {passwords.LONGEST} characters" in TEXT
    count = len(passwords._commonest())
    assert f"{count:,}".replace(",", " ") in TEXT
    words = {5: "five", 900: "15 minutes"}
    assert f"After {words[Kind.CODE.value[1]]} wrong codes" in TEXT
    assert f"grows up to {words[Kind.CODE.value[2]]}" in TEXT
    assert f"A user has {sessions.MOST} at most" in TEXT
    assert f"known for {devices.VALID.days} days" in TEXT
    assert dt.timedelta(minutes=5) == passkey_challenges.VALID
    assert "A challenge is good for five\nminutes, once" in TEXT
    assert f"A user has {passkeys.MOST} at most. Registering" in TEXT
    assert f"; {forgotten_http.MAX_WAITING} mails of a tenant can be under way" in TEXT


def test_the_numbers_of_security_notices_are_those_of_the_code() -> None:
    page = (DOCS / "security-notices.md").read_text("utf-8")
    assert LOOK_SECONDS == 5
    assert "every five seconds" in page
    assert Kind.NOTICE.value[1:] == (3, 3600)
    assert (
        "after the fourth mail there is a pause of a second, after each later one twice as long, up to an hour" in page
    )
    assert f"a mail has {notices.LINES} lines" in page
    assert dt.timedelta(days=3) == notices.KEPT
    assert "for three days" in page
    letter_ = letter("en", [notices.Happened(Notice.PASSWORD_CHANGED, AT, True, "203.0.113.7")], "Europe/Berlin")
    assert f"{letter_.before}\n\n- {letter_.happened[0]}\n\n" in page
    assert letter_.after.partition("once, ")[0] in page

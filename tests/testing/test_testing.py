"""The fixtures for plugin authors: what they promise, on both databases."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.testing.conftest import FILES
from xrm_core.auth import notices
from xrm_core.auth.mail import Mail
from xrm_core.auth.one_time import Purpose
from xrm_core.errors import RefusedByPlugin
from xrm_core.graphql.schema import build
from xrm_core.jobs.enqueue import enqueue
from xrm_core.testing import Setup, Xrm

CREATE = "mutation ($text: String!) { createTask(input: {text: $text}) { id text createdAt } }"
TASKS = "{ tasks { nodes { text } } }"
NOTHING = Setup({}, pack=None, files=FILES, roles={"roles": {"clerk": {}}}, policies=["clerk,*,*,*,,allow"])


def texts(xrm: Xrm) -> list[str]:
    """Those of all tasks that a reader sees."""
    return [each["text"] for each in xrm.as_role("reader").query(TASKS)["tasks"]["nodes"]]


@pytest.mark.parametrize("_again", [1, 2])
def test_each_test_has_a_database_of_its_own(xrm: Xrm, _again: int) -> None:
    assert texts(xrm) == []
    assert xrm.events == []

    xrm.as_role("clerk").query(CREATE, text="one")
    xrm.work()

    assert texts(xrm) == ["one"]
    assert [event.values["text"] for event in xrm.events] == ["one"]


def test_all_apps_of_a_setup_share_the_schemas_that_one_has_made(
    xrm_with: Callable[[Setup], Xrm], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, built = replace(NOTHING), []

    def counted(*given: Any) -> Any:
        built.append(given)
        time.sleep(0.1)  # so that others wait for it
        return build(*given)

    monkeypatch.setattr("xrm_core.graphql.roles.build", counted)

    for wanted in ([["clerk"]], [["clerk"], []]):
        xrm = xrm_with(setup)
        clients = [xrm.as_role(*names) for names in wanted]
        with ThreadPoolExecutor() as threads:
            answers = list(threads.map(lambda client: client.post(TASKS).status_code, clients * 2))
        assert answers == [200, *[422] * (len(wanted) - 1)] * 2

    assert len(built) == 2


def test_a_role_is_one_user_and_users_differ(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")

    assert xrm.as_role("clerk") is clerk
    named = xrm.as_role("clerk", name="Ada")
    assert named.user_id != clerk.user_id
    assert xrm.get("user", named.user_id) == {**(xrm.get("user", named.user_id) or {}), "name": "Ada", "active": True}
    assert xrm.as_user(clerk.user_id).query(TASKS) == clerk.query(TASKS)


def test_a_role_that_is_not_there_is_named(xrm: Xrm) -> None:
    with pytest.raises(AssertionError, match="There is no role clark; there are clerk, reader"):
        xrm.as_role("clark")


def test_errors_that_were_not_expected_fail_the_test_and_say_why(xrm: Xrm) -> None:
    with pytest.raises(AssertionError, match=r"REFUSED_BY_PLUGIN at createTask: No such task.*\"field\": \"text\""):
        xrm.as_role("clerk").query(CREATE, text="refuse")


def test_an_error_that_is_missing_or_another_one_fails_the_test(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")

    with pytest.raises(AssertionError, match=r"should have one error; it has:\n +none, but the answer"):
        clerk.refused(TASKS)
    with pytest.raises(AssertionError, match=r"should have the error FORBIDDEN alone; it has:\n +REFUSED_BY_PLUGIN"):
        clerk.refused(CREATE, "FORBIDDEN", text="refuse")


def test_work_does_what_is_due_and_what_comes_of_it(xrm: Xrm) -> None:
    xrm.clock.set("2026-03-01T12:00Z")
    task = xrm.as_role("clerk").query(CREATE, text="one")["createTask"]
    assert task["createdAt"] == "2026-03-01T12:00:00+00:00"
    assert xrm.work().jobs == []
    assert texts(xrm) == ["one"]

    xrm.clock.advance(minutes=1)

    assert xrm.work().job("tasks.remind").result == {"reminded": task["id"]}
    assert texts(xrm) == ["reminded"]
    assert [(event.operation, event.values.get("text")) for event in xrm.events] == [
        ("create", "one"),
        ("update", ("one", "reminded")),
    ]


def test_schedules_follow_the_clock(xrm: Xrm) -> None:
    xrm.clock.set("2026-03-01T12:00Z")
    xrm.work()

    xrm.clock.set("2026-03-02T03:00Z")

    assert xrm.work().job("tasks.nightly").state == "done"


def test_a_hook_that_fails_fails_the_test_with_what_it_raised(xrm: Xrm) -> None:
    xrm.create("task", text="fail")

    with pytest.raises(
        AssertionError, match=r"after-hook of tasks for create of task has failed.*hook is broken"
    ) as met:
        xrm.work()
    assert isinstance(met.value.__cause__, RuntimeError)


def test_a_failure_that_is_expected_is_tried_again_when_its_time_has_come(xrm: Xrm) -> None:
    task = xrm.create("task", text="one")
    xrm.work()
    with xrm.database.begin() as connection:
        enqueue(connection, "tasks.remind", {"task": task, "fails": True})

    [failure] = xrm.work(fails=True).failures
    assert (failure.of, str(failure.error)) == ("The job tasks.remind", "Not yet.")
    with pytest.raises(AssertionError, match=r"Nothing has failed\."):
        xrm.work(fails=True)
    xrm.clock.advance(minutes=2)

    assert {each.attempts for each in xrm.work().jobs if each.name == "tasks.remind"} == {1, 2}


def test_statements_of_requests_are_counted(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")
    clerk.query(TASKS)

    with xrm.statements(most=1) as seen:
        clerk.query(TASKS)
    assert len(seen) == 1
    with pytest.raises(AssertionError, match="2 statements, not 1 at most"), xrm.statements(most=1):
        clerk.query("{ a: tasks { nodes { text } } b: tasks { nodes { id } } }")
    with xrm.statements() as seen:
        xrm.create("task", text="one")
    assert seen


def test_users_of_the_harness_are_told_of_nothing(xrm: Xrm) -> None:
    xrm.as_role("clerk")
    user_id = xrm.as_role("clerk", name="Another").user_id
    xrm.as_user(user_id)

    assert notices.take(xrm.database, xrm.platform.records.tables["user"]) == []


def test_mails_are_kept(xrm: Xrm) -> None:
    mail = Mail.of(xrm.platform.settings)
    assert mail is not None

    asyncio.run(mail.send_link("ada@example.com", "en", Purpose.FORGOTTEN, "token"))

    [sent] = xrm.mails.wait()
    assert sent["To"] == "ada@example.com"
    assert "#token" in sent.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_the_clock_wants_an_offset(xrm: Xrm) -> None:
    with pytest.raises(ValueError, match="has no offset from UTC"):
        xrm.clock.set("2026-03-01T12:00")


def test_another_setup_is_another_app(xrm: Xrm, xrm_with: Callable[[Setup], Xrm]) -> None:
    other = xrm_with(NOTHING)

    other.as_role("clerk").query(CREATE, text="refuse")

    assert texts(xrm) == []


def test_a_plugin_that_is_not_installed_is_named() -> None:
    with pytest.raises(LookupError, match="No plugin called flaet is installed"):
        Setup(["flaet"]).installed()


def test_all_apps_have_what_the_setup_begins_with_and_nothing_of_each_other(xrm_with: Callable[[Setup], Xrm]) -> None:
    called = []

    def begin(xrm: Xrm) -> str:
        called.append(xrm)
        return str(xrm.as_role("clerk").query(CREATE, text="first")["createTask"]["id"])

    setup = replace(NOTHING, begin=begin)
    for text in ("second", "third"):
        xrm = xrm_with(setup)
        assert xrm.get("task", xrm.begun)["text"] == "first"  # type: ignore[index]
        assert xrm.work().events == 0
        xrm.as_role("clerk").query(CREATE, text=text)
        other = xrm.as_role("clerk", name="Ada")
        assert [each["text"] for each in other.query(TASKS)["tasks"]["nodes"]] == ["first", text]
        xrm.work()
        assert [event.values["text"] for event in xrm.events] == [text]

    assert len(called) == 1


def test_commands_health_checks_and_demo_data_are_asked_for(xrm: Xrm) -> None:
    xrm.command("tasks add", text="call")

    assert xrm.as_role("reader").query("{ tasks { nodes { text } } }")["tasks"]["nodes"] == [{"text": "call"}]
    assert xrm.health() == {"tasks.some": ""}
    assert xrm.command("tasks count") >= 2
    with pytest.raises(RefusedByPlugin, match="A task has a text"):
        xrm.command("tasks add", text="")
    with pytest.raises(AssertionError, match="There is no command 'tasks ad'; there are tasks add, tasks count"):
        xrm.command("tasks ad")
    [made] = xrm.demo()["task"]
    assert (xrm.get("task", made) or {})["text"] == "1", "of the one user"

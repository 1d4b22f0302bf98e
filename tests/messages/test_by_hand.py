"""What people do with the outbox: look, cancel, send once more; and what ends without them."""

from typing import Any

import pytest

from tests.docs.in_this_process import xrm as command
from tests.messages.conftest import Plugin
from tests.messages.test_messages import FLY, SEND, kept, later, letter, state
from xrm_core.jobs import by_hand as jobs
from xrm_core.jobs.job import JobConflict
from xrm_core.messages import by_hand, recheck_messages
from xrm_core.messages.by_hand import MessageConflict
from xrm_core.testing import Xrm


def queued(xrm: Xrm) -> tuple[str, str]:
    """Letter and message."""
    id_ = letter(xrm)
    xrm.as_role("clerk").query(SEND, id=id_)
    return id_, str(kept(xrm)[-1]["id"])


def cancel(xrm: Xrm, message: str) -> Any:
    with xrm.database.begin() as connection:
        return by_hand.cancel(xrm.platform.records, connection, "", message)


def retry(xrm: Xrm, message: str) -> Any:
    with xrm.database.begin() as connection:
        return by_hand.retry(xrm.platform.records.plugins, connection, message)


def test_what_is_cancelled_does_not_leave_until_it_is_sent_once_more(xrm: Xrm, plugin: Plugin) -> None:
    id_, message = queued(xrm)

    assert cancel(xrm, message).reason == "CANCELLED"
    assert state(xrm, id_) == ("refused", "CANCELLED"), "its plugin was told"
    with pytest.raises(MessageConflict):
        cancel(xrm, message)
    xrm.work()
    assert list(xrm.mails) == []

    assert retry(xrm, message).state == "queued"
    xrm.work()
    assert (len(list(xrm.mails)), state(xrm, id_)) == (1, ("sent", None))
    with pytest.raises(MessageConflict):
        retry(xrm, message)
    assert cancel(xrm, "01a2170d-fdba-726c-8456-14ba50d381ce") is None


def test_the_job_of_a_message_is_not_cancelled_without_it(xrm: Xrm, plugin: Plugin) -> None:
    _, message = queued(xrm)
    with xrm.database.begin() as connection:
        [job] = [each for each in jobs.jobs(connection, limit=9) if each.name == "send_message"]
        with pytest.raises(JobConflict) as refused:
            jobs.cancel(connection, job.id)
    assert "xrm messages" in refused.value.hint
    assert (cancel(xrm, message).state, kept(xrm)[-1]["state"]) == ("refused", "refused")


class Killed(BaseException):
    """As if the process were gone: nothing of the platform catches it."""


def test_what_kills_its_workers_each_time_has_failed_in_the_end(xrm: Xrm, plugin: Plugin) -> None:
    def kill() -> None:
        raise Killed

    plugin.compose = kill
    id_, message = queued(xrm)
    for _ in range(3):
        xrm.work()
        later(xrm)

    assert state(xrm, id_) == ("failed", "Killed")
    plugin.compose = lambda: None
    retry(xrm, message)
    xrm.work()
    assert state(xrm, id_) == ("sent", None)


def test_what_may_not_go_any_more_ends_at_once_if_a_plugin_wants_that(xrm: Xrm, plugin: Plugin) -> None:
    first, second = letter(xrm), letter(xrm, name="Bob")
    for each in (first, second):
        xrm.as_role("clerk").query(FLY, id=each)
    friends = [str((xrm.get("letter", each) or {})["friend"]) for each in (first, second)]
    records, caller = xrm.platform.records, xrm._system()
    with xrm.database.begin() as connection:
        for friend in friends:
            records.update(connection, caller, "friend", friend, {"objects": True})
        context: Any = type("Context", (), {"records": records, "connection": connection})()
        assert recheck_messages(context, ("friend", friends[0])) == 1

    assert (state(xrm, first), state(xrm, second)) == (("refused", "OBJECTION"), ("queued", None))
    with xrm.database.begin() as connection:
        recheck_messages(type("Context", (), {"records": records, "connection": connection})())
        connection.exec_driver_sql("DELETE FROM xrm_job WHERE name = 'send_message'")
    assert xrm.work().job("message_recheck").result == {"refused": 1}
    assert (plugin.flown, state(xrm, second)) == ([], ("refused", "OBJECTION"))


LIST = """query ($state: OutboxMessageState, $record: ID) {
  outboxMessages(where: {state: $state, recordId: $record}, first: 1) {
    nodes { id kind aboutEntity aboutId personEntity personId state reason }
    pageInfo { hasNextPage }
  }
}"""
CANCEL = "mutation ($id: ID!) { cancelOutboxMessage(id: $id) { state reason } }"
RETRY = "mutation ($id: ID!) { retryOutboxMessage(id: $id) { state } }"


def test_who_may_sees_the_outbox_by_graphql_without_what_they_may_not_see(xrm: Xrm, plugin: Plugin) -> None:
    operator, looker = xrm.as_role("operator"), xrm.as_role("looker")
    id_, message = queued(xrm)

    page = operator.query(LIST, state="QUEUED", record=id_)["outboxMessages"]
    [node] = page["nodes"]
    assert (node["id"], node["kind"], node["aboutId"]) == (message, "letters.letter", id_)
    assert (node["personEntity"], node["personId"]) == ("friend", None), "operators do not see friends"
    assert looker.query(LIST)["outboxMessages"]["nodes"][0]["aboutId"] is None
    assert operator.query(LIST, state="SENT")["outboxMessages"]["nodes"] == []

    looker.refused(CANCEL, "BAD_QUERY", id=message)
    xrm.as_role("clerk").refused("{ outboxMessages { nodes { id } } }", "BAD_QUERY")
    assert operator.query(CANCEL, id=message)["cancelOutboxMessage"] == {"state": "REFUSED", "reason": "CANCELLED"}
    operator.refused(CANCEL, "MESSAGE_CONFLICT", id=message)
    assert operator.query(RETRY, id=message)["retryOutboxMessage"] == {"state": "QUEUED"}
    xrm.work()
    assert operator.query("query ($id: ID!) { outboxMessage(id: $id) { state } }", id=message) == {
        "outboxMessage": {"state": "SENT"}
    }


def test_the_command_lists_shows_and_helps(xrm: Xrm, plugin: Plugin, tmp_path: Any) -> None:
    id_, message = queued(xrm)
    env = {"XRM_DATABASE_URL": xrm.database.engine.url.render_as_string(hide_password=False)}

    listed = command("messages", "list", "--state", "queued", "--record", id_, "--json", cwd=tmp_path, **env)
    assert (listed.returncode, message in listed.stdout, f"letter {id_}" in listed.stdout) == (0, True, True)
    assert "ada@example.com" not in listed.stdout
    assert "1 queued" in command("messages", "list", cwd=tmp_path, **env).stdout
    assert command("messages", "list", "--state", "lost", cwd=tmp_path, **env).returncode != 0
    shown = command("messages", "show", message, cwd=tmp_path, **env).stdout
    assert ("letters.letter" in shown, "queued" in shown) == (True, True)
    assert command("messages", "show", "nonsense", cwd=tmp_path, **env).returncode != 0

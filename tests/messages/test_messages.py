"""The outbox: what is sent in a transaction leaves after it, once at most, through the gate."""

import datetime as dt
from typing import Any

import aiosmtplib
import pytest
from sqlalchemy import select, update

from tests.messages.conftest import Plugin
from xrm_core.api import HandOver, MessageContext, NotHandedOver
from xrm_core.messages import recheck_messages
from xrm_core.storage.message_tables import MESSAGE
from xrm_core.testing import Xrm

SEND = "mutation ($id: ID!) { sendLetter(id: $id) { id } }"
FLY = "mutation ($id: ID!) { flyLetter(id: $id) { id } }"
ASK = "mutation ($id: ID!) { askLetter(id: $id) { state } }"


def letter(xrm: Xrm, **friend: Any) -> str:
    given = {"name": "Ada", "email": "ada@example.com", **friend}
    return xrm.create("letter", text="Come to tea.", friend=xrm.create("friend", given))


def state(xrm: Xrm, letter_id: str) -> tuple[str | None, str | None]:
    found = xrm.get("letter", letter_id)
    assert found is not None
    return found["state"], found["reason"]


def moments(xrm: Xrm) -> list[str]:
    found = xrm.as_role("clerk").query("{ releases(orderBy: [{createdAt: ASC}]) { nodes { moment } } }")
    return [each["moment"] for each in found["releases"]["nodes"]]


def kept(xrm: Xrm) -> list[dict[str, Any]]:
    with xrm.database.read() as connection:
        return [dict(row) for row in connection.execute(select(MESSAGE)).mappings()]


def later(xrm: Xrm) -> None:
    """After the wait before the next attempt."""
    xrm.clock.advance(hours=1)


def test_a_letter_leaves_as_mail_after_the_transaction(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)

    xrm.as_role("clerk").query(SEND, id=id_)

    assert (list(xrm.mails), state(xrm, id_)) == ([], ("queued", None))
    xrm.work()
    [mail] = xrm.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@example.com", "xrm@example.com", "Dear friend")
    assert mail.get_body(("plain",)).get_content() == "Come to tea.\n"  # type: ignore[union-attr]
    [along] = mail.iter_attachments()
    assert (along.get_filename(), along.get_content_type(), along.get_content()) == (
        "picture.png",
        "image/png",
        b"a picture",
    )
    [message] = kept(xrm)
    assert mail["Message-ID"] == f"<{message['id']}@example.com>"
    assert state(xrm, id_) == ("sent", None)
    assert moments(xrm) == ["queued", "handed_over"]


def test_the_outbox_keeps_names_and_ids_only(xrm: Xrm, plugin: Plugin) -> None:
    clerk = xrm.as_role("clerk")

    clerk.query(SEND, id=letter(xrm))
    xrm.work()

    [message] = kept(xrm)
    assert (message["kind"], message["state"], message["owner"]) == ("letters.letter", "sent", clerk.user_id)
    assert not {"Ada", "ada@example.com", "Come to tea."} & set(message.values())


def test_of_one_key_there_is_one_message(xrm: Xrm, plugin: Plugin) -> None:
    id_, clerk = letter(xrm), xrm.as_role("clerk")

    clerk.query(SEND, id=id_)
    clerk.query(SEND, id=id_)
    xrm.work()
    clerk.query(SEND, id=id_)
    xrm.work()

    assert len(xrm.mails) == 1


def test_what_is_taken_back_is_not_sent(xrm: Xrm, plugin: Plugin) -> None:
    rehearsed = "mutation ($id: ID!) { sendLetter(id: $id, dryRun: true) { state } }"

    answer = xrm.as_role("clerk").query(rehearsed, id=letter(xrm))
    xrm.work()

    assert answer == {"sendLetter": {"state": "queued"}}
    assert (kept(xrm), list(xrm.mails)) == ([], [])


def test_nobody_gets_what_has_no_address(xrm: Xrm, plugin: Plugin) -> None:
    refused = xrm.as_role("clerk").refused(SEND, "MESSAGE_REFUSED", id=letter(xrm, email=None))

    assert refused.details == {"reason": "NO_ADDRESS"}
    assert kept(xrm) == []


def test_what_a_gate_refuses_for_a_while_waits_so_long_and_goes_then(xrm: Xrm, plugin: Plugin) -> None:
    id_, until = letter(xrm), xrm.clock.now() + dt.timedelta(hours=9)
    friend = str((xrm.get("letter", id_) or {})["friend"])
    plugin.quiet = lambda: until if xrm.clock.now() < until else None

    xrm.as_role("clerk").query(SEND, id=id_)
    xrm.work()
    assert list(xrm.mails) == []
    with xrm.database.begin() as connection:  # asked again since something has changed: it goes on waiting
        context: Any = type("Context", (), {"records": xrm.platform.records, "connection": connection})()
        assert recheck_messages(context, ("friend", friend)) == 0
    xrm.clock.set(until - dt.timedelta(minutes=1))
    xrm.work()
    assert list(xrm.mails) == []

    xrm.clock.set(until)
    xrm.work()

    assert len(xrm.mails) == 1
    assert [(each["state"], each["attempts"]) for each in kept(xrm)] == [("sent", 1)]


def test_who_sleeps_longer_than_was_thought_is_left_alone(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)
    xrm.as_role("clerk").query(SEND, id=id_)
    begun = xrm.clock.now()
    plugin.quiet = lambda: max(begun + dt.timedelta(hours=9), xrm.clock.now() + dt.timedelta(hours=1))

    xrm.work()  # refused only now that it would leave
    xrm.clock.advance(hours=9)
    xrm.work()

    assert list(xrm.mails) == []
    assert [(each["state"], each["reason"]) for each in kept(xrm)] == [("queued", "QUIET")]
    plugin.quiet = lambda: None
    xrm.clock.advance(hours=1)
    xrm.work()
    assert len(xrm.mails) == 1


def test_the_gate_refuses_who_sends_with_a_code(xrm: Xrm, plugin: Plugin) -> None:
    id_, clerk = letter(xrm, objects=True), xrm.as_role("clerk")

    refused = clerk.refused(SEND, "MESSAGE_REFUSED", id=id_)

    assert refused.details == {"reason": "OBJECTION", "plugin": "letters"}
    assert refused.message == "They object."
    assert clerk.query(ASK, id=id_) == {"askLetter": {"state": "OBJECTION"}}
    assert clerk.query(ASK, id=letter(xrm)) == {"askLetter": {"state": "may be sent"}}
    assert (kept(xrm), moments(xrm)) == ([], [])


def test_the_gate_holds_back_what_waits_already(xrm: Xrm, plugin: Plugin) -> None:
    id_, clerk = letter(xrm), xrm.as_role("clerk")
    clerk.query(SEND, id=id_)
    friend = xrm.get("letter", id_)["friend"]  # type: ignore[index]

    clerk.query("mutation ($id: ID!) { updateFriend(id: $id, input: {objects: true}) { id } }", id=friend)
    xrm.work()

    assert (list(xrm.mails), state(xrm, id_)) == ([], ("refused", "OBJECTION"))
    assert moments(xrm) == ["queued"]


def test_a_gate_that_fails_lets_nothing_go(xrm: Xrm, plugin: Plugin) -> None:
    id_, clerk = letter(xrm), xrm.as_role("clerk")
    plugin.gate = lambda: 1 / 0
    clerk.refused(SEND, "REFUSED_BY_PLUGIN", id=id_)
    plugin.gate = lambda: None
    clerk.query(SEND, id=id_)
    plugin.gate = lambda: 1 / 0

    [job] = xrm.work(fails=True).jobs

    assert (job.state, list(xrm.mails), state(xrm, id_)) == ("pending", [], ("queued", None))
    plugin.gate = lambda: None
    later(xrm)
    xrm.work()
    assert state(xrm, id_) == ("sent", None)


def test_what_is_not_taken_is_tried_again(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)

    def tired(given: HandOver) -> None:
        plugin.flown.append(given)
        if len(plugin.flown) == 1:
            raise NotHandedOver("PIGEON_TIRED")

    plugin.pigeon = tired
    xrm.as_role("clerk").query(FLY, id=id_)

    xrm.work(fails=True)
    assert [each["reason"] for each in kept(xrm)] == ["PIGEON_TIRED"]
    later(xrm)
    xrm.work()

    first, second = plugin.flown
    assert (first.id, first.address, first.content.text) == (second.id, "ada@example.com", "Come to tea.")
    assert state(xrm, id_) == ("sent", None)


def test_what_nobody_takes_has_failed_in_the_end(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)

    def tired(_given: HandOver) -> None:
        raise NotHandedOver("PIGEON_TIRED")

    plugin.pigeon = tired
    xrm.as_role("clerk").query(FLY, id=id_)

    for _ in range(2):
        xrm.work(fails=True)
        assert state(xrm, id_) == ("queued", None)
        later(xrm)

    assert xrm.work().job("send_message").result == {"state": "failed", "reason": "PIGEON_TIRED"}
    assert state(xrm, id_) == ("failed", "PIGEON_TIRED")


def test_what_would_never_be_taken_is_not_tried_again(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)

    def lost(_given: HandOver) -> None:
        raise NotHandedOver("TOWN_UNKNOWN", retry=False)

    plugin.pigeon = lost
    xrm.as_role("clerk").query(FLY, id=id_)

    xrm.work()

    assert state(xrm, id_) == ("failed", "TOWN_UNKNOWN")


def test_what_may_have_been_taken_is_not_sent_again(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)

    def silent(given: HandOver) -> None:
        plugin.flown.append(given)
        raise TimeoutError

    plugin.pigeon = silent
    xrm.as_role("clerk").query(FLY, id=id_)

    for _ in range(2):
        xrm.work()
        later(xrm)

    assert (len(plugin.flown), state(xrm, id_)) == (1, ("failed", "OUTCOME_UNKNOWN"))


def test_what_a_killed_worker_had_handed_over_is_not_sent_again(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)
    xrm.as_role("clerk").query(FLY, id=id_)
    with xrm.database.begin() as connection:  # as it stands after its first transaction
        connection.execute(update(MESSAGE).values(state="handing_over"))

    xrm.work()

    assert (plugin.flown, state(xrm, id_)) == ([], ("failed", "OUTCOME_UNKNOWN"))


@pytest.mark.parametrize(
    ("answer", "mails", "expected"),
    [
        (aiosmtplib.SMTPDataError(554, "no"), 1, ("failed", "MAIL_NOT_TAKEN")),
        (aiosmtplib.SMTPDataError(451, "later"), 3, ("failed", "MAIL_NOT_TAKEN")),
        (aiosmtplib.SMTPConnectError("no"), 3, ("failed", "MAIL_NOT_TAKEN")),
        (aiosmtplib.SMTPServerDisconnected("gone"), 1, ("failed", "OUTCOME_UNKNOWN")),
        (aiosmtplib.SMTPReadTimeoutError("silent"), 1, ("failed", "OUTCOME_UNKNOWN")),
    ],
)
def test_mail_is_tried_again_only_if_the_server_has_not_taken_it(
    xrm: Xrm,
    plugin: Plugin,
    monkeypatch: pytest.MonkeyPatch,
    answer: Exception,
    mails: int,
    expected: tuple[str, str],
) -> None:
    id_, tried = letter(xrm), []

    async def send(*given: Any, **_options: Any) -> None:
        tried.append(given)
        raise answer

    monkeypatch.setattr(aiosmtplib, "send", send)
    xrm.as_role("clerk").query(SEND, id=id_)

    for number in range(mails):
        xrm.work(fails=number < mails - 1)
        later(xrm)

    assert (len(tried), state(xrm, id_)) == (mails, expected)


def test_an_address_that_adds_headers_is_none(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm, email="ada@example.com\nBcc: all@example.com")

    xrm.as_role("clerk").query(SEND, id=id_)
    xrm.work()

    assert (list(xrm.mails), state(xrm, id_)) == ([], ("failed", "ADDRESS_INVALID"))


def test_what_a_plugin_cannot_make_is_noted_at_last(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)
    plugin.compose = lambda: 1 / 0
    xrm.as_role("clerk").query(SEND, id=id_)

    for _ in range(3):
        xrm.work(fails=True)
        later(xrm)

    assert (list(xrm.mails), state(xrm, id_)) == ([], ("failed", "NOT_MADE"))


def test_that_a_plugin_does_not_want_to_hear_of_it_changes_nothing(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm)
    plugin.told = lambda: 1 / 0
    xrm.as_role("clerk").query(SEND, id=id_)

    xrm.work()

    assert (len(xrm.mails), state(xrm, id_)) == (1, ("queued", None))
    assert [each["state"] for each in kept(xrm)] == ["sent"]


def test_all_plugins_hear_how_messages_have_ended_and_their_failure_changes_nothing(xrm: Xrm, plugin: Plugin) -> None:
    # given one that is taken, one that nobody takes, and one that a gate refuses since
    clerk, ids = xrm.as_role("clerk"), [letter(xrm) for _ in range(3)]

    def lost(_: HandOver) -> None:
        raise NotHandedOver("NO_PIGEON", retry=False)

    plugin.pigeon = lost
    clerk.query(SEND, id=ids[0])
    clerk.query(FLY, id=ids[1])
    xrm.work()
    clerk.query(SEND, id=ids[2])
    [friend] = xrm.as_role("clerk").query("query ($id: ID!) { letter(id: $id) { friend { id } } }", id=ids[2]).values()
    clerk.query(
        "mutation ($id: ID!) { updateFriend(id: $id, input: {objects: true}) { id } }", id=friend["friend"]["id"]
    )

    # when the plugin writes something of the last, and fails
    def breaks(context: MessageContext) -> None:
        note = {"letter": ids[2], "moment": "broken"}
        context.records.create(context.connection, context.system, "release", note)
        raise ZeroDivisionError

    plugin.hears = breaks
    xrm.work()

    # then it has heard of each once, and of what has failed there is nothing
    ends = [("sent", None), ("failed", "NO_PIGEON"), ("refused", "OBJECTION")]
    assert sorted(plugin.heard) == sorted(("letters.letter", None, *each) for each in ends)
    assert [state(xrm, each) for each in ids] == ends
    assert "broken" not in moments(xrm)


def test_messages_go_when_they_have_ended_long_ago(xrm: Xrm, plugin: Plugin) -> None:
    xrm.clock.set(dt.datetime.now(dt.UTC).isoformat())
    xrm.as_role("clerk").query(SEND, id=letter(xrm))
    xrm.work()

    xrm.clock.advance(days=29)
    xrm.work()
    assert len(kept(xrm)) == 1
    xrm.clock.advance(days=3)
    xrm.work()

    assert kept(xrm) == []

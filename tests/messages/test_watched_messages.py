"""Messages leave such that nobody learns of their being opened, unless a gate allows it."""

from tests.messages.conftest import Plugin
from tests.messages.test_messages import FLY, SEND, moments, state
from xrm_core.testing import Xrm

PIXEL = '<img src="https://pixel.example.net/o.gif" width="1">'
LINK = '<a href="https://click.example.com/?u=https%3A%2F%2Fshop.example.org%2F">Shop</a>'
OPAQUE = '<a href="https://click.example.com/c/7">Shop</a>'


def letter(xrm: Xrm, text: str) -> str:
    friend = xrm.create("friend", name="Ada", email="ada@example.com")
    return xrm.create("letter", text=text, friend=friend)


def html(xrm: Xrm) -> str:
    [mail] = xrm.mails
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_without_leave_pictures_that_count_go_and_links_lead_where_they_say(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm, f"Come to tea. {PIXEL}{LINK}")

    xrm.as_role("clerk").query(SEND, id=id_)
    xrm.work()

    assert html(xrm) == '<p>Come to tea. <a href="https://shop.example.org/">Shop</a></p>\n'
    text = xrm.mails[0].get_body(("plain",))
    assert text is not None
    assert "click.example.com" not in text.get_content()


def test_with_leave_a_message_goes_as_it_was_made(xrm: Xrm, plugin: Plugin) -> None:
    plugin.watched = True
    id_ = letter(xrm, f"Come to tea. {PIXEL}{OPAQUE}")

    xrm.as_role("clerk").query(SEND, id=id_)
    xrm.work()

    assert html(xrm) == f"<p>Come to tea. {PIXEL}{OPAQUE}</p>\n"


def test_a_link_of_which_nobody_knows_where_it_leads_keeps_the_message(xrm: Xrm, plugin: Plugin) -> None:
    id_ = letter(xrm, f"Come to tea. {OPAQUE}")

    xrm.as_role("clerk").query(SEND, id=id_)
    xrm.work()

    assert (list(xrm.mails), state(xrm, id_)) == ([], ("refused", "TRACKED_LINK"))
    # what gates note of a message that leaves was taken back
    assert moments(xrm) == ["queued"]


def test_channels_are_told_whether_their_service_may_count(xrm: Xrm, plugin: Plugin) -> None:
    for watched in (False, True):
        plugin.watched = watched
        xrm.as_role("clerk").query(FLY, id=letter(xrm, "Come to tea."))
        xrm.work()

    assert [each.tracking for each in plugin.flown] == [False, True]

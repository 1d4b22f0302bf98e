"""A pack with letters to friends, and a plugin that sends them: by mail and by pigeon, through a gate."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from xrm_core.api import (
    Action,
    ActionContext,
    Attachment,
    Channel,
    HandOver,
    Message,
    MessageAllowed,
    MessageContent,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageRefusal,
    Moment,
    OutgoingMessage,
    Record,
    hookimpl,
    may_send,
    send_message,
)
from xrm_core.testing import Setup

TEXT = {"type": "string"}
FILES: dict[str, Any] = {
    "user": {
        "x-entity": "user",
        "type": "object",
        "required": ["name", "email"],
        "properties": {
            "name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "active": {"type": "boolean", "default": True},
        },
    },
    "friend": {
        "x-entity": "friend",
        "type": "object",
        "required": ["name", "objects"],
        "properties": {"name": TEXT, "email": TEXT, "objects": {"type": "boolean", "default": False}},
    },
    "letter": {
        "x-entity": "letter",
        "type": "object",
        "required": ["text", "friend", "made"],
        "properties": {
            "text": TEXT,
            "friend": {"x-relation": {"to": "friend", "inverse": "letters", "on_delete": "cascade"}},
            "state": TEXT,
            "reason": TEXT,
            "made": {"type": "integer", "default": 0},
        },
    },
    "release": {
        "x-entity": "release",
        "type": "object",
        "required": ["letter", "moment"],
        "properties": {"letter": TEXT, "moment": TEXT},
    },
}


class Plugin:
    """``pigeon`` is what the channel does; ``gate`` may be broken; ``compose`` is called before a letter is made;
    ``hears`` when any message has ended, which ``heard`` has; ``quiet`` says until when the gate lets nothing go,
    ``watched`` whether openings and clicks may be counted.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As at the beginning of each test."""
        self.flown: list[HandOver] = []
        self.pigeon: Callable[[HandOver], object] = self.flown.append
        self.gate: Callable[[], object] = lambda: None
        self.compose: Callable[[], object] = lambda: None
        self.told: Callable[[], object] = lambda: None
        self.heard: list[tuple[str, str | None, str, str | None]] = []
        self.hears: Callable[[MessageContext], object] = lambda _: None
        self.quiet: Callable[[], dt.datetime | None] = lambda: None
        self.watched = False

    @hookimpl
    def register_actions(self) -> list[Action]:
        """To send a letter by mail or by pigeon, and to ask whether it could be."""
        return [Action(f"letters.{verb}", getattr(self, f"_{verb}"), "letter") for verb in ("send", "fly", "ask")]

    def _send(self, context: ActionContext, letter: Record) -> None:
        self._put(context, letter, "mail")

    def _fly(self, context: ActionContext, letter: Record) -> None:
        self._put(context, letter, "letters.pigeon")

    def _ask(self, context: ActionContext, letter: Record) -> None:
        found = may_send(context, _message(letter, "mail"))
        said = {"state": "may be sent" if found is None else found.code}
        context.records.update(context.connection, context.system, "letter", letter["id"], said)

    def _put(self, context: ActionContext, letter: Record, channel: str) -> None:
        send_message(context, _message(letter, channel))
        context.records.update(context.connection, context.system, "letter", letter["id"], {"state": "queued"})

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        """Of each letter there is one message."""
        return [MessageKind("letters.letter", _address, self._made, "friendship", self._ended, attempts=3)]

    def _made(self, context: MessageContext) -> MessageContent:
        self.compose()
        letter = _letter(context)
        changes = {"made": letter["made"] + 1}
        context.records.update(context.connection, context.system, "letter", letter["id"], changes)
        along = Attachment("picture.png", "image/png", lambda: b"a picture")
        return MessageContent("Dear\nfriend", letter["text"], f"<p>{letter['text']}</p>", [along], "en")

    def _ended(self, context: MessageContext, outcome: MessageOutcome) -> None:
        self.told()
        changes = {"state": outcome.state.value, "reason": outcome.reason}
        context.records.update(context.connection, context.system, "letter", _letter(context)["id"], changes)

    @hookimpl
    def after_message_end(self, message: OutgoingMessage, outcome: MessageOutcome, context: MessageContext) -> None:
        """All ends are kept, with what is known then."""
        self.heard.append((message.kind, message.address, outcome.state.value, outcome.reason))
        self.hears(context)

    @hookimpl
    def register_channels(self) -> list[Channel]:
        """A pigeon that does what a test wants."""
        return [Channel("letters.pigeon", lambda given: self.pigeon(given))]

    @hookimpl
    def before_message_send(self, message: OutgoingMessage, context: MessageContext) -> MessageRefusal | MessageAllowed:
        """Who objects gets nothing; what is let go is noted."""
        self.gate()
        assert message.person is not None
        context.hold(*message.person)
        friend = context.read(*message.person)
        if friend is not None and friend["objects"]:
            return MessageRefusal("OBJECTION", {"en": "They object.", "de": "Sie widersprechen."})
        if (until := self.quiet()) is not None:
            return MessageRefusal("QUIET", "They sleep.", until)
        if message.moment is not Moment.ASKED:
            note = {"letter": message.about[1], "moment": message.moment.value}
            context.records.create(context.connection, context.system, "release", note)
        return MessageAllowed(tracking=self.watched)


def _message(letter: Record, channel: str) -> Message:
    person = ("friend", letter["friend"])
    return Message("letters.letter", ("letter", letter["id"]), person, f"letter {letter['id']}", channel)


def _letter(context: MessageContext) -> Record:
    found = context.read(*context.message.about)
    assert found is not None
    return found


def _address(context: MessageContext) -> str | None:
    friend = context.read("friend", _letter(context)["friend"])
    return None if friend is None else friend["email"]


PLUGIN = Plugin()


@pytest.fixture
def plugin() -> Plugin:
    """The plugin, as at the beginning."""
    PLUGIN.reset()
    return PLUGIN


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    """Clerks do all."""
    return Setup(
        {"letters": PLUGIN},
        pack=None,
        files=FILES,
        settings={"tracking_hosts": ("click.example.com",)},
        roles={"roles": {"clerk": {}, "operator": {}, "looker": {}}},
        policies=[
            *(f"clerk,{entity},*,*,,allow" for entity in ("friend", "letter", "release")),
            "operator,xrm_messages,*,*,,allow",
            "operator,letter,read,text,,allow",
            "looker,xrm_messages,read,*,,allow",
            *(f"clerk,letters.{verb},run,*,,allow" for verb in ("send", "fly", "ask")),
        ],
    )

"""Notices to recipients: whoever got data is told that they were rectified, erased or restricted (Article 19)."""

from collections.abc import Mapping
from dataclasses import dataclass

from xrm_core.api import (
    Action,
    ActionContext,
    Message,
    MessageContent,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageState,
    On,
    Record,
    Refuse,
    erase_values,
    send_message,
)
from xrm_dsgvo.disclosure.owed import CAUSES
from xrm_dsgvo.disclosure.telling import NOTICE, kind_of
from xrm_dsgvo.own import Writing, change, kept, now
from xrm_dsgvo.paging import every
from xrm_dsgvo.requests.cases import said
from xrm_dsgvo.requests.states import REQUEST

KIND = "dsgvo.recipient_notice"
RIGHTS = ("rectification", "erasure", "restriction")
"""Requests of which recipients are told."""

_DONE: Mapping[str, tuple[str, str]] = {
    "rectification": ("berichtigt", "rectified"),
    "erasure": ("gelöscht", "erased"),
    "restriction": ("in der Verarbeitung eingeschränkt", "restricted in their processing"),
    "lifting": ("wieder freigegeben: ihre Einschränkung ist aufgehoben", "released: their restriction was lifted"),
}
_TEXT = """Guten Tag,

Daten, die Sie von uns bekommen haben, haben wir {german}. Bitte tun Sie dasselbe mit Ihren Kopien und teilen Sie es denen mit, an die Sie sie weitergegeben haben (Art. 19 DSGVO).

--

Data that you have got from us were {english}. Please do the same with your copies, and tell those to whom you have passed them on (Article 19 GDPR).

{entity} {record}
{fields}

{controller}
"""  # noqa: E501


@dataclass
class NoticesInput:
    """Of what: one of a request, a restriction that was opened or lifted, or a run of erasure."""

    request: str | None = None
    restriction: str | None = None
    erasure_run: str | None = None


@dataclass
class NoticesSent:
    """How many go out by mail, and how many are to be told by hand, since there is no address."""

    by_mail: int
    by_hand: int


@dataclass
class NoticeTellInput:
    """A recipient was told by hand, in this way."""

    notice: str
    via: str


@dataclass
class NoticeWaiveInput:
    """It is impossible, or takes a disproportionate effort, for this reason. No names of persons."""

    notice: str
    because: str


@dataclass
class NoticeStanding:
    """What became of it."""

    notice: str
    status: str


def are_due(context: ActionContext, request: str) -> bool:
    """Whether somebody is still to be told."""
    return bool(context.find(NOTICE, {"request": {"id": {"eq": request}}, "status": {"eq": "due"}}, 1))


def send(context: ActionContext, given: NoticesInput) -> NoticesSent:
    """Have mails sent to all recipients that are to be told and have an address.

    Raises:
        Refuse: it is not one that is named, there is none, or what they would be told is not done.
    """
    named = {name: id_ for name in CAUSES if (id_ := getattr(given, name)) is not None}
    if len(named) != 1:
        text = {
            "en": "Name a request, a restriction or a run of erasure, one of them.",
            "de": "Eine Anfrage, eine Einschränkung oder einen Löschlauf nennen, eines davon.",
        }
        raise Refuse(text, field="request")
    [(name, id_)] = named.items()
    _require_done(context, name, id_)
    sent = NoticesSent(0, 0)
    for each in every(context, NOTICE, {name: {"id": {"eq": id_}}, "status": {"eq": "due"}}):
        if _recipient(context, each).get("notices_to"):
            key = f"notice {each['id']} {each['version']}"
            send_message(context, Message(KIND, (NOTICE, each["id"]), key=key))
            sent.by_mail += 1
        else:
            sent.by_hand += 1
    return sent


def tell(context: ActionContext, given: NoticeTellInput) -> NoticeStanding:
    """Keep that a recipient was told. Raises Refuse: it need not be, or nothing is said of how."""
    return _ended(context, given.notice, {"status": "told", "via": said(given.via, "via")[:60], "told_at": now()})


def waive(context: ActionContext, given: NoticeWaiveInput) -> NoticeStanding:
    """Keep that a recipient is not told. Raises Refuse: it need not be, or nothing is said of why."""
    return _ended(context, given.notice, {"status": "waived", "because": said(given.because, "because")[:500]})


def actions() -> list[Action]:
    """The three."""
    sends = {"en": "Tell recipients by mail.", "de": "Empfänger per Mail unterrichten."}
    tells = {"en": "A recipient was told.", "de": "Ein Empfänger ist unterrichtet."}
    waives = {"en": "A recipient is not told.", "de": "Ein Empfänger wird nicht unterrichtet."}
    return [
        Action("dsgvo.notices_send", send, input=NoticesInput, answers=NoticesSent, description=sends),
        Action("dsgvo.notice_tell", tell, input=NoticeTellInput, answers=NoticeStanding, description=tells),
        Action("dsgvo.notice_waive", waive, input=NoticeWaiveInput, answers=NoticeStanding, description=waives),
    ]


def kinds() -> list[MessageKind]:
    """The mail to a recipient; it has no values of anybody."""
    return [MessageKind(KIND, _address, _compose, "legal", ended=_mailed)]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {"en": "Notices are kept by actions.", "de": "Mitteilungen führen Aktionen."}
    return [kept(NOTICE, text)]


def _require_done(context: ActionContext, name: str, id_: str) -> None:
    """Raise Refuse: nobody is told of it, or it is not done yet."""
    found = context.read({"request": REQUEST}.get(name, name), id_)
    if found is None or (name == "request" and found["kind"] not in RIGHTS):
        text = {"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}
        raise Refuse(text, field=name)
    run = found if name == "erasure_run" else None
    if name == "request" and found["kind"] == "erasure":
        run = (context.read("erasure_run", found["erasure_run"]) if found["erasure_run"] else None) or {}
    if run is not None and not str(run.get("status")).startswith("complete"):
        text = {"en": "The erasure is not done.", "de": "Die Löschung ist nicht ausgeführt."}
        raise Refuse(text, field=name)


def _recipient(context: ActionContext | MessageContext, notice: Record) -> Record:
    return context.read("processor", notice["processor"]) or {}


def _ended(context: ActionContext, id_: str, values: Mapping[str, str]) -> NoticeStanding:
    context.hold(NOTICE, id_)
    found = context.read(NOTICE, id_)
    if found is None or found["status"] != "due":
        text = {"en": "There is no such notice that is due.", "de": "Diese fällige Mitteilung gibt es nicht."}
        raise Refuse(text, field="notice")
    _end(context, found, values)
    return NoticeStanding(id_, values["status"])


def _address(context: MessageContext) -> str | None:
    notice = context.read(*context.message.about)
    return None if notice is None or notice["status"] != "due" else _recipient(context, notice).get("notices_to")


def _compose(context: MessageContext) -> MessageContent:
    notice: Record = context.read(*context.message.about) or {}  # it is there, for there was an address
    german, english = _DONE[kind_of(context, notice)]
    fields = ", ".join((notice["fields"] or {}).get("names", ()))
    text = _TEXT.format(
        **{"german": german, "english": english, "entity": notice["entity_name"], "record": notice["record_id"]},
        **{"fields": fields, "controller": context.settings.controller},
    )
    return MessageContent(f"Art. 19 DSGVO: Daten {german} / data {english}", text)


def _mailed(context: MessageContext, outcome: MessageOutcome) -> None:
    notice = context.read(*context.message.about)
    if outcome.state is MessageState.SENT and notice is not None and notice["status"] == "due":
        _end(context, notice, {"status": "told", "via": "mail", "told_at": now()})


def _end(context: Writing, notice: Record, values: Mapping[str, str]) -> None:
    """Nobody needs to know any more which record of somebody who is erased it was: by it others would be found."""
    erased = kind_of(context, notice) == "erasure"
    change(context, NOTICE, str(notice["id"]), {**values, **({"record_id": None} if erased else {})})
    if erased:
        erase_values(context, NOTICE, str(notice["id"]), ["record_id"])

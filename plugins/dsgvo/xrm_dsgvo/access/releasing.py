"""``dsgvoAnswerRelease``: an answer is laid down, sealed, for whoever has its link to fetch it, once.

Meanwhile it is sealed for the person: with their keys it goes when they are erased. What was fetched, or is over, is
emptied, and its key destroyed. The link is told to who releases it, and kept as a hash.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from xrm_core.api import (
    Action,
    ActionContext,
    JobContext,
    JobHandler,
    On,
    Parcel,
    Record,
    Refuse,
    Schedule,
    destroy_keys,
    open_text,
    seal_text,
)
from xrm_dsgvo.access.answering import digest_of, made
from xrm_dsgvo.access.files import MOST_RESTRICTED, restricted_files
from xrm_dsgvo.access.portable import portable_of
from xrm_dsgvo.access.surface import for_right, keep
from xrm_dsgvo.consent.tokens import hashed
from xrm_dsgvo.disclosure.noting import note_given
from xrm_dsgvo.own import Writing, change, create, in_job, kept, now
from xrm_dsgvo.requests.cases import held, today
from xrm_dsgvo.subjects import PACKAGE, class_of_package

PATH, EXPIRE = "/plugins/dsgvo/answer", "dsgvo.expire_answers"
_LONGEST, _MOST_BYTES = 30, 16 * 1024 * 1024
_AT_ONCE = 100


@dataclass
class AnswerReleaseInput:
    """Of which request, and for how many days, 30 at most. ``processor``: another controller fetches it, as the person
    has asked (Article 20(2)).
    """

    request: str
    days: int = 14
    processor: str | None = None


@dataclass
class AnswerReleased:
    """``link`` is told here alone; who has it gets the answer, once."""

    package: str
    link: str
    expires_on: date
    digest: str


def release(context: ActionContext, given: AnswerReleaseInput) -> AnswerReleased:
    """Make the answer as things are now, and lay it down.

    Raises:
        Refuse: the request is not decided, texts of the answer are still to be reviewed, the server does not know its
            own address, there is no key store, or the answer is too large.
    """
    request = held(context, given.request, "answer")
    request = for_right(context, request["id"], _kind(request))
    if request["decision"] == "refused":
        raise Refuse({"en": "It was refused.", "de": "Sie ist abgelehnt."}, field="request")
    if not context.settings.public_url:
        text = {"en": "XRM_DSGVO_PUBLIC_URL is not set.", "de": "XRM_DSGVO_PUBLIC_URL ist nicht gesetzt."}
        raise Refuse(text)
    if not 1 <= given.days <= _LONGEST:
        raise Refuse({"en": f"1 to {_LONGEST} days.", "de": f"1 bis {_LONGEST} Tage."}, field="days")
    recipient = _recipient(context, request, given.processor)
    found = made(context, request, texts=request["kind"] == "access")
    if found.content["manifest"]["open"]:
        text = {"en": "Texts are still to be reviewed.", "de": "Es sind noch Texte zu prüfen."}
        raise Refuse(text, field="request")
    portable = request["kind"] == "portability"
    digest = digest_of(portable_of(found.content)) if portable else found.digest
    keep(context, request, found.content, digest)
    if recipient is not None:
        _note(context, recipient, found.content)
    token, of = secrets.token_urlsafe(32), str(request["data_subject"] or request["id"])
    text_ = json.dumps(found.content, ensure_ascii=False)
    for _ in restricted_files(context, found.content, MOST_RESTRICTED):
        pass  # raises if they are too large to be fetched
    if len(text_.encode()) > _MOST_BYTES:
        raise Refuse({"en": "It is too large: send it by hand.", "de": "Sie ist zu groß: von Hand senden."})
    sealed = seal_text(context, of, text_, class_of_package(hashed(token)))
    if sealed is None:
        text = {
            "en": "It needs a key store: XRM_KEY_STORE_URL and XRM_SECRET_KEY.",
            "de": "Dafür braucht es einen Schlüsselspeicher: XRM_KEY_STORE_URL und XRM_SECRET_KEY.",
        }
        raise Refuse(text)
    until = today(context.settings) + timedelta(days=given.days)
    values = {
        "request": request["id"],
        "processor": given.processor,
        "sealed_for": of,
        "sealed": sealed,
        "token_hash": hashed(token),
        "digest": digest,
        "expires_on": until.isoformat(),
    }
    package = create(context, PACKAGE, values)
    link = f"{context.settings.public_url.replace('{tenant}', context.tenant or '')}{PATH}/{token}"
    return AnswerReleased(package, link, until, digest)


def package_of(context: Writing, token: str) -> Record | None:
    """What is to be fetched by a link; None: there is no such link, it was fetched, or its days are over."""
    found = context.find(PACKAGE, {"token_hash": {"eq": hashed(token)}}, 1)
    there = found and found[0]["sealed"] and str(found[0]["expires_on"])[:10] >= today(context.settings).isoformat()
    return found[0] if there else None


def opened(context: Any, package: Record) -> Mapping[str, Any] | None:
    """The answer; None: the person was erased."""
    text = open_text(context, str(package["sealed_for"]), package["sealed"])
    return None if text is None else json.loads(text)


def fetched(context: Writing, package: Record) -> None:
    """It was handed over, and is not here any more."""
    _end(context, package, fetched_at=now())


def expire(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """What nobody has fetched in its days goes."""

    def some(context: Any) -> int:
        over = {"expires_on": {"lt": today(context.settings).isoformat()}, "token_hash": {"ne": None}}
        found = context.find(PACKAGE, over, _AT_ONCE)
        for each in found:
            _end(context, each)
        return len(found)

    count = 0
    while (done := in_job(job, some)) > 0:
        count += done
    return {"expired": count}


def actions() -> list[Action]:
    """``dsgvoAnswerRelease``."""
    about = {"en": "Have an answer fetched by a link.", "de": "Eine Antwort über einen Link abholen lassen."}
    return [
        Action("dsgvo.answer_release", release, input=AnswerReleaseInput, answers=AnswerReleased, description=about)
    ]


def jobs() -> list[JobHandler]:
    """The one that ends them."""
    return [JobHandler(EXPIRE, expire)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(EXPIRE, EXPIRE, "23 2 * * *")]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {"en": "dsgvoAnswerRelease lays down answers.", "de": "Antworten legt dsgvoAnswerRelease ab."}
    return [kept(PACKAGE, text)]


def _end(context: Writing, package: Record, **more: Any) -> None:
    change(context, PACKAGE, package["id"], {"sealed": None, "token_hash": None, **more})
    destroy_keys(context.connection, str(package["sealed_for"]), [class_of_package(package["token_hash"])])


def _kind(request: Record) -> str:
    return "portability" if request["kind"] == "portability" else "access"


def _recipient(context: ActionContext, request: Record, id_: str | None) -> Record | None:
    """The other controller. Raises Refuse: it is none, or the person has not asked for portability."""
    if id_ is None:
        return None
    found = context.read("processor", id_)
    if found is None or request["kind"] != "portability":
        text = {
            "en": "Only what is portable goes to another controller, who is in the register.",
            "de": "Nur was übertragbar ist, geht an einen anderen Verantwortlichen, und der steht im Register.",
        }
        raise Refuse(text, field="processor")
    return found


def _note(context: ActionContext, recipient: Record, content: Mapping[str, Any]) -> None:
    """The person is told of it as of all that has gone."""
    note_given(context, str(recipient["id"]), list(_parcels(content)))


def _parcels(content: Mapping[str, Any]) -> Iterator[Parcel]:
    for each in portable_of(content)["data"]:
        yield Parcel(each["entity"], each["record"], frozenset(each["fields"]))

"""``dsgvoAccess`` makes the answer to a request for access, ``dsgvoPortable`` that to one for portability, and
``dsgvoRequestReview`` says what is shown in them.

Nothing of an answer is kept but its digest and its manifest: what was found is in one place, not in two.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_dsgvo.access.answering import digest_of, made
from xrm_dsgvo.access.layout import lines_of
from xrm_dsgvo.access.portable import as_csv, portable_of
from xrm_dsgvo.access.rendering import html, pdf
from xrm_dsgvo.own import change
from xrm_dsgvo.requests.cases import RequestStanding, held, standing
from xrm_dsgvo.requests.states import REQUEST

_MOST = 1_000


@dataclass
class TextReviewed:
    """What somebody has decided of a text that may name others: it is shown, without what names them, or not."""

    entity: str
    record: str
    field: str
    show: bool


@dataclass
class RequestReviewInput:
    """Decisions on texts, beside those that are there; ``blacken`` is what names others and nobody can know."""

    request: str
    texts: list[TextReviewed] = field(default_factory=list)
    blacken: list[str] = field(default_factory=list)


class Form(Enum):
    """As what an answer is made."""

    json = "json"
    html = "html"
    pdf = "pdf"


class AnswerLanguage(Enum):
    """In which language it is read."""

    de = "de"
    en = "en"


@dataclass
class AccessInput:
    """For which request, and of what is read in which language. Without ``search_texts``, which takes long if there are
    many, texts about others are not searched for the person.
    """

    request: str
    form: Form = Form.json
    language: AnswerLanguage = AnswerLanguage.de
    search_texts: bool = True


class PortableForm(Enum):
    """As what portable data are made."""

    json = "json"
    csv = "csv"


@dataclass
class PortableInput:
    """For which request."""

    request: str
    form: PortableForm = PortableForm.json


@dataclass
class TextToReview:
    """A text that may name others: somebody has to say whether the person gets it."""

    entity: str
    record: str
    field: str
    text: str


@dataclass
class AnswerLeftOut:
    """What is not in the answer, and why; ``count``: how often."""

    code: str
    store: str
    entity: str
    field: str
    count: int


@dataclass
class AccessMade:
    """The answer: text, or of a PDF base64. It goes out once ``to_review`` is empty."""

    content: str
    digest: str
    found: bool
    to_review: list[TextToReview]
    left_out: list[AnswerLeftOut]


def review(context: ActionContext, given: RequestReviewInput) -> RequestStanding:
    """Keep what was decided of texts. Raises Refuse: the request is not worked on."""
    request = held(context, given.request, "make")
    told = {(e, id_, f): show for e, id_, f, show in (request["review"] or {}).get("texts", ())}
    told |= {(each.entity, each.record, each.field): each.show for each in given.texts}
    words = [*(request["blackened"] or {}).get("words", ()), *(each.strip() for each in given.blacken)]
    if len(told) > _MOST or len(words) > _MOST:
        raise Refuse({"en": f"At most {_MOST}.", "de": f"Höchstens {_MOST}."}, field="texts")
    if any(len(each) < 3 for each in words):
        text = {"en": "Three letters at least.", "de": "Mindestens drei Buchstaben."}
        raise Refuse(text, field="blacken")
    values = {
        "review": {"texts": [[*place, show] for place, show in told.items()]},
        "blackened": {"words": list(dict.fromkeys(words))},
        "manifest": None,
        "answer_digest": None,
    }
    change(context, REQUEST, request["id"], values)
    return standing(request)


def access(context: ActionContext, given: AccessInput) -> AccessMade:
    """Make the answer, as things are now, and keep its digest and manifest.

    Raises:
        Refuse: it is no request for access that is worked on, or what lays out letters is not installed.
    """
    request = for_right(context, given.request, "access")
    found = made(context, request, texts=given.search_texts)
    keep(context, request, found.content, found.digest)
    return AccessMade(
        _written(found.content, given),
        found.digest,
        bool(found.content["found"]),
        [TextToReview(*place, text) for place, text in sorted(found.open.items())],
        left_out_of(found.content["manifest"]),
    )


def portable(context: ActionContext, given: PortableInput) -> AccessMade:
    """What the person has provided, as things are now; the digest and the manifest of it are kept.

    Raises:
        Refuse: it is no request for portability that is worked on.
    """
    request = for_right(context, given.request, "portability")
    found = made(context, request)
    taken = portable_of(found.content)
    digest = digest_of(taken)
    keep(context, request, found.content, digest)
    is_csv = given.form is PortableForm.csv
    return AccessMade(
        as_csv(taken) if is_csv else json.dumps(taken, ensure_ascii=False, indent=2),
        digest,
        bool(taken["data"]),
        [TextToReview(*place, text) for place, text in sorted(found.open.items())],
        left_out_of(found.content["manifest"]),
    )


def for_right(context: ActionContext, id_: str, right: str) -> Record:
    """A request that is worked on, and is for this. Raises Refuse: it is not."""
    request = held(context, id_, "make")
    if request["kind"] != right:
        text = {
            "en": f"The request is for {request['kind']}: open another one.",
            "de": f"Die Anfrage hat ein anderes Ziel ({request['kind']}): eine weitere aufnehmen.",
        }
        raise Refuse(text, field="request")
    return request


def keep(context: ActionContext, request: Record, content: Mapping[str, Any], digest: str) -> None:
    """Note what was made: without content."""
    change(context, REQUEST, request["id"], {"manifest": content["manifest"], "answer_digest": digest})


def left_out_of(manifest: Mapping[str, Any]) -> list[AnswerLeftOut]:
    """What a manifest says was left out."""
    names = ("code", "store", "entity", "field", "count")
    return [AnswerLeftOut(*(each[name] for name in names)) for each in manifest["leftOut"]]


def actions() -> list[Action]:
    """The three."""
    reviews = {"en": "Say which texts an answer shows.", "de": "Sagen, welche Texte eine Antwort zeigt."}
    makes = {"en": "Make the answer to a request for access.", "de": "Die Auskunft an eine Person erstellen."}
    takes = {"en": "Make what a person takes along.", "de": "Die Daten zum Mitnehmen erstellen."}
    return [
        Action("dsgvo.request_review", review, input=RequestReviewInput, answers=RequestStanding, description=reviews),
        Action("dsgvo.access", access, input=AccessInput, answers=AccessMade, description=makes),
        Action("dsgvo.portable", portable, input=PortableInput, answers=AccessMade, description=takes),
    ]


def _written(content: Mapping[str, Any], given: AccessInput) -> str:
    if given.form is Form.pdf:
        return base64.b64encode(pdf(lines_of(content, given.language.value))).decode()
    if given.form is Form.html:
        return html(lines_of(content, given.language.value))
    return json.dumps(content, ensure_ascii=False, indent=2)

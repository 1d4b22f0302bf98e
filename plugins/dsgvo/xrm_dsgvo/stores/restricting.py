"""A restriction, and its end, in stores of plugins: by a job, since no rollback takes them back.

It asks what holds now: of two that overtake each other the later one still says that. A restriction of some fields or
records is told to stores that know these; of others the restriction says that somebody has to do it by hand.
"""

from collections.abc import Mapping
from typing import Any, Literal

from xrm_core.api import (
    JobContext,
    JobFailed,
    JobHandler,
    Record,
    StorePart,
    StoreSubject,
    ask_stores,
    data_stores,
    enqueue,
)
from xrm_dsgvo import own
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Seed
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import RESTRICTION, STANDING, standing_restrictions
from xrm_dsgvo.restriction.terms import RestrictedPart, parts_of
from xrm_dsgvo.stores.persons import of_graph, of_parts
from xrm_dsgvo.subjects import SUBJECT

RESTRICT = "dsgvo.restrict_in_stores"
BY_HAND = "STORE_KNOWS_NO_PARTS"
_ATTEMPTS = 10
_DONE = {"restrict": "restricted", "lift": "lifted"}

_Question = tuple[Literal["restrict", "lift"], StoreSubject]


def tell(context: Writing, restriction: str) -> None:
    """Have stores told what holds now, once the transaction is committed."""
    if data_stores(context):
        enqueue(context.connection, RESTRICT, {"restriction": restriction}, key=f"{RESTRICT} {restriction}")


def restrict(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask each store, and keep on the restriction what it has said; those that say nothing are asked again."""
    id_ = str(payload["restriction"])
    with job.read() as connection:
        questions = list(_questions(own.within(job, connection), id_))
    if not questions:
        return {"stores": 0}
    said, stores = dict[str, dict[str, Any]](), data_stores(job)
    for number, (question, about) in enumerate(questions):
        knowing = [name for name, each in stores.items() if each.parts or not about.parts]
        answers = ask_stores(job, question, about, knowing)
        # the first is about the restriction itself; the others say again what stands besides
        for name, each in answers.items():
            if number == 0 or each.code:
                status = "failed" if each.code else _DONE[question]
                said[name] = {"status": status, "items": each.count, "code": each.code}
        if number == 0:
            said |= {name: {"status": "by_hand", "items": 0, "code": BY_HAND} for name in stores if name not in knowing}
    own.in_job(job, lambda writing: own.change(writing, RESTRICTION, id_, {"stores": said}))
    if any(each["status"] == "failed" for each in said.values()):
        raise JobFailed("Stores of plugins have not said that they heed a restriction, or its end.")
    return {"stores": len(said)}


def jobs() -> list[JobHandler]:
    """What tells them."""
    return [JobHandler(RESTRICT, restrict, attempts=_ATTEMPTS)]


def _questions(context: Any, id_: str) -> list[_Question]:
    """What stores are told, in order: nothing of who is erased by now, nor of parts while all of the person is put
    away. What ends in one place may be restricted by another: that is said again after it.
    """
    stored: Record | None = context.read(RESTRICTION, id_)
    subject = None if stored is None else context.read(SUBJECT, str(stored["data_subject"]))
    if stored is None or subject is None or subject["status"] not in ("restricted", "active"):
        return []
    model, region = context.records.model, context.settings.region
    sources = Sources(context, model, privacy_of(model))
    graph = discover_in(sources, Seed(((SUBJECT, str(subject["id"])),)), region)
    whole = of_graph(sources, graph, region)
    mine = _parts(parts_of(stored["parts"]))
    if subject["status"] == "restricted":
        return [] if mine else [("restrict", whole)]
    others = [
        part
        for each in standing_restrictions(context, str(subject["id"]))
        if str(each["id"]) != id_
        for part in _parts(parts_of(each["parts"]))
    ]
    again: list[_Question] = [("restrict", of_parts(sources, graph, others, region))] if others else []
    if not mine:
        return [("lift", whole), *again]
    about = of_parts(sources, graph, mine, region)
    return [("restrict", about)] if stored["status"] in STANDING else [("lift", about), *again]


def _parts(said: list[RestrictedPart]) -> list[StorePart]:
    return [StorePart(each.entity, each.record, tuple(each.fields)) for each in said]

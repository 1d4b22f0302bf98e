"""A restriction of a person, and its end, in stores of plugins: by a job, since no rollback takes them back.

It asks what the person is now: of two that overtake each other the later one still says what holds. A restriction of
some fields or records alone is none for stores, which do not know these.
"""

from collections.abc import Mapping
from typing import Any, Literal

from xrm_core.api import JobContext, JobFailed, JobHandler, Record, ask_stores, data_stores, enqueue
from xrm_dsgvo import own
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Seed
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import RESTRICTION
from xrm_dsgvo.stores.persons import of_graph
from xrm_dsgvo.subjects import SUBJECT

RESTRICT = "dsgvo.restrict_in_stores"
_ATTEMPTS = 10
_QUESTIONS: Mapping[str, Literal["restrict", "lift"]] = {"restricted": "restrict", "active": "lift"}
"""By the status of a person; who is erased is not asked about any more."""


def tell(context: Writing, restriction: str) -> None:
    """Have stores told what holds now, once the transaction is committed."""
    if data_stores(context):
        enqueue(context.connection, RESTRICT, {"restriction": restriction}, key=f"{RESTRICT} {restriction}")


def restrict(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask each store, and keep on the restriction what it has said; those that say nothing are asked again."""
    id_ = str(payload["restriction"])
    with job.read() as connection:
        context = own.within(job, connection)
        stored: Record | None = context.read(RESTRICTION, id_)
        subject = context.read(SUBJECT, str(stored["data_subject"])) if stored is not None else None
        question = _QUESTIONS.get(str(subject["status"])) if subject is not None else None
        if stored is None or subject is None or question is None:
            return {"stores": 0}
        model, region = job.records.model, job.settings.region
        sources = Sources(context, model, privacy_of(model))
        about = of_graph(sources, discover_in(sources, Seed(((SUBJECT, str(subject["id"])),)), region), region)
    answers = ask_stores(job, question, about)
    done = {"restrict": "restricted", "lift": "lifted"}[question]
    said = {
        name: {"status": "failed" if each.code else done, "items": each.count, "code": each.code}
        for name, each in answers.items()
    }
    own.in_job(job, lambda writing: own.change(writing, RESTRICTION, id_, {"stores": said}))
    if any(each.code for each in answers.values()):
        raise JobFailed("Stores of plugins have not said that they heed a restriction, or its end.")
    return {"stores": len(answers)}


def jobs() -> list[JobHandler]:
    """What tells them."""
    return [JobHandler(RESTRICT, restrict, attempts=_ATTEMPTS)]

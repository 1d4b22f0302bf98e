"""Each night runs go on that have failed since stores of plugins did not answer: nobody need let them."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import JobContext, JobHandler, Schedule
from xrm_dsgvo import own
from xrm_dsgvo.erasure.approving import let_go_on
from xrm_dsgvo.erasure.keeping import RUN
from xrm_dsgvo.erasure.parts import STORES, Progress
from xrm_dsgvo.own import Writing

AGAIN = "dsgvo.ask_stores_again"
_MOST = 500
_BY_HAND = frozenset({"LEGAL_HOLD", "CANCELLED"})


def go_on_again(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let them go on; what somebody has to mend waits for them."""
    return {"runs": own.in_job(job, _go_on)}


def _go_on(context: Writing) -> int:
    waiting = [each for each in context.find(RUN, {"status": {"eq": "failed"}}, _MOST) if _is_silence(each["progress"])]
    for each in waiting:
        let_go_on(context, str(each["id"]))
    return len(waiting)


def _is_silence(said: Mapping[str, Any] | None) -> bool:
    failures = Progress.of(said).failures
    return bool(failures) and all(each["step"] == STORES and each["code"] not in _BY_HAND for each in failures)


def jobs() -> list[JobHandler]:
    """The job."""
    return [JobHandler(AGAIN, go_on_again)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(AGAIN, AGAIN, "40 3 * * *")]

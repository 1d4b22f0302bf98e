"""A plan that may be run begins: all of it, or of a large one the person alone, and then the rest by a job."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Refuse, data_stores, recheck_messages
from xrm_dsgvo import own
from xrm_dsgvo.archive.moving import is_held
from xrm_dsgvo.erasure import replaying
from xrm_dsgvo.erasure.arriving import Names, keep_names
from xrm_dsgvo.erasure.beside import SYSTEM, erase_beside, named_by
from xrm_dsgvo.erasure.ending import ended
from xrm_dsgvo.erasure.keeping import RUN, close
from xrm_dsgvo.erasure.owing import owe_notices
from xrm_dsgvo.erasure.parts import begin, begin_whole
from xrm_dsgvo.erasure.persons import Same, restrictions_of
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.running import carry_out
from xrm_dsgvo.erasure.steps import GONE, needles_of
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.held import restrict_held
from xrm_dsgvo.restriction.reach import OURS
from xrm_dsgvo.restriction.standing import brought_back, require_erasable
from xrm_dsgvo.subjects import Person


def start(
    context: Any, stored: Mapping[str, Any], planned: Plan, same: Same, values: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    """Do it, or what of it is done at once. Who is held as a whole is restricted to what the hold is for.

    Args:
        context: of an action or a job, that holds the run.
        stored: the run, as :func:`read_run` gives it.
        planned: as things are now: what was approved.
        same: the other records of the person.
        values: of the run, to be written along.

    Returns:
        What the run says after it, and how much each step has done. With the status ``running`` a job is to go on.

    Raises:
        Refuse: something stands in its way, and nothing was done.
    """
    run, person = str(stored["id"]), (str(stored["entity_name"]), str(stored["record_id"]))
    owe_notices(context, run, planned)
    restrictions = restrictions_of(context, stored, same.records)
    require_erasable(restrictions, str(stored["trigger"]))
    if restrictions:
        _require_whole(planned)
        brought_back(context, restrictions)
    if is_held(planned):
        count = restrict_held(context, Person(entity=person[0], record=person[1]))
        return _done(context, stored, planned, values, {"restricted": count})
    # in parts, what is about a restricted person would be there again until its turn comes
    at_once = bool(restrictions) or len(planned.records) <= context.settings.erasure_at_once
    named = named_by(context, planned)
    if at_once and not data_stores(context):
        steps = carry_out(context, planned, lambda: planned_of(context, stored, same.records), person)
        recheck_messages(context)
        steps[SYSTEM] = erase_beside(context, named)
        return _done(context, stored, planned, values, steps)
    keep_names(context, run, Names(same.known, named))
    needles = needles_of(context, privacy_of(context.records.model), planned)
    progress = (begin_whole if at_once else begin)(context, run, planned, needles)
    begun = {"status": "running", "ran_at": own.now(), "progress": progress.exported()}
    own.change(context, RUN, run, {**values, **begun})
    # what has begun is done again after a restore, also if that takes back its end
    replaying.keep(context, run, stored, planned, ended(context, planned, {}))
    return begun, progress.counts


def _done(
    context: Any, stored: Mapping[str, Any], planned: Plan, values: Mapping[str, Any], steps: Mapping[str, int]
) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    done = ended(context, planned, steps)
    replaying.keep(context, str(stored["id"]), stored, planned, done)
    close(context, stored, planned, {**values, **done})
    return done, steps


def _require_whole(planned: Plan) -> None:
    if any(each.own and each.entity not in OURS and each.action not in GONE for each in planned.records):
        text = {
            "en": "Something keeps data of this person that are restricted: they stay in the vault, whole.",
            "de": "Etwas hält eingeschränkte Daten dieser Person: sie bleiben im Tresor, als Ganzes.",
        }
        raise Refuse(text, field="run")

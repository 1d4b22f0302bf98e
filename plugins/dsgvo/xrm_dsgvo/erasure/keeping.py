"""A plan as it is kept: in parts, since it may be long; by ids until it is done, and by kinds of records after that.

Once a person is nobody any more, a list of all that was theirs would lead from what is left of them to what the law
keeps with their name on it. So the ids go when the erasure is done, from the change log, too.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from xrm_core.api import Record, erase_values
from xrm_dsgvo import own
from xrm_dsgvo.erasure.pieces import WITH_IDS, Piece, end, get, put
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.steps import GONE
from xrm_dsgvo.own import Writing
from xrm_dsgvo.subjects import SUBJECT

RUN = "erasure_run"
NO_PLAN: Mapping[str, Any] = {"records": [], "defects": []}
"""Of a run whose plan is still being made."""

_NAMING = ("plan", "scope", "progress")
"""What of a run has ids of records, besides its parts."""


def keep(context: Writing, run: str, scope: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Keep the plan of a run and what was decided for it, in place of what was kept before.

    Args:
        context: writes.
        run: its id.
        scope: decisions, with ids.
        plan: as :meth:`Plan.exported` or :func:`nameless` give it.
    """
    put(context, run, Piece.PLAN, {"scope": scope, "plan": plan})


def read_run(context: Any, run: str) -> Record | None:
    """A run with its plan and all that was decided for it, which older ones have themselves. None: there is none."""
    stored: Record | None = context.read(RUN, run)
    return None if stored is None else {**stored, **(get(context, run, Piece.PLAN) or {})}


def close(context: Writing, stored: Mapping[str, Any], plan: Plan, done: Mapping[str, Any]) -> None:
    """Write that a run is done. Of its plan stays what became of how many records of which kind.

    Args:
        context: writes.
        stored: the run, as :func:`read_run` gives it.
        plan: that was carried out.
        done: of the end, for the run.
    """
    run = str(stored["id"])
    values = {**done, **without_ids(stored["scope"])}
    if _is_nobody(plan, (str(stored["entity_name"]), str(stored["record_id"]))):
        values["record_id"] = None
    own.change(context, RUN, run, values)
    erase_values(context, RUN, run, [*_NAMING, "record_id"])
    end(context, run, *WITH_IDS)
    keep(context, run, _decided(stored["scope"]), nameless(plan.exported()))


def without_ids(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a run in which no ids of records are."""
    return {"scope": {"running": list(scope["running"])}, "plan": None, "progress": None}


def nameless(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan without ids: each kind of record with what becomes of it, once, and how many of them there are."""
    counts = Counter(json.dumps({**each, "id": None}, sort_keys=True) for each in plan["records"])
    defects = sorted({json.dumps({**each, "id": None}, sort_keys=True) for each in plan["defects"]})
    records = [{**json.loads(each), "count": count} for each, count in sorted(counts.items())]
    return {**plan, "records": records, "defects": [json.loads(each) for each in defects]}


def _is_nobody(plan: Plan, person: tuple[str, str]) -> bool:
    """Whether the record that was the person names nobody any more; of the plugin's own one nothing else is left."""
    return person[0] != SUBJECT and any(
        (each.entity, each.id) == person and each.action in GONE for each in plan.records
    )


def _decided(scope: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided, without ids: of texts, which fields stay or go."""
    reviewed = {json.dumps([entity, None, name, goes]) for entity, _, name, goes in scope["reviewed"]}
    return {"running": list(scope["running"]), "reviewed": [json.loads(each) for each in sorted(reviewed)]}

"""The end of a run: what was done, what stays and why, and when the last backup with it is gone. No content."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import forget_answers
from xrm_dsgvo import own
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.running import kept_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.retention.deadline import end_of

COMPLETE = ("complete", "complete_with_retention")
_BACKUPS = "LK-35T-BACKUP"


def ended(
    context: Writing, plan: Plan, steps: Mapping[str, int], stores: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """What is kept in the record of a run that is done today; answers from before tell nobody who it was."""
    forget_answers(context)
    told = sorted(Counter(kept_of(plan)).items(), key=str)
    kept = [[datenart, said, why, until and until.isoformat(), count] for (datenart, said, why, until), count in told]
    today = datetime.now(ZoneInfo(context.settings.time_zone)).date()
    clear = end_of(context.settings.all_registers().retention_classes[_BACKUPS], today)
    return {
        "status": COMPLETE[bool(kept) or any(each["kept"] for each in (stores or {}).values())],
        "ran_at": own.now(),
        "report": {"steps": dict(steps), "kept": kept, "stores": dict(stores or {})},
        "backup_clear_on": None if clear is None else clear.isoformat(),
    }


def days(said: Any) -> date | None:
    """A day as it is kept."""
    return None if said is None else date.fromisoformat(str(said)[:10])

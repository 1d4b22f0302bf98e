"""Sales: pipelines and opportunities, products with their prices, leads. A plugin like those of third parties."""

from pathlib import Path

from xrm_core.api import Action, JobHandler, On, Schedule, hookimpl
from xrm_sales.opportunities import amounts, checks, closing, defaults, ending, stages, stalled


@hookimpl
def register_schemas() -> list[Path]:
    """All entities of sales."""
    return [Path(__file__).parent / "schemas"]


@hookimpl
def register_actions() -> list[Action]:
    """What is done beyond writing records."""
    return [*closing.actions(), defaults.action()]


@hookimpl
def register_jobs() -> list[JobHandler]:
    """What is done beside the requests."""
    return stalled.jobs()


@hookimpl
def register_schedules() -> list[Schedule]:
    """When."""
    return stalled.schedules()


@hookimpl
def register_record_hooks() -> list[On]:
    """What follows from writing records."""
    return [
        On("opportunity", "create", before=stages.begin),
        On("opportunity", "update", fields=("pipeline", "stage", "status"), before=stages.move),
        On("opportunity", "update", fields=("closed_on", "loss_reason", "lost_to"), before=ending.check_change),
        On("opportunity_item", ("create", "update", "delete", "restore"), before=amounts.sum_up),
        On("opportunity_member", ("create", "update"), fields=("split_percent",), before=amounts.check_splits),
        On("activity", ("create", "update"), fields=("status", "opportunity"), before=stalled.wake),
        On("stage", "update", fields=("kind", "pipeline"), before=stages.keep_stage),
        On("stage_check", ("create", "update"), before=checks.check_condition),
        On("pipeline", ("create", "update"), fields=("is_default",), before=defaults.only_default),
    ]

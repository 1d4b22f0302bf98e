"""What a new installation begins with: a pipeline, reasons for losses, and reports."""

from typing import Any

from xrm_core.api import Action, ActionContext, HookContext, RecordChange, Refuse
from xrm_sales.acting import action
from xrm_sales.reports.installing import install_missing

STAGES: tuple[tuple[str, str, int, str], ...] = (
    ("Qualification", "open", 10, "pipeline"),
    ("Needs analysis", "open", 25, "pipeline"),
    ("Proposal", "open", 50, "best_case"),
    ("Negotiation", "open", 75, "commit"),
    ("Won", "won", 100, "closed"),
    ("Lost", "lost", 0, "omitted"),
)
"""Name, kind, probability and forecast category."""

LOSS_REASONS: tuple[tuple[str, bool], ...] = (
    ("Price", False),
    ("Competitor chosen", True),
    ("No budget", False),
    ("No decision", False),
    ("Product does not fit", False),
)
"""Name, and whether a competitor has to be named."""


def install(context: ActionContext) -> None:
    """Make them, where there is no pipeline yet."""
    if context.find("pipeline", {}, 1):
        raise Refuse({"en": "There is a pipeline already.", "de": "Es gibt schon eine Pipeline."})
    make(context)


def make(context: Any) -> str:
    """Make them; answers the id of the pipeline. ``context`` has records, connection and system."""
    records, connection, system = context.records, context.connection, context.system
    pipeline = records.create(connection, system, "pipeline", {"name": "Standard", "is_default": True})
    for position, (name, kind, probability, category) in enumerate(STAGES, start=1):
        stage = {
            "pipeline": pipeline,
            "name": name,
            "position": position,
            "kind": kind,
            "probability": probability,
            "forecast_category": category,
        }
        records.create(connection, system, "stage", stage)
    install_missing(context)
    for name, to_competitor in LOSS_REASONS:
        records.create(connection, system, "loss_reason", {"name": name, "to_competitor": to_competitor})
    return str(pipeline)


def actions() -> list[Action]:
    """``salesInstallDefaults``."""
    en, de = "Make a first pipeline, reasons for losses, and reports.", "Pipeline, Verlustgründe, Berichte anlegen."
    return [action("install_defaults", install, en=en, de=de)]


def only_default(change: RecordChange) -> None:
    """One pipeline at a time is the default: the one that becomes it takes it from the other."""
    if not change.after["is_default"]:
        return

    def take(context: HookContext, id_: str) -> None:
        for other in context.find("pipeline", {"is_default": {"eq": True}, "id": {"ne": id_}}):
            context.records.update(context.connection, context.system, "pipeline", other["id"], {"is_default": False})

    change.then(take)

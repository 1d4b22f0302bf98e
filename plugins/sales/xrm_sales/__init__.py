"""Sales: pipelines and opportunities, products with their prices, leads. A plugin like those of third parties."""

from pathlib import Path

from xrm_core.api import (
    Action,
    DataStore,
    DemoData,
    JobHandler,
    MessageKind,
    Needs,
    On,
    QueryField,
    Route,
    Schedule,
    hookimpl,
)
from xrm_sales import demo, periods
from xrm_sales.commissions import paying, settling
from xrm_sales.forecast import figures, snapshots
from xrm_sales.leads import capture, conversion, duplicates, form, nightly, routing, scoring
from xrm_sales.opportunities import amounts, checks, closing, defaults, ending, equipping, stages, stalled
from xrm_sales.orders import contracts, ordering
from xrm_sales.quotes import configuring, from_opportunity, life, mailing, mails, pages, reckoning, review
from xrm_sales.reports import installing, running
from xrm_sales.settings import Settings
from xrm_sales.targets import deviation
from xrm_sales.visits import planning

GOALS = ("quota", "sales_target", "forecast_adjustment")
"""Entities whose records are for a month, a quarter or a year."""


@hookimpl
def register_needs() -> Needs:
    """The platform with which it comes."""
    return Needs(core=">=0.1")


@hookimpl
def register_schemas() -> list[Path]:
    """All entities of sales."""
    return [Path(__file__).parent / "schemas"]


@hookimpl
def register_roles() -> list[Path]:
    """Who may do what, for administrators who take it."""
    return [Path(__file__).parent / "permissions"]


@hookimpl
def register_demo() -> list[DemoData]:
    """What there is to see."""
    return demo.demo()


@hookimpl
def register_settings() -> type[Settings]:
    """What an installation may say."""
    return Settings


@hookimpl
def register_actions() -> list[Action]:
    """What is done beyond writing records."""
    opportunities, leads = (closing, equipping, defaults), (capture, conversion)
    quotes, after = (from_opportunity, configuring, review, life, mailing), (ordering, contracts, paying, installing)
    return [each for part in (*opportunities, *leads, *quotes, *after) for each in part.actions()]


@hookimpl
def register_query_fields() -> list[QueryField]:
    """What can be asked beyond records."""
    return [part.query_field() for part in (figures, snapshots, deviation, running, planning)]


@hookimpl
def register_routes() -> list[Route]:
    """Public web forms, letters, and the page on which a customer decides."""
    return [*form.routes(), *pages.routes()]


@hookimpl
def register_jobs() -> list[JobHandler]:
    """What is done beside the requests."""
    return [job for part in (stalled, nightly, life, mailing, contracts, snapshots) for job in part.jobs()]


@hookimpl
def register_schedules() -> list[Schedule]:
    """When."""
    return [each for part in (stalled, nightly, life, mailing, contracts, snapshots) for each in part.schedules()]


@hookimpl
def register_message_kinds() -> list[MessageKind]:
    """Mails about quotes."""
    return mails.kinds()


@hookimpl
def register_data_stores() -> list[DataStore]:
    """None: all that it keeps is in records and files."""
    return []


@hookimpl
def register_record_hooks() -> list[On]:
    """What follows from writing records."""
    scored = (*routing.ATTRIBUTES, "status")
    return [
        On("lead", "update", before=conversion.stay),
        On("lead", ("create", "update"), fields=("email", "company"), before=duplicates.recognise),
        On("lead", ("create", "update"), fields=scored, before=scoring.after_change),
        On("lead_event", ("create", "update", "delete", "restore"), before=scoring.after_event),
        On("scoring_rule", ("create", "update"), before=scoring.check_rule),
        On("scoring_rule", ("create", "update", "delete", "restore"), before=nightly.after_rule),
        On("routing_rule", ("create", "update"), fields=("condition",), before=routing.check_condition),
        On("territory", ("create", "update"), fields=("condition",), before=routing.check_condition),
        On("quote", "update", fields=life.CONTENT, before=life.keep),
        On("quote", "update", fields=("owner",), before=review.keep_owner),
        On("quote", "update", fields=reckoning.INPUTS, before=reckoning.reprice),
        On("quote", ("create", "update"), fields=reckoning.FIGURES, before=reckoning.keep_figures),
        On(
            "quote_item", ("create", "update", "delete", "restore"), fields=reckoning.KEPT, before=reckoning.only_drafts
        ),
        On("quote_item", ("create", "update"), before=reckoning.priced),
        On("quote_item", ("create", "update", "delete", "restore"), before=reckoning.after_line),
        On("approval_rule", ("create", "update"), before=review.check_rule),
        On("report", ("create", "update"), fields=("document", "variables"), before=running.check),
        On("sales_order", ("create", "update"), fields=("status",), before=ordering.keep_within),
        On("contract", ("create", "update"), fields=(*contracts.TERM, "renews"), before=contracts.reckon),
        On("opportunity", "create", before=stages.begin),
        On("opportunity", "update", fields=("pipeline", "stage", "status"), before=stages.move),
        On("opportunity", "update", fields=("closed_on", "loss_reason", "lost_to"), before=ending.check_change),
        On("opportunity", ("create", "update"), fields=("lost_to",), before=ending.note_winner),
        On("opportunity_item", ("create", "update", "delete", "restore"), before=amounts.sum_up),
        On("opportunity", "update", fields=("amount", "status"), before=amounts.keep_sum),
        On("opportunity_member", ("create", "update"), fields=("split_percent",), before=amounts.check_splits),
        On("opportunity_member", ("create", "update", "delete", "restore"), before=settling.after_member),
        On("opportunity", ("create", "update"), fields=settling.BASIS, before=settling.after_opportunity),
        On("quote", "update", fields=("status",), before=settling.after_quote),
        *(On(each, ("create", "update"), fields=("month", "period"), before=periods.begin_of) for each in GOALS),
        On("quota", ("create", "update", "delete", "restore"), before=settling.after_quota),
        On("commission_rule", ("create", "update"), fields=("condition",), before=settling.check_rule),
        On("activity", ("create", "update"), fields=("status", "opportunity"), before=stalled.wake),
        On("stage", "update", fields=("kind", "pipeline"), before=stages.keep_stage),
        On("stage_check", ("create", "update"), before=checks.check_condition),
        On("pipeline", ("create", "update"), fields=("is_default",), before=defaults.only_default),
    ]

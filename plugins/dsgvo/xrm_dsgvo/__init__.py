"""Data protection (GDPR, in German DSGVO) out of one annotation in the entity files: ``x-dsgvo``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xrm_core.api import (
    Action,
    Command,
    ConnectorRefusal,
    DataStore,
    JobHandler,
    Keyword,
    LeavingContext,
    MessageAllowed,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageRefusal,
    Needs,
    On,
    OutgoingMessage,
    QueryField,
    Replay,
    Route,
    Schedule,
    Write,
    hookimpl,
)
from xrm_dsgvo import ages, expiring, points, preferences, privacy_events, purposes, reasons, subjects
from xrm_dsgvo.access import files as answer_files
from xrm_dsgvo.access import releasing
from xrm_dsgvo.access import surface as access
from xrm_dsgvo.annotated import editions as annotated
from xrm_dsgvo.archive import looking as archive
from xrm_dsgvo.archive import surface as archived
from xrm_dsgvo.breach import handling, notice
from xrm_dsgvo.consent import confirmation, forgetting, period, receipt, stale, withdrawing
from xrm_dsgvo.consent import recording as consents
from xrm_dsgvo.death import recording as deaths
from xrm_dsgvo.decisions import deciding as decisions
from xrm_dsgvo.disclosure import notices
from xrm_dsgvo.disclosure import noting as disclosing
from xrm_dsgvo.discovery import surface as discovery
from xrm_dsgvo.due import dates, impact
from xrm_dsgvo.erasure import approving, asking_again, going_on, large, replaying
from xrm_dsgvo.erasure import commands as erasure_commands
from xrm_dsgvo.erasure import looking as erasure_plans
from xrm_dsgvo.erasure import surface as erasures
from xrm_dsgvo.file_search import surface as file_searches
from xrm_dsgvo.informing import arriving, contacting, delivering, duties
from xrm_dsgvo.keyword import keyword
from xrm_dsgvo.lint import command
from xrm_dsgvo.measures import evidence
from xrm_dsgvo.objection import flags, following, merging, suppressing
from xrm_dsgvo.objection import recording as objections
from xrm_dsgvo.pages import choosing, confirming, fetching, leaving, requesting
from xrm_dsgvo.processors import connectors, contracts
from xrm_dsgvo.proof import daily, verifying
from xrm_dsgvo.record import commands as record_commands
from xrm_dsgvo.record import editions
from xrm_dsgvo.requests import asking, countering, deciding, identity, letters, opening, rectifying
from xrm_dsgvo.restored import surface as restored
from xrm_dsgvo.restriction import incoming, looking
from xrm_dsgvo.restriction import surface as restrictions
from xrm_dsgvo.retention import engine, guarding, holds, leavers, suspending
from xrm_dsgvo.sealed import ending
from xrm_dsgvo.sealed import surface as sealed
from xrm_dsgvo.sending import gate, outbox, templates
from xrm_dsgvo.settings import Settings
from xrm_dsgvo.stores import restored as in_stores_restored
from xrm_dsgvo.stores import restricting

ending.take_part()


@hookimpl
def register_needs() -> Needs:
    """The platform with which it comes."""
    return Needs(core=">=0.1")


@hookimpl
def register_settings() -> type[Settings]:
    """What an installation may say."""
    return Settings


@hookimpl
def register_keywords(settings: Settings) -> list[Keyword]:
    """What entity files say of data protection, without which they do not load."""
    return [keyword(settings.all_registers(), sealed=settings.require_sealed)]


@hookimpl
def register_schemas() -> list[Path]:
    """Consents, objections, preferences, and what belongs to them."""
    return [Path(__file__).parent / "schemas"]


@hookimpl
def register_roles() -> list[Path]:
    """Who may do what, for administrators who take it."""
    return [Path(__file__).parent / "permissions"]


@hookimpl
def register_actions() -> list[Action]:
    """What is done beyond writing records."""
    consenting = (withdrawing, stale, objections, suppressing, preferences, reasons, gate)
    telling = (templates, duties, delivering)
    requests = (opening, identity, deciding, letters, access, file_searches, releasing, rectifying, countering, notices)
    parts = (
        *consenting,
        *telling,
        contracts,
        editions,
        annotated,
        handling,
        decisions,
        deaths,
        erasures,
        approving,
        holds,
        suspending,
        engine,
        restrictions,
        archive,
        *requests,
    )
    return [action for part in parts for action in part.actions()]


@hookimpl
def register_query_fields() -> list[QueryField]:
    """What can be asked beyond records."""
    own = (gate, receipt, stale, editions, annotated, notice, dates, impact, verifying, evidence)
    parts = (*own, discovery, erasure_plans, asking, sealed)
    return [field for part in parts for field in part.query_fields()]


@hookimpl
def register_routes() -> list[Route]:
    """Pages for those who are written to."""
    return [
        *confirming.routes(),
        *leaving.routes(),
        *choosing.routes(),
        *requesting.routes(),
        *answer_files.routes(),
        *fetching.routes(),
        *looking.routes(),
        *archive.routes(),
    ]


@hookimpl
def register_commands() -> list[Command]:
    """``xrm dsgvo …``."""
    return [*command.commands(), *record_commands.commands(), *annotated.commands(), *erasure_commands.commands()]


@hookimpl
def register_jobs() -> list[JobHandler]:
    """What is done beside the requests."""
    consenting = (withdrawing, forgetting, period, expiring, flags)
    erasing = (large, going_on, asking_again, in_stores_restored)
    parts = (*consenting, dates, engine, *erasing, daily, incoming, restricting, releasing, file_searches)
    return [job for part in parts for job in part.jobs()]


@hookimpl
def register_schedules() -> list[Schedule]:
    """When."""
    consenting = (withdrawing, forgetting, period, expiring, flags)
    parts = (*consenting, dates, engine, asking_again, daily, incoming, releasing, file_searches)
    return [schedule for part in parts for schedule in part.schedules()]


@hookimpl
def register_replays() -> list[Replay]:
    """What is erased, objected to, withdrawn and restricted again after a backup was restored."""
    return [*replaying.replays(), *restored.replays(), *suspending.replays()]


@hookimpl
def register_data_stores() -> list[DataStore]:
    """None: all that it keeps is in records, the vault and the journal."""
    return []


@hookimpl
def register_message_kinds() -> list[MessageKind]:
    """What the plugin writes to people."""
    return [*confirmation.kinds(), *dates.kinds(), *notices.kinds(), *daily.kinds()]


@hookimpl
def before_message_send(message: OutgoingMessage, context: MessageContext) -> MessageRefusal | MessageAllowed | None:
    """The gate of every message of every plugin."""
    return outbox.before_message_send(message, context)


@hookimpl
def after_message_end(message: OutgoingMessage, outcome: MessageOutcome, context: MessageContext) -> None:
    """What was taken has brought the notice that it has."""
    contacting.arrived(context, message, outcome)


@hookimpl
def before_data_leaves(context: LeavingContext) -> ConnectorRefusal | None:
    """Nothing goes to whom no contract binds; what goes is noted."""
    refusal = connectors.before_data_leaves(context)
    if refusal is None and context.parcels:
        disclosing.note(context, connectors.key_of(context), context.parcels)
    return refusal


@hookimpl
def before_record_delete(entity: str, before: Mapping[str, Any], write: Write) -> None:
    """What is held stays."""
    guarding.before_record_delete(entity, before, write)


@hookimpl
def register_record_hooks() -> list[On]:
    """Guards: what is written, by whatever way, that only events may write."""
    parts = (
        consents,
        objections,
        flags,
        following,
        suppressing,
        preferences,
        reasons,
        subjects,
        ages,
        points,
        purposes,
        contracts,
        editions,
        handling,
        merging,
        erasures,
        holds,
        suspending,
        leavers,
        engine,
        restrictions,
        archived,
        opening,
        countering,
        releasing,
        file_searches,
        disclosing,
        notices,
        arriving,
        duties,
        delivering,
        templates,
        privacy_events,
        daily,
        annotated,
        decisions,
    )
    return [hook for part in parts for hook in part.hooks()]

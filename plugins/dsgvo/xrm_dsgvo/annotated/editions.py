"""``dsgvoAnnotations``, ``dsgvoAnnotationPropose`` and ``dsgvoAnnotationApprove``: what a release, a plugin or a layer
has changed in the annotations is approved by somebody else than who has proposed it. What was approved stays.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from xrm_core.api import Action, ActionContext, Command, CommandContext, Model, On, QueryContext, QueryField, Refuse
from xrm_dsgvo.annotated.differing import AnnotationChange, changes, said_by
from xrm_dsgvo.own import change, create, kept, now
from xrm_dsgvo.record.making import digest_of

EDITION = "annotation_edition"
APPROVED = """
{ annotationEditions(first: 1, where: {status: {eq: approved}}, orderBy: [{edition: DESC}]) {
  nodes { id edition content digest }
} }"""
LAST = "{ annotationEditions(first: 1, orderBy: [{edition: DESC}]) { nodes { edition } } }"
Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]
DIFFERS = 2
"""Exit code if there is something that nobody has approved."""


@dataclass
class Annotations:
    """How they stand. ``drift``: in what they differ from the edition that is approved; empty: in nothing."""

    digest: str
    approved_edition: int | None
    drift: list[AnnotationChange]


@dataclass
class AnnotationProposed:
    """A new edition, and in what it differs from the one that is approved."""

    annotation_edition: str
    edition: int
    drift: list[AnnotationChange]


@dataclass
class AnnotationApproveInput:
    """Which edition, and the digest of what was looked at."""

    annotation_edition: str
    digest: str


@dataclass
class AnnotationApproved:
    """It holds from now on."""

    edition: int


def annotations_of(model: Model, ask: Ask) -> Annotations:
    """How they stand."""
    said = said_by(model)
    found = ask(APPROVED, {})["annotationEditions"]["nodes"]
    approved = found[0] if found else None
    digest = digest_of(said)
    if approved is not None and approved["digest"] == digest:
        return Annotations(digest, approved["edition"], [])
    drift = list(changes({} if approved is None else approved["content"], said))
    return Annotations(digest, None if approved is None else approved["edition"], drift)


def annotations(context: QueryContext) -> Annotations:
    """``dsgvoAnnotations``."""
    return annotations_of(context.model, context.query_as_system)


def propose(context: ActionContext) -> AnnotationProposed:
    """Keep them as they are now as a draft; an older draft is superseded by it. Raises Refuse: nothing differs."""
    standing = annotations_of(context.records.model, context.query_as_system)
    if not standing.drift:
        text = {"en": "Nothing differs from the approved edition.", "de": "Nichts weicht von der Fassung ab."}
        raise Refuse(text)
    _supersede(context, "draft")
    last = context.query_as_system(LAST)["annotationEditions"]["nodes"]
    edition = (last[0]["edition"] if last else 0) + 1
    content = said_by(context.records.model)
    values = {"edition": edition, "content": content, "digest": standing.digest, "status": "draft"}
    return AnnotationProposed(create(context, EDITION, values), edition, standing.drift)


def approve(context: ActionContext, given: AnnotationApproveInput) -> AnnotationApproved:
    """Somebody else than who proposed it finds it right.

    Raises:
        Refuse: it is no draft, the caller has proposed it, or it is not what was looked at or what is loaded.
    """
    context.hold(EDITION, given.annotation_edition)
    edition = context.read(EDITION, given.annotation_edition)
    if edition is None or edition["status"] != "draft":
        text = {"en": "Only a draft is approved.", "de": "Nur ein Entwurf wird freigegeben."}
        raise Refuse(text, field="annotation_edition")
    actor = context.caller.actor
    if actor is None or actor == edition["created_by"]:
        text = {
            "en": "Somebody else than who proposed it approves an edition.",
            "de": "Eine Fassung gibt jemand anderes frei als wer sie vorgelegt hat.",
        }
        raise Refuse(text, field="approved_by")
    if not given.digest == edition["digest"] == digest_of(said_by(context.records.model)):
        text = {
            "en": "Something has changed since it was proposed: propose it anew.",
            "de": "Seit sie vorgelegt wurde, hat sich etwas geändert: Neu vorlegen.",
        }
        raise Refuse(text, field="digest")
    _supersede(context, "approved")
    change(context, EDITION, edition["id"], {"status": "approved", "approved_by": actor, "approved_at": now()})
    return AnnotationApproved(edition["edition"])


def query_fields() -> list[QueryField]:
    """``dsgvoAnnotations``."""
    about = {"en": "Annotations, and what nobody has approved.", "de": "Annotationen, und was nicht freigegeben ist."}
    return [QueryField("dsgvo.annotations", annotations, answers=Annotations, cost=500, seconds=20, description=about)]


def actions() -> list[Action]:
    """Both."""
    proposing = {"en": "Propose an edition of the annotations.", "de": "Eine Fassung der Annotationen vorlegen."}
    approving = {"en": "Approve an edition of the annotations.", "de": "Eine Fassung der Annotationen freigeben."}
    return [
        Action("dsgvo.annotation_propose", propose, answers=AnnotationProposed, description=proposing),
        Action(
            "dsgvo.annotation_approve",
            approve,
            input=AnnotationApproveInput,
            answers=AnnotationApproved,
            description=approving,
        ),
    ]


def commands() -> list[Command]:
    """``xrm dsgvo annotations``."""
    return [Command("annotations", tell, "Say what has changed in the annotations since they were approved.")]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {
        "en": "Editions are proposed and approved by actions, and stay.",
        "de": "Fassungen entstehen durch Vorlage und Freigabe, und sie bleiben.",
    }
    return [kept(EDITION, text)]


def tell(
    context: CommandContext,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """What has changed in the annotations since an edition of them was approved. Exit code 2: something has."""
    with context.read() as connection:
        found = annotations_of(context.records.model, context.within(connection).query_as_system)
    if as_json:
        typer.echo(json.dumps([vars(each) for each in found.drift], ensure_ascii=False, indent=2))
    elif found.drift:
        lines = (f"{each.change:8} {each.entity}.{each.field}".rstrip(".") for each in found.drift)
        words = (", ".join(each.words) for each in found.drift)
        typer.echo("\n".join(f"{line}: {named}" if named else line for line, named in zip(lines, words, strict=True)))
    else:
        typer.echo("Nothing differs.")
    if found.drift:
        raise typer.Exit(DIFFERS)


def _supersede(context: ActionContext, status: str) -> None:
    for each in context.find(EDITION, {"status": {"eq": status}}, 100):
        change(context, EDITION, each["id"], {"status": "superseded"})

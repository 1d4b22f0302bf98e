"""Each night the log is checked and its head goes to the officer by mail: a copy that nobody here can change."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import (
    JobContext,
    JobHandler,
    Message,
    MessageContent,
    MessageContext,
    MessageKind,
    On,
    Schedule,
    send_message,
    verify_changes,
)
from xrm_dsgvo.own import create, in_job, kept
from xrm_dsgvo.proof.verifying import Proof, proof_of

PROVE, PROVED, HEAD = "dsgvo.prove", "dsgvo.proved", "log_proof"


def prove(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check, keep and tell. A log that is broken is told in the same mail, and again each night."""
    with job.read(timeout=None) as connection:
        found = proof_of(verify_changes(job.within(connection), between=job.check))
    if found.head is None:
        return {"batches": 0}
    in_job(job, lambda context: _keep(context, found))
    return {"batches": found.batches, "findings": len(found.findings)}


def kinds() -> list[MessageKind]:
    """The mail; it has hashes and numbers, and nothing of persons."""
    return [MessageKind(PROVED, lambda context: context.settings.officer_email or None, _compose, "internal")]


def jobs() -> list[JobHandler]:
    """The one that proves."""
    return [JobHandler(PROVE, prove)]


def schedules() -> list[Schedule]:
    """Each night, after what is due went."""
    return [Schedule(PROVE, PROVE, "40 4 * * *")]


def hooks() -> list[On]:
    """Nobody else writes them."""
    text = {"en": "The platform keeps what it has checked.", "de": "Was geprüft wurde, führt die Plattform."}
    return [kept(HEAD, text)]


def _keep(context: Any, found: Proof) -> None:
    numbers = {name: getattr(found, name) for name in ("head", "batches", "changes", "unsigned", "removed", "intact")}
    told = "\n".join(f"{each.batch}: {each.what}" for each in found.findings)
    id_ = create(context, HEAD, numbers | {"findings": told[:4_000] or None})
    if context.settings.officer_email:
        send_message(context, Message(PROVED, (HEAD, id_), key=id_, payload={}))


def _compose(context: MessageContext) -> MessageContent:
    stored = context.read(*context.message.about)
    if stored is None:  # nobody deletes it
        return MessageContent("Änderungsprotokoll", "Der Eintrag ist fort. / The entry is gone.")
    intact = bool(stored["intact"])
    outcome = ("unversehrt", "intact") if intact else ("VERÄNDERT", "CHANGED")
    lines = [
        f"Stand / head: {stored['head']}",
        f"Stapel / batches: {stored['batches']}, Änderungen / changes: {stored['changes']}",
        *([f"Ohne Unterschrift / without signature: {stored['unsigned']}"] if stored["unsigned"] else []),
        *([] if intact else ["", str(stored["findings"])]),
        "",
        "Diese Mail aufheben: mit dem Stand lässt sich später prüfen, ob das Protokoll noch dasselbe ist"
        " (dsgvoProofVerify mit «expect», oder xrm log verify --expect).",
        "Keep this mail: the head shows later whether the log is still the same.",
    ]
    return MessageContent(f"Änderungsprotokoll {outcome[0]} / change log {outcome[1]}", "\n".join(lines) + "\n")

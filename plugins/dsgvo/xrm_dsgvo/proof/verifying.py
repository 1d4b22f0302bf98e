"""``dsgvoProofVerify``: whether the change log is what was written."""

import re
from dataclasses import dataclass

from xrm_core.api import QueryContext, QueryField, Refuse, VerifiedChanges

_HEAD = re.compile(r"[0-9]{1,18}:[0-9a-f]{64}")
_MOST = 100


@dataclass
class ProofVerifyInput:
    """``expect``: a head of former times, which must still be in the chain. ``unsigned_to``: the last batch of the time
    before there was a key.
    """

    expect: str | None = None
    unsigned_to: int = 0


@dataclass
class ProofFinding:
    """Something that is not as it was sealed: in which batch, and what."""

    batch: int
    what: str


@dataclass
class Proof:
    """What was found. ``head`` is number and hash of the newest batch, to be kept elsewhere. ``unsigned`` batches have
    no signature, ``removed`` ones are too old and have no entries any more, ``unsealed`` changes are in none yet.
    """

    intact: bool
    head: str | None
    batches: int
    changes: int
    unsigned: int
    removed: int
    unsealed: int
    findings: list[ProofFinding]


def verified(context: QueryContext, given: ProofVerifyInput) -> Proof:
    """Check it. Raises Refuse: ``expect`` is no head, or ``unsigned_to`` no number of a batch."""
    expect = None if given.expect is None else given.expect.strip().lower()
    if expect is not None and _HEAD.fullmatch(expect) is None:
        text = {
            "en": "A head is a number, a colon and 64 hex digits, as an earlier check has told it.",
            "de": "Ein Stand ist eine Zahl, ein Doppelpunkt und 64 Hexziffern, wie ihn eine frühere Prüfung nennt.",
        }
        raise Refuse(text, field="expect")
    if given.unsigned_to < 0:
        raise Refuse({"en": "0 or more.", "de": "0 oder mehr."}, field="unsigned_to")
    return proof_of(context.verify_changes(expect, given.unsigned_to))


def proof_of(found: VerifiedChanges) -> Proof:
    """What a check has found, as it is answered."""
    return Proof(
        intact=not found.findings,
        head=found.head,
        batches=found.batches,
        changes=found.entries,
        unsigned=found.unsigned,
        removed=found.removed,
        unsealed=found.unsealed,
        findings=[ProofFinding(each.batch, each.what) for each in found.findings[:_MOST]],
    )


def query_fields() -> list[QueryField]:
    """``dsgvoProofVerify``."""
    about = {
        "en": "Whether the change log is what was written.",
        "de": "Ob das Änderungsprotokoll ist, wie es geschrieben wurde.",
    }
    return [
        QueryField(
            "dsgvo.proof_verify",
            verified,
            input=ProofVerifyInput,
            answers=Proof,
            cost=2_000,
            seconds=60,
            description=about,
        )
    ]

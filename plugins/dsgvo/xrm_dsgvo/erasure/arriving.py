"""What comes in of somebody while a large erasure of them is under way: it is put apart, and somebody decides on it.

An import, a form or a connector may bring the person anew, without a link to what is being erased. By what the person
was known by, which is kept sealed until the end, that is found before each part of the run, and restricted: nobody
finds it and nothing is sent by it, until it is erased as well, or is said to be new.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from xrm_core.api import Record, open_text, seal_text
from xrm_dsgvo.discovery.graph import Key, Seed
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.known import Known
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.erasure.pieces import Piece, get, put
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.requests.cases import today
from xrm_dsgvo.restriction.restricting import Ground, restrict
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of

APART = "apart"
"""How many persons were put apart, in reports."""

BECAUSE = "Art. 17(1) DSGVO"


@dataclass(frozen=True, slots=True)
class Names:
    """What names the person of a run.

    Args:
        known: by what records are found.
        named: addresses, numbers and accounts that nobody else has, in the ways in which they are written.
    """

    known: Known = field(default_factory=Known)
    named: frozenset[str] = frozenset()

    def exported(self) -> str:
        """As text."""
        return json.dumps({"known": self.known.exported(), "named": sorted(self.named)}, ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """Of that."""
        said = json.loads(text)
        return cls(Known.of(said["known"]), frozenset(said["named"]))


def keep_names(context: Writing, run: str, names: Names) -> None:
    """Keep them until the end of a run, sealed by a key of its own; without a key store they are not kept."""
    sealed = seal_text(context, run, names.exported())
    if sealed is not None:
        put(context, run, Piece.KNOWN, sealed)


def names_kept(context: Writing, run: str) -> Names | None:
    """What was kept; None: nothing was, or nobody can read it."""
    text = open_text(context, run, get(context, run, Piece.KNOWN))
    return None if text is None else Names.of(text)


def put_apart(context: Any, stored: Record, plan: Plan, known: Known) -> tuple[int, list[dict[str, str | None]]]:
    """Restrict what has come in of the person of a run.

    Args:
        context: writes.
        stored: the run.
        plan: that is carried out: what is in it goes anyway.
        known: of the person.

    Returns:
        How many persons were, and as failures what could not be.
    """
    privacy = privacy_of(context.records.model)
    planned = {(each.entity, each.id) for each in plan.records}
    others = {(str(entity), str(id_)) for entity, id_ in stored["scope"].get("not_theirs", ())}
    # who was told as maybe the same person when it was planned was there before, and nobody has said that they are
    others |= {(str(each[0]), str(each[1])) for each in get(context, str(stored["id"]), Piece.CANDIDATES) or ()}
    sources = Sources(context, context.records.model, privacy, aside=False)
    joined = Joining(sources, Seed(known=known, others=frozenset(others | planned)), context.settings.region)
    persons = {each.name for each in privacy.subjects()} - {SUBJECT, POINT}  # these go along with whose they are
    count, failures = 0, []
    for key in (each for each in joined.own if each[0] in persons):
        done: list[bool] = []
        # mypy infers no type for a lambda whose defaults bind what the loop has now
        refusal = context.attempt(lambda key=key, done=done: done.append(_restricted(context, key)))
        count += done == [True]
        if refusal is not None:
            failures.append({"step": APART, "code": refusal.code, "entity": key[0], "record": key[1]})
    return count, failures


def _restricted(context: Any, key: Key) -> bool:
    """Whether it was; whose data are restricted already stay so."""
    subject = subject_of(context, Person(entity=key[0], record=key[1]))
    stored = None if subject is None else context.read(SUBJECT, subject)
    if subject is None or stored is None or stored["status"] != "active":
        return False
    restrict(context, subject, Ground.arrived, BECAUSE, today(context.settings), needs_vault=False)
    return True

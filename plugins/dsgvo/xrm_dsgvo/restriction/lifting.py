"""A restriction is announced to be lifted, and is lifted: in that order (Article 18(3))."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from xrm_core.api import ActionContext, Record, Refuse, bring_back
from xrm_dsgvo.disclosure import owed
from xrm_dsgvo.own import Making, change, create, now
from xrm_dsgvo.paging import every
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.restricting import Ground, RestrictionStanding, counted, said
from xrm_dsgvo.restriction.standing import RESTRICTION, STANDING, standing_restrictions
from xrm_dsgvo.restriction.terms import Scope, scope_kept
from xrm_dsgvo.stores import restricting as in_stores
from xrm_dsgvo.subjects import SUBJECT


@dataclass
class RestrictionAnnounceInput:
    """The person was told that it will be lifted, in this way."""

    restriction: str
    via: str


@dataclass
class RestrictionLiftInput:
    """Which, and why."""

    restriction: str
    because: str


def announce(context: ActionContext, given: RestrictionAnnounceInput) -> RestrictionStanding:
    """Keep that the person was told that it will be lifted.

    Raises:
        Refuse: there is no such restriction that is active.
    """
    restriction = _held(context, given.restriction, "active")
    at = now()
    values = {"status": "lift_announced", "announced_at": at, "announced_via": said(given.via, "via")[:60]}
    change(context, RESTRICTION, restriction["id"], values)
    keeping.lifting(context, keeping.ANNOUNCED, restriction, at, values["announced_via"])
    return RestrictionStanding(given.restriction, scope_kept(restriction), "lift_announced", [], [])


def lift(context: ActionContext, given: RestrictionLiftInput) -> RestrictionStanding:
    """Bring all back.

    Raises:
        Refuse: the person was not told before, their objection is not decided, there is no such restriction, or the
            caller may not open the vault.
        ValidationFailed: something does not fit any more, such as an address that another record has by now.
    """
    restriction = _held(context, given.restriction, "lift_announced")
    caller: Any = context.caller
    if restriction["deposit"] is not None and not caller.access.may("xrm_sealed", "read"):
        text = {
            "en": "Who brings data out of the vault may open it: the right to xrm_sealed.",
            "de": "Wer Daten aus dem Tresor holt, darf ihn öffnen: das Recht auf xrm_sealed.",
        }
        raise Refuse(text, field="restriction")
    because = said(given.because, "because")[:2000]
    subject = str(restriction["data_subject"])
    context.hold(SUBJECT, subject)
    undecided = {"data_subject": {"id": {"eq": subject}}, "status": {"eq": "restricted"}}
    if restriction["ground"] == Ground.objection.value and context.find("objection", undecided, 1):
        text = {
            "en": "The objection of this person is not decided yet: decideObjection.",
            "de": "Über den Widerspruch der Person ist noch nicht entschieden: decideObjection.",
        }
        raise Refuse(text, field="restriction")
    return lifted(context, restriction, because, now())


def lifted(context: Making, restriction: Record, because: str, at: str) -> RestrictionStanding:
    """The same, of one that may be lifted. As long as all of the person is restricted on another ground, too, the data
    stay where they are, and go with that one.

    Raises:
        ValidationFailed: something does not fit any more.
    """
    subject = str(restriction["data_subject"])
    of_it = {"continues": {"id": {"eq": restriction["id"]}}, "status": {"in": list(STANDING)}}
    ending = [restriction, *every(context, RESTRICTION, of_it)]
    other = _still(context, subject, str(restriction["id"]))
    counts: Counter[str] = Counter()
    # what was moved last comes back first: it may be the record of which a value was moved before
    for each in sorted(ending, key=lambda each: str(each["deposit"] or ""), reverse=True):
        if each["deposit"] is not None and other is None:
            counts.update(bring_back(context, str(each["deposit"])).counts)
        ended = {"status": "lifted", "lifted_at": at, "lifted_because": because, "deposit": None}
        change(context, RESTRICTION, each["id"], ended)
        if each["deposit"] is not None and other is not None:
            _handed_over(context, each, other)
    keeping.lifting(context, keeping.LIFTED, restriction, at, because)
    if other is None:
        owed.lifted(context, subject, str(restriction["id"]))
    stored = context.read(SUBJECT, subject)
    if other is None and stored is not None and stored["status"] == "restricted":
        change(context, SUBJECT, subject, {"status": "active"})
    if other is None:
        in_stores.tell(context, str(restriction["id"]))
    return RestrictionStanding(str(restriction["id"]), scope_kept(restriction), "lifted", counted(counts), [])


def _still(context: Making, subject: str, but: str) -> Record | None:
    """Another restriction of all of a person; None: there is none."""
    standing = standing_restrictions(context, subject)
    found = (each for each in standing if each["continues"] is None and each["id"] != but)
    return next((each for each in found if scope_kept(each) == Scope.SUBJECT), None)


def _handed_over(context: Making, ended: Record, other: Record) -> None:
    """What lay in the vault for one that is lifted goes on lying there for another."""
    names = ("data_subject", "scope", "purposes", "ground", "because", "status")
    values = {name: other[name] for name in names} | {name: ended[name] for name in ("deposit", "records")}
    create(context, RESTRICTION, values | {"continues": other["id"], "since": now()})


def _held(context: ActionContext, id_: str, status: str) -> Record:
    context.hold(RESTRICTION, id_)
    found = context.read(RESTRICTION, id_)
    if found is None or found["status"] not in ("active", "lift_announced"):
        text = {"en": "There is no such restriction.", "de": "Diese Einschränkung gibt es nicht."}
        raise Refuse(text, field="restriction")
    if found["continues"] is not None:
        text = {
            "en": f"It belongs to the restriction {found['continues']}, and ends with it.",
            "de": f"Sie gehört zur Einschränkung {found['continues']} und endet mit ihr.",
        }
        raise Refuse(text, field="restriction")
    if found["status"] != status:
        text = (
            {
                "en": "First tell the person that it will be lifted (Article 18(3)): dsgvoRestrictionAnnounce.",
                "de": "Erst die Person von der Aufhebung unterrichten (Art. 18 Abs. 3): dsgvoRestrictionAnnounce.",
            }
            if status == "lift_announced"
            else {"en": "That was announced already.", "de": "Das ist schon angekündigt."}
        )
        raise Refuse(text, field="restriction")
    return found

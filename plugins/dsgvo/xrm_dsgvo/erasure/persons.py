"""Which records are the person whose data are to be erased: those that an answer to them would join, too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import ActionContext, Record
from xrm_dsgvo.discovery.graph import Candidate, Key, Seed
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.known import Known
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import PrivacyModel
from xrm_dsgvo.restriction.standing import standing_of
from xrm_dsgvo.subjects import SUBJECT


@dataclass(frozen=True, slots=True)
class Same:
    """Records that surely are the same person as that of a run, those that may be, and what the person is known by."""

    records: list[Key]
    candidates: list[Candidate]
    known: Known


def same_person(context: Writing, privacy: PrivacyModel, run: Mapping[str, Any]) -> Same:
    """Records of the person of a run, in the trash as well.

    Somebody has said of some candidates that they are (``confirmed``), and of some others that they are not.
    """
    scope, seed = run["scope"], (str(run["entity_name"]), str(run["record_id"]))
    confirmed = frozenset((str(entity), str(id_)) for entity, id_ in scope.get("confirmed", ()))
    others = frozenset((str(entity), str(id_)) for entity, id_ in scope.get("not_theirs", ()))
    searching: Any = context
    sources = Sources(searching, context.records.model, privacy, gone=True)
    joined = Joining(sources, Seed((seed,), confirmed=confirmed, others=others - {seed}), context.settings.region)
    return Same([key for key in joined.own if key != seed], joined.candidates(), joined.known)


def is_there(context: ActionContext, key: Key) -> bool:
    """Whether there is a record, in its table or in the vault, or the change log still has what it was."""
    there = context.read(*key) is not None or any(each.id == key[1] for each in context.vaulted(key[0]))
    return there or bool(context.gone(key[0], 1, key[1]))


def restrictions_of(context: Writing, run: Mapping[str, Any], same: Iterable[Key]) -> list[Record]:
    """The restrictions by which something of the person of a run lies in the vault; the oldest first."""
    own = ((str(run["entity_name"]), str(run["record_id"])), *same)
    return standing_of(context, (subject for key in own for subject in _subjects(context, key)))


def _subjects(context: Writing, key: Key) -> Iterable[str]:
    if key[0] == SUBJECT:
        return [key[1]]
    this = {"entity_name": {"eq": key[0]}, "record_id": {"eq": key[1]}}
    return [str(each["data_subject"]) for each in context.find("data_subject_link", this)]

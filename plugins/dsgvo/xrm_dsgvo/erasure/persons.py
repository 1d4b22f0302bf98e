"""Which records are the person whose data are to be erased: those that an answer to them would join, too."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import ActionContext
from xrm_dsgvo.discovery.graph import Candidate, Key, Seed
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.privacy import PrivacyModel


def same_person(
    context: ActionContext, privacy: PrivacyModel, run: Mapping[str, Any]
) -> tuple[list[Key], list[Candidate]]:
    """Records that surely are the same person as that of a run, in the trash as well, and those that may be.

    Somebody has said of some of the latter that they are (``confirmed``), and of some of the former that they are not.
    """
    scope, seed = run["scope"], (str(run["entity_name"]), str(run["record_id"]))
    confirmed = frozenset((str(entity), str(id_)) for entity, id_ in scope.get("confirmed", ()))
    others = frozenset((str(entity), str(id_)) for entity, id_ in scope.get("not_theirs", ()))
    sources = Sources(context, context.records.model, privacy)
    joined = Joining(sources, Seed((seed,), confirmed=confirmed, others=others - {seed}), context.settings.region)
    return [key for key in joined.own if key != seed], joined.candidates()

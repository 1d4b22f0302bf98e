"""Texts of records about somebody else that name the person whose erasure is planned: somebody looks at each."""

from collections.abc import Iterable, Mapping
from typing import Any

from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Key, Seed
from xrm_dsgvo.discovery.mentions import Mention, mentions
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.plan import Defect
from xrm_dsgvo.privacy import privacy_of

MOST = 500
"""With more of them, what names the person is not theirs alone, such as a common name."""

_WHOLE = (Trigger.REQUEST.value, Trigger.UNLAWFUL.value)


def mentioned(
    context: Any, run: Mapping[str, Any], same: Iterable[Key], most: int | None = None
) -> list[Mention] | None:
    """Those that name the person of a run, as an answer to them would find them; none after a withdrawal or an
    objection, for which only what was for some purposes goes. None: there are too many.

    Raises:
        TooManyRecords: more than ``most`` records are the person's.
    """
    if not is_whole(run):
        return []
    model = context.records.model
    sources = Sources(context, model, privacy_of(model), gone=True)
    own = ((str(run["entity_name"]), str(run["record_id"])), *same)
    others = frozenset((str(entity), str(id_)) for entity, id_ in run["scope"].get("not_theirs", ()))
    graph = discover_in(sources, Seed(own, others=others - set(own)), context.settings.region, most)
    found = [(key, name) for key, name in mentions(sources, graph) if key not in others]
    return None if len(found) > MOST else found


def is_whole(run: Mapping[str, Any]) -> bool:
    """Whether all of the person goes, rather than what was for some purposes."""
    return run["trigger"] in _WHOLE


def exported(found: Iterable[Mention]) -> list[list[str]]:
    """As JSON."""
    return [[*key, name] for key, name in found]


def kept(said: Iterable[Any]) -> list[Mention]:
    """Of JSON."""
    return [((str(entity), str(id_)), str(name)) for entity, id_, name in said]


def unsearched(scope: Mapping[str, Any]) -> list[Defect]:
    """What was not searched for the person: files that cannot be read, by entity and why; texts, where too many name
    somebody like them.
    """
    texts = [Defect("", "", "MANY_MENTIONS", str(MOST))] if scope.get("many_texts") else []
    texts += [Defect("", "", "FILES_NOT_FOR_ALL", "")] if scope.get("not_for_all") else []
    return [*texts, *(Defect(str(entity), "", str(why), str(count)) for entity, why, count in scope.get("missing", ()))]

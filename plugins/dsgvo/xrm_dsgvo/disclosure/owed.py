"""Whom to tell of what became of data that they have got (Article 19), whether somebody has asked for it or not."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.disclosure.telling import NOTICE, disclosures, found_notices, kind_of
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Making, Writing, change, create

CAUSES = ("request", "restriction", "erasure_run")
"""What a notice may come of: by which it is found again."""

Fields = Mapping[Key, set[str] | None]
"""Records, each with the fields of which recipients are told; None: of all that they have got."""

_LIFTED = "lifted"


def open_notices(context: Making, kind: str, cause: Mapping[str, str], fields: Fields) -> int:
    """Keep whom to tell of records; how many. Who is to be told of a record anyway for the same cause is told once.

    Args:
        context: of an action or a route; whoever calls holds what the notices come of.
        kind: ``rectification``, ``erasure``, ``restriction`` or ``lifting``.
        cause: the id of the request, the restriction or the run of erasure, by its name.
        fields: records, and which of their fields matter.
    """
    before = {_key(each): each for each in _of(context, cause) if kind_of(context, each) == kind}
    count = 0
    for each in disclosures(context, fields):
        names = set((each["fields"] or {}).get("names", ()))
        wanted = fields[str(each["entity_name"]), str(each["record_id"])]
        if each["processor"] is None or (wanted is not None and not names & wanted):
            continue
        names = names if wanted is None else names & wanted
        key = _key(each)
        known = before.get(key)
        told = set() if known is None else set((known["fields"] or {}).get("names", ()))
        said: dict[str, Any] = {"fields": {"names": sorted(names | told)}}
        if known is None:
            values = dict(zip(("processor", "entity_name", "record_id"), key, strict=True))
            id_ = create(context, NOTICE, {**values, **cause, **said, "kind": kind, "status": "due"})
            before[key] = {**values, **said, "id": id_, "status": "due"}
        elif known["status"] == "due" or kind == "rectification" or not names <= told:
            # what is right by now is told once more; and by another connector the recipient may have got more
            change(context, NOTICE, str(known["id"]), {**said, "status": "due"})
            before[key] = {**known, **said, "status": "due"}
        count += 1
    return count


def joined(context: Writing, cause: Mapping[str, str], to: Mapping[str, str]) -> None:
    """Notices that have come of one thing are about another, too: a restriction is that for which somebody has asked.

    Args:
        context: of an action.
        cause: from which they have come.
        to: what they are about as well; those that are about another one of that kind stay.
    """
    [name] = to
    for each in _of(context, cause):
        if each[name] is None:
            change(context, NOTICE, str(each["id"]), dict(to))


def lifted(context: Making, subject: str, restriction: str) -> None:
    """A restriction has ended: who was told of it is told of that as well, and who was not need not be any more.

    Args:
        context: of an action.
        subject: the person, held; none of the data that are meant is restricted on another ground.
        restriction: its id.
    """
    theirs = {"restriction": {"data_subject": {"id": {"eq": subject}}}}
    fields: dict[tuple[str, str, str], set[str]] = {}
    for each in found_notices(context, theirs):
        about = context.read("restriction", str(each["restriction"])) or {}
        if about.get("status") != _LIFTED:
            continue  # of what goes on nobody is told that it has ended
        if kind_of(context, each) == "lifting":
            fields.pop(_key(each), None)
        elif each["status"] == "told":
            fields.setdefault(_key(each), set()).update((each["fields"] or {}).get("names", ()))
        elif each["status"] == "due":
            change(context, NOTICE, str(each["id"]), {"status": "lapsed"})
    for (processor, entity, record), names in sorted(fields.items()):
        about = {"processor": processor, "entity_name": entity, "record_id": record, "restriction": restriction}
        create(context, NOTICE, {**about, "fields": {"names": sorted(names)}, "kind": "lifting", "status": "due"})


def _key(each: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(each["processor"]), str(each["entity_name"]), str(each["record_id"])


def _of(context: Writing, cause: Mapping[str, str]) -> list[Record]:
    [(name, id_)] = cause.items()
    return found_notices(context, {name: {"id": {"eq": id_}}})

"""What a webhook is to be told of, as the command line has it."""

import json
from collections.abc import Sequence
from typing import Any

from xrm_core.events.webhook_checks import refused
from xrm_core.events.webhooks import Subject

_WORDS = {"entity": str, "operations": list, "filter": dict, "fields": list}


def subjects_of(
    entities: Sequence[str] | None,
    operations: Sequence[str] | None,
    filter_: str | None,
    fields: Sequence[str] | None,
    subjects: Sequence[str] | None,
) -> Sequence[Subject] | None:
    """The subjects that options name; None: they name none. Raises WebhookInvalid."""
    if subjects:
        if entities or operations or filter_ is not None or fields:
            raise refused(
                "--subject stands beside --entity, --operation, --filter or --field", "Write one or the other."
            )
        return [_subject(_object(text, '{"entity": "contact", "operations": ["update"]}')) for text in subjects]
    if not entities:
        if operations or filter_ is not None or fields:
            raise refused("nothing says of which entity these are", "Name it by --entity.")
        return None
    condition = None if filter_ is None else _object(filter_, '{"status": {"eq": "active"}}')
    return [Subject(each, tuple(operations or ()), condition, fields or None) for each in entities]


def _subject(given: dict[str, Any]) -> Subject:
    for name, value in given.items():
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if name not in _WORDS or not isinstance(value, _WORDS[name]) or (_WORDS[name] is list and not texts):
            raise refused(f"{name[:40]!r} of a subject is not understood", f"It has: {', '.join(_WORDS)}.")
    return Subject(
        given.get("entity", ""), tuple(given.get("operations", ())), given.get("filter"), given.get("fields")
    )


def _object(text: str, example: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused("its filter or subject is no JSON object", f"Write {example}.")
    return found

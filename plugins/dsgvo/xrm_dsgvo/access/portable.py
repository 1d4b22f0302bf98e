"""What a person has provided, for programs (Article 20): a part of the answer to access, in a form of its own."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from xrm_dsgvo.privacy import FieldPrivacy

SCHEMA = "xrm-dsgvo-portable/1"
BASIS = frozenset({"a", "b"})
"""Consent and contract: what is processed by another basis is not portable."""

COLUMNS = ("entity", "record", "field", "category", "value")


def is_provided(said: FieldPrivacy) -> bool:
    """Whether a field is what the person has provided, observed by use among it; notes of colleagues are not."""
    return said.origin == "provided" or (said.origin == "observed" and not said.free_text)


def is_portable(field: Mapping[str, Any]) -> bool:
    """Whether a field of an answer is processed by consent or contract."""
    return bool(BASIS & set(field["basis"]))


def portable_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an answer as programs take them over; ``portable.schema.json`` says how.

    Args:
        answer: as it was made for a request for portability.
    """
    data = []
    for each in answer["data"]:
        fields = [one for one in each["fields"] if is_portable(one)]
        if fields:
            categories = {one["name"]: one["category"] for one in fields}
            values = {one["name"]: one["value"] for one in fields}
            data.append({"entity": each["entity"], "record": each["id"], "fields": values, "categories": categories})
    meta = {name: answer["meta"][name] for name in ("request", "madeOn")}
    return {"schema": SCHEMA, "meta": meta | {"controller": answer["art15"]["controller"]}, "data": data}


def without_basis(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Entity and name of fields that are provided, and not processed by consent or contract."""
    return ((each["entity"], one["name"]) for each in answer["data"] for one in each["fields"] if not is_portable(one))


def as_csv(portable: Mapping[str, Any]) -> str:
    """One line for each value, as RFC 4180 has it; a value that is no text is JSON."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for each in portable["data"]:
        for name, value in each["fields"].items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines.writerow([each["entity"], each["record"], name, each["categories"][name], text])
    return out.getvalue()

"""Answers in one form, so that those of the platform and of the reference SQL can be compared value by value."""

import datetime as dt
import json
from typing import Any

_NAMES = {"annualRevenue": "annual_revenue", "createdAt": "created_at", "firstName": "first_name"}
_NAMES["lastName"] = "last_name"
_DECIMALS = {"annual_revenue", "amount"}


def data(text: str | bytes) -> Any:
    """The one root field of an answer, in the common form.

    Raises:
        ValueError: the answer is no JSON or has errors.
    """
    body = json.loads(text)
    if body.get("errors") or not isinstance(body.get("data"), dict):
        raise ValueError(f"answer with errors: {str(body)[:300]}")
    return _value("", next(iter(body["data"].values())))


def _value(key: str, value: Any) -> Any:
    if isinstance(value, list):
        items = [_value("", item) for item in value]
        groups = bool(items) and isinstance(items[0], dict) and set(items[0]) == {"stage", "count", "amount"}
        return sorted(items, key=lambda group: group["stage"]) if groups else items
    if isinstance(value, dict):
        if set(value) == {"nodes"}:
            return _value("", value["nodes"])
        if set(value) == {"key", "count", "sum"}:
            value = {**value["key"], "count": value["count"], **value["sum"]}
        return {_NAMES.get(name, name): _value(_NAMES.get(name, name), each) for name, each in value.items()}
    if value is None:
        return None
    if key in _DECIMALS:
        return round(float(value), 2)
    if key == "created_at":
        return dt.datetime.fromisoformat(value).timestamp()
    return value

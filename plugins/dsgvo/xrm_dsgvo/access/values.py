"""A value of a record as a program reads it, and as people do in either language. No I/O in here."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from xrm_core.api import Field

LANGUAGES = ("de", "en")
_YES = {"de": ("nein", "ja"), "en": ("no", "yes")}


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def texts(field: Field, value: Any) -> dict[str, str]:
    """A value by language, as people read it."""
    return {language: _text(field, value, language) for language in LANGUAGES}


def labelled(labels: Mapping[str, str], name: str) -> dict[str, str]:
    """The labels of something in all languages; its name where there is none."""
    return {language: labels.get(language) or labels.get("en") or name for language in LANGUAGES}


def _text(field: Field, value: Any, language: str) -> str:
    field = field.given
    kind = str(field.type)
    if value is None:
        return ""
    if kind == "boolean":
        return _YES[language][bool(value)]
    if kind == "enum":
        return _label(field, value, language)
    if kind == "set" and isinstance(value, list):
        return ", ".join(_label(field, each, language) for each in value)
    if kind == "money" and isinstance(value, Mapping):
        return f"{value['amount']} {value['currency']}"
    if kind == "file" and isinstance(value, Mapping):
        return f"{value.get('name') or value['id']} ({value.get('size', '?')} Bytes)"
    if kind in ("date", "datetime"):
        return day_of(str(value), language)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _label(field: Field, value: Any, language: str) -> str:
    return field.enum_labels.get(str(value), {}).get(language) or str(value)


def day_of(text: str, language: str) -> str:
    """A day, or a moment, as people read it; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    day = at.strftime("%d.%m.%Y") if language == "de" else at.strftime("%d %b %Y")
    return day if len(text) == len("2026-11-22") else f"{day}, {at.strftime('%H:%M')} UTC"

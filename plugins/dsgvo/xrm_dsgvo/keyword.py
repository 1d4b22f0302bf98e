"""The word ``x-dsgvo``: its form, the check of a model, and what a higher layer may say of a lower one's."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from xrm_core.api import Keyword
from xrm_dsgvo.lint import check_by
from xrm_dsgvo.privacy.implied import WORD
from xrm_dsgvo.privacy.log import in_log
from xrm_dsgvo.registers import Registers

SCHEMA: Mapping[str, Any] = json.loads((files("xrm_dsgvo") / "keyword.schema.json").read_text("utf-8"))
_STRICTER: Mapping[str, tuple[str, ...]] = {
    "audit": ("plain", "sealed", "names_only"),
    "outbox": ("plain", "sealed", "ids_only"),
    "search": ("plain", "blind", "none"),
    "thirdParty": ("none", "may_contain", "is_third_party"),
    "identifier": ("quasi", "direct"),
    "restrict": ("readonly", "mask", "hide"),
}
"""Words of which a higher layer may only say what stands further right."""


def keyword(registers: Registers, *, sealed: bool = False) -> Keyword:
    """The word, checked against these registers; ``sealed``: nothing with ``encrypt`` may stand in clear."""
    return Keyword(WORD, SCHEMA, check=check_by(registers, sealed=sealed), joined=joined, in_log=in_log)


def joined(lower: Mapping[str, Any], higher: Mapping[str, Any]) -> Mapping[str, Any]:
    """What counts where two layers speak of one place: part by part the higher one's; ``null`` takes a part away.

    Who runs the platform answers for periods, purposes and activities, so a higher layer may say others. It cannot take
    away protection: what is personal stays so. Without the plugin the platform joins them in the same way, unchecked.

    Raises:
        ValueError: it would.
    """
    if "category" in lower and higher.keys() & {"personal", "link"}:
        raise ValueError("what is personal below stays so")
    if "link" in lower and higher.keys() & {"personal", "category"}:
        raise ValueError("a link below stays one")
    if lower.get("special") and higher.get("special", lower["special"]) != lower["special"]:
        raise ValueError("a special category below stays one")
    for word, order in _STRICTER.items():
        if word in lower and word in higher and order.index(higher[word]) < order.index(lower[word]):
            raise ValueError(f'"{word}" may only become stricter')
    if lower.get("freeText") and not higher.get("freeText", True):
        raise ValueError("a free text below stays one")
    return {word: value for word, value in {**lower, **higher}.items() if value is not None}

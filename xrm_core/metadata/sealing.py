"""How values of a field are sealed: ``"x-sealed"`` in an entity file. No I/O in here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from xrm_core.metadata.model import Field

GENERAL = "general"
"""The class of what a file says nothing of."""

Form = Literal["exact", "folded", "compact"]

_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "exact": str,
        "folded": lambda text: " ".join(text.casefold().split()),
        "compact": lambda text: "".join(each for each in text.upper() if each.isalnum()),
    }
)


@dataclass(frozen=True, slots=True)
class Sealing:
    """By whose key values are sealed, and by what they are found.

    ``subject`` is the relation to whose they are; empty: the record itself, and where the relation is empty. With the
    key of a subject and a ``class_name`` go all values of that. ``bits`` of a blind index, in the ``form`` in which
    values are alike; 0: they cannot be looked for. ``given`` is the field as callers give its values, if these are no
    texts: what is stored is a text in any case.
    """

    subject: str = ""
    class_name: str = GENERAL
    bits: int = 0
    form: Form = "exact"
    given: "Field | None" = None

    def formed(self, text: str) -> str:
        """The form of a value by which it is found."""
        return _FORMS[self.form](text)

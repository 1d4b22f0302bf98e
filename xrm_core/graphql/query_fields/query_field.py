"""What a plugin registers as a root field of queries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_SECONDS = 60.0
MOST_RECORDS = 1000


@dataclass(frozen=True)
class QueryField:
    """Something that can be asked beyond records and figures about them: a forecast, say.

    Args:
        name: ``plugin.field``. Policies name it so, and give it by ``run``.
        run: a function. It is given a :class:`~xrm_core.graphql.query_fields.context.QueryContext`, and the input if
            there is one.
        answers: what it returns: a dataclass, Strawberry's included, or another type that its fields may have, a list
            of one of these, or one of these ``| None``.
        input: a dataclass of what is to be given: its fields are the arguments of the field.
        cost: points, beside those that the rest of a document costs: what it takes compared with reading a record.
        seconds: that it may take.
        records: how many it names at most in each place where its answer names records (``RecordOf``).
        description: one sentence, or one for each language.
    """

    name: str
    run: Callable[..., Any]
    answers: Any
    input: type | None = None
    cost: int = 100
    seconds: float = 5.0
    records: int = 50
    description: str | Mapping[str, str] = ""

    @property
    def about(self) -> str:
        """The description in English, if there is one, else in any language."""
        if isinstance(self.description, str):
            return self.description
        return self.description.get("en") or next(iter(self.description.values()), "")

"""What a plugin registers as an action."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Action:
    """Something that can be done, beyond creating, changing and deleting records: to win an opportunity, say.

    Args:
        name: ``plugin.action``. Policies name it so, and give it by ``run``.
        run: a function. It is given an :class:`~xrm_core.records.actions.context.ActionContext`, the record if there is
            an ``entity``, and the input if there is an ``input``. What it does is done in the transaction of whoever
            asks: if it raises, nothing of it stays. It may be called again if another transaction got in the way.
        entity: of the record that it is about; None: of none.
        needs: the right that the caller must have on the record beside that to run the action: ``update`` or ``read``.
        input: a dataclass, Strawberry's included, of what is to be given.
        answers: a dataclass of what ``run`` returns beside the record; None: it returns nothing.
        description: one sentence, or one for each language.
    """

    name: str
    run: Callable[..., Any]
    entity: str | None = None
    needs: Literal["read", "update"] = "update"
    input: type | None = None
    answers: type | None = None
    description: str | Mapping[str, str] = ""

    @property
    def verb(self) -> str:
        """The name without that of the plugin."""
        return self.name.partition(".")[2]

    @property
    def about(self) -> str:
        """The description in English, if there is one, else in any language."""
        if isinstance(self.description, str):
            return self.description
        return self.description.get("en") or next(iter(self.description.values()), "")

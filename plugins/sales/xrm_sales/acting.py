"""How the actions of sales are declared: one line each, with its description in both languages."""

from collections.abc import Callable
from typing import Any, Literal

from xrm_core.api import Action


def action(
    name: str,
    run: Callable[..., Any],
    entity: str | None = None,
    *,
    en: str,
    de: str,
    needs: Literal["read", "update"] = "update",
    takes: type | None = None,
    answers: type | None = None,
) -> Action:
    """An action of this plugin.

    Args:
        name: without that of the plugin; the right to it is ``sales.<name>``.
        run: its function.
        entity: of its record; None: of none.
        en: what it does.
        de: the same in German.
        needs: the right on the record that the caller has to have.
        takes: dataclass of its input.
        answers: dataclass of its answer.
    """
    about = {"en": en, "de": de}
    return Action(f"sales.{name}", run, entity, needs=needs, input=takes, answers=answers, description=about)

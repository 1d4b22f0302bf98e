"""Text that is bound without differences of case, or of case and accents."""

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from xrm_core.metadata.predicate import Ignoring
from xrm_core.storage.folding import fold, fold_accents


class FoldedText(TypeDecorator[str]):
    """A text bound without the differences that are ignored."""

    impl = Text
    cache_ok = True

    def __init__(self, ignoring: Ignoring) -> None:
        super().__init__()
        self.ignoring = ignoring

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - the same on both
        """The text as :func:`~xrm_core.storage.folded_sql.folded` has it."""
        return fold(value) if self.ignoring == "CASE" else fold_accents(value)

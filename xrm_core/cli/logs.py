"""Logs: JSON lines on standard error, ours and those of libraries alike. Of exceptions they have no values."""

import logging
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from xrm_core.telemetry.request import add_request_id

_HANDLER = "xrm"

_ABOUT_CODE = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError"})
"""Exceptions whose text is about the program. That of others may quote what somebody has sent, or a row."""

_trace = ExceptionDictTransformer(show_locals=False)


def configure_logs() -> None:
    """Send every log line to standard error as JSON. Calling it again is harmless."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_discreet),
    ]
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    structlog.configure(
        processors=[*shared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
        )
    )
    root = logging.getLogger()
    for known in [each for each in root.handlers if each.get_name() == _HANDLER]:
        root.removeHandler(known)
    root.addHandler(handler)


def _discreet(exc_info: Any) -> list[dict[str, Any]]:
    """An exception with its causes: local variables and most texts are personal data or secrets."""
    return [_without_values(each) for each in _trace(exc_info)]


def _without_values(exception: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in exception.items() if name not in ("exc_value", "exc_notes", "syntax_error")}
    if exception["exc_type"] in _ABOUT_CODE:
        kept["exc_value"] = exception["exc_value"]
    if kept.get("exceptions"):  # of a group
        kept["exceptions"] = [[_without_values(each) for each in inner] for inner in kept["exceptions"]]
    return kept

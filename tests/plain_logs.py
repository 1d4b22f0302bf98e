"""What is logged in this process by whoever does not say how: in plain words, with tracebacks as Python prints them.

structlog's default draws them with the values of all variables, which takes seconds.
"""

import structlog


def plain() -> None:
    """From now on."""
    structlog.reset_defaults()
    processors = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
    structlog.configure(processors=processors)

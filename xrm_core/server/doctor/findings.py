"""What was looked at, and how it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from xrm_core.errors import XrmError


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and may not for long, or not as well as it could."""

    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, what there is to say, and how to mend it."""

    check: str
    state: State
    says: str
    remedy: str = ""


Check = Callable[[], Iterator[Finding]]


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, says)


def warning(check: str, says: str, remedy: str) -> Finding:
    """See :class:`State`."""
    return Finding(check, State.WARNING, says, remedy)


def failed(check: str, says: str, remedy: str) -> Finding:
    """See :class:`State`."""
    return Finding(check, State.FAILED, says, remedy)


def looked(check: str, work: Check) -> list[Finding]:
    """What a check finds; an error that it raises is a finding, too."""
    found: list[Finding] = []
    try:
        found.extend(work())
    except XrmError as error:
        found.append(failed(check, error.message, error.hint or f"docs/errors/{error.code}.md says more."))
    except Exception as error:  # one check that breaks does not hide what the others find
        found.append(failed(check, f"The check itself failed ({type(error).__name__}).", "Please report it."))
    return found

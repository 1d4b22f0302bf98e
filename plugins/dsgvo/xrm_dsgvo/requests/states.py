"""The life of a request, as data. No I/O in here.

``received`` → ``identity_check`` (only if there is a reasonable doubt) → ``in_work`` → ``decided`` → ``answered`` or
``refused``. An extension moves the last day and no state: the month of Article 12(3) runs whatever is waited for.
"""

from collections.abc import Mapping

REQUEST = "data_subject_request"
OPEN = ("received", "identity_check", "in_work", "decided")
"""States in which the person waits."""

_FROM: Mapping[str, frozenset[str]] = {
    "doubt": frozenset({"received", "identity_check"}),
    "identify": frozenset({"received", "identity_check", "in_work"}),
    "extend": frozenset({"received", "identity_check", "in_work"}),
    "decide": frozenset({"in_work", "decided"}),
    "refuse": frozenset({"received", "identity_check", "in_work", "decided"}),
    "make": frozenset({"in_work", "decided"}),
    "answer": frozenset({"decided"}),
    "withdraw": frozenset(OPEN),
}
NEEDS_NOBODY = frozenset({"not_identified", "unfounded", "excessive", "deceased"})
"""Grounds of refusal for which it need not be known who has asked."""

PROPER: Mapping[str, frozenset[str]] = {
    "rights_of_others": frozenset({"access", "portability"}),
}
"""Grounds of refusal that only some rights know."""


def may(step: str, status: str) -> bool:
    """Whether a step may be taken in a state."""
    return status in _FROM[step]


def fits(code: str, kind: str) -> bool:
    """Whether a ground of refusal can be one of a right."""
    return kind in PROPER.get(code, frozenset({kind}))

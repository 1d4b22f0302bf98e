"""Rows that refer to other rows of the same file: find them, and put the targets first."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from xrm_core.records.importing.candidates import Candidate, no_such_target
from xrm_core.records.importing.mapping import Column


def link(candidates: Sequence[Candidate], named: Mapping[Column, Mapping[str, Any]]) -> None:
    """Fill the relations that name rows of the same file; blame those that name nothing.

    Args:
        candidates: all rows of the file.
        named: for each relation column from the entity to itself, text in the file → key value.
    """
    by_key = {column: _index(candidates, column) for column in named}
    for candidate in candidates:
        for column in candidate.unresolved:
            text = candidate.texts[column.name]
            target = by_key[column].get(named[column].get(text))
            if target is None:
                candidate.blame(column.name, "relation", no_such_target(column, text))
            else:
                candidate.refer(column, target.id)
                candidate.targets.append(target)


def _index(candidates: Sequence[Candidate], column: Column) -> dict[Any, Candidate]:
    """First row of each key value."""
    assert column.key is not None  # noqa: S101 - for mypy; only relation columns come here
    name = column.key.field.name
    index: dict[Any, Candidate] = {}
    for candidate in candidates:
        if name in candidate.record:
            index.setdefault(candidate.record[name], candidate)
    return index


def targets_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same rows, each after those it refers to. Rows that lead into a circle are blamed and come last."""
    waiting = {candidate: len(candidate.targets) for candidate in candidates}
    referrers: dict[Candidate, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        for target in candidate.targets:
            referrers[target].append(candidate)
    ready = deque(candidate for candidate in candidates if not waiting[candidate])
    ordered = []
    while ready:
        candidate = ready.popleft()
        ordered.append(candidate)
        for referrer in referrers[candidate]:
            waiting[referrer] -= 1
            if not waiting[referrer]:
                ready.append(referrer)
    stuck = [candidate for candidate in candidates if waiting[candidate]]
    for candidate in stuck:
        circle = " → ".join(str(each.line) for each in _walk(candidate, waiting))
        candidate.blame("", "circle", f"The rows refer to each other in a circle: lines {circle}.")
    return ordered + stuck


def _walk(candidate: Candidate, waiting: dict[Candidate, int]) -> list[Candidate]:
    """From a stuck row along stuck targets until one comes again."""
    path = [candidate]
    while True:
        candidate = next(target for target in candidate.targets if waiting[target])
        if candidate in path:
            return [*path, candidate]
        path.append(candidate)

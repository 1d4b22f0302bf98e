"""Errors of records that are created together with another: where in what was given they are."""

from collections.abc import Iterable

from xrm_core.errors import ValidationFailed, XrmError

Path = tuple[str | int, ...]
"""Names of relations, and places in lists, from the record that was asked for."""


class PlacedProblems(ValidationFailed):
    """Problems whose fields are paths from the record that was asked for."""


def at(error: XrmError, path: Path) -> XrmError:
    """An error of the record at a place. One that has its place already keeps it."""
    if not path or isinstance(error, PlacedProblems) or "path" in error.details:
        return error
    if isinstance(error, ValidationFailed):
        prefix = ".".join(map(str, path))
        problems = [{**each, "field": f"{prefix}.{each['field']}".rstrip(".")} for each in error.problems]
        placed = PlacedProblems(problems, entity=error.entity)
        placed.overtaken = error.overtaken
        return placed
    error.details["path"] = list(path)
    return error


def together(errors: Iterable[XrmError]) -> XrmError:
    """One error for several: all problems of those that are about values, else the first."""
    found = list(errors)
    problems = [problem for each in found if isinstance(each, ValidationFailed) for problem in each.problems]
    other = next((each for each in found if not isinstance(each, ValidationFailed)), None)
    if other is not None or len(found) == 1:
        return other or found[0]
    merged = PlacedProblems(problems, entity=next(each.entity for each in found if isinstance(each, ValidationFailed)))
    merged.overtaken = all(isinstance(each, ValidationFailed) and each.overtaken for each in found)
    return merged

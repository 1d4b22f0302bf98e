"""``xrm schema check --database``: entity files, applied model and tables, and every difference between them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xrm_core.cli.workplace import Workplace
    from xrm_core.metadata.model import Model

_COMMAND = ("schema", "check")


def with_value(arguments: Sequence[str]) -> list[str]:
    """The words of a command; ``xrm schema check --database`` without a URL means the database of the settings."""
    words = list(arguments)
    if tuple(words[:2]) != _COMMAND:
        return words
    following = [*words[1:], "--"]
    return [
        "--with-database" if word == "--database" and following[place].startswith("--") else word
        for place, word in enumerate(words)
    ]


def compare_database(workplace: "Workplace") -> None:
    """Compare the files with the applied model, and that with the tables.

    Raises:
        ModelOutOfDate: with every difference.
    """
    from xrm_core.errors import ModelOutOfDate
    from xrm_core.storage.applied import current_model
    from xrm_core.storage.drift import drift

    with workplace.database.read() as connection:
        applied = current_model(connection)
        drifted = [] if applied is None else drift(connection, applied)
    if applied is None:
        workplace.check_applied()
        return
    differing = list(_differences(applied, workplace.model))
    hints = ["See «xrm schema plan», then run «xrm schema apply»."] if differing else []
    hints += ["Undo what was done to the tables by hand."] if drifted else []
    if hints:
        raise ModelOutOfDate(
            "\n".join(
                [
                    *(["The entity files are not the applied model:", *differing] if differing else []),
                    *(["The tables are not as the applied model says:", *drifted] if drifted else []),
                ]
            ),
            hint=" ".join(hints),
            details={"files": differing, "drift": drifted},
        )


def _differences(applied: "Model", wanted: "Model") -> Iterator[str]:
    """Where the files differ from the applied model: by entity and field."""
    from xrm_core.metadata.snapshot import to_snapshot

    packed = [{entity["name"]: entity for entity in to_snapshot(model)["entities"]} for model in (applied, wanted)]
    for name in sorted({*applied.entities, *wanted.entities}):
        if name not in wanted:
            yield f"{name}: the files do not have this entity any more."
        elif name not in applied:
            yield f"{name}: this entity was not applied yet."
        elif packed[0][name] != packed[1][name]:
            before, after = applied[name].fields, wanted[name].fields
            fields = [field for field in {**before, **after} if before.get(field) != after.get(field)]
            where = f" in {', '.join(fields)}" if fields else ""
            yield f"{name}: the files say something else than was applied{where}."

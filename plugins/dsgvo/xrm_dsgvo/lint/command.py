"""``xrm dsgvo lint``: what is wrong with the annotations of files, and words to paste for missing ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from xrm_core.api import Command, FilesContext, KeywordMistake, data_stores, plugins_without_stores
from xrm_dsgvo.lint import check_by
from xrm_dsgvo.lint.missing import pasted, with_proposals
from xrm_dsgvo.lint.sealing import in_clear
from xrm_dsgvo.lint.surroundings import Surroundings
from xrm_dsgvo.stores.saying import StoreMistake
from xrm_dsgvo.stores.saying import mistakes as store_mistakes

MISTAKES = 1
"""Exit code if there are any."""


def lint(
    context: FilesContext,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it for programs.")] = False,
) -> None:
    """Check what entity files say of data protection."""
    registers = context.settings.all_registers()
    found = Surroundings(context.model, registers)
    proposed = {(each.entity, each.field): word for each, word in with_proposals(found)}
    mistakes = list(check_by(registers, sealed=context.settings.require_sealed)(context.model))
    rows = [_row(context, each, proposed.get((each.entity, each.field))) for each in mistakes]
    rows.sort(key=lambda row: (row["file"], row["line"], row["pointer"]))
    entities = len(context.model.entities)
    open_ = [f"{each.entity.name}.{each.field.name}" for each in in_clear(found)]
    if open_ and not as_json:
        typer.echo(f'Stands in clear, though it has "encrypt": {", ".join(open_)}. Add "x-sealed" to seal it.')
    stores = list(store_mistakes(data_stores(context), registers))
    silent = plugins_without_stores(context)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "entities": entities,
                    "mistakes": rows,
                    "in_clear": open_,
                    "stores": [asdict(each) for each in stores],
                    "without_stores": silent,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
    elif rows:
        typer.echo("\n".join(_text(row) for row in rows))
        typer.echo(
            f"{len(rows)} {'mistake' if len(rows) == 1 else 'mistakes'}. What is proposed is a guess: look at it."
        )
    else:
        typer.echo(f"{entities} entities: all right.")
    if not as_json:
        _tell_stores(stores, silent)
    if rows or stores:
        raise typer.Exit(MISTAKES)


def _tell_stores(stores: list[StoreMistake], silent: Mapping[str, Sequence[str]]) -> None:
    for each in stores:
        typer.echo(f"The store {each.store}: {each.reason} {each.remedy}")
    for plugin, hooks in silent.items():
        typer.echo(
            f"The plugin {plugin} does not say whether it keeps data elsewhere, and has {', '.join(hooks)}. "
            "register_data_stores says so, with an empty list if it does not."
        )


def commands() -> list[Command]:
    """The command."""
    return [Command("lint", lint, "Check what entity files say of data protection.", files_only=True)]


def _row(context: FilesContext, mistake: KeywordMistake, word: dict[str, Any] | None) -> dict[str, Any]:
    at = context.located(mistake)
    rule = mistake.reason.rpartition("[")[2].rstrip("]")
    return {
        **{"file": at.file, "line": at.line, "pointer": at.pointer, "entity": mistake.entity, "field": mistake.field},
        **{"rule": rule, "reason": mistake.reason, "remedy": mistake.remedy, "proposal": word, "text": str(at)},
    }


def _text(row: dict[str, Any]) -> str:
    if row["proposal"] is None:
        return str(row["text"])
    place = f"{row['file']}:{row['line']} {row['pointer'] or '/'}: {row['reason']}"
    return f"{place}\n  {pasted(row['proposal'])}"

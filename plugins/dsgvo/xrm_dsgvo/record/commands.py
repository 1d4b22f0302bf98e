"""``xrm dsgvo record``, ``drift``, ``impact`` and ``outline``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from xrm_core.api import Command, CommandContext, FilesContext, Refuse, data_stores
from xrm_dsgvo.due.impact import triggers_of
from xrm_dsgvo.lint import check_by
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.record.around import controller_of
from xrm_dsgvo.record.differing import Difference, differences
from xrm_dsgvo.record.editions import (
    Format,
    Language,
    approved_of,
    drift_of,
    now_of,
    standing_of,
    written,
)
from xrm_dsgvo.record.making import Around, record_of

DIFFERS = 2
"""Exit code if there is something that nobody has approved."""

_Out = Annotated[Path | None, typer.Option("--out", help="File to write to, instead of standard output.")]
_Json = Annotated[bool, typer.Option("--json", help="Print it for programs.")]


def record(
    context: CommandContext,
    format: Annotated[Format, typer.Option(help="json, dpv (JSON-LD), html or pdf.")] = Format.html,
    language: Annotated[Language, typer.Option(help="Of html and pdf.")] = Language.de,
    out: _Out = None,
) -> None:
    """Write the record of processing activities as it is now."""
    if format is Format.pdf and out is None:
        raise Refuse({"en": "Name a file for a PDF: --out.", "de": "Für ein PDF eine Datei nennen: --out."})
    with context.read() as connection:
        ask = context.within(connection).query_as_system
        found = now_of(context.records.model, ask, context.settings, data_stores(context))
        approved = approved_of(ask)
    standing = standing_of(approved, drift_of(approved, found), language.value)
    _write(written(found, format, language.value, standing), out)


def drift(context: CommandContext, as_json: _Json = False) -> None:
    """Whether the record differs from the edition that is approved. Exit code 2: it does, or there is none."""
    with context.read() as connection:
        ask = context.within(connection).query_as_system
        found = drift_of(approved_of(ask), now_of(context.records.model, ask, context.settings, data_stores(context)))
    _tell(found, as_json=as_json)


def impact(context: CommandContext, as_json: _Json = False) -> None:
    """Which activities need an impact assessment and have none, or something has come since. Exit code 2: there are."""
    with context.read() as connection:
        ask = context.within(connection).query_as_system
        found = triggers_of(context.records.model, ask, context.settings)
    open_ = [each for each in found if (each.required and each.outcome is None) or each.changed]
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in open_], ensure_ascii=False, indent=2))
    elif open_:
        lines = (
            f"{'changed' if each.changed else 'missing'} {each.activity}: {', '.join(each.criteria)}" for each in open_
        )
        typer.echo("\n".join(lines))
    else:
        typer.echo("No assessment is missing.")
    if open_:
        raise typer.Exit(DIFFERS)


def outline(
    context: FilesContext,
    against: Annotated[Path | None, typer.Option(help="What it was: tell the differences. Exit code 2.")] = None,
    out: _Out = None,
    as_json: _Json = False,
) -> None:
    """What entity files alone say of the record, without a database."""
    registers = context.settings.all_registers()
    if any(True for _ in check_by(registers)(context.model)):
        text = {"en": "The files have mistakes: xrm dsgvo lint.", "de": "Die Dateien haben Fehler: xrm dsgvo lint."}
        raise Refuse(text)
    found = record_of(privacy_of(context.model), registers, Around(controller_of(context.settings)))
    if against is None:
        _write(json.dumps(found, ensure_ascii=False, indent=2), out)
        return
    try:
        before = json.loads(against.read_text("utf-8"))
        differ = list(differences(before, found))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        text = {
            "en": f"{against} is none: write it by «xrm dsgvo outline --out».",
            "de": f"{against} ist keins: mit «xrm dsgvo outline --out» schreiben.",
        }
        raise Refuse(text) from None
    _tell(differ, as_json=as_json)


def commands() -> list[Command]:
    """The commands."""
    return [
        Command("record", record, "Write the record of processing activities (Article 30)."),
        Command("drift", drift, "Say how the record differs from the approved edition."),
        Command("impact", impact, "Say which impact assessments are missing (Article 35)."),
        Command("outline", outline, "What entity files alone say of the record.", files_only=True),
    ]


def _write(text: str | bytes, out: Path | None) -> None:
    if out is None:
        typer.echo(text)
        return
    try:
        out.write_bytes(text if isinstance(text, bytes) else text.encode())
    except OSError as error:
        raise Refuse({"en": f"Cannot write {out}: {error.strerror}.", "de": f"{out} ist nicht zu schreiben."}) from None


def _tell(found: list[Difference], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([vars(each) for each in found], ensure_ascii=False, indent=2))
    elif found:
        typer.echo("\n".join(f"{each.change:8} {each.activity} {each.part}: {each.what}" for each in found))
    else:
        typer.echo("Nothing differs.")
    if found:
        raise typer.Exit(DIFFERS)

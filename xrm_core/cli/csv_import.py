"""``xrm import``; ``docs/import.md`` explains it."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.records.importing import ImportResult

_SHOWN = 5  # problems on the terminal; the report has them all

Words = list[str] | None


class _Undone(Exception):
    pass


def import_file(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="What each row becomes.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header.", show_default=False)],
    columns: Annotated[
        Words,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Which field, or relation.field, a column fills."),
    ] = None,
    replacements: Annotated[
        Words, typer.Option("--replace", metavar="COLUMN:FROM=TO", help="Read TO where a column has FROM.")
    ] = None,
    ignore: Annotated[Words, typer.Option(metavar="COLUMN", help="Leave a column out.")] = None,
    ignore_unmapped: Annotated[
        bool, typer.Option("--ignore-unmapped", help="Leave out all columns that nobody speaks of.")
    ] = False,
    date_format: Annotated[str | None, typer.Option(metavar="FORMAT", help="Of dates, e.g. %d-%m-%y.")] = None,
    datetime_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="Of date-times, e.g. '%d.%m.%Y %H:%M'.")
    ] = None,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Of date-times that do not say theirs.")] = "UTC",
    decimal_comma: Annotated[bool, typer.Option("--decimal-comma", help="Numbers are like 1.234,56.")] = False,
    delimiter: Annotated[
        str | None, typer.Option(help="One character, or «tab»; default: found out from the header.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the file, e.g. cp1252.")] = "utf-8",
    upsert_by: Annotated[
        str | None,
        typer.Option("--upsert-by", metavar="KEY", help="Unique field, or several with commas: change what is there."),
    ] = None,
    say: Annotated[
        Words, typer.Option("--say", metavar="PLUGIN.NAME=VALUE", help="What a plugin is to know of the file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, and write nothing but the report.")
    ] = False,
    on_error: Annotated[
        Literal["stop", "skip"], typer.Option(help="Whether a bad row keeps out all rows, or only itself.")
    ] = "stop",
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write the problems; default: NAME.errors.csv here.", show_default=False
        ),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Import a CSV file as records. Exit code 1 if there was a problem with any row."""
    from xrm_core.cli.progress import progress_bar
    from xrm_core.cli.workplace import opened
    from xrm_core.records.importing import ImportOptions, import_csv, parse_mappings, parse_replacements, parse_said
    from xrm_core.storage.counters import TAKEN_BACK

    options = ImportOptions(
        columns=parse_mappings(columns or ()),
        ignored=frozenset(ignore or ()),
        ignore_unmapped=ignore_unmapped,
        replacements=parse_replacements(replacements or ()),
        upsert_by=tuple(each.strip() for each in upsert_by.split(",")) if upsert_by else (),
        skip_bad_rows=on_error == "skip",
        delimiter=delimiter,
        encoding=encoding,
        decimal_comma=decimal_comma,
        date_format=date_format,
        datetime_format=datetime_format,
        timezone=timezone,
    )
    report = report or Path(f"{file.name}.errors.csv")
    with opened(schemas, database) as workplace:
        options = replace(options, said=parse_said(say or (), {each.name for each in workplace.records.plugins.infos}))
        workplace.check_applied()
        with (
            suppress(_Undone),
            progress_bar(f"Importing {file}") as progress,
            workplace.database.begin() as connection,
        ):
            connection.execution_options(**{TAKEN_BACK: dry_run})
            result = import_csv(workplace.records, connection, entity, file, options, progress)
            workplace.check_applied(connection)  # what is the model after all statements was that of each of them
            if not result.ok:
                _write_report(report, result)  # before the commit: no rows without the report of the others
            if dry_run:
                raise _Undone
    rows = f"{result.written} of {result.read} rows {'would be' if dry_run else 'were'} written as {entity}"
    there = f": {result.written - result.there} are new, {result.there} are there already" if upsert_by else ""
    typer.echo(f"{rows}{there}.")
    if not result.ok:
        _say_problems(result, report)
        raise typer.Exit(1)


def _write_report(report: Path, result: "ImportResult") -> None:
    from xrm_core.errors import ImportFailed
    from xrm_core.records.importing import write_report

    try:
        write_report(report, result.problems)
    except OSError as error:
        raise ImportFailed(
            f"The report {report} cannot be written, so nothing was imported.", hint="Name another file by --report."
        ) from error


def _say_problems(result: "ImportResult", report: Path) -> None:
    from xrm_core.cli.failures import printable

    count = len(result.problems)
    typer.echo(f"{count} {'problem' if count == 1 else 'problems'}:", err=True)
    for problem in result.problems[:_SHOWN]:
        place = f"line {problem.line}" + (f", {problem.column}" if problem.column else "")
        typer.echo(printable(f"  {place}: {problem.message}"), err=True)
    if count > _SHOWN:
        typer.echo(f"  … and {count - _SHOWN} more", err=True)
    typer.echo(f"All of them: {report}", err=True)

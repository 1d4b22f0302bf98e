"""``xrm permissions test``: the examples of a pack, held against its policies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.records.permission_tests import Failure


def run_examples(
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: permissions/tests.json of the pack.", show_default=False),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Run the examples of who may do what, on records of their own; no database is touched."""
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import PermissionTestsFailed
    from xrm_core.permissions import policy
    from xrm_core.records.permission_tests import TESTS_FILE, read_tests, run_tests
    from xrm_core.server.assembly import policy_folders

    with opened(schemas, database, files_only=True) as workplace:
        folders = policy_folders(workplace.settings)
        policies = policy.load(folders, workplace.model)
        tests = read_tests(file or folders[-1] / TESTS_FILE, workplace.model, policies.roles)
        failures = run_tests(tests, workplace.model, policies)
    typer.echo("\n".join(_lines(failures)), nl=bool(failures))
    failed = {failure.test.name for failure in failures}
    if failed:
        raise PermissionTestsFailed(
            f"{len(failed)} of {len(tests.tests)} permission tests failed.",
            hint="What is wrong, the policies or the test? The policies that decide stand below each step.",
        )
    typer.echo(f"{len(tests.tests)} permission tests hold.")


def _lines(failures: "list[Failure]") -> list[str]:
    lines: list[str] = []
    name = None
    for failure in failures:
        if failure.test.name != name:
            name = failure.test.name
            lines.append(f"{failure.test.place}: {name}")
        lines.append(f"  {failure.place}: {failure.text}")
        lines += [f"    {line}" for line in failure.because]
    return lines

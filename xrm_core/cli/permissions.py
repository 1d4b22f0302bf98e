"""``xrm permissions``: the group of commands about roles and policies."""

import typer

from xrm_core.cli import permission_explain, permission_matrix, permission_test

app = typer.Typer(help="Roles and policies.", no_args_is_help=True)
app.command("explain")(permission_explain.explain)
app.command("matrix")(permission_matrix.matrix)
app.command("test")(permission_test.run_examples)

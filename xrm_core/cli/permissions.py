"""``xrm permissions``: the group of commands about roles and policies."""

import typer

from xrm_core.cli import permission_explain, permission_matrix, permission_roles, permission_test, permission_versions

app = typer.Typer(help="Roles and policies.", no_args_is_help=True)
app.command("explain")(permission_explain.explain)
app.command("matrix")(permission_matrix.matrix)
app.command("test")(permission_test.run_examples)
app.command()(permission_roles.roles)
app.command()(permission_versions.plan)
app.command()(permission_versions.apply)
app.command()(permission_versions.undo)
app.command()(permission_versions.history)
app.command()(permission_versions.pull)

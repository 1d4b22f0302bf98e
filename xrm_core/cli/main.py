"""The table of contents of the command line, and what becomes of errors."""

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

import typer
import typer.main

from xrm_core.cli import (
    accounts,
    actions,
    backup,
    change_log,
    csv_import,
    doctor,
    failures,
    files,
    garbage,
    identities,
    jobs,
    journal,
    log,
    log_readers,
    messages,
    oidc,
    passkeys,
    passwords,
    permissions,
    plugins,
    query,
    schema,
    scim,
    secret_keys,
    serve,
    sign_in,
    tenants,
    vacuum,
    webhooks,
    worker,
    workflows,
)
from xrm_core.cli.plugin_commands import CommandsOfPlugins
from xrm_core.cli.schema_drift import with_value
from xrm_core.cli.tenant_option import add_tenant_option, forget_tenant
from xrm_core.errors import XrmError

# Everything heavy is imported inside the commands: «xrm --help» answers at once.
app = typer.Typer(
    cls=CommandsOfPlugins,
    help="Headless xRM: entity files in, tables, GraphQL and permissions out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.work)
app.add_typer(schema.app, name="schema")
app.add_typer(query.app, name="query")
app.command("import")(csv_import.import_file)
app.add_typer(files.app, name="files")
app.add_typer(plugins.app, name="plugins")
app.add_typer(actions.app, name="actions")
app.add_typer(permissions.app, name="permissions")
accounts.users.command("password")(passwords.set_password)
accounts.users.command("invite")(sign_in.invite_user)
accounts.users.command("reset")(sign_in.reset_password)
accounts.users.command("sessions")(sign_in.list_sessions)
accounts.users.command("logout")(sign_in.logout)
accounts.users.command("totp")(sign_in.show_totp)
accounts.users.command("passkeys")(passkeys.list_passkeys)
accounts.users.command("link")(identities.link_user)
accounts.users.command("unlink")(identities.unlink_user)
app.add_typer(accounts.users, name="user")
app.add_typer(accounts.tokens, name="token")
app.add_typer(oidc.app, name="oidc")
app.add_typer(secret_keys.app, name="secrets")
app.add_typer(scim.app, name="scim")
log.app.command("changes")(change_log.list_changes)
log.app.command("seal")(change_log.seal)
log.app.command("verify")(change_log.verify)
log.app.command("readers")(log_readers.list_readers)
log.app.command("dead")(log_readers.list_dead)
log.app.command("retry")(log_readers.retry)
log.app.command("forget")(log_readers.forget)
app.add_typer(log.app, name="log")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(messages.app, name="messages")
app.add_typer(jobs.app, name="jobs")
app.add_typer(journal.app, name="journal")
app.add_typer(workflows.app, name="workflows")
app.add_typer(tenants.app, name="tenant")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("vacuum")(vacuum.vacuum)
app.command("doctor")(doctor.doctor)


@cache
def command_line() -> Any:
    """All commands with all their options."""
    return add_tenant_option(typer.main.get_command(app))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process.

    Exit codes: 0 done, 1 failed (one message on standard error), 2 wrong usage (``xrm schema plan``: 2 changes are
    pending), 130 interrupted.
    """
    garbage.look_less_often()
    garbage.leave_all_at_the_end()
    forget_tenant()
    try:
        command_line()(args=with_value(sys.argv[1:] if arguments is None else arguments), prog_name="xrm")
    except XrmError as error:
        failures.say(error)
    except OSError as error:  # but for a closed pipe, as in «xrm schema print | head»: there typer ends quietly, with 1
        failures.say(failures.unwritable(error) if failures.is_about_output(error) else failures.unexpected(error))
    except Exception as error:
        failures.say(failures.unexpected(error))
    sys.exit(failures.FAILED)


if __name__ == "__main__":
    main()

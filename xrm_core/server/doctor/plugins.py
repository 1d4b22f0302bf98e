"""What plugins say of themselves."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from xrm_core.contributions.asking_stores import ask_stores
from xrm_core.contributions.data_store import StoreSubject
from xrm_core.contributions.health import HealthChecks
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import assemble_applied, find_plugins
from xrm_core.server.blueprints import asking_of
from xrm_core.server.doctor.findings import Finding, failed, ok, warning
from xrm_core.settings import Settings

_REMEDY = "Its plugin does not say how to mend it; ask whoever has made that."
_OF_STORES = "See that what it stands for is there and answers; the log of this command says what it has raised."


@dataclass(frozen=True)
class _Main:
    """From where stores are asked: the main database."""

    plugins: Plugins
    tenant: str = ""


def stores(settings: Settings) -> Iterator[Finding]:
    """Whether each store of a plugin answers: it is looked through for a word that nobody can have put there."""
    nobody = StoreSubject(identifiers=frozenset({f"nobody-{secrets.token_hex(16)}@example.invalid"}))
    for name, answer in ask_stores(_Main(find_plugins(settings)), "verify", nobody).items():
        if answer.code:
            yield failed(f"store {name}", f"It does not answer ({answer.code}).", _OF_STORES)
        elif answer.count:
            yield failed(
                f"store {name}",
                "It says that it has what nobody has put there, so that no erasure can be proved.",
                "Its function verify counts what it should not; ask whoever has made the plugin.",
            )
        else:
            yield ok(f"store {name}", "It answers.")


def health(settings: Settings) -> Iterator[Finding]:
    """What their checks say of the main database."""
    checks = HealthChecks(find_plugins(settings))
    if not checks.found:
        return
    platform = assemble_applied(settings)
    try:
        platform.records.asks = asking_of(settings, platform.records, platform.database.dialect)
        for each in checks.look(platform.records, platform.database, ""):
            if not each.says:
                yield ok(each.check.name, "It is well.")
            else:
                found = failed if each.check.critical else warning
                yield found(each.check.name, each.says, each.check.remedy or _REMEDY)
        checks.close()
    finally:
        platform.database.close()

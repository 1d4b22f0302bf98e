"""What plugins say of themselves."""

from collections.abc import Iterator

from xrm_core.contributions.health import HealthChecks
from xrm_core.server.assembly import assemble_applied, find_plugins
from xrm_core.server.blueprints import asking_of
from xrm_core.server.doctor.findings import Finding, failed, ok, warning
from xrm_core.settings import Settings

_REMEDY = "Its plugin does not say how to mend it; ask whoever has made that."


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

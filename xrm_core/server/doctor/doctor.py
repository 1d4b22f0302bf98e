"""All checks, in the order in which they would be mended."""

from collections.abc import Iterator
from functools import partial

from xrm_core.server.doctor import outside, plugins, surroundings
from xrm_core.server.doctor.databases import Databases
from xrm_core.server.doctor.findings import Finding, State, looked
from xrm_core.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """What is found about an installation with these settings. Changes nothing, but tries stores of files."""
    databases = Databases(settings)
    yield from looked("data folder", partial(surroundings.folder, settings))
    yield from looked("entity files", partial(surroundings.packs, settings))
    yield from looked("database", databases.main)
    yield from looked("tenants", databases.tenants)
    yield from looked("health of plugins", partial(plugins.health, settings))
    yield from looked("stores of plugins", partial(plugins.stores, settings))
    yield from looked("secret key", lambda: surroundings.keys(settings, databases.sealed))
    yield from looked("files", partial(outside.files, settings))
    yield from looked("mail", partial(outside.mail, settings))
    yield from looked("providers", partial(outside.providers, settings))


def worst(findings: list[Finding]) -> State:
    """How an installation is: as its worst finding."""
    return max((each.state for each in findings), key=list(State).index, default=State.OK)

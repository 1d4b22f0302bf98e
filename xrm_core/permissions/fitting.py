"""Policies and a change of the model: it takes place only with policies that fit the model as it will be."""

from sqlalchemy import Connection

from xrm_core.errors import PolicyInvalid, SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import PolicySet, parse_files
from xrm_core.storage.auth_events import Event, record
from xrm_core.storage.policy_sets import newest_set, policy_sets, save_set


def require_fitting(connection: Connection, model: Model) -> None:
    """Refuse a model that the policies in force would not fit; none in force fit every model.

    Raises:
        SchemaChangeRefused: with every policy that is in the way.
    """
    found = newest_set(connection)
    if found is None:
        return
    try:
        parse_files(found.files, model)
    except PolicyInvalid as invalid:
        raise SchemaChangeRefused(
            "The policies in force do not fit the model as it would be:\n"
            + "\n".join(map(str, invalid.details["problems"])),
            hint="Nothing was changed. Change the policies first by «xrm permissions apply», or both at once: "
            "--permissions takes policies that fit along.",
            details={"policies": invalid.details["problems"]},
        ) from invalid


def put_first(connection: Connection, policies: PolicySet | None) -> None:
    """Put the pack's policies in force in a database that has none; without any, nobody may do anything there."""
    if policies is not None and newest_set(connection) is None:
        _put(connection, policies, "the first of this database")


def put_along(connection: Connection, policies: PolicySet, *, note: str) -> None:
    """Put policies in force along with a model, unless they are."""
    newest = newest_set(connection)
    if newest is None or newest.digest != policies.version:
        _put(connection, policies, note)


def put_former(connection: Connection, model: Model) -> None:
    """If those in force do not fit a model, put the newest in force that do.

    Raises:
        SchemaChangeRefused: there are none.
    """
    sets = policy_sets(connection)
    for each in reversed(sets):
        try:
            policies = parse_files(each.files, model)
        except PolicyInvalid:
            continue
        if each is not sets[-1]:
            note = f"version {each.number} again, with a schema change"
            _put(connection, policies, note)
        return
    if sets:
        raise SchemaChangeRefused(
            "None of the policy sets that the database has had fit that model.",
            hint="Nothing was changed. «xrm permissions history» lists them.",
        )


def _put(connection: Connection, policies: PolicySet, note: str) -> None:
    """Put a set in force; that other policies are in force is an event."""
    number = save_set(connection, policies.files, policies.version, note=note)
    record(connection, Event.PERMISSIONS_CHANGED, subject=str(number), details={"note": note})

"""``xrm permissions plan``, ``apply``, ``undo``, ``history`` and ``pull``."""

import json
from pathlib import Path

from tests.cli.conftest import Xrm


def add(pack: Path, row: str) -> str:
    """One more policy in the pack's file; answers the text before."""
    file = pack / "permissions" / "policies.csv"
    before = file.read_text()
    file.write_text(f"{before}{row}\n")
    return before


def test_a_change_is_planned_applied_listed_and_taken_back(applied: Path, xrm: Xrm):
    assert xrm("permissions", "plan").out == "Nothing to do: these policies are in force as version 1.\n"
    before = add(applied, "reader,book,read,summary,,allow")

    planned = xrm("permissions", "plan")
    words = "+ reader,book,read,summary,,allow\nreader gains read on book: summary.\n"
    assert (planned.code, planned.out) == (2, words)
    assert xrm("permissions", "history").out.count("\n") == 1  # a plan changes nothing
    found = json.loads(xrm("permissions", "plan", "--json").out)
    assert (found["version"], found["differences"][1]["text"]) == (2, "reader gains read on book: summary.")

    assert xrm("permissions", "apply", "--note", "Summaries \x1b[31mfor all").out == f"{words}Done: version 2.\n"
    assert xrm("permissions", "apply").out == "Nothing to do: these policies are in force as version 2.\n"
    undone = xrm("permissions", "undo").out
    assert undone.endswith("reader loses read on book: summary.\nDone: version 3.\n")
    assert "version before" not in xrm("permissions", "undo").failed("PERMISSIONS_REFUSED")

    first, second, third = xrm("permissions", "history").out.splitlines()
    assert first.endswith("command line  the first of this database")
    assert second.endswith("command line  Summaries \ufffd[31mfor all")
    assert third.endswith("command line  takes back 2")
    versions = json.loads(xrm("permissions", "history", "--json").out)["versions"]
    assert [(each["number"], each["reverts"], each["applied_by"]) for each in versions] == [
        (1, None, None),
        (2, None, None),
        (3, 2, None),
    ]
    # and what is in force can be had as files
    assert xrm("permissions", "pull", "pulled").out == "Version 3 written to pulled.\n"
    assert Path("pulled/policies.csv").read_text() == before
    # each change is an event, the first set of the database, too
    assert xrm("log", "events").out.count("permissions_changed") == 3


def test_what_counts_is_what_is_in_force(applied: Path, xrm: Xrm):
    """Commands that work on the database go by its policies, not by files that nobody has applied."""
    roles = applied / "permissions" / "roles.json"
    roles.write_text(json.dumps({"roles": {**json.loads(roles.read_text())["roles"], "guest": {}}}))
    words = ("user", "create", "--email", "eva@example.com", "--role", "guest")
    assert "There is no role guest." in xrm(*words).failed("SETTINGS_INVALID")
    assert xrm("permissions", "apply").code == 0
    assert xrm(*words).code == 0


def test_files_with_a_mistake_leave_the_former_in_force(applied: Path, xrm: Xrm):
    add(applied, "reader,book,read,summary,,Deny")
    for command in ("plan", "apply"):
        assert "policies.csv:5: effect 'Deny' is not" in xrm("permissions", command).failed("POLICY_INVALID")
    assert xrm("permissions", "history").out.count("\n") == 1


def test_each_tenant_has_its_own(applied: Path, xrm: Xrm):
    assert xrm("tenant", "create", "acme").code == 0
    add(applied, "reader,book,read,summary,,allow")
    assert xrm("permissions", "apply", "--tenant", "acme").code == 0
    assert xrm("permissions", "history", "--tenant", "acme").out.count("\n") == 2
    assert xrm("permissions", "history").out.count("\n") == 1
    assert xrm("permissions", "plan").code == 2
    assert xrm("permissions", "plan", "--tenant", "acme").code == 0


def test_a_pack_on_another_is_one_set_in_the_database(pack: Path, xrm: Xrm):
    upper = pack.parent / "upper"
    (upper / "permissions").mkdir(parents=True)
    (upper / "pack.json").write_text(json.dumps({"pack": "upper", "kind": "industry", "extends": "../schemas"}))
    (upper / "permissions" / "roles.json").write_text(json.dumps({"roles": {"guest": {"inherits": ["reader"]}}}))
    row = 'guest,book,read,"pages summary",,allow\n'
    (upper / "permissions" / "policies.csv").write_text(f"role,entity,action,fields,rule,effect\n{row}")

    assert xrm("schema", "apply", "--schemas", "upper").code == 0
    assert xrm("permissions", "plan", "--schemas", "upper").code == 0
    assert xrm("permissions", "pull", "pulled", "--schemas", "upper").code == 0
    policies = (pack / "permissions" / "policies.csv").read_text()
    assert Path("pulled/policies.csv").read_text() == f"{policies}guest,book,read,pages summary,,allow\n"
    assert list(json.loads(Path("pulled/roles.json").read_text())["roles"]) == ["clerk", "reader", "guest"]
    # of which the lower pack alone would take something away
    assert "The role guest goes" in xrm("permissions", "plan").out

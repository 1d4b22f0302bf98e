"""``xrm doctor`` with a plugin: its settings by name, and what its checks say."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from tests.plugins.conftest import MakeDistribution, make_distribution

__all__ = ["make_distribution"]

PLUGIN = """
from dataclasses import dataclass
from xrm_core.api import HealthCheck, Secret, hookimpl

@dataclass
class Settings:
    key: Secret
    books: int = 1

@hookimpl
def register_settings():
    return Settings

def books(context):
    [found] = context.query_as_system("{ booksAggregate { count } }")["booksAggregate"]
    return None if found["count"] >= context.settings.books else f"There are {found['count']} books."

def broken(context):
    raise ZeroDivisionError("secret detail")

@hookimpl
def register_health():
    checks = [HealthCheck("shelf.books", books, critical=True, remedy="Buy some."), HealthCheck("shelf.broken", broken)]
    return checks
"""


def test_the_doctor_tells_what_plugins_say(
    applied: Path, xrm: Xrm, make_distribution: MakeDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_distribution(PLUGIN, plugin="shelf")
    monkeypatch.setenv("XRM_SHELF_KEY", "s3cret-value")
    said = xrm("doctor", "--json")
    found = {each["check"]: each for each in json.loads(said.out)["findings"]}
    assert said.code == 1
    books, broken = found["shelf.books"], found["shelf.broken"]
    assert (books["state"], books["says"], books["remedy"]) == ("failed", "There are 0 books.", "Buy some.")
    assert (broken["state"], broken["says"]) == ("warning", "The check itself failed (ZeroDivisionError).")
    assert found["plugin settings"]["says"] == "XRM_SHELF_KEY (set), XRM_SHELF_BOOKS (not set)."
    monkeypatch.setenv("XRM_SHELF_BOOKS", "0")
    assert json.loads(xrm("doctor", "--json").out)["state"] == "warning"
    listed = xrm("plugins", "list").out
    assert "XRM_SHELF_KEY: set, secret" in listed
    assert "s3cret" not in listed + said.out
    monkeypatch.setenv("XRM_SHELF_BOOKS", "many")
    xrm("plugins", "list").failed("SETTINGS_INVALID")


STORES = """
from xrm_core.api import DataStore, hookimpl

def nothing(context, about):
    return 0

def one(context, about):
    return len(about.identifiers)

def broken(context, about):
    raise ConnectionError("secret detail")

@hookimpl
def register_data_stores():
    ask = dict.fromkeys(("discover", "export", "restrict", "lift", "erase"), nothing)
    verify = {"shelf.index": nothing, "shelf.cache": one, "shelf.mails": broken}
    return [DataStore(name, **ask, verify=each) for name, each in verify.items()]
"""


def test_the_doctor_tries_stores_of_plugins(applied: Path, xrm: Xrm, make_distribution: MakeDistribution) -> None:
    make_distribution(STORES, plugin="shelf")

    said = xrm("doctor", "--json")

    found = {each["check"]: each for each in json.loads(said.out)["findings"]}
    assert found["store shelf.index"]["state"] == "ok"
    assert found["store shelf.cache"]["says"].startswith("It says that it has what nobody has put there")
    assert found["store shelf.mails"]["says"] == "It does not answer (STORE_FAILED)."
    assert "secret detail" not in said.out + said.err

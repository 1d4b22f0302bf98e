"""Imports of entities whose records are numbered, or have files."""

import datetime as dt
import json
from pathlib import Path

import pytest

from tests.importing.conftest import Importer
from xrm_core.errors import ImportFailed
from xrm_core.metadata.loader import load_texts
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

OFFER = {
    "x-entity": "offer",
    "type": "object",
    "required": ["subject"],
    "properties": {
        "subject": {"type": "string"},
        "number": {"type": "string", "x-sequence": {"format": "A-{YYYY}-{000}", "gapless": True}},
        "paper": {"x-type": "file"},
    },
}


@pytest.fixture
def offers(database: Database, tmp_path: Path) -> Importer:
    upgrade_system(database)
    return Importer(load_texts([("offer.json", json.dumps(OFFER), "core")]), database, tmp_path)


def test_numbers_of_history_are_kept_and_rows_without_one_get_the_next(offers: Importer) -> None:
    year = dt.datetime.now(dt.UTC).year
    result = offers("offer", f"subject,number\na,A-{year}-041\nb,\nc,old 7\nd,A-1999-001\n")
    assert (result.ok, result.written) == (True, 4)
    assert offers.column("offer", "number") == [f"A-{year}-041", f"A-{year}-042", "old 7", "A-1999-001"]
    # and an import without the column goes on
    assert offers("offer", "subject\ne\nf\n").ok
    assert offers.column("offer", "number")[4:] == [f"A-{year}-043", f"A-{year}-044"]


def test_a_number_that_is_there_twice_is_blamed_and_takes_none(offers: Importer) -> None:
    year = dt.datetime.now(dt.UTC).year
    result = offers("offer", "subject,number\na,\nb,X\nc,X\n", skip_bad_rows=True)
    assert [(each.line, each.column) for each in result.problems] == [(4, "number")]
    assert offers.column("offer", "number") == [f"A-{year}-001", "X"]
    assert offers("offer", "subject\nd\n").ok
    assert offers.column("offer", "number")[2:] == [f"A-{year}-002"]


def test_a_column_cannot_fill_a_file(offers: Importer) -> None:
    with pytest.raises(ImportFailed, match="'paper' cannot fill paper, which holds a file"):
        offers("offer", "subject,paper\na,x\n")

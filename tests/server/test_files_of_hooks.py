"""Files that plugins set in records that somebody else writes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.files_kit import PNG, Office, opened
from xrm_core.api import hookimpl
from xrm_core.plugins import Plugins
from xrm_core.plugins.registration import InstalledPlugin
from xrm_core.storage.engines import Database

CREATE = "mutation ($t: String!, $p: ID) { createContract(input: {title: $t, paperId: $p}) { id paper { id } } }"
WRITES = {
    "one": "mutation ($id: ID!, $i: UpdateContractInput!) { updateContract(id: $id, input: $i) { id } }",
    "alike": "mutation ($id: ID!, $i: UpdateContractInput!) { updateContracts(ids: [$id], set: $i) { count } }",
}


class Forms:
    """Whatever is called a form gets the paper that the plugin has."""

    paper: str | None = None

    def paper_for(self, record: dict[str, Any]) -> dict[str, Any]:
        return {"paper": self.paper} if str(record.get("title")).startswith("Form") else {}

    @hookimpl
    def before_record_create(self, record: dict[str, Any]) -> dict[str, Any]:
        return self.paper_for(record)

    @hookimpl
    def before_record_update(self, changes: dict[str, Any]) -> dict[str, Any]:
        return self.paper_for(changes)


@pytest.fixture
def forms() -> Forms:
    return Forms()


@pytest.fixture
def office(database: Database, tmp_path: Path, forms: Forms) -> Iterator[Office]:
    with opened(database, tmp_path, plugins=Plugins([InstalledPlugin("forms", forms)])) as found:
        yield found


def paper_of(office: Office, id_: str) -> Any:
    answer = office.ask("admin", "query ($id: ID!) { contract(id: $id) { paper { id } } }", id=id_)
    return answer["data"]["contract"]["paper"]


def told(answer: Any) -> tuple[str, list[str]]:
    [error] = answer["errors"]
    [wrong] = error["extensions"]["details"].get("errors", [error["extensions"]])  # of many: of each
    return wrong["code"], [each["field"] for each in wrong["details"]["problems"]]


WRONG = "VALIDATION_FAILED", ["paper"]


@pytest.mark.parametrize("write", list(WRITES))
def test_a_plugin_sets_a_file_that_the_writer_does_not_see(office: Office, forms: Forms, write: str) -> None:
    forms.paper = office.uploaded("admin")
    plain = office.contract("rep")

    made = office.ask("rep", CREATE, t="Form A")["data"]["createContract"]
    changed = office.ask("rep", WRITES[write], id=plain, i={"title": "Form B"})

    assert paper_of(office, made["id"]) == {"id": forms.paper}
    assert "errors" not in changed
    assert paper_of(office, plain) == {"id": forms.paper}


@pytest.mark.parametrize("write", list(WRITES))
def test_what_the_writer_gives_is_held_to_their_sight_in_whatever_form(
    office: Office, forms: Forms, write: str
) -> None:
    hidden = office.uploaded("admin")
    plain = office.contract("rep")

    for paper in (hidden, hidden.upper()):
        for title in ("Own", "Form C"):  # the plugin sets the same
            forms.paper = hidden
            assert told(office.ask("rep", CREATE, t=title, p=paper)) == WRONG
            given = {"title": title, "paperId": paper}
            assert told(office.ask("rep", WRITES[write], id=plain, i=given)) == WRONG
    assert paper_of(office, plain) is None


@pytest.mark.parametrize("write", list(WRITES))
def test_what_a_plugin_sets_must_fit_its_field_and_be_there(office: Office, forms: Forms, write: str) -> None:
    plain = office.contract("rep")
    photo, gone = office.uploaded("admin", PNG, "image/png"), "01a21eed-37b2-77e6-a515-77954320c79c"

    for forms.paper in (photo, gone):
        assert told(office.ask("rep", CREATE, t="Form A")) == WRONG
        answer = office.ask("rep", WRITES[write], id=plain, i={"title": "Form B"})
        assert told(answer) == WRONG
    assert paper_of(office, plain) is None

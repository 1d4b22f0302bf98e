"""What is wrong with a change is told in the language of whoever makes it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import PostgresServer
from tests.records import kit
from tests.server.http_kit import Client, serving
from xrm_core.storage.engines import Database

CUSTOMER = kit.FILES["customer"]
LABELS = {"name": {"de": "Name", "de-AT": "Bezeichnung"}, "revenue": {"de": "Umsatz", "en": "Revenue"}}
WORDS = {
    **CUSTOMER,
    "x-labels": {"de": "Kunde", "en": "Customer"},
    "x-plural-labels": {"de": "Kunden", "en": "Customers"},
    "properties": {
        name: {**field, **({"x-labels": LABELS[name]} if name in LABELS else {})}
        for name, field in CUSTOMER["properties"].items()
    },
    "if": {"properties": {"status": {"const": "active"}}, "required": ["status"]},
    "then": {"required": ["since"], "x-message": {"en": "is needed for active ones", "de": "ist für aktive nötig"}},
}
USER = kit.FILES["user"]
SPEAKER = {**USER, "properties": {**USER["properties"], "language": {"type": "string"}}}
CREATE = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def german(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server whose admin speaks German."""
    folder: Path = tmp_path_factory.mktemp("german")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setitem(kit.FILES, "customer", WORDS)
        patch.setitem(kit.FILES, "user", SPEAKER)
        url = f"sqlite:///{folder / 'german.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        client = stack.enter_context(serving(stack.enter_context(closing(Database(url))), folder))
        client.world.update("admin", "user", client.world.users["anna"], {"language": "de"})
        yield client


def error(client: Client, query: str, language: str | None = None, **variables: Any) -> Any:
    headers = {} if language is None else {"Accept-Language": language}
    [found] = client.post({"query": query, "variables": variables}, **headers).json()["errors"]
    return found


def test_all_problems_of_a_record_with_the_labels_of_its_fields(german: Client) -> None:
    values = {"name": "a name of many letters", "revenue": "-1.005", "email": "x", "status": "active"}
    found = error(german, CREATE, input=values)
    assert found["message"].startswith("Die Angaben sind nicht gültig (Kunde). Name: ist zu lang; ")
    assert found["extensions"]["details"]["problems"] == [
        {
            "field": "name",
            "label": "Name",
            "rule": "maxLength",
            "message": "ist zu lang; höchstens 20 Zeichen passen",
        },
        {"field": "email", "rule": "format", "message": "ist keine E-Mail-Adresse"},
        {
            "field": "revenue",
            "label": "Umsatz",
            "rule": "digits",
            "message": "hat mehr als 2 Nachkommastellen",
        },
        {"field": "since", "rule": "required", "message": "ist für aktive nötig"},
    ]
    # codes, fields and rules are the same in every language
    english = error(german, CREATE, "en-GB, de;q=0.9", input=values)
    told = english["extensions"]["details"]["problems"]
    assert [(each["field"], each["rule"]) for each in told] == [
        ("name", "maxLength"),
        ("email", "format"),
        ("revenue", "digits"),
        ("since", "required"),
    ]
    assert [each.get("label") for each in told] == [None, None, "Revenue", None]
    assert told[3]["message"] == "is needed for active ones"
    assert english["message"].startswith("The customer is not valid. name: is too long; ")


def test_the_request_says_the_language_else_the_user_else_it_is_english(german: Client) -> None:
    def said(language: str | None) -> tuple[str, Any]:
        [problem] = error(german, CREATE, language, input={"name": "a name of many letters"})["extensions"]["details"][
            "problems"
        ]
        return problem["message"], problem.get("label")

    long_german, long_english = "ist zu lang; höchstens 20 Zeichen passen", "is too long; at most 20 characters fit"
    assert said("de-AT") == (long_german, "Bezeichnung")
    assert said("en") == (long_english, None)
    assert said(None) == said("fr") == (long_german, "Name")
    german.world.update("admin", "user", german.world.users["anna"], {"language": "fr"})
    german.http.app.app._main.serving.authenticator.forget()  # type: ignore[attr-defined]
    assert said(None) == (long_english, None)
    german.world.update("admin", "user", german.world.users["anna"], {"language": "de"})
    german.http.app.app._main.serving.authenticator.forget()  # type: ignore[attr-defined]
    assert said(None) == (long_german, "Name")


def test_what_the_database_refuses_conflicts_and_missing_records(german: Client) -> None:
    made = german.post({"query": CREATE, "variables": {"input": {"name": "A", "number": "7", "city": "Ulm"}}}).json()
    id_ = made["data"]["createCustomer"]["id"]
    [taken] = error(german, CREATE, input={"name": "B", "number": "7"})["extensions"]["details"]["problems"]
    assert taken == {
        "field": "number",
        "rule": "unique",
        "message": "es gibt schon einen anderen Datensatz (Kunde) mit demselben Wert in number",
    }
    [taken] = error(german, CREATE, input={"name": "A", "city": "Ulm"})["extensions"]["details"]["problems"]
    assert taken["message"] == "es gibt schon einen anderen Datensatz (Kunde) mit demselben Wert in city und name"
    late = error(german, f'mutation {{ updateCustomer(id: "{id_}", version: 9, input: {{city: "x"}}) {{ id }} }}')
    assert late["message"].startswith("Der Datensatz wurde geändert, seit Sie ihn gelesen haben (Kunde)")
    assert late["extensions"]["hint"].startswith("Lesen Sie ihn noch einmal")
    unknown = "00000000-0000-7000-8000-000000000000"
    gone = error(german, f'mutation {{ deleteCustomer(id: "{unknown}") {{ id }} }}')
    assert gone["message"] == f"Es gibt keinen Datensatz mit der Id {unknown} (Kunde)."
    [target] = error(german, CREATE, input={"name": "C", "ownerId": unknown})["extensions"]["details"]["problems"]
    assert (target["rule"], target["message"]) == ("relation", "es gibt keinen Datensatz mit dieser Id (user)")


def test_requests_at_the_same_time_do_not_share_a_language(german: Client) -> None:
    told: dict[str, set[str]] = {"de": set(), "en": set()}

    def ask(language: str) -> None:
        for _ in range(15):
            told[language].add(error(german, CREATE, language, input={"name": "a name of many letters"})["message"])

    threads = [threading.Thread(target=ask, args=[language], daemon=True) for language in ("de", "en") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == {
        "de": {"Die Angaben sind nicht gültig (Kunde). Name: ist zu lang; höchstens 20 Zeichen passen"},
        "en": {"The customer is not valid. name: is too long; at most 20 characters fit"},
    }


def test_caches_know_that_answers_depend_on_it(german: Client) -> None:
    answer = german.post({"query": "{ __typename }"})
    assert "accept-language" in answer.headers["vary"].lower()

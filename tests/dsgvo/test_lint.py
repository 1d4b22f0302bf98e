"""Each rule of the lint has a pack that breaks it, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS
from tests.dsgvo.lint_kit import GONE, NAME, NULL, OWN_REGISTERS, PACK, changed, link, model_of, refusal

REMEDIED = {
    "missing": [("person", GONE), ("person.last_name", GONE), ("case.copies", GONE), ("case.copies.since", GONE)],
    "form": [("firm", {"v": GONE, "subject": GONE, "personal": False})],
    "incomplete": [
        ("person", {"onErase": GONE}),
        ("case", {"activities": GONE}),
        ("person.nickname", {"origin": GONE}),
        ("person.nickname", {"erase": GONE}),
    ],
    "unknown-datenart": [("invoice", {"datenart": "rechnungen"})],
    "unknown-activity": [("case", {"activities": ["vertrieb.kundenpflege", "vertrieb.kunden_pflege"]})],
    "unknown-class": [("invoice.phone", {"retentionClass": "LK-7M-VORGANG"})],
    "unknown-event": [
        (
            "case",
            {"retention": {"class": "LK-3J-VORGANG", "start": {"type": "collection", "event": "x"}, "then": "delete"}},
        )
    ],
    "unknown-category": [("person.nickname", {"category": "user.nickname"})],
    "unknown-purpose": [("person.nickname", {"purposes": ["fun"]})],
    "unknown-recipient": [("person.nickname", {"recipients": ["everybody"]})],
    "when": [
        ("person", {"subject": {"role": "is_subject", "kinds": ["customer"], "when": {"required": ["legal_form"]}}}),
        ("person", {"subject": {"role": "is_subject", "kinds": ["customer"], "when": {"type": "object"}}}),
        (
            "person",
            {"subject": {"role": "is_subject", "kinds": ["customer"], "when": {"properties": {"firm": {"type": "x"}}}}},
        ),
    ],
    "birth-date": [("person", {"subject": {"role": "is_subject", "kinds": ["customer"], "birthDate": "nickname"}})],
    "role-none": [
        ("firm.name", {"personal": GONE} | NAME),
        ("firm.manager", link("mentioned", "down", "unlink")),
    ],
    "searched": [("person.nickname", {"+x-search": True})],
    "audit-plain": [("person", {"audit": "plain"})],
    "outbox-plain": [("case", {"outbox": "plain"})],
    "start": [
        (
            "invoice",
            {"retention": {"class": "LK-8J-BUCHUNGSBELEG", "start": {"type": "process_end"}, "then": "delete"}},
        ),
        (
            "invoice",
            {
                "retention": {
                    "class": "LK-8J-BUCHUNGSBELEG",
                    "start": {"type": "process_end", "field": "phone"},
                    "then": "delete",
                }
            },
        ),
        *(
            (
                "invoice",
                {
                    "retention": {
                        "class": "LK-8J-BUCHUNGSBELEG",
                        "start": {"type": "process_end", **wrong},
                        "then": "delete",
                    }
                },
            )
            for wrong in ({"of": "phone"}, {"of": "nothing"}, {"of": "bill_to", "field": "issued_on"})
        ),
        (
            "invoice",
            {
                "retention": {
                    "class": "LK-8J-BUCHUNGSBELEG",
                    "start": {"type": "process_end", "field": "issued_on"},
                    "purposeEnd": {"type": "process_end", "of": "bill_to"},
                    "then": "delete",
                }
            },
        ),
    ],
    "statutory": [("invoice", {"onErase": "anonymize"})],
    "statutory-link": [("invoice.bill_to", link("owner", "down", "unlink"))],
    "one-rule": [("person", {"datenart": "aktivitaeten"})],
    "earlier": [("case.body", {"retentionClass": "LK-10J-BUECHER"})],
    "document": [("invoice.pdf", {"retentionClass": "LK-2J-VORGANG"})],
    "one-of": [
        ("person.left_on", {"category": "user", "origin": "provided", "erase": NULL}),
        ("person.left_on", {"personal": GONE, "why": "?"}),
    ],
    "personal-alone": [("person.left_on", {"origin": "provided"})],
    "person": [("firm.manager", {"link": GONE, "personal": False})],
    "file": [
        ("firm.logo", {"why": GONE}),
        ("person.photo", {"erase": NULL}),
    ],
    "computed": [
        ("person.label", dict.fromkeys(PACK["person"]["properties"]["label"]["x-dsgvo"], GONE) | {"personal": False})
    ],
    "relation": [("person.firm", {"personal": GONE, "category": "user.name", "origin": "provided", "erase": NULL})],
    "necessity": [("person.nickname", {"necessity": {"level": "required"}})],
    "withhold": [("person.notes", {"access": "summary"})],
    "match": [("person.email", {"identifier": GONE})],
    "free-text": [
        ("person.notes", {"freeText": GONE, "thirdParty": GONE}),
        ("person.notes", {"thirdParty": GONE}),
    ],
    "of": [
        ("case.body", {"of": GONE}),
        ("case.body", {"of": "source"}),
        ("case.body", {"of": ["requester", "sender"]}),
    ],
    "source": [
        ("case.body", {"origin": "third_party"}),
        ("case.body", {"origin": "third_party", "sourceField": "bureau"}),
    ],
    "derived": [
        ("person.label", {"derivedFrom": GONE, "+x-computed": "TRIM(last_name)"}),
        ("person.label", {"derivedFrom": ["surname"]}),
        ("person.label", {"derivedFrom": ["cases.title"]}),
        ("person.label", {"origin": "provided"}),
    ],
    "no-relation": [("person.nickname", dict.fromkeys(NAME, GONE) | link("owner", "down", "unlink"))],
    "link-alone": [("invoice.bill_to", {"identifier": "direct"})],
    "traverse": [("firm.manager", link("participant", "none", "unlink"))],
    "unlink": [("case.requester", link("owner", "down", "unlink"))],
    "unreachable": [("invoice.bill_to", link("reference", "none", "block"))],
    "keep": [("person.nickname", {"erase": {"strategy": "keep"}})],
    "required": [("person.last_name", {"erase": NULL})],
    "recompute": [
        ("person.nickname", {"erase": {"strategy": "recompute"}}),
        ("person.label", {"erase": {"strategy": "redact_text"}}),
    ],
    "fits": [
        ("person.born_on", {"erase": {"strategy": "redact_text"}}),
        ("person.born_on", {"erase": {"strategy": "random_token"}}),
        ("person.born_on", {"erase": {"strategy": "delete_file"}}),
        ("person.born_on", {"erase": {"strategy": "generalize"}}),
        ("person.born_on", {"erase": {"strategy": "generalize", "to": "plz2"}}),
        ("person.photo", {"erase": {"strategy": "generalize", "to": "year", "why": "?"}}),
    ],
    "constant": [
        ("person.nickname", {"erase": {"strategy": "constant"}}),
        ("person.nickname", {"erase": {"strategy": "constant", "value": 1}}),
        ("person.nickname", {"erase": {"strategy": "constant", "value": "x" * 101}}),
        ("person.nickname", {"erase": {"strategy": "constant", "value": "x"}, "+x-unique": True}),
        ("person.colour", {"erase": {"strategy": "constant", "value": "green"}}),
    ],
    "archive": [("invoice", {"+required": ["pdf"]})],
    "special": [
        ("person.health", {"special": GONE}),
        ("person.health", {"purposes": GONE}),
        ("person.health", {"encrypt": GONE, "+x-sealed": GONE}),
        ("person.nickname", {"category": "user.criminal_history"}),
    ],
    "in-clear": [("person.health", {"+x-sealed": GONE})],
    "art9-basis": [("person", {"activities": ["vertrieb.anbahnung"]})],
    "sealed": [
        ("person.nickname", {"encrypt": {"key": "subject"}, "+x-index": True}),
        ("person.label", {"encrypt": {"key": "subject"}}),
        ("person.nickname", {"+x-sealed": {}}),
        ("person.health", {"erase": {"strategy": "redact_text"}}),
        ("person.health", {"encrypt": {"key": "subject", "blind": [{"normalizer": "exact", "bits": 9}]}}),
        ("case.body", {"encrypt": {"key": "subject"}, "+x-sealed": {}}),
    ],
}
CASES = [
    pytest.param(rule, *case, id=f"{rule}-{i}") for rule, cases in REMEDIED.items() for i, case in enumerate(cases)
]


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("registers") / "own.json"
    path.write_text(json.dumps(OWN_REGISTERS), "utf-8")
    return str(path)


def test_the_pack_is_passed(registers: str):
    assert {entity.name for entity in model_of(PACK, registers)} == {*PACK, "case_copy"}


@pytest.mark.parametrize(("rule", "place", "words"), CASES)
def test_what_breaks_a_rule_is_refused_by_it_alone(registers: str, rule: str, place: str, words: Any):
    # given a pack with one thing wrong, when it is read
    problems = refusal(changed(place, words), registers).problems

    # then this rule says so, at the entity's file, and says what to do
    assert {re.findall(r"\[([a-z0-9-]+)\]$", each.reason)[0] for each in problems} == {rule}
    assert all(each.remedy and each.file == f"core/{place.partition('.')[0]}.json" for each in problems)


def test_each_rule_is_on_the_page():
    page = (DOCS / "dsgvo" / "annotations.md").read_text("utf-8")

    assert re.findall(r"^\| `([a-z0-9-]+)` \| refused", page, re.MULTILINE) == list(REMEDIED)


def test_what_is_missing_is_told_with_file_pointer_and_a_proposal(registers: str):
    [problem] = refusal(changed("person.email", GONE), registers).problems

    assert (problem.file, problem.pointer) == ("core/person.json", "/properties/email")
    assert '"x-dsgvo": {"category": "user.contact.email", "identifier": "direct"' in problem.remedy


def test_of_links_the_place_in_the_file_is_told(registers: str):
    [problem] = refusal(changed("case.copies.since", GONE), registers).problems

    assert problem.pointer == "/properties/copies/x-relation/attributes/since"


@pytest.mark.parametrize("place", ["person.nickname", "person.email", "person.born_on", "person.notes", "person.photo"])
def test_what_is_proposed_is_passed(registers: str, place: str):
    # given a field of which nobody has said anything
    [problem] = refusal(changed(place, GONE), registers).problems
    # when what is proposed stands there
    proposed = json.loads(problem.remedy.partition('"x-dsgvo": ')[2].rstrip("."))
    pack = changed(place, GONE)
    entity, field = place.split(".")
    pack[entity]["properties"][field]["x-dsgvo"] = proposed
    # then it loads
    assert model_of(pack, registers)[entity].fields[field].annotations["x-dsgvo"]


@pytest.mark.parametrize(
    ("words", "at", "said"),
    [
        ({"categorie": "user.name"}, "/x-dsgvo", "The words of a field are personal"),
        ({"origin": "guessed"}, "/x-dsgvo/origin", "One of provided, observed, derived, third_party."),
        ({"erase": {"strategy": "shred"}}, "/x-dsgvo/erase/strategy", "One of null, constant"),
    ],
)
def test_words_that_are_none_are_told_with_those_that_are(registers: str, words: dict[str, Any], at: str, said: str):
    [problem] = refusal(changed("person.nickname", words), registers).problems

    assert problem.pointer == f"/properties/nickname{at}"
    assert said in problem.remedy

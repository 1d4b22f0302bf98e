"""What is forged comes in by no door: alone, in bulk, below another record, by a file, by a change or a merge."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.forging import LONG_AGO, asked, code, entities, imported, named, plausible, required, state
from xrm_core import naming

_CAPITAL = re.compile("[A-Z]")
ADA, LATER = "ada@example.com", "2999-01-01T00:00:00Z"

BY_HAND = {
    *("assessment", "consent", "consent_declaration", "consent_purpose", "contact_point", "contact_point_holder"),
    *("customer_exception", "data_connector", "data_source", "data_subject", "data_subject_link", "data_transfer"),
    *("notice_delivery", "preference", "privacy_notice", "processing_contract", "processing_mandate", "processor"),
    *("retention_event", "sending_template", "technical_measure"),
}
"""Entities of the plugin that people write by themselves; what matters in them is held by the tests below. All others
are written by its actions alone.
"""


def test_what_only_actions_write_is_created_by_no_door(consents: Consents, tmp_path: Path):  # noqa: F811
    before = state(consents.xrm)

    for kind in entities(consents.xrm):
        if kind.name in BY_HAND:
            continue
        name, values = naming.pascal(kind.name), required(kind)
        one = f"mutation ($i: Create{name}Input!) {{ create{name}(input: $i) {{ id }} }}"
        assert code(asked(consents, one, i=values)) == "REFUSED_BY_PLUGIN", kind.name
        many = (
            f"mutation ($i: [Create{name}Input!]!) {{ {naming.camel('create_' + kind.plural)}(input: $i) {{ count }} }}"
        )
        answer = asked(consents, many, i=[values, values])
        assert code(answer) in ("REFUSED_BY_PLUGIN", "BULK_REFUSED"), (kind.name, answer)
        assert "REFUSED_BY_PLUGIN" in json.dumps(answer), kind.name
        plain = {each.name: plausible(each) for each in kind.fields.values() if each.required and each.relation is None}
        if plain and not any(each.required and each.relation is not None for each in kind.fields.values()):
            rows = [{key: json.dumps(value) if isinstance(value, dict) else value for key, value in plain.items()}]
            assert imported(consents, tmp_path, kind.name, rows) == ["refused_by_plugin"], kind.name

    assert state(consents.xrm) == before


def point(consents: Consents, value: str = ADA, kind: str = "email") -> str:  # noqa: F811
    return str(consents.xrm.create("contact_point", kind=kind, value=value))


CONSENT = "mutation ($i: CreateConsentInput!) { createConsent(input: $i) { id status } }"
FORGED = [
    *({"status": each} for each in ("requested", "pending_confirmation", "given", "expired", "withdrawn")),
    *(
        {each: LONG_AGO}
        for each in ("grantedAt", "requestedAt", "confirmedAt", "lastUsedAt", "tokenUntil", "proofFrom")
    ),
    *({"keptUntil": "2999-01-01"}, {"tokenHash": "a" * 64}, {"messageId": "x"}, {"withdrawalMethod": "x"}),
    *(
        {name: value}
        for name in ("products", "controllers")
        for value in (
            *({}, {"x": 1}, {"names": 5}, {"names": "abc"}, {"names": {"a": 1}}, {"names": [1]}, {"names": [["a"]]}),
            *({"names": [" "]}, {"names": ["a"], "opt_in": True}, {"names": [None]}),
        )
    ),
]


def test_a_consent_that_says_more_than_a_file_can_know_does_not_come_in(consents: Consents, tmp_path: Path):  # noqa: F811
    row = {"contactPointId": point(consents), "channel": "email", "purposeId": consents.purposes["news"]}
    before = state(consents.xrm)

    for forged in FORGED:
        assert code(asked(consents, CONSENT, i={**row, **forged})) == "REFUSED_BY_PLUGIN", forged
        values = {_CAPITAL.sub(lambda each: f"_{each[0].lower()}", name): value for name, value in forged.items()}
        file = {"contact_point": row["contactPointId"], "purpose": row["purposeId"], "channel": "email", **values}
        rows = [{name: json.dumps(value) if isinstance(value, dict) else value for name, value in file.items()}]
        assert imported(consents, tmp_path, "consent", rows) == ["refused_by_plugin"], forged
    # nor below another record, and one bad row keeps all out
    for given in ({"status": "given"}, {"tokenHash": "a" * 64}):
        below = {"key": "zz", "nameDe": "z", "nameEn": "z", "consents": {"create": [{"channel": "email", **given}]}}
        below["consents"]["create"][0]["contactPointId"] = row["contactPointId"]
        make = "mutation ($i: CreateConsentPurposeInput!) { createConsentPurpose(input: $i) { id } }"
        assert code(asked(consents, make, i=below)) == "REFUSED_BY_PLUGIN"
    many = "mutation ($i: [CreateConsentInput!]!) { createConsents(input: $i) { count } }"
    assert "errors" in asked(consents, many, i=[row, {**row, "status": "given"}])

    assert state(consents.xrm) == before


@pytest.mark.parametrize(
    "value",
    [
        {"names": ["x" * 70_000]},
        {"names": ["x"], "deep": json.loads('{"a":' * 40 + "1" + "}" * 40)},
        {"names": [10**400]},
        {"names": ["\x00"]},
    ],
    ids=["huge", "deep", "digits", "nul"],
)
def test_json_that_is_too_deep_or_too_large_is_refused_in_words(
    consents: Consents,  # noqa: F811
    tmp_path: Path,
    value: dict[str, Any],
):
    row = {"contactPointId": point(consents), "channel": "email", "purposeId": consents.purposes["news"]}

    answer = asked(consents, CONSENT, i={**row, "products": value})
    assert code(answer) in ("BAD_QUERY", "BAD_REQUEST", "VALIDATION_FAILED", "REFUSED_BY_PLUGIN"), answer
    file = {"contact_point": row["contactPointId"], "purpose": row["purposeId"], "channel": "email"}
    assert not {"written 1"} & {*imported(consents, tmp_path, "consent", [{**file, "products": json.dumps(value)}])}
    assert consents.rows("consents", "id") == []


def test_nesting_without_end_breaks_nothing(consents: Consents):  # noqa: F811
    headers = {"Authorization": f"Bearer {consents.admin.token}", "Content-Type": "application/json"}
    for depth, said in ((1_000, (422, "QUERY_TOO_LARGE")), (100_000, (400, "BAD_REQUEST"))):
        deep = '{"a":' * depth + "1" + "}" * depth
        query = json.dumps("mutation ($i: CreateConsentInput!) { createConsent(input: $i) { id } }")
        body = f'{{"query": {query}, "variables": {deep}}}'
        answer = consents.xrm.http.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, code(answer.json())) == said


def test_nothing_that_came_in_may_be_sent_to(consents: Consents, tmp_path: Path):  # noqa: F811
    # given «opt-in = true» for each channel by each door, about somebody else's person, text and guardian
    consents.consent("ben@example.com", person={"dataSubject": consents.xrm.create("data_subject", {})})
    [ben] = consents.rows("consents", "id dataSubject { id }")
    kinds = {"email": "email", "phone": "phone", "sms": "phone", "robocall": "phone", "post": "post"}
    values = {"email": ADA, "phone": "+4930123456", "post": "Ada, Hauptstr. 1, Berlin"}
    points = {kind: point(consents, value, kind) for kind, value in values.items()}
    for channel, kind in kinds.items():
        more = {"explicit": True, "collectionMethod": "phone", "evidenceText": "opt-in = true", "source": "old.csv"}
        about = {"declarationId": consents.declaration, "dataSubjectId": ben["dataSubject"]["id"]}
        row = {"contactPointId": points[kind], "channel": channel, "purposeId": consents.purposes["marketing"]}
        made = consents.admin.query(CONSENT, i={**row, **more, **about, "guardianConsentId": ben["id"]})[
            "createConsent"
        ]
        assert made["status"] == "unproven"
        file = {"contact_point": points[kind], "purpose": row["purposeId"], "channel": channel, "explicit": "true"}
        assert imported(consents, tmp_path, "consent", [file]) == ["written 1"]
    # and preferences, that want everything, and purposes below
    wish = "mutation ($i: CreatePreferenceInput!) { createPreference(input: $i) { id } }"
    for each in points.values():
        consents.admin.query(wish, i={"contactPointId": each, "wish": "wanted", "mostPerDay": 1000})
    more = {"key": "fresh", "name_de": "x", "name_en": "x", "parent": consents.purposes["news"]}
    consents.xrm.create("consent_purpose", more)

    # then none of it allows anything
    for (channel, kind), purpose in itertools.product(kinds.items(), ("marketing", "news", "fresh")):
        for given in ({}, {"products": ["x"]}, {"category": "presses", "notice": True}):
            assert consents.permit(values[kind], purpose, channel, **given) == "E_NO_BASIS"
    # nor does it end what was there
    assert consents.permit("ben@example.com") == "C_CONSENT"
    assert {each["explicit"] for each in consents.rows("consents", "explicit", "{status: {eq: unproven}}")} == {False}


def standing(consents: Consents) -> dict[str, list[str]]:  # noqa: F811
    """Records that actions have written, two of each entity at least."""
    contact = consents.xrm.create("contact", {"last_name": "Lovelace", "email": ADA})
    other = consents.xrm.create("contact", {"last_name": "Byron", "email": "eve@example.com"})
    for to, record in ((ADA, contact), ("eve@example.com", other)):
        person = {"entity": "contact", "record": record}
        consents.consent(to, person=person)
        assert consents.claim(to)["allowed"]
        consents.prefer(to, wish="wanted", mostPerDay=3)
        consents.object(to, purpose="events")
        values = {"key": f"n{record[-6:]}", "language": "de", "edition": 1, "article": "article_13", "text": "x"}
        notice = consents.xrm.create("privacy_notice", values)
        deliver = "mutation ($i: DsgvoNoticeDeliverInput!) { dsgvoNoticeDeliver(input: $i) { delivery } }"
        consents.admin.query(deliver, i={"notice": notice, "person": person, "to": to})
        owe = "mutation ($i: DsgvoNoticeOweInput!) { dsgvoNoticeOwe(input: $i) { duty } }"
        consents.admin.query(owe, i={"person": person, "source": "x", "collectedOn": "2026-01-01"})
    names = ("consent", "consent_event", "consent_use", "contact_point", "contact_point_holder", "data_subject")
    names += ("data_subject_link", "notice_delivery", "notice_duty", "objection", "preference", "suppression")
    return {name: [each["id"] for each in consents.rows(of_plural(consents, name), "id")][:2] for name in names}


def of_plural(consents: Consents, entity: str) -> str:  # noqa: F811
    return naming.camel(consents.xrm.platform.model[entity].plural)


def test_what_was_written_is_changed_deleted_and_merged_by_nobody(consents: Consents):  # noqa: F811
    found = standing(consents)
    model, before = consents.xrm.platform.model, state(consents.xrm)
    assert all(len(each) == 2 for each in found.values())

    for entity, (first, second) in found.items():
        name, plural = naming.pascal(entity), naming.pascal(model[entity].plural)
        for document in (
            f"mutation ($a: ID!, $b: ID!) {{ merge{plural}(into: $a, from: [$b]) {{ record {{ id }} }} }}",
            f"mutation ($a: ID!, $b: ID!) {{ merge{plural}(into: $b, from: [$a]) {{ record {{ id }} }} }}",
            f"mutation ($a: ID!) {{ delete{name}(id: $a) {{ id }} }}",
            f"mutation ($a: ID!, $b: ID!) {{ delete{plural}(ids: [$a, $b]) {{ count }} }}",
        ):
            given = {"a": first, "b": second} if "$b" in document else {"a": first}
            assert code(asked(consents, document, **given)) in REFUSALS, (entity, document)
        for each in model[entity].fields.values():
            if not each.writable or each.name in FREE.get(entity, ()):
                continue
            given = {named(each): [*each.enum][-1] if each.enum else plausible(each)}
            for document, more in (
                (
                    f"mutation ($a: ID!, $i: Update{name}Input!) {{ update{name}(id: $a, input: $i) {{ id }} }}",
                    {"a": first},
                ),
                (f"mutation ($i: Update{name}Input!) {{ update{plural}(where: {{}}, set: $i) {{ count }} }}", {}),
            ):
                answer = asked(consents, document, i=given, **more)
                assert "errors" not in answer or code(answer) in REFUSALS, (entity, given, answer)
        assert state(consents.xrm)[entity] == before[entity], entity

    assert state(consents.xrm) == before


REFUSALS = ("REFUSED_BY_PLUGIN", "BULK_REFUSED", "MERGE_CONFLICT", "RECORD_IN_USE", "VALIDATION_FAILED")
FREE = {
    "contact_point": ("role_mailbox",),
    "data_subject": ("minor_until", "party"),
    "preference": (
        *("topic", "channel", "wish", "quiet_from", "quiet_until", "language"),
        *("most_per_day", "most_per_week", "most_per_month"),
    ),
}
"""What people may change of these: it narrows what may be sent, or says who somebody is."""


def test_purposes_and_texts_under_which_somebody_has_consented_become_no_others(consents: Consents):  # noqa: F811
    consents.consent(ADA, "news")
    text = {"key": "all", "language": "de", "edition": 1, "text": "Ja, schickt mir alles."}
    other = consents.xrm.create("consent_declaration", text)
    before = state(consents.xrm)

    for plural, into, from_ in (
        ("ConsentPurposes", consents.purposes["events"], consents.purposes["news"]),
        ("ConsentDeclarations", other, consents.declaration),
    ):
        document = f"mutation ($a: ID!, $b: ID!) {{ merge{plural}(into: $a, from: [$b]) {{ record {{ id }} }} }}"
        assert code(asked(consents, document, a=into, b=from_)) in REFUSALS

    assert state(consents.xrm) == before
    assert consents.permit(ADA, "events") == "E_NO_BASIS"


@pytest.mark.parametrize(
    ("entity", "values"),
    [
        ("contact_point", {"kind": "post", "value": "restricted:" + "a" * 64}),
        ("contact_point", {"kind": "account", "value": " Restricted:" + "a" * 64}),
        ("data_subject", {"status": "erased"}),
        ("data_subject", {"deceased": True}),
        ("data_subject_link", {"data_subject": "$subject", "entity_name": "nothing", "record_id": "$contact"}),
        ("data_subject_link", {"data_subject": "$subject", "entity_name": "contact", "record_id": "$subject"}),
        ("data_subject_link", {"data_subject": "$subject", "entity_name": "data_subject", "record_id": "$subject"}),
        ("data_subject_link", {"data_subject": "$subject", "entity_name": "consent_purpose", "record_id": "$purpose"}),
        ("notice_delivery", {"contact_point": "$point", "notice_version": "x", "delivered_at": LATER}),
        ("notice_delivery", {"notice_version": "x", "delivered_at": LONG_AGO}),
        ("customer_exception", {"status": "stale"}),
        ("customer_exception", {"collected_at": LATER}),
        ("customer_exception", {"order_ref": " "}),
        ("customer_exception", {"notice_at_collection": " "}),
        ("customer_exception", {"proof_from": LATER}),
        ("assessment", {"status": "approved"}),
        ("assessment", {"approved_at": LONG_AGO}),
        ("sending_template", {"status": "approved"}),
        ("processing_contract", {"status": "active"}),
    ],
)
def test_what_people_write_themselves_says_nothing_that_is_to_be_shown(
    consents: Consents,  # noqa: F811
    entity: str,
    values: dict[str, Any],
):
    create, known = consents.xrm.create, {"$purpose": consents.purposes["news"]}
    known["$subject"], known["$point"] = create("data_subject", {}), point(consents)
    known["$contact"] = create("contact", {"last_name": "Lovelace"})
    sold = {"order_ref": "A-1", "product_category": "presses", "notice_at_collection": "x", "collected_at": LONG_AGO}
    whole: dict[str, dict[str, Any]] = {
        "customer_exception": {"contact_point": known["$point"], **sold},
        "assessment": {
            "kind": "legitimate_interests",
            "purpose": known["$purpose"],
            "reasons": "x",
            "review_on": "2999-01-01",
        },
        "sending_template": {"key": "t", "edition": 1, "kind": "transactional", "wording": "x"},
        "processing_contract": {
            "kind": "processing",
            "processor": "$processor",
            "valid_from": "2020-01-01",
            "signed_on": "2020-01-01",
        },
    }
    if entity == "processing_contract":
        known["$processor"] = create("processor", {"key": "host", "name": "Host", "role": "processor", "country": "DE"})
    given = {name: known.get(str(value), value) for name, value in {**whole.get(entity, {}), **values}.items()}
    if entity in whole and entity != "customer_exception":
        plain = {name: value for name, value in given.items() if name not in values}
        create(entity, plain)  # it would be taken without that
    before = state(consents.xrm)

    name, kind = naming.pascal(entity), consents.xrm.platform.model[entity]
    said = {named(kind[key]): value for key, value in given.items()}
    document = f"mutation ($i: Create{name}Input!) {{ create{name}(input: $i) {{ id }} }}"
    assert code(asked(consents, document, i=said)) == "REFUSED_BY_PLUGIN"
    assert state(consents.xrm) == before

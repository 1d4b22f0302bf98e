"""The states of a consent are a fold over its events, whatever is tried in whatever order (I16)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xrm_dsgvo.consent.states import ENDED, EVENTS, STATES, NotPossible, after, fold

from tests.dsgvo.consents import CONFIRM, REQUEST, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.replay import violations

EVIDENCE = {"confirmed", "recorded"}


@pytest.mark.invariant("I16")
@given(st.lists(st.sampled_from(EVENTS), max_size=8))
def test_only_evidence_leads_to_given_and_what_has_ended_stays(events: list[str]):
    states: list[str | None] = [None]
    done: list[str] = []
    for event in events:
        try:
            states.append(after(states[-1], event))
        except NotPossible:
            continue
        done.append(event)

    assert fold(done) == states[-1]
    assert set(states) <= {None, *STATES}
    if states[-1] == "given":
        assert EVIDENCE & set(done)
        assert not {"withdrawn", "expired", "lapsed", "invalidated", "superseded", "imported"} & set(done)
    for place, state in enumerate(states[:-1]):
        assert state not in ENDED, (done, place)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["request", "confirm", "confirm", "claim", "claim", "withdraw", "invalidate", "object", "write", "import"]
        ),
        st.sampled_from(["ada@example.com", "ben@example.com"]),
        st.sampled_from(["news", "events", "marketing"]),
    ),
    min_size=4,
    max_size=9,
)
INVALIDATE = 'mutation ($id: ID!) { invalidateConsent(id: $id, input: {because: "x"}) { id } }'
WRITE = "mutation ($id: ID!) { updateConsent(id: $id, input: {status: given}) { id } }"
IMPORT = "mutation ($i: CreateConsentInput!) { createConsent(input: $i) { id } }"


def act(consents: Consents, step: tuple[str, str, str], tokens: dict[str, str]) -> None:  # noqa: F811
    what, to, purpose = step
    if what == "request":
        # who is asked too often is not asked once more
        data = consents.admin.post(REQUEST, i=consents.given(to, purpose)).json().get("data")
        link = data and data["dsgvoConsentRequest"]["link"]
        tokens |= {data["dsgvoConsentRequest"]["consent"]: link.rpartition("/")[2]} if link else {}
    elif what == "claim":
        consents.claim(to, purpose)
    elif what == "object":
        consents.object(to, purpose=purpose)
    elif what == "import":
        point = consents.rows("contactPoints", "id", f'{{value: {{eq: "{to}"}}}}')
        row = {"channel": "email", "purposeId": consents.purposes[purpose], "source": "opt-in = true"}
        for each in point:
            consents.admin.query(IMPORT, i={**row, "contactPointId": each["id"]})
    elif what == "confirm":
        for token in tokens.values():
            consents.admin.post(CONFIRM, t=token)
    else:
        document = {"invalidate": INVALIDATE, "write": WRITE}.get(what)
        for each in consents.rows("consents", "id"):
            if document is None:
                consents.withdraw(each["id"])
            else:
                consents.admin.post(document, id=each["id"])


def check(consents: Consents, before: dict[str, list[Any]]) -> dict[str, list[Any]]:  # noqa: F811
    """Each consent is where its events lead, and they have only grown. Answers them."""
    found = {}
    for each in consents.rows("consents", "id status events { nodes { position kind } }"):
        events = sorted((one["position"], one["kind"]) for one in each["events"]["nodes"])
        assert [position for position, _ in events] == list(range(1, len(events) + 1))
        assert fold(kind for _, kind in events) == each["status"]
        found[each["id"]] = events
    for id_, events in before.items():
        assert found[id_][: len(events)] == events
    return found


@pytest.mark.invariant("I12", "I16")
@pytest.mark.usefixtures("consents")
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_done_the_status_is_that_of_the_events(consents: Consents, steps):  # noqa: F811
    tokens: dict[str, str] = {}
    history = check(consents, {})
    for step in steps:
        act(consents, step, tokens)
    check(consents, history)
    assert violations(consents) == []

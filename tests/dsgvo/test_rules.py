"""The rules of the gate, held against the table of the paper, written down once more in other words (I14, I15)."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_dsgvo.channels import Channel
from xrm_dsgvo.purposes import Purposes
from xrm_dsgvo.sending.deciding import Circumstances, decide
from xrm_dsgvo.sending.draft import GERMAN, REASONS, Draft, Kind
from xrm_dsgvo.sending.facts import Facts

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = Circumstances(NOW, "Kern KG", NOW - timedelta(days=730))
TREE = [
    {"id": "all", "key": "all", "parent": None},
    {"id": "news", "key": "news", "parent": "all"},
    {"id": "other", "key": "other", "parent": None},
]
ABOVE = {"news": {"news", "all"}, "all": {"all"}, "other": {"other"}}
DAYS = st.sampled_from([-900, -731, -729, *range(-60, 0, 5)]).map(lambda days: (NOW + timedelta(days=days)).isoformat())
PURPOSES = st.sampled_from(list(ABOVE))
MAYBE = st.none() | PURPOSES


def ref(id_: str | None) -> dict[str, str] | None:
    return None if id_ is None else {"id": id_}


SUBJECT = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["ada", "ben"]),
        "status": st.sampled_from(["active"] * 12 + ["restricted", "erasing", "erased"]),
        "party": st.sampled_from(["consumer", "business"]),
        "minorUntil": st.sampled_from([None] * 6 + ["2026-05-01", "2026-06-02"]),
        "deceased": st.sampled_from([False] * 6 + [True]),
    }
)
CONSENT = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["c1", "c2", "c3"]),
        "products": st.sampled_from([None, None, None, {"names": ["press"]}]),
        "controllers": st.sampled_from([{"names": ["Kern KG"]}] * 4 + [{"names": ["Other"]}, None]),
        "confirmedAt": DAYS | DAYS | DAYS | st.none(),
        "grantedAt": DAYS,
        "lastUsedAt": st.none() | DAYS,
        "keptUntil": st.sampled_from([None] * 6 + ["2026-05-31", "2026-06-01", "2026-12-31"]),
        "explicit": st.sampled_from([True, True, False]),
        "collectionMethod": st.sampled_from(["web", "phone", "web", "import"]),
        "evidenceText": st.sampled_from(["Recording", "Recording", None]),
        "declaration": st.sampled_from([{"id": "d"}, {"id": "d"}, None]),
        "purpose": st.sampled_from(["news", "news", "all", "other"]).map(ref),
        "dataSubject": st.none() | SUBJECT,
        "guardianConsent": st.sampled_from([None] * 4 + [{"status": "given"}, {"status": "withdrawn"}]),
    }
)
PREFERENCE = st.fixed_dictionaries(
    {
        "channel": st.sampled_from([None, "email", "phone"]),
        "wish": st.sampled_from(["wanted", "wanted", "wanted", "neutral", "unwanted"]),
        "mostPerDay": st.sampled_from([None, None, None, 0]),
        "mostPerWeek": st.sampled_from([None, None, None, 0]),
        "mostPerMonth": st.sampled_from([None, None, None, 0]),
        "quietFrom": st.sampled_from([None, None, "22:00:00", "11:00:00"]),
        "quietUntil": st.sampled_from([None, "07:00:00", "13:00:00"]),
        "topic": MAYBE.map(ref),
    }
)
HIT = st.fixed_dictionaries(
    {
        "channel": st.sampled_from([None, "email", "phone"]),
        "reason": st.sampled_from(["objection", "withdrawal", "complaint", "bounce"]),
        "at": DAYS,
        "purpose": MAYBE.map(ref),
    }
)
LIVES = st.fixed_dictionaries({"reviewOn": st.sampled_from(["2026-06-01", "2027-01-01"]), "purpose": PURPOSES.map(ref)})
EXCEPTION = st.fixed_dictionaries(
    {
        "id": st.just("e"),
        "orderRef": st.sampled_from(["A-1", "A-1", None]),
        "productCategory": st.sampled_from(["presses", "lathes"]),
        "noticeAtCollection": st.sampled_from(["You can object."] * 2 + [None]),
    }
)
FACTS = st.builds(
    Facts,
    purposes=st.just(Purposes(TREE)),
    point=st.just("p"),
    holders=st.lists(SUBJECT, max_size=2),
    consents=st.lists(CONSENT, min_size=1, max_size=3),
    preferences=st.lists(PREFERENCE, max_size=1),
    exceptions=st.lists(EXCEPTION, min_size=1, max_size=1),
    presumed=st.lists(LIVES, max_size=1),
    told=st.booleans(),
    suppressions=st.lists(HIT, max_size=1),
    interests=st.lists(LIVES, max_size=1),
)
DRAFTS = st.builds(
    Draft,
    channel=st.sampled_from([Channel.email, Channel.email, Channel.sms, Channel.phone, Channel.post, Channel.fax]),
    to=st.just("x"),
    kind=st.sampled_from([Kind.advertising, Kind.advertising, Kind.transactional, Kind.legal]),
    purpose=st.sampled_from(["news", "news", "news", "all", "nothing", None]),
    advertising_free=st.booleans(),
    products=st.sampled_from([[], [], [], ["press"], ["press", "lathe"]]),
    product_category=st.sampled_from(["presses", None]),
    controller=st.sampled_from([None, None, None, "Other"]),
    opt_out_notice=st.booleans(),
)


def allowed_codes(draft: Draft, facts: Facts) -> set[str]:
    """What would allow it: each reason by itself, with all that it needs; not in the words of the code."""
    states = [each["status"] for each in facts.holders]
    minors = [each for each in facts.holders if each["minorUntil"] and each["minorUntil"] > "2026-06-01"]
    if "erasing" in states or "erased" in states or ("restricted" in states and draft.kind is not Kind.legal):
        return set()
    if draft.advertising_free and draft.kind is not Kind.advertising:
        return {"T_CONTRACT"}
    if draft.purpose not in ABOVE:
        return set()
    about, way = ABOVE[draft.purpose], draft.channel.value
    for each in facts.preferences:
        if (each["topic"] and each["topic"]["id"] not in about) or each["channel"] not in (None, way):
            continue
        begins, ends = each["quietFrom"], each["quietUntil"]
        awake = not (begins and ends) or (begins, ends) in {("22:00:00", "07:00:00"), ("22:00:00", "13:00:00")}
        if (begins, ends) == ("22:00:00", "13:00:00"):
            awake = False
        if (begins, ends) == ("11:00:00", "07:00:00"):
            awake = False
        none = 0 in (each["mostPerDay"], each["mostPerWeek"], each["mostPerMonth"])
        if each["wish"] == "unwanted" or none or not awake:
            return set()
    blocks = [
        hit
        for hit in facts.suppressions
        if (hit["channel"] is None or hit["channel"] == way) and (not hit["purpose"] or hit["purpose"]["id"] in about)
    ]
    found = set()
    business = facts.holders != [] and {each["party"] for each in facts.holders} == {"business"}
    if any(usable(each, draft, facts, blocks, bool(minors), business) for each in facts.consents):
        found.add("C_PHONE" if way == "phone" else "C_CONSENT")
    if blocks or minors or any(each["deceased"] for each in facts.holders):
        return found
    live = [each["purpose"]["id"] in about and each["reviewOn"] == "2027-01-01" for each in facts.presumed]
    sold = [
        each["productCategory"] == "presses" == draft.product_category
        and each["orderRef"]
        and each["noticeAtCollection"]
        for each in facts.exceptions
    ]
    if way in ("email", "sms") and draft.opt_out_notice and any(sold):
        found.add("C_CUSTOMER")
    if way == "phone" and business and any(live):
        found.add("C_PHONE")
    weighed = [each["purpose"]["id"] in about and each["reviewOn"] == "2027-01-01" for each in facts.interests]
    if way == "post" and facts.told and any(weighed):
        found.add("C_POST")
    return found


def usable(consent: Any, draft: Draft, facts: Facts, blocks: list[Any], minors: bool, business: bool) -> bool:
    way, who = draft.channel.value, draft.controller or "Kern KG"
    if consent["purpose"]["id"] not in ABOVE[str(draft.purpose)] or who not in (consent["controllers"] or {}).get(
        "names", []
    ):
        return False
    limited = consent["products"] is not None
    if limited != bool(draft.products) or (limited and draft.products != ["press"]):
        return False
    if way in ("email", "sms", "messenger"):
        if not consent["confirmedAt"]:
            return False
    elif not consent["evidenceText"]:
        return False
    whole = consent["explicit"] and consent["declaration"] and consent["collectionMethod"] != "import"
    if way == "phone" and not business and not whole:
        return False
    latest = max(filter(None, (consent["confirmedAt"], consent["grantedAt"], consent["lastUsedAt"])))
    if consent["keptUntil"] == "2026-05-31":
        return False
    if not consent["keptUntil"] and datetime.fromisoformat(latest) < NOW - timedelta(days=730):
        return False
    whose = consent["dataSubject"]
    if any(each["deceased"] for each in facts.holders) and (whose is None or whose["deceased"]):
        return False
    child = consent["dataSubject"] is not None and consent["dataSubject"]["minorUntil"] == "2026-06-02"
    guardian = consent["guardianConsent"]
    if minors and not (child and guardian and guardian["status"] == "given"):
        return False
    if guardian and not child:  # grown up since: now it is theirs to say
        return False
    if guardian and guardian["status"] != "given" and minors:
        return False
    for hit in blocks:
        within = not hit["purpose"] or hit["purpose"]["id"] in ABOVE[consent["purpose"]["id"]]
        later = consent["confirmedAt"] and consent["confirmedAt"] > hit["at"]
        if hit["reason"] in ("complaint", "bounce") or len(facts.holders) > 1 or not within or not later:
            return False
    return True


def near(rng: Random) -> tuple[Draft, Facts]:
    """A message that may go, but for some things that are otherwise: most of what is drawn freely is denied anyway."""

    def pick(good: Any, *others: Any) -> Any:
        return good if rng.random() < 0.85 else rng.choice(others)

    def day(good: int) -> str:
        return (NOW + timedelta(days=pick(good, -900, -731, -729, -40, -20, -1))).isoformat()

    way = rng.choice(["email", "email", "email", "sms", "phone", "post", "fax"])
    news, person = ref("news"), pick(1, 0, 2)
    holders = [
        {
            "id": f"s{number}",
            "status": pick("active", "restricted", "erasing", "erased"),
            "party": rng.choice(["consumer", "business"]),
            "minorUntil": pick(None, "2026-05-01", "2026-06-02"),
            "deceased": pick(False, True),
        }
        for number in range(person)
    ]
    consent = {
        "id": "c",
        "products": pick(None, {"names": ["press"]}),
        "controllers": pick({"names": ["Kern KG"]}, {"names": ["Other"]}, None),
        "confirmedAt": pick(day(-10), None),
        "grantedAt": day(-10),
        "lastUsedAt": pick(None, day(-5)),
        "keptUntil": pick(None, "2026-05-31", "2026-06-01"),
        "explicit": pick(True, False),
        "collectionMethod": pick("web", "phone", "import"),
        "evidenceText": pick("Recording", None),
        "declaration": pick({"id": "d"}, None),
        "purpose": ref(rng.choice(["news", "news", "news", "all", "other"])),
        "dataSubject": holders[0] if holders else None,
        "guardianConsent": pick(None, {"status": "given"}, {"status": "withdrawn"}),
    }
    hit = {
        "channel": pick(None, "email", "phone"),
        "reason": pick("objection", "withdrawal", "complaint", "bounce"),
        "at": day(-30),
        "purpose": ref(rng.choice([None, "news", "all", "other"])),
    }
    wish = {
        "channel": pick(None, "email"),
        "wish": pick("wanted", "unwanted", "neutral"),
        "mostPerDay": pick(None, 0),
        "mostPerWeek": pick(None, 0),
        "mostPerMonth": pick(None, 0),
    }
    wish |= {"quietFrom": pick(None, "11:00:00", "22:00:00"), "quietUntil": pick("07:00:00", "13:00:00", None)}
    bought = {"id": "e", "orderRef": pick("A-1", None), "productCategory": pick("presses", "lathes")}
    facts = Facts(
        purposes=Purposes(TREE),
        point="p",
        holders=holders,
        consents=[consent] if rng.random() < 0.6 else [],
        preferences=[{**wish, "topic": ref(pick("news", None, "all", "other"))}] if rng.random() < 0.3 else [],
        exceptions=[{**bought, "noticeAtCollection": pick("You can object.", None)}] if rng.random() < 0.5 else [],
        presumed=[{"reviewOn": pick("2027-01-01", "2026-06-01"), "purpose": news}] if rng.random() < 0.5 else [],
        told=rng.random() < 0.7,
        suppressions=[hit] if rng.random() < 0.4 else [],
        interests=[{"reviewOn": pick("2027-01-01", "2026-06-01"), "purpose": ref(pick("all", "other"))}],
    )
    kind = pick(Kind.advertising, Kind.transactional, Kind.legal)
    draft = Draft(
        Channel(way), "x", kind, purpose=pick("news", "all", "nothing", None), advertising_free=rng.random() < 0.5
    )
    draft.products, draft.controller = pick([], ["press"], ["press", "lathe"]), pick(None, "Other")
    draft.product_category, draft.opt_out_notice = pick("presses", None), pick(True, False)
    return draft, facts


@pytest.mark.invariant("I12")
def test_the_gate_lets_go_what_the_law_lets_go_and_nothing_else():
    many = 300_000 if os.environ.get("XRM_HYPOTHESIS") == "night" else 6_000
    rng, seen = Random(8), set()
    for _ in range(many):
        draft, facts = near(rng)

        at = replace(AT, barred=rng.random() < 0.02)

        verdict = decide(draft, facts, at)

        reasons = set() if at.barred else allowed_codes(draft, facts)
        assert verdict.allowed == bool(reasons), (draft, facts, verdict, reasons)
        assert not verdict.allowed or verdict.code in reasons, (draft, facts, verdict, reasons)
        assert (verdict.consent is not None) == (verdict.code == "C_CONSENT") or verdict.code == "C_PHONE"
        seen.add(verdict.code)
    assert seen == set(REASONS) - {"E_NO_KEY", "E_TEMPLATE"}  # those are said before anything is looked at


@pytest.mark.invariant("I14")
@given(DRAFTS, FACTS, st.lists(PREFERENCE, min_size=1, max_size=3))
def test_preferences_only_narrow(draft: Draft, facts: Facts, preferences: list[dict[str, Any]]):
    wanted = [{**each, "wish": "wanted"} for each in preferences]
    facts.preferences = []
    before = decide(draft, facts, AT)
    facts.preferences = wanted

    verdict = decide(draft, facts, AT)

    assert verdict.code in (before.code, "P_PREFERENCE")


@given(DRAFTS, FACTS)
def test_one_more_who_is_reached_there_widens_nothing(draft: Draft, facts: Facts):
    # a merge, or a second person at one address
    holders, facts.holders = facts.holders, facts.holders[:1]
    business = all(each["party"] == "business" for each in facts.holders)
    before = decide(draft, facts, AT)
    facts.holders = holders

    verdict = decide(draft, facts, AT)

    assert before.allowed or not verdict.allowed or (not facts.holders[:1] and business)


def test_each_code_is_told_in_both_languages():
    assert GERMAN.keys() == REASONS.keys()

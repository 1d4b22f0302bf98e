"""What a sales plugin would bring, over GraphQL alone: a stage with guard and history, a role, words, a format."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from xrm_core.api import (
    HookContext,
    Keyword,
    KeywordMistake,
    Model,
    On,
    RecordChange,
    RecordEvent,
    Refuse,
    TextFormat,
    Texts,
    hookimpl,
)
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.testing import Setup, Xrm

TEXT = {"type": "string"}
FILES = {
    "user": {
        "x-entity": "user",
        "type": "object",
        "required": ["name", "email"],
        "properties": {
            "name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "language": TEXT,
        },
    },
    "deal": {
        "x-entity": "deal",
        "type": "object",
        "required": ["name"],
        "x-labels": {"de": "Chance", "en": "Deal"},
        "x-deals-kept": {"years": 6},
        "properties": {
            "name": TEXT,
            "stage": {**TEXT, "enum": ["new", "offer", "won"], "default": "new"},
            "amount": {"type": "integer"},
            "close_date": {**TEXT, "format": "date"},
            "account": {**TEXT, "format": "deals-iban"},
        },
    },
    "payer": {
        "x-entity": "payer",
        "type": "object",
        "x-deals-kept": {"years": 6},
        "properties": {"account": {**TEXT, "format": "deals-iban"}},
    },
    "step": {
        "x-entity": "step",
        "type": "object",
        "x-deals-kept": {"years": 6},
        "properties": {
            "stage": TEXT,
            "told": {"type": "boolean", "default": False},
            "deal": {"x-relation": {"to": "deal", "inverse": "steps", "on_delete": "cascade"}},
        },
    },
}
PO = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "A deal in {stage} needs more."
msgstr "Eine Chance in {stage} braucht mehr."

msgid "is needed"
msgstr "wird gebraucht"

msgid "is no account"
msgstr "ist kein Konto"
"""


class Deals:
    """The plugin; ``folder`` has its texts and its roles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "locale" / "de").mkdir(parents=True)
        (folder / "locale" / "de" / "deals.po").write_text(PO)
        (folder / "roles.json").write_text('{"roles": {"seller": {"labels": {"en": "Seller"}}}}')
        rows = [
            "role,entity,action,fields,rule,effect",
            "seller,deal,*,*,,allow",
            "seller,payer,*,*,,allow",
            "seller,step,read,*,,allow",
        ]
        (folder / "policies.csv").write_text("\n".join(rows) + "\n")

    @hookimpl
    def register_roles(self) -> list[Path]:
        return [self.folder]

    @hookimpl
    def register_translations(self) -> list[Texts]:
        return [Texts(self.folder / "locale")]

    @hookimpl
    def register_keywords(self) -> list[Keyword]:
        return [Keyword("x-deals-kept", {"type": "object", "required": ["years"]}, ("entity",), check=kept)]

    @hookimpl
    def register_text_formats(self) -> list[TextFormat]:
        wrong = "is no account"
        return [TextFormat("deals-iban", lambda text: None if text[:2].isalpha() else wrong, str.upper)]

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        return [
            On("deal", "update", fields=("stage",), before=guard),
            On("deal", ("create", "update"), fields=("stage",), before=history),
            On("step", "create", after=tell),
        ]


def kept(model: Model) -> Iterator[KeywordMistake]:
    """Of each entity but that of users it is said how long its records are kept."""
    for entity in model:
        if entity.name != "user" and "x-deals-kept" not in entity.annotations:
            yield KeywordMistake(entity.name, "Nobody says how long.", 'Add "x-deals-kept": {"years": 6}.')


def guard(change: RecordChange) -> None:
    needed = {"offer": ("amount",), "won": ("amount", "close_date")}.get(change.changes["stage"], ())
    problems = {name: "is needed" for name in needed if change.after[name] is None}
    if problems:
        values = {"stage": change.changes["stage"]}
        raise Refuse("A deal in {stage} needs more.", field="stage", problems=problems, values=values)


def history(change: RecordChange) -> Mapping[str, Any] | None:
    def note(context: HookContext, id_: str) -> None:
        step = {"deal": id_, "stage": change.changes["stage"]}
        context.records.create(context.connection, context.system, "step", step)

    change.then(note)
    return None


def tell(event: RecordEvent) -> None:
    event.records.update(event.connection, event.caller, "step", event.record_id, {"told": True})


@pytest.fixture(scope="session")
def xrm_setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    return Setup(
        {"deals": Deals(tmp_path_factory.mktemp("deals"))},
        pack=None,
        files=FILES,
        roles={"roles": {"admin": {}}},
        policies=["admin,*,*,*,,allow"],
    )


CREATE = 'mutation ($account: String) { createDeal(input: {name: "A", account: $account}) { id version account } }'
MOVE = "mutation ($id: ID!, $input: UpdateDealInput!) { updateDeal(id: $id, input: $input) { stage } }"
STEPS = "{ steps(orderBy: {id: ASC}) { nodes { stage told } } }"


def test_a_deal_is_moved_through_its_stages(xrm: Xrm) -> None:
    seller = xrm.as_role("seller")
    deal = seller.query(CREATE, account="de 1")["createDeal"]
    assert deal["account"] == "DE 1"

    # what is missing for a stage is told at once, in the language of whoever asks, and nothing has happened
    german = {"Accept-Language": "de-AT"}
    answer = seller.post(MOVE, headers=german, id=deal["id"], input={"stage": "won"}).json()
    [error] = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "Eine Chance in won braucht mehr.",
        "REFUSED_BY_PLUGIN",
    )
    assert error["extensions"]["details"] == {
        "plugin": "deals",
        "entity": "deal",
        "field": "stage",
        "problems": [
            {"field": "amount", "message": "wird gebraucht"},
            {"field": "close_date", "message": "wird gebraucht"},
        ],
    }
    assert "A deal in offer needs more." in str(
        seller.refused(MOVE, "REFUSED_BY_PLUGIN", id=deal["id"], input={"stage": "offer"})
    )
    # fields that are no stage are not the plugin's business
    seller.query(MOVE, id=deal["id"], input={"amount": 5})
    seller.query(MOVE, id=deal["id"], input={"stage": "offer"})
    seller.query(MOVE, id=deal["id"], input={"stage": "won", "closeDate": "2026-12-24"})

    xrm.work()
    steps = seller.query(STEPS)["steps"]["nodes"]
    assert steps == [{"stage": stage, "told": True} for stage in ("new", "offer", "won")]
    # who may see steps may not write them: the plugin does
    assert "createStep" not in str(seller.query("{ __schema { mutationType { fields { name } } } }"))


def test_what_has_no_form_is_a_problem_of_the_record(xrm: Xrm) -> None:
    answer = xrm.as_role("seller").post(CREATE, headers={"Accept-Language": "de"}, account="12").json()
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "VALIDATION_FAILED"
    [problem] = error["extensions"]["details"]["problems"]
    assert (problem["field"], problem["rule"], problem["message"]) == ("account", "format", "ist kein Konto")
    # also of an entity of which no hook is, whose simple changes take the short way
    seller = xrm.as_role("seller")
    create = "mutation ($account: String) { createPayer(input: {account: $account}) { id account } }"
    payer = seller.query(create, account="de 5")["createPayer"]
    assert payer["account"] == "DE 5"
    update = "mutation ($id: ID!, $account: String) { updatePayer(id: $id, input: {account: $account}) { account } }"
    assert seller.query(update, id=payer["id"], account="fr 5") == {"updatePayer": {"account": "FR 5"}}
    seller.refused(create, "VALIDATION_FAILED", account="5")
    seller.refused(update, "VALIDATION_FAILED", id=payer["id"], account="5")


def test_an_entity_of_which_nothing_is_said_does_not_load(
    tmp_path_factory: pytest.TempPathFactory, xrm_with: Any
) -> None:
    more = {"x-entity": "offer", "type": "object", "properties": {"name": TEXT}}
    setup = Setup(
        {"deals": Deals(tmp_path_factory.mktemp("deals"))},
        pack=None,
        files={**FILES, "offer": more},
        roles={"roles": {"admin": {}}},
        policies=["admin,*,*,*,,allow"],
    )
    with pytest.raises(SchemaFilesInvalid, match=r'Nobody says how long. Add "x-deals-kept": {"years": 6}.'):
        xrm_with(setup)

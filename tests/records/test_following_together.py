"""What follows many records that are written together: once, where it has a key."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from xrm_core.api import On, RecordChange, Refuse, hookimpl
from xrm_core.testing import Setup, Xrm

CREATE = "mutation ($input: [CreateLineInput!]!) { createLines(input: $input) { ids errors { code message } } }"


class Plugin:
    """Counts what it does; lines with the text ``bad`` make the sum fail."""

    done: Counter[str]

    def __init__(self) -> None:
        self.done = Counter()
        self.told: dict[str, list[str]] = {}

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        return [On("line", ("create", "update", "delete"), before=self.count)]

    def count(self, change: RecordChange) -> None:
        box = (change.after or change.before)["box"]
        found = change.read("box", box)
        assert found is not None
        found["name"] = "changed"  # a copy: the next one is told the true name
        first = change.find("line", {"text": {"eq": "first"}})
        self.done[f"saw {len(first)}"] += 1

        def each(context: Any, id_: str) -> None:
            assert context.ids == (id_,)
            self.done["each"] += 1

        def together(context: Any, id_: str) -> None:
            self.done[f"box {context.read('box', box)['name']}"] += 1
            assert context.ids[-1] == id_
            self.told[box] = list(context.ids)
            if context.find("line", {"text": {"eq": "bad"}}):
                raise Refuse("No bad lines.")

        change.then(each)
        change.then(together, key=("sum", box))


PLUGIN = Plugin()
LINE = {
    "x-entity": "line",
    "type": "object",
    "required": ["box"],
    "properties": {
        "text": {"type": "string"},
        "box": {"x-relation": {"to": "box", "inverse": "lines", "on_delete": "cascade"}},
    },
}
BOX = {"x-entity": "box", "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
USER = {
    "x-entity": "user",
    "type": "object",
    "required": ["name", "email"],
    "properties": {
        "name": {"type": "string"},
        "email": {"type": "string", "format": "email", "x-unique": True},
        "active": {"type": "boolean", "default": True},
    },
}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    policies = [f"clerk,{entity},*,*,,allow" for entity in ("line", "box")]
    files = {"user": USER, "line": LINE, "box": BOX}
    return Setup({"boxes": PLUGIN}, pack=None, files=files, roles={"roles": {"clerk": {}}}, policies=policies)


@pytest.fixture
def boxes(xrm: Xrm) -> SimpleNamespace:
    made = SimpleNamespace(clerk=xrm.as_role("clerk"), a=xrm.create("box", name="A"), b=xrm.create("box", name="B"))
    PLUGIN.done.clear()
    return made


def test_of_many_records_each_box_is_summed_up_once(boxes: SimpleNamespace):
    lines = [{"boxId": box, "text": text} for box, text in ((boxes.a, "first"), (boxes.a, "x"), (boxes.b, "y"))]

    created = boxes.clerk.query(CREATE, input=lines)["createLines"]

    assert PLUGIN.done == {"saw 0": 3, "each": 3, "box A": 1, "box B": 1}
    assert (PLUGIN.told[boxes.a], PLUGIN.told[boxes.b]) == (created["ids"][:2], created["ids"][2:])
    PLUGIN.done.clear()
    delete = "mutation ($ids: [ID!]!) { deleteLines(ids: $ids) { count } }"
    boxes.clerk.query(delete, ids=created["ids"])
    assert PLUGIN.done == {"saw 1": 3, "each": 3, "box A": 1, "box B": 1}


def test_what_is_done_once_refuses_all(boxes: SimpleNamespace):
    lines = [{"boxId": boxes.a, "text": text} for text in ("good", "bad")]

    refused = boxes.clerk.refused(CREATE, "BULK_REFUSED", input=lines)

    assert [each["message"] for each in refused.details["errors"]] == ["No bad lines."]
    assert boxes.clerk.query("{ lines { totalCount } }") == {"lines": {"totalCount": 0}}

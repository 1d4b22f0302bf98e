"""``x-log-reads``: all reads of an entity are kept, or those of some fields."""

import json
from typing import Any

import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of

PROPERTIES = {"name": {"type": "string"}, "iban": {"type": "string"}, "born_on": {"type": "string", "format": "date"}}


def layers(*said: Any) -> list[LayerSource]:
    """An entity whose file says the first, and extensions that say the others; None: nothing."""
    found = []
    for rank, value in enumerate(said):
        kind = ("core", "industry", "deployment")[rank]
        body: dict[str, Any] = {"x-entity": "person", "type": "object", "properties": PROPERTIES}
        if rank:
            body = {"x-extends": "person", "properties": {f"extra{rank}": {"type": "string"}}}
        if value is not None:
            body["x-log-reads"] = value
        found.append(LayerSource(kind, kind, texts=((f"{kind}.json", json.dumps(body, indent=1)),)))
    return found


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ((None,), ()),
        ((True,), ("*",)),
        ((["iban"],), ("iban",)),
        ((None, ["iban"]), ("iban",)),
        ((["iban"], ["born_on", "iban"]), ("iban", "born_on")),
        ((["iban"], ["extra1"], True), ("*",)),
        ((True, ["iban"]), ("*",)),
        ((True, None, True), ("*",)),
    ],
)
def test_layers_add_up_and_take_nothing_back(said: tuple[Any, ...], logged: tuple[str, ...]) -> None:
    model: Model = load(layers(*said))
    assert model["person"].log_reads == logged
    assert from_snapshot(to_snapshot(model)) == model
    written = json.loads(files_of(model)["person.json"])
    assert written.get("x-log-reads") == (True if logged == ("*",) else list(logged) or None)


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (False, "/x-log-reads"),
        ("iban", "/x-log-reads"),
        ([], "/x-log-reads"),
        (["iban", "iban"], "/x-log-reads/1"),
        (["nix"], "/x-log-reads/0"),
        (["id"], "/x-log-reads/0"),
        ([5], "/x-log-reads/0"),
        ({}, "/x-log-reads"),
    ],
)
def test_what_means_nothing_is_refused(value: Any, pointer: str) -> None:
    for said in ((value,), (None, value)):
        with pytest.raises(SchemaFilesInvalid) as caught:
            load(layers(*said))
        assert [problem.pointer for problem in caught.value.problems] == [pointer]

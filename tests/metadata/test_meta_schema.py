"""The published meta-schema: valid itself, described for editors, and read alike by two validators."""

import json
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from tests.metadata.pack import PACK
from tests.metadata.wrong_files import ALL
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.lines import Document, read
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.structure import check, explain, meta_schema


def readable() -> dict[str, Document]:
    """All right and wrong test files that are JSON."""
    texts = {name: wrong.text for name, wrong in ALL.items()} | {file: text for file, text, _ in PACK}
    found = {name: read(name, text, []) for name, text in texts.items()}
    return {name: document for name, document in found.items() if document is not None}


DOCUMENTS = readable()


def test_meta_schema_is_valid_json_schema_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(meta_schema())
    jsonschema_rs.meta.validate(meta_schema())


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_two_validators_agree(document: Document) -> None:
    assert (not check(document)) == (not explain(document))


def test_every_keyword_has_a_description_for_editors() -> None:
    definitions: dict[str, Any] = meta_schema()["$defs"]
    places = [("file", meta_schema()), *definitions.items()]
    for place, schema in places:
        for keyword, part in schema.get("properties", {}).items():
            target = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
            assert part.get("description") or target.get("description"), f"{place}: {keyword}"


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a network that reports each attempt to use it
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    # when a file refers to other places in all the ways that JSON Schema has
    for reference in (
        "http://127.0.0.1:9/x.json",
        "https://x.example/y",
        "file:///etc/passwd",
        "../x.json",
        "#/$defs/a",
    ):
        for keyword in ("$ref", "$id", "$dynamicRef", "$schema"):
            field = {"type": "string", keyword: reference}
            whole = {"x-entity": "a", "type": "object", keyword: reference, "properties": {"f": field}}
            with pytest.raises(SchemaFilesInvalid) as caught:
                load_texts([("a.json", json.dumps(whole), "core")])
            # then it is refused (save $schema at the top, which editors use), and nothing was opened
            pointers = {problem.pointer for problem in caught.value.problems}
            assert pointers == {f"/properties/f/{keyword}"} | (set() if keyword == "$schema" else {f"/{keyword}"})

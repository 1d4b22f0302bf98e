"""docs/fields.md: its entity files load, and its examples give the answers shown, on both databases."""

import json

from tests.docs.pages import DOCS, examples, marked
from tests.graphql import kit
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

PAGE = DOCS / "fields.md"


def model() -> Model:
    return load_texts([(block.label, block.text, "core") for block in marked(PAGE, "fields_file")])


def test_the_examples_of_types_and_rules_give_the_answers_shown(database: Database, database_url: str) -> None:
    # given the entity files of the page, when the examples are asked in its order
    files = model()
    apply(database, files)
    world = kit.World(files, kit.policies(files, ["admin,*,*,*,,allow"], {}), database_url, {})
    shown = list(examples(PAGE, "fields"))
    answers = [json.loads(world.body(example.role, example.query, example.variables)) for example in shown]
    world.close()
    # then each answer is the one on the page
    assert shown
    for example, answer in zip(shown, answers, strict=True):
        assert answer == example.answer, example.query

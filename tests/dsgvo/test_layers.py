"""What a deployment may say otherwise of what lies below, with the plugin and without."""

from typing import Any

import pytest

from tests.dsgvo.lint_kit import NAME, NULL, PACK, keywords, layer
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model

PERSON = {name: said for name, said in PACK["person"]["properties"].items() if name != "health"}
BELOW = {**PACK, "person": {**PACK["person"], "properties": PERSON}}
"""Without what has a basis in other registers."""


def upon(words: dict[str, Any], of_entity: dict[str, Any] | None = None, *, on: bool = True) -> Model:
    """The pack with a deployment that says more of ``person.nickname``, and perhaps of the entity."""
    above: dict[str, Any] = {"x-extends": "person"}
    if words:
        above["properties"] = {"nickname": {"x-dsgvo": words}}
    if of_entity:
        above["x-dsgvo"] = of_entity
    core = layer(BELOW)
    sources = [
        LayerSource("core", "core", texts=core.texts, words=("x-dsgvo",)),
        layer({"person": above}, "mine", "deployment"),
    ]
    return load(sources, keywords() if on else Keywords())


@pytest.mark.parametrize(
    "words",
    [
        {"erase": {"strategy": "random_token"}},
        {"retentionClass": "LK-6M-VORGANG", "recipients": ["bank"]},
        {"purposes": ["sales"]},
    ],
)
def test_a_higher_layer_says_a_part_otherwise_and_the_model_is_the_same_without_the_plugin(words: dict[str, Any]):
    # when a deployment says a part otherwise
    model = upon(words)

    # then the rest is as it was
    assert thaw(model["person"].fields["nickname"].annotations["x-dsgvo"]) == {**NAME, **words}
    # and switching the plugin off changes nothing of the model
    assert upon(words, on=False).fingerprint == model.fingerprint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"personal": False}, "what is personal below stays so"),
        ({"thirdParty": "none", "special": "art9"}, "needs"),
        ({"link": {"role": "reference", "traverse": "none", "onErase": "keep"}}, "what is personal below stays so"),
    ],
)
def test_a_higher_layer_takes_no_protection_away(words: dict[str, Any], said: str):
    with pytest.raises(SchemaFilesInvalid) as caught:
        upon(words)

    assert said in caught.value.message


ALL_WORDS = {
    **NAME,
    "match": {"normalizer": "name_de", "strength": "weak"},
    "encrypt": {"key": "subject"},
    "restrict": "mask",
    "freeText": True,
    "thirdParty": "may_contain",
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"identifier": "quasi"}, '"identifier" may only become stricter'),
        ({"identifier": None}, "None is not"),
        ({"encrypt": None}, "None is not"),
        ({"match": None}, "None is not"),
        ({"access": "withhold"}, "what is not given out in full needs a basis"),
        ({"restrict": "readonly"}, '"restrict" may only become stricter'),
        ({"restrict": "hide"}, None),
        ({"thirdParty": None}, "None is not"),
        ({"thirdParty": "is_third_party"}, None),
    ],
)
def test_words_that_protect_are_changed_and_not_taken_away(words: dict[str, Any], said: str | None):
    person = {**BELOW["person"], "properties": {**PERSON, "nickname": {**PERSON["nickname"], "x-dsgvo": ALL_WORDS}}}
    above = {"person": {"x-extends": "person", "properties": {"nickname": {"x-dsgvo": words}}}}
    sources = [layer({**BELOW, "person": person}), layer(above, "mine", "deployment")]

    if said is None:
        model = load(sources, keywords())
        assert thaw(model["person"].fields["nickname"].annotations["x-dsgvo"]) == {**ALL_WORDS, **words}
    else:
        with pytest.raises(SchemaFilesInvalid) as caught:
            load(sources, keywords())
        assert said in caught.value.message


def test_what_was_not_personal_becomes_so():
    said = {"category": "user", "origin": "observed", "erase": NULL}
    above = {"person": {"x-extends": "person", "properties": {"left_on": {"x-dsgvo": {"personal": None, **said}}}}}
    sources = [layer({"person": BELOW["person"], "firm": PACK["firm"]}), layer(above, "mine", "deployment")]

    assert thaw(load(sources, keywords())["person"].fields["left_on"].annotations["x-dsgvo"]) == said


def test_the_log_becomes_stricter_alone():
    base = {"v": 1, "subject": {"role": "is_subject", "kinds": ["customer"]}}
    assert upon({}, {**base, "audit": "sealed"})["person"].annotations["x-dsgvo"]["audit"] == "sealed"


def test_fields_of_a_deployment_need_a_word_of_their_own():
    # given a deployment that adds a field, and says nothing of it
    sources = [
        LayerSource("core", "core", texts=layer({"firm": PACK["firm"], "person": BELOW["person"]}).texts),
        layer({"firm": {"x-extends": "firm", "properties": {"tax_number": {"type": "string"}}}}, "mine", "deployment"),
    ]
    # then it does not load
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(sources, keywords())
    [problem] = caught.value.problems
    assert (problem.file, problem.pointer) == ("mine/firm.json", "/properties/tax_number")

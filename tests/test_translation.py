"""What people are told is there in every language, and the catalogues fit the code."""

import ast
import re
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from xrm_core import translation
from xrm_core.server.negotiation import language_of_answer
from xrm_core.translation import LANGUAGES, chosen, known_language, language, of_language, say, say_n, speaking

CODE = Path(translation.__file__).parent
TELLING = (
    *(path for path in sorted(CODE.glob("records/*.py")) if not path.name.startswith(("file", "upload"))),
    *(CODE / "graphql" / name for name in ("dry_runs.py", "executor.py", "repeats.py", "sharing.py")),
    CODE / "metadata" / "json_text.py",
    CODE / "metadata" / "file_rules.py",
)
"""Files whose errors are told to whoever changes a record; those of uploads are for programs."""

NOT_TOLD = {"TypeError", "KeyError"}
"""Mistakes of our own."""

NAMES = re.compile(r"\{(\w+)\}")


def catalogue(tag: str) -> Catalog:
    text = resources.files("xrm_core").joinpath("locale", tag, "xrm.po").read_bytes()
    return read_po(BytesIO(text), locale=tag)


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def texts_of_code() -> set[str | tuple[str, ...]]:
    """What is said anywhere: the first argument of ``say`` and ``mark``, the first two of ``say_n``."""
    found: set[str | tuple[str, ...]] = set()
    for path in CODE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for call in calls(tree, "say", "mark"):
            assert not isinstance(call.args[0], ast.JoinedStr), f"{path}:{call.lineno}: no catalogue has an f-string"
            if isinstance(call.args[0], ast.Constant):
                found.add(call.args[0].value)
        for call in calls(tree, "say_n"):
            one, many = call.args[:2]
            assert isinstance(one, ast.Constant), f"{path}:{call.lineno}"
            assert isinstance(many, ast.Constant), f"{path}:{call.lineno}"
            found.add((one.value, many.value))
    return found


def as_texts(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@pytest.mark.parametrize("tag", LANGUAGES[1:])
def test_everything_that_is_said_is_in_the_catalogue_and_nothing_else(tag: str) -> None:
    messages: list[Message] = [each for each in catalogue(tag) if each.id]
    known = {each.id if isinstance(each.id, str) else tuple(each.id) for each in messages}
    assert known == texts_of_code()
    for each in messages:
        said = as_texts(each.string)
        assert all(said), f"{each.id} is not translated"
        assert not each.fuzzy, each.id
        assert len(said) == len(as_texts(each.id))
        for text in said:  # every value is there again, under its own name
            assert set(NAMES.findall(text)) == set(NAMES.findall(as_texts(each.id)[-1])), each.id
            assert text.strip() != as_texts(each.id)[0].strip(), f"{each.id} is still English"


@pytest.mark.parametrize("path", TELLING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_text_for_people_is_said_in_english_only(path: Path) -> None:
    """Neither as the message or hint of an error, nor as the message of a problem, nor as an answer of a check."""
    tree = ast.parse(path.read_text())
    plain = (ast.Constant, ast.JoinedStr)
    told: list[tuple[ast.AST, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            call = node.exc
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name not in NOT_TOLD:
                told += [(each, node.lineno) for each in call.args[:1]]
                told += [(each.value, node.lineno) for each in call.keywords if each.arg == "hint"]
        if isinstance(node, ast.Dict):
            told += [
                (value, node.lineno)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in ("message", "hint")
            ]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in HELPERS:
            told += [(each, node.lineno) for each in node.args]
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            told += [(each, node.lineno) for each in ast.walk(node.value) if has_sentence(each)]
    for statement in tree.body if path.parent.name == "records" else ():  # tables of texts
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            told += [(each, statement.lineno) for each in ast.walk(statement.value)]
    said = {id(part) for call in calls(tree, "say", "say_n", "mark") for part in ast.walk(call)}
    wrong = [line for each, line in told if isinstance(each, plain) and has_sentence(each) and id(each) not in said]
    assert wrong == [], f"{path}: not within say() or mark()"


HELPERS = ("_problem", "_failed", "_refused")


def has_sentence(node: ast.AST) -> bool:
    """Whether it is a text of several words."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [each.value for each in parts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(re.search(r"[a-z] [a-z]", text) for text in texts)


def test_texts_are_said_in_the_language_spoken_with_their_values() -> None:
    assert (language(), say("is not one of {options}", options="{a}, b")) == ("en", "is not one of {a}, b")
    with speaking("de-AT"):
        assert (language(), say("is not one of {options}", options="{a}, b")) == ("de-AT", "ist keines von {a}, b")
        forms = ("has more than {number} digit after the point", "has more than {number} digits after the point")
        assert [say_n(*forms, number) for number in (0, 1, 2, 1.5)] == [
            "hat mehr als 0 Nachkommastellen",
            "hat mehr als 1 Nachkommastelle",
            "hat mehr als 2 Nachkommastellen",
            "hat mehr als 1.5 Nachkommastellen",
        ]
        assert say("nobody has translated this {…}") == "nobody has translated this {…}"
        with speaking("fr"):
            assert language() == "en"
        with speaking("en", unless_chosen=True):
            assert language() == "de-AT"
        with speaking("en"):
            assert language() == "en"
    with speaking(None), speaking("de", unless_chosen=True):
        assert language() == "de"


def test_of_texts_in_several_languages_the_nearest_is_taken() -> None:
    texts = {"fr": "Bonjour", "en": "Hello", "de": "Guten Tag", "de-AT": "Grüß Gott"}
    for tag, expected in (("de", "Guten Tag"), ("de-AT", "Grüß Gott"), ("de-CH", "Guten Tag"), (None, "Hello")):
        with speaking(tag):
            assert (chosen(texts), of_language(texts)) == (expected, expected)
    with speaking("de"):
        assert chosen({"fr": "Bonjour", "en": "Hello"}) == "Hello"
        assert chosen({"fr": "Bonjour", "es": "Hola"}) == "Bonjour"
        assert (chosen({}), of_language({"en": "Hello"})) == ("", None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("fr, es", None),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("en;q=0.4, de;q=0.5", "de"),
        ("fr, de;q=0.3, en;q=0.3", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", None),
        ("*", None),
        ("DE-at", "de-AT"),
        ("de;q=x, en", "en"),
        (", ,;q=1,en-GB", "en-GB"),
        ("fr," * 200 + "de", "de"),
    ],
)
def test_the_language_of_an_answer_is_negotiated(header: str | None, expected: str | None) -> None:
    assert language_of_answer(header) == expected


def test_tags_have_one_form() -> None:
    assert [known_language(tag) for tag in ("de", "DE_at", " en ", "dee", "", None)] == [
        "de",
        "de-AT",
        "en",
        *[None] * 3,
    ]

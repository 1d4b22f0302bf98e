"""What typos leave of a word: looked for in all words that are up to two typos away."""

import pytest

from xrm_core.query.survivors import survivors

LETTERS = "abx"


def mistyped(words: set[str]) -> set[str]:
    """All words that are one typo more away; with these letters only, which is enough to spoil any part."""
    found = set(words)
    for word in words:
        for place in range(len(word) + 1):
            before, after = word[:place], word[place:]
            found |= {before + after[1:], before + after[1:2] + after[:1] + after[2:]}
            found |= {before + letter + rest for letter in LETTERS for rest in (after, after[1:])}
    return found


@pytest.mark.parametrize("word", ["abab", "abcd", "ruhr", "bauer", "muller", "schmitz", "aaaaaaa"])
def test_a_part_is_left_after_one_typo(word: str) -> None:
    parts = survivors(word, 1)
    assert all(any(part in f" {other} " for part in parts) for other in mistyped({word}))


@pytest.mark.parametrize("word", ["abababab", "schaefer", "aabbccdde", "burghofer", "kulmbacher", "hausverwaltung"])
def test_a_part_is_left_after_two_typos(word: str) -> None:
    parts = survivors(word, 2)
    assert all(any(part in f" {other} " for part in parts) for other in mistyped(mistyped({word})))


@pytest.mark.parametrize(("word", "typos"), [("abcd", 1), ("abcdefgh", 2), ("a" * 50, 2)])
def test_each_part_has_a_trigram_and_there_are_few(word: str, typos: int) -> None:
    parts = survivors(word, typos)
    assert all(len(part) >= 3 for part in parts)
    assert len(parts) <= 9

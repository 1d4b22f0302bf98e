"""What typos leave of a word: parts of which at least one is in each word that is only a few typos away.

A word between two blanks is cut into one part more than there are typos. A typo spoils one of them at most, so one is
left as it was. But for a swap of two letters on both sides of a cut, which spoils two: so each word with such a swap is
cut, too, with one typo less.
"""

from itertools import pairwise


def survivors(word: str, typos: int) -> frozenset[str]:
    """One of these texts is in each word between blanks that is so many typos away, or fewer.

    Args:
        word: of at least four letters, of eight for two typos: so that each part has at least three, blanks counted.
        typos: 0, 1 or 2.
    """
    padded = f" {word} "
    if not typos:
        return frozenset({padded})
    cuts = [len(padded) * place // (typos + 1) for place in range(typos + 2)]
    found = {padded[start:end] for start, end in pairwise(cuts)}
    for cut in cuts[1:-1]:
        swapped = word[: cut - 2] + word[cut - 1] + word[cut - 2] + word[cut:]
        found |= survivors(swapped, typos - 1)
    return frozenset(found)

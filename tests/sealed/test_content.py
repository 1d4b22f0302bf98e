"""The form of sealed content: what comes out is what went in, or nothing is believed."""

from collections.abc import Iterator

import pytest

from xrm_core.sealed.content import HEADER_BYTES, SEGMENT_BYTES, opened_content, opened_part, sealed_content
from xrm_core.sealed.envelope import Place
from xrm_core.sealed.errors import SealedValueForeign

KEY = bytes(range(32))
PLACE = Place("mark", "xrm_file", "018f", "content")
FIRST, NEXT = SEGMENT_BYTES - HEADER_BYTES - 16, SEGMENT_BYTES - 16
"""Bytes in clear that the first segment has, and each other one."""


def _clear(size: int) -> bytes:
    return bytes(number * 7 % 251 for number in range(251)) * (size // 251 + 1)


def _sealed(size: int) -> bytes:
    return b"".join(sealed_content(KEY, PLACE, [_clear(size)[:size]]))


def _opened(sealed: bytes, place: Place = PLACE, key: bytes = KEY) -> bytes:
    return b"".join(opened_content(key, place, [sealed]))


@pytest.mark.parametrize("size", [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + NEXT, FIRST + NEXT + 1])
def test_it_comes_out_as_it_went_in_whatever_its_size(size: int) -> None:
    sealed = _sealed(size)

    assert _opened(sealed) == _clear(size)[:size]
    assert sealed != _sealed(size)
    assert len(sealed) == HEADER_BYTES + size + 16 * -(-len(sealed) // SEGMENT_BYTES)


def test_how_it_is_cut_on_the_way_does_not_matter() -> None:
    clear = _clear(600_000)
    by_thousands = [clear[at : at + 1000] for at in range(0, len(clear), 1000)]
    stored = list(sealed_content(KEY, PLACE, by_thousands))

    assert [len(each) for each in stored[:-1]] == [SEGMENT_BYTES] * 2
    whole = b"".join(stored)
    assert b"".join(opened_content(KEY, PLACE, (whole[at : at + 999] for at in range(0, len(whole), 999)))) == clear


@pytest.mark.parametrize(
    "part",
    [range(1), range(FIRST - 1, FIRST + 1), range(FIRST, FIRST + 1), range(FIRST + NEXT - 2, FIRST + NEXT + 9)],
)
def test_a_part_is_read_without_the_rest(part: range) -> None:
    size = FIRST + NEXT * 2 + 9
    sealed, asked = _sealed(size), []

    def stored(inner: range) -> list[bytes]:
        asked.append(len(inner))
        return [sealed[inner.start : inner.stop]]

    found = b"".join(opened_part(KEY, PLACE, len(sealed), part, stored))

    assert found == _clear(size)[part.start : part.stop]
    assert sum(asked) <= SEGMENT_BYTES * 2 + HEADER_BYTES
    with pytest.raises(SealedValueForeign):  # where it was cut, its last segment is not one that says so
        list(opened_part(KEY, PLACE, SEGMENT_BYTES, range(FIRST - 1, FIRST), stored))


def test_no_more_is_taken_than_is_given_out_so_that_content_can_be_written_over_itself() -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(4):
            taken.append(number)
            yield bytes(SEGMENT_BYTES)

    sealed = sealed_content(KEY, PLACE, chunks())
    for number in range(3):
        next(sealed)
        assert max(taken) == number


@pytest.mark.parametrize(
    "changed",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:SEGMENT_BYTES],  # the last segment is gone
        lambda sealed: sealed[: SEGMENT_BYTES * 2],
        lambda sealed: sealed + b"x",
        lambda sealed: sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:],
        lambda sealed: sealed[:5] + bytes([sealed[5] ^ 1]) + sealed[6:],  # the salt
        lambda sealed: b"(" + sealed[41:],
        lambda sealed: sealed[:HEADER_BYTES],
        lambda sealed: b"",
        lambda sealed: sealed[:SEGMENT_BYTES] + sealed[SEGMENT_BYTES * 2 :],
        lambda sealed: (
            sealed[:SEGMENT_BYTES]
            + sealed[SEGMENT_BYTES * 2 : SEGMENT_BYTES * 3]
            + sealed[SEGMENT_BYTES : 2 * SEGMENT_BYTES]
        ),
    ],
)
def test_what_was_changed_cut_or_moved_is_not_believed(changed: object) -> None:
    sealed = _sealed(FIRST + NEXT * 2)
    assert callable(changed)

    with pytest.raises(SealedValueForeign):
        _opened(changed(sealed))


def test_it_opens_for_its_file_and_by_its_key_alone() -> None:
    for place, key in ((Place("mark", "xrm_file", "0190", "content"), KEY), (PLACE, bytes(32))):
        with pytest.raises(SealedValueForeign):
            _opened(_sealed(9), place, key)


def test_tink_writes_the_same_form() -> None:
    # made by tink 1.16.1: AesGcmHkdfStreamingKey with SHA256 and segments of 262144 bytes
    made = (
        "28b298a5b56443f894738d9826300910201672c5fa0f87c07188c5fa54a444ee6c"
        "748beeb263b9c605a0b163d78e0cdfe7b327d903d3d801714f718c10e441c898"
    )
    assert _opened(bytes.fromhex(made)) == _clear(9)[:9]

"""What is made coarser says less, is a value that the field may have, and is made so once."""

from decimal import Decimal
from typing import Any

import pytest
from xrm_dsgvo.erasure.values import erased
from xrm_dsgvo.privacy import Erase

from xrm_core.metadata.loader import load_texts

FILE = '{"x-entity": "person", "type": "object", "properties": {"any": {"type": "string"}}}'
FIELD = load_texts([("person.json", FILE, "core")])["person"].fields["any"]


@pytest.mark.parametrize(
    ("to", "value", "left"),
    [
        ("year", "1987-06-05", "1987-01-01"),
        ("decade", "1987-06-05T10:00:00Z", "1980-01-01T00:00:00Z"),
        ("plz2", "50667", "50000"),
        ("plz2", "1010", None),
        ("country", "DE", "DE"),
        ("country", "Am Vogelweg 3, Köln", None),
        ("domain", "ada.weiss@vogel.example", "erased@vogel.example"),
        ("domain", "https://ada:geheim@vogel.example/ada-weiss?who=ada#me", "https://vogel.example/"),
        ("domain", "ada-weiss", None),
        ("bucket", 47_110, 40_000),
        ("bucket", -12.5, -10.0),
        ("bucket", "12.50", "10.00"),
        ("bucket", Decimal("0.047"), Decimal("0.040")),
        ("bucket", 0, 0),
        ("bucket", {"amount": "12", "currency": "EUR"}, None),
        ("bucket", "P3DT5H", None),
    ],
)
def test_it_says_less_and_stays_so(to: str, value: Any, left: Any) -> None:
    rule = Erase("generalize", to=to)

    made = erased(FIELD, rule, value)

    assert (made, type(made)) == (left, type(left))
    assert erased(FIELD, rule, made) == made

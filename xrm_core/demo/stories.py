"""What a series of activities is: steps that follow one another, told in German and English."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One activity of a series: ``day`` counts from the start of the series, ``minutes`` is its usual length."""

    day: int
    kind: Literal["call", "meeting", "email", "task", "note"]
    direction: Literal["inbound", "outbound", ""]
    minutes: int
    german: tuple[str, str]
    english: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """A series of activities about one record of ``target``; ``weight`` is how often it happens."""

    name: str
    target: str
    weight: int
    steps: tuple[Step, ...]

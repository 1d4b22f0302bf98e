"""The order in which places are visited: a short way round, as the crow flies; it knows no roads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

_EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere, in degrees."""

    latitude: float
    longitude: float


def kilometres(one: Place, other: Place) -> float:
    """Great-circle distance, by the haversine formula."""
    lat, lon = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    part = sin(lat / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(lon / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(part)))


def length(start: Place, stops: Sequence[Place]) -> float:
    """Kilometres from the start over all stops and back."""
    whole = [start, *stops, start]
    return sum(kilometres(one, other) for one, other in pairwise(whole))


def shortened(start: Place, stops: Sequence[Place]) -> list[int]:
    """The places of the stops in a good order: to the nearest each time, then parts are turned while that is shorter.

    It is the best way for few stops nearly always, and never longer than always going to the nearest.
    """
    order = _nearest(start, stops)
    better = True
    while better:
        better = False
        for begin in range(len(order) - 1):
            for end in range(begin + 1, len(order)):
                turned = order[:begin] + order[begin : end + 1][::-1] + order[end + 1 :]
                if _way(start, stops, turned) < _way(start, stops, order) - 1e-9:
                    order, better = turned, True
    return order


def _way(start: Place, stops: Sequence[Place], order: Sequence[int]) -> float:
    return length(start, [stops[each] for each in order])


def _nearest(start: Place, stops: Sequence[Place]) -> list[int]:
    left, order, here = set(range(len(stops))), [], start
    while left:
        nearest = min(left, key=lambda each: (kilometres(here, stops[each]), each))
        left.remove(nearest)
        order.append(nearest)
        here = stops[nearest]
    return order

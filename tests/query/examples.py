"""How many random examples a run tries: by day the same few, by night (``XRM_HYPOTHESIS=night``) many new ones."""

import os

from hypothesis import HealthCheck, Phase, settings

NIGHT = os.environ.get("XRM_HYPOTHESIS") == "night"
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(by_day: int) -> settings:
    """Settings for a test with this many examples by day. Shrinking takes minutes, so none is done."""
    if NIGHT:
        return many_examples(100 * by_day)
    return settings(
        max_examples=by_day,
        deadline=None,
        suppress_health_check=_QUIET,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
    )


def many_examples(number: int) -> settings:
    """Settings for a test that takes its time: new examples each run. Not shrunk: that takes longer than the test."""
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=number, deadline=None, suppress_health_check=_QUIET, database=None, phases=phases)

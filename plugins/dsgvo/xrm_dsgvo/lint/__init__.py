"""What data protection has against a model. It fails closed: what nobody has annotated does not load.

Each rule has a name, which stands at the end of its reason in brackets; ``docs/dsgvo/annotations.md`` lists them.
"""

from collections.abc import Callable, Iterator

from xrm_core.api import KeywordMistake, Model
from xrm_dsgvo.lint import archiving, entities, erasing, fields, links, missing, registers, retention, sealing
from xrm_dsgvo.lint.surroundings import Surroundings
from xrm_dsgvo.registers import Registers


def check_by(known: Registers, *, sealed: bool = False) -> Callable[[Model], Iterator[KeywordMistake]]:
    """The check of a whole model against these registers; ``sealed``: what shall be sealed has to be."""

    def check(model: Model) -> Iterator[KeywordMistake]:
        found = Surroundings(model, known)
        said_of_all = True
        for mistake in missing.mistakes(found):
            said_of_all = False
            yield mistake
        if not said_of_all:  # what else is wrong cannot be told of half of it
            return
        for part in (registers, entities, retention, fields, links, erasing, archiving, sealing):
            yield from part.mistakes(found)
        for each in sealing.in_clear(found) if sealed else ():
            reason = 'it has "encrypt", and stands in clear.'
            yield each.mistake("in-clear", reason, 'Add "x-sealed", or set XRM_DSGVO_REQUIRE_SEALED to false.')

    return check

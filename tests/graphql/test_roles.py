"""What is kept for each set of rights, and what is let go."""

import pytest

from tests.graphql import kit
from tests.graphql.kit import World
from xrm_core.graphql import roles


def test_the_rights_that_were_not_used_for_longest_are_let_go(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "MAX_ROLES", 2)
    model = kit.load_model()
    rights = kit.policies(model, ["a,firm,read,*,,allow", "b,deal,read,*,,allow", "c,person,read,*,,allow"], {})
    world = World(model, rights, sqlite_url, {})
    try:
        for name in ("a", "b", "a", "c"):
            world.ask(name, "{ __typename }")
        shapes = [world.user(name).access.shape for name in ("a", "c")]
        assert world.engine.roles.shapes == shapes
    finally:
        world.close()


def test_a_document_with_which_somebody_sent_a_password_is_not_kept(sqlite_url: str) -> None:
    model = kit.load_model()
    world = World(model, kit.policies(model, ["a,firm,read,*,,allow"], {}), sqlite_url, {})
    try:
        harmless, secret = "{ firms { totalCount } }", 'mutation { disableTotp(password: "a word of mine") }'
        world.ask("a", harmless)
        assert world.code("a", secret) == "BAD_QUERY"  # there are no accounts here
        role = world.run(world.engine.roles.get(world.user("a").access, world.engine.threads.planning))
        assert role.documents.known(harmless) is not None
        assert role.documents.known(secret) is None
    finally:
        world.close()

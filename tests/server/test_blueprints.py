"""What follows from a model is made once, however many databases have it, and goes with the last of them."""

import gc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.server.live_kit import ROLES, install
from xrm_core.metadata.model import Model
from xrm_core.permissions.in_force import in_force
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import read_model
from xrm_core.server.blueprints import Blueprints
from xrm_core.storage.engines import Database


def test_equal_models_share_and_others_do_not(sqlite_url: str, tmp_path: Path) -> None:
    shop = install(sqlite_url, tmp_path)
    model = read_model(shop.settings, Plugins())
    same = read_model(shop.settings, Plugins())
    blueprints = Blueprints(shop.settings, Plugins())
    with closing(Database(sqlite_url)) as database:
        with database.read() as connection:
            policies = in_force(connection, model)
        first = blueprints.get(model, policies, database.dialect)

        # an equal model from elsewhere
        assert blueprints.get(same, policies, database.dialect) is first

        # of its tables, none is made before somebody asks for it: a large model is taken while writers wait
        assert not first.records.tables.metadata.tables

        # the same model under other policies
        shop.change_policies(shop.pack.policies + "buyer,shop,read,*,,allow\n")
        with database.read() as connection:
            other = blueprints.get(model, in_force(connection, model), database.dialect)
        assert other is not first
        assert other.authority is not first.authority
        # share all that does not depend on them: equal rights have equal shapes
        assert other.roles is first.roles
        shapes = {
            name: {each.authority.access(frozenset({name})).shape for each in (first, other)} for name in ROLES["roles"]
        }
        assert {name: len(found) for name, found in shapes.items()} == {"admin": 1, "buyer": 2}

        # a model that only has the same fingerprint
        forged = Model({**model.entities, "shop": replace(model["shop"], description="another")}, model.fingerprint)
        assert blueprints.get(forged, policies, database.dialect) is not first

        # nothing is kept that nobody uses
        del first, other
        gc.collect()
        assert len(blueprints) == 0

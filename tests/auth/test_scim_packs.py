"""Users by SCIM where the entity has other fields than in the tests beside this one."""

from pathlib import Path

import pytest

from tests.auth import kit
from tests.auth.scim_kit import Directory, refused, service_token

CORE = Path(__file__).parents[2] / "schemas"


def test_names_go_into_the_fields_of_the_core_pack(tmp_path: Path) -> None:
    with kit.opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path, schemas=CORE) as house:
        directory = Directory(house, service_token(house, "admin"))
        # given one who has a name, and one of whom only the address is known
        eva = directory.user("Eva@example.com", name={"familyName": "Berg", "givenName": "Eva"})
        otto = directory.user("otto@example.com")
        users = house.platform.tables["user"]
        query = users.select().order_by(users.c.email)
        with house.database.read() as connection:
            names = [(row.email, row.first_name, row.last_name) for row in connection.execute(query)]
        assert names == [("eva@example.com", "Eva", "Berg"), ("otto@example.com", None, "otto")]
        # when names change
        change = {"op": "replace", "path": "name.familyName", "value": "Tal"}
        assert directory.patch("Users", eva["id"], change).status_code == 204
        assert directory.patch("Users", otto["id"], {"op": "remove", "path": "name"}).status_code == 204
        # then so do the records, and what must be there stays
        with house.database.read() as connection:
            names = [(row.email, row.first_name, row.last_name) for row in connection.execute(query)]
        assert names == [("eva@example.com", "Eva", "Tal"), ("otto@example.com", None, "otto")]
        # and rules of the entity are told in the words of SCIM
        change = {"op": "replace", "path": "name.givenName", "value": "x" * 101}
        assert "first_name" in refused(directory.patch("Users", eva["id"], change), 400, "invalidValue")


def test_users_who_cannot_be_deactivated_are_not_provisioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kit.FILES, "user", {"email": kit.FILES["user"]["email"]})
    with kit.opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        assert "active" in refused(Directory(house, service_token(house)).ask("GET", "/Users"), 501)

"""A disk that is full, as PostgreSQL tells it: 503 with a code, nothing half done, and it goes on by itself."""

import pytest
from sqlalchemy import text

from tests.server.http_kit import GRAPHQL_RESPONSE, Client, serving
from xrm_core.storage.engines import Database

FULL = """CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file "base/1/2"' USING ERRCODE = '53100'; END $$"""
FIELDS = ('a: createUser(input: {name: "new"}) { id }', 'b: createCustomer(input: {name: "B"}) { id }')
CREATE = f"mutation {{ {' '.join(FIELDS)} }}"


@pytest.mark.parametrize("table", ["customer", "xrm_change"])
def test_a_full_disk_is_no_answer_to_the_document(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory, table: str
) -> None:
    database = Database(postgres_url)
    with serving(database, tmp_path_factory.mktemp("full")) as client:
        before = world_of(client)
        # given a server that is told by the database, in the middle of a document, that there is no room
        with database.begin() as connection:
            connection.execute(text(FULL))
            connection.execute(text(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION is_full()"))
        for _ in range(2):
            answer = client.post({"query": CREATE}, Accept=GRAPHQL_RESPONSE)
            # then it is told as for one that is away, and nothing was done
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            [error] = answer.json()["errors"]
            assert (error["extensions"]["code"], "data" in answer.json()) == ("DATABASE_UNAVAILABLE", False)
            assert not any(word in answer.text for word in ("extend", "psycopg", "INSERT", table))
            assert world_of(client) == before
        # and when there is room, nobody has to do anything
        with database.begin() as connection:
            connection.execute(text(f"DROP TRIGGER no_room ON {table}"))
        assert client.post({"query": CREATE}, Accept=GRAPHQL_RESPONSE).status_code == 200


def world_of(client: Client) -> object:
    """What there is."""
    return client.ask("{ users { totalCount } customers { totalCount } }")

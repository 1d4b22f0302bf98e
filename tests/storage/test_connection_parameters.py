"""What the URL of PostgreSQL says of its connections counts."""

from contextlib import closing
from typing import Any

from xrm_core.storage.engines import Database


def _parameters(url: str) -> dict[str, str]:
    """What libpq was told."""
    with closing(Database(url)) as database, database.begin() as connection:
        driver: Any = connection.connection.driver_connection
        told: dict[str, str] = driver.info.get_parameters()
        return told


def test_a_server_that_is_silent_is_given_up(postgres_url: str) -> None:
    told = _parameters(postgres_url)

    assert (told["connect_timeout"], told["keepalives_idle"], told["tcp_user_timeout"]) == ("10", "30", "40000")


def test_the_url_may_say_otherwise(postgres_url: str) -> None:
    told = _parameters(f"{postgres_url}&connect_timeout=3&keepalives_idle=7")

    assert (told["connect_timeout"], told["keepalives_idle"], told["tcp_user_timeout"]) == ("3", "7", "40000")

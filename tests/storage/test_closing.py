"""A database that is closed while somebody works with it."""

import pytest

from xrm_core.storage.engines import Database


def test_a_connection_in_use_is_closed_when_it_comes_back(database: Database) -> None:
    # Given a transaction that is under way
    with database.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        # When the database is closed
        database.close()
        # Then it comes to its end
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    # And nothing stays open
    with pytest.raises(Exception, match="closed"):
        driver.execute("SELECT 1")

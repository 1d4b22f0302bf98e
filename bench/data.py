"""Everything that must be there before a measurement: ``python data.py [reference] [platform] [sqlite-only]``.

``reference``: hand-written tables and request bodies; ``platform``: the platform's tables. Both without arguments.
"""

import sys

import dataset
import operations
import platform_data
from servers import BODIES, PGPORT, PLATFORM_DB, PLATFORM_SQLITE, REFERENCE_DB, REFERENCE_SQLITE, WORK


def _fresh(database: str) -> None:
    import psycopg

    with psycopg.connect(host="127.0.0.1", port=PGPORT, user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {database}")
        server.execute(f"CREATE DATABASE {database} TEMPLATE template0")


def main() -> None:
    """Load what is named on the command line."""
    sqlite_only = "sqlite-only" in sys.argv
    wanted = {"reference", "platform"} & set(sys.argv[1:]) or {"reference", "platform"}
    WORK.mkdir(parents=True, exist_ok=True)
    if "reference" in wanted:
        dataset.load_reference_sqlite(REFERENCE_SQLITE)
        if not sqlite_only:
            _fresh(REFERENCE_DB)
            dataset.load_reference_postgresql(f"host=127.0.0.1 port={PGPORT} user=postgres dbname={REFERENCE_DB}")
        operations.write(BODIES)
        print("reference data and request bodies are ready", flush=True)
    if "platform" in wanted:
        platform_data.load_sqlite(PLATFORM_SQLITE)
        if not sqlite_only:
            _fresh(PLATFORM_DB)
            platform_data.load_postgresql(PLATFORM_DB)
        print("the platform's data is ready", flush=True)


if __name__ == "__main__":
    main()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.connect(autocommit=True) as connection:
        # thousands of small transactions: what is tested is their order, not whether a disk keeps them
        connection.execute(f'alter database "{database.url.database}" set synchronous_commit = off')
    database.migrate()
    yield database
    database.close()

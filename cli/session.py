"""What a command works with: settings, running engines, a migrated database.

Engines that another process of the same home runs (`concord up`) are joined; otherwise they are started for as long as
the command takes. Outside engines are used as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from common.settings import Settings, load_settings
from compose.embedded.engines import Engines
from store.database import Database

errors = Console(stderr=True, highlight=False)
"""For progress and hints: standard output belongs to results."""


@dataclass(frozen=True, slots=True)
class Platform:
    settings: Settings
    database: Database
    opensearch_url: str


@contextmanager
def platform() -> Iterator[Platform]:
    """The platform of the environment's settings, migrated."""
    settings = load_settings()
    with Engines(settings, console=errors) as engines:
        database = Database(engines.database_url)
        try:
            database.migrate()
            yield Platform(settings, database, engines.opensearch_url)
        finally:
            database.close()

"""Both engines for an application home: the embedded ones, or outside ones where the settings name them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from common.errors import EngineUnavailable
from common.settings import Settings, addresses
from compose.embedded.assembly import assemble
from compose.embedded.cluster import Cluster
from compose.embedded.java import find_java
from compose.embedded.postgres import Postgres

DATABASE = "concord"
DRIVER = "postgresql+psycopg"


class Engines:
    """`with Engines(settings) as engines:` gives `engines.opensearch_url` and `engines.database_url`.

    What `settings` names by URL is used as it is; the rest is started, or joined where another process of the same home
    runs it already. `state` holds the engines' data (default: the home), assemblies stay under the home either way.
    """

    def __init__(
        self, settings: Settings, *, state: Path | None = None, nodes: int = 1, console: Console | None = None
    ) -> None:
        self._settings = settings
        self._state = state or settings.home
        self._nodes = nodes
        self._console = console
        self._stack = ExitStack()
        self._opensearch_urls: list[str] = []
        self._database_url: str | None = None

    @property
    def opensearch_url(self) -> str:
        """Base URL of OpenSearch; of several nodes all, separated by commas, as CONCORD_OPENSEARCH_URL takes them."""
        return ",".join(self.opensearch_urls)

    @property
    def opensearch_urls(self) -> list[str]:
        """Base URLs of all nodes."""
        if not self._opensearch_urls:
            raise EngineUnavailable("The engines are not started.", remedy="Enter the context first.")
        return self._opensearch_urls

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the platform's database, for the psycopg 3 driver."""
        if self._database_url is None:
            raise EngineUnavailable("The engines are not started.", remedy="Enter the context first.")
        return self._database_url

    def start(self) -> Self:
        """Starts or joins what the settings do not name; EngineError when something stands in the way."""
        try:
            self._database_url = self._start_postgres()
            self._opensearch_urls = self._start_opensearch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Leaves the embedded engines; each ends when no other process uses it."""
        self._stack.close()
        self._opensearch_urls, self._database_url = [], None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_postgres(self) -> str:
        outside = self._settings.database_url
        if outside is not None:
            return with_driver(outside.get_secret_value())
        return self._stack.enter_context(Postgres(self._state / "postgres")).create_database(DATABASE)

    def _start_opensearch(self) -> list[str]:
        outside = self._settings.opensearch_url
        if outside is not None:
            return addresses(outside)
        java = find_java()
        assembly = assemble(self._settings.engines_home, java, console=self._console)
        cluster = Cluster(
            self._state / "opensearch", assembly, java, nodes=self._nodes, heap=self._settings.opensearch_heap
        )
        return self._stack.enter_context(cluster).urls


def with_driver(url: str) -> str:
    """A PostgreSQL URL as SQLAlchemy needs it: `postgres://` and `postgresql://` get the psycopg 3 driver."""
    scheme, separator, rest = url.partition("://")
    return f"{DRIVER}{separator}{rest}" if scheme in ("postgres", "postgresql") else url

"""`concord up`: everything in the foreground."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import SecretStr
from rich.console import Console

from cli import demo
from cli.serve import configuration
from cli.session import Platform, errors
from cli.worker import beside
from common.errors import UsageError
from common.settings import Settings, load_settings
from compose.embedded.engines import Engines
from store.database import Database

output = Console(highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(up)


def up(
    samples: Annotated[bool, typer.Option(help="Load the samples if nothing is held yet.")] = True,
    nodes: Annotated[int, typer.Option(min=1, max=5, help="OpenSearch nodes to start.")] = 1,
) -> None:
    """Start the engines, bring the store up to date, and serve API and page, with a worker, until Ctrl-C."""
    from api.app import create_app

    settings = load_settings()
    _require_free(settings)
    with Engines(settings, nodes=nodes, console=errors) as engines:
        settings = settings.model_copy(
            update={"opensearch_url": engines.opensearch_url, "database_url": SecretStr(engines.database_url)}
        )
        database = Database(engines.database_url)
        try:
            database.migrate()
            if samples:
                demo.prepare(Platform(settings, database, engines.opensearch_url), output)
        finally:
            database.close()
        server = _Server(configuration(create_app(settings, alone=True), settings.host, settings.port))
        server.home = settings.home
        with beside(settings):
            server.run()


class _Server(uvicorn.Server):
    """Says where it is once it answers."""

    home: Path

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in self.servers:
            host, port = listener.sockets[0].getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            output.print(f"\n[bold]IP Concord[/] answers on [bold]{scheme}://{host}:{port}[/]  (Ctrl-C stops it)")
        output.print(demo.how_to_sign_in(self.home), soft_wrap=True)


def _require_free(settings: Settings) -> None:
    """A taken port is better said before the engines start than after."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise UsageError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
                remedy="Stop what uses it, or set CONCORD_PORT to another port.",
            ) from error

"""`concord serve`: the API alone, on engines that run already."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from common.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (CONCORD_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (CONCORD_PORT).")] = None,
) -> None:
    """Serve the API, on the engines of CONCORD_OPENSEARCH_URL and CONCORD_DATABASE_URL."""
    from api.app import create_app
    from store.database import migrate

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    application = create_app(settings)
    assert settings.database_url is not None
    migrate(settings.database_url.get_secret_value())
    run(application, settings.host, settings.port)


def run(application: object, host: str, port: int) -> None:
    """Until stopped. No proxy headers: who asks is who is at the other end of the socket. No access log of
    uvicorn's: it would write down addresses with what people search for."""
    uvicorn.run(
        application,  # type: ignore[arg-type]
        host=host,
        port=port,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )

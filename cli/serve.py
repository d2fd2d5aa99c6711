"""`concord serve`: the API alone, on engines that run already (or, where none do, on its own for as long as it
runs)."""

from __future__ import annotations

import ssl
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvicorn
from pydantic import SecretStr

from api.client_certificates import CertificateProtocol, ClientCertificates
from cli.session import platform
from cli.worker import beside
from common.errors import ConfigurationError
from common.settings import Settings
from common.telemetry import configure_logs

if TYPE_CHECKING:
    from fastapi import FastAPI


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (CONCORD_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (CONCORD_PORT).")] = None,
    worker: Annotated[bool, typer.Option(help="Run a worker beside it.")] = True,
) -> None:
    """Serve the API until Ctrl-C, with one worker beside it."""
    from api.app import create_app

    with platform() as running:
        settings = running.settings.model_copy(
            update={
                "opensearch_url": running.opensearch_url,
                "database_url": SecretStr(running.database.url.render_as_string(hide_password=False)),
            }
        )
        config = configuration(
            create_app(settings, alone=True), host or settings.host, settings.port if port is None else port
        )
        with beside(settings) if worker else nullcontext():
            uvicorn.Server(config).run()


def configuration(application: FastAPI, host: str, port: int) -> uvicorn.Config:
    """How the API is served, and its logs.

    Who asks is who is at the other end of the socket, unless that is a proxy that CONCORD_TRUSTED_PROXIES names. No
    access log of uvicorn's: it would write down what people search for.
    """
    settings = application.state.settings
    configure_logs(settings.log_level, settings.log_format)
    return uvicorn.Config(
        # Forwarded headers are this layer's business too, since it must see the peer before they name another.
        ClientCertificates(application, settings.trusted_proxies),
        host=host,
        port=port,
        http=CertificateProtocol,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        access_log=False,
        timeout_keep_alive=30,
        **_tls(settings),
    )


def _tls(settings: Settings) -> dict[str, Any]:
    """Raises ConfigurationError for settings that would leave the door open or shut it for good."""
    if settings.tls_certificate is None:
        if settings.client_certificates == "required" and not settings.trusted_proxies:
            raise ConfigurationError(
                "Client certificates are required, and nothing could bring one.",
                remedy="Set CONCORD_TLS_CERTIFICATE, or CONCORD_TRUSTED_PROXIES for the proxy that ends TLS.",
            )
        return {}
    asked = settings.client_certificates != "off"
    return {
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
        "ssl_cert_reqs": ssl.CERT_OPTIONAL if asked else ssl.CERT_NONE,
        "ssl_ca_certs": str(settings.client_ca) if asked and settings.client_ca else None,
    }

"""The client certificate with which a connection came (mutual TLS), as the rest of the API finds it.

Two ways, and no third. The API ends TLS itself (CONCORD_TLS_CERTIFICATE): the certificate is the connection's own. Or a
proxy does, and says the certificate in the header `Client-Cert` (RFC 9440, or a PEM with %-escapes as nginx writes it):
that is believed from a peer that CONCORD_TRUSTED_PROXIES names, and from nobody else. What a client itself writes into
the header is thrown away before anything reads it.

Whose certificate it is, is asked of the offices' registered ones with each request (api/exchange/certificates.py).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Sequence
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER = b"client-cert"
STATE = "client_certificate"
"""Name in the request's state; DER."""
LONGEST = 16_000
LARGEST_HEAD = 64 * 1024
"""Bytes of a request's first line and headers. Its body has a limit of its own (api/hardening.py)."""


class CertificateProtocol(HttpToolsProtocol):
    """HTTP of uvicorn's, that hands on what it knows of the other end of the connection, and does not read on for ever
    for the end of the headers."""

    head: int | None = 0
    """Bytes read of a request whose headers are not complete; None while its body is read."""

    def data_received(self, data: bytes) -> None:
        if self.head is not None:
            self.head += len(data)
        super().data_received(data)
        if self.head is not None and self.head > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The headers of the request are too long.")

    def on_headers_complete(self) -> None:
        self.head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.head = 0
        super().on_message_complete()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        shown = connection.getpeercert(binary_form=True) if connection is not None else None
        if shown is not None:
            self.app_state = {**self.app_state, STATE: shown}


class ClientCertificates:
    """The outermost layer: it alone sees the peer before forwarded headers name another."""

    def __init__(self, app: ASGIApp, trusted_proxies: str = "") -> None:
        self.forwarded = ProxyHeadersMiddleware(app, trusted_proxies) if trusted_proxies else None  # type: ignore[arg-type]
        self.app: ASGIApp = self.forwarded if self.forwarded is not None else app  # type: ignore[assignment]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = [value for name, value in scope["headers"] if name == HEADER]
            if given:
                scope["headers"] = [pair for pair in scope["headers"] if pair[0] != HEADER]
            if self._trusted(scope):
                # The connection's own certificate is the proxy's, not the client's.
                state = scope.setdefault("state", {})
                state.pop(STATE, None)
                shown = read_header(given)
                if shown is not None:
                    state[STATE] = shown
        await self.app(scope, receive, send)

    def _trusted(self, scope: Scope) -> bool:
        peer = scope.get("client")
        return self.forwarded is not None and peer is not None and peer[0] in self.forwarded.trusted_hosts


def read_header(given: Sequence[bytes]) -> bytes | None:
    """DER of the one certificate that a proxy names; None for none, for more than one and for what is none."""
    if len(given) != 1 or len(given[0]) > LONGEST:
        return None
    text = given[0].decode("latin-1").strip()
    try:
        if text.startswith("-----BEGIN"):
            return ssl.PEM_cert_to_DER_cert(unquote(text))
        if len(text) > 2 and text.startswith(":") and text.endswith(":"):
            return base64.b64decode(text[1:-1], validate=True)
    except (ValueError, binascii.Error):
        return None
    return None

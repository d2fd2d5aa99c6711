"""`concord verify`, `sign`, `pull`: what an office does with packages, agreements and other platforms."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.exchange import asic
from api.exchange.signatures import fingerprint, load_certificate, load_private_key
from api.exchange.signatures import sign as make_signature
from cli.load import write_line
from common.errors import UsageError

output = Console(highlight=False, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ExistingFile = Annotated[Path, typer.Option(exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    app.command()(verify)
    app.command()(sign)


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

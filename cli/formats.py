"""`concord formats`: which formats can be read, and what is read from each."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from indexer.formats.table import FORMATS


def register(app: typer.Typer) -> None:
    app.command("formats")(formats)


def formats(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List the formats that deliveries may have, and what is read from each."""
    if as_json:
        rows = [
            {
                "name": row.name,
                "title": row.title,
                "rights": list(row.rights),
                "version": row.version,
                "reads": list(row.reads),
            }
            for row in FORMATS
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("Format", "Rights", "What is read", title=f"{len(FORMATS)} formats, known by their content")
    for row in FORMATS:
        table.add_row(f"[bold]{row.name}[/]\n{row.title}", ", ".join(row.rights), "\n".join(row.reads))
    Console().print(table)

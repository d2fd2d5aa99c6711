"""Entry point of `concord`: finds the module of the command that was called, and turns the platform's own errors into
plain words."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

import typer
from rich.console import Console

from common.errors import ConcordError, UsageError

COMMANDS = {
    "cli.engines": {
        "up": "Start the engines, bring the store up to date, and serve API and page, with a worker, until Ctrl-C.",
    },
    "cli.doctor": {
        "doctor": "Check Python, JRE, engines, plugins, disk, versions, index and embedder: each "
        "line ok, or what to do.",
    },
    "cli.formats": {
        "formats": "List the formats that deliveries may have, and what is read from each.",
    },
    "cli.load": {
        "load": "Load files and folders as one delivery.",
        "status": "What is held: records per office and right, deliveries, what waits for the engine.",
        "rejects": "What was rejected, and findings on what was kept, one line each.",
        "records": "Every record held, one line each.",
    },
    "cli.index": {
        "reindex": "Rebuild indices from stored records, after a change of embedder, mappings or "
        "analysis; search goes on.",
    },
    "cli.duplicates": {
        "duplicates": "Records that are the same: find, judge, measure.",
        "names": "Names of applicants and owners that may be one: original script, Latin form and "
        "legal form side by side.",
    },
    "cli.access": {
        "offices": "Offices on the platform.",
        "users": "People's accounts.",
        "keys": "API keys.",
        "policies": "What everybody may see of a collection.",
        "agreements": "What one office gives to another.",
        "audit": "Who saw what.",
        "demo": "Make three demo offices with an examiner's key each, and open everything held so far to all.",
    },
    "cli.serve": {
        "serve": "Serve the API until Ctrl-C, with one worker beside it.",
    },
    "cli.quality": {
        "quality": "Findings, reports, reported errors.",
        "coverage": "Coverage and gaps (WIPO ST.37).",
        "freshness": "Lags and overdue deliveries.",
    },
    "cli.exchange": {
        "verify": "Check a package: every member, the manifest, the signature.",
        "sign": "Sign a file with your office's key, where the key is: a detached CMS signature to be uploaded.",
        "pull": "Take the changes of an agreement from another IP Concord.",
    },
    "cli.operate": {
        "prepare": "Bring the database up to date, make templates and indices, add new fields to "
        "indices that lack them, try the archive.",
        "backup": "Write database, archive and secret key to a folder, with a digest of each file.",
        "restore": "Check a backup, bring it into an empty platform, and rebuild every index from the stored records.",
    },
    "cli.export": {
        "export": "Write every record that a search finds.",
    },
    "cli.terms": {
        "terms": "The term bank of the search across languages.",
    },
    "cli.worker": {
        "worker": "Run jobs until Ctrl-C: loads, exports, packages, alerts, webhooks.",
    },
}
"""Module → the commands that its `register(app)` adds, with what each does. Only the module of the command called is
imported, and none for a list of all: together they take longer to import than most commands take to run."""


@cache
def application(command: str | None = None) -> typer.Typer:
    """`concord` with the module of `command`, or with all of them."""
    app = _empty()
    for module in [module for module, names in COMMANDS.items() if command in names] or list(COMMANDS):
        import_module(module).register(app)
    return app


def overview() -> typer.Typer:
    """`concord` with the names of all commands and what each does; for whoever looks for one."""
    app = _empty()
    for names in COMMANDS.values():
        for name, summary in names.items():
            app.command(name, help=summary)(lambda: None)
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(
        name="concord",
        help="Exchange and search patents, trademarks, designs and copyright works of every office.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    # With a callback, a single command keeps its name instead of becoming the whole program.
    app.callback()(lambda: None)
    return app


def main() -> None:
    """Run the command. Exit code 2 for misuse, 1 for any other failure the platform knows how to explain."""
    try:
        named = sys.argv[1] if len(sys.argv) > 1 else ""
        (application(named) if any(named in names for names in COMMANDS.values()) else overview())()
    except ConcordError as error:
        Console(stderr=True).print(f"[bold red]concord:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)

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
    "cli.engines": ("up",),
    "cli.doctor": ("doctor",),
    "cli.formats": ("formats",),
    "cli.load": ("load", "status", "rejects", "records"),
    "cli.index": ("reindex",),
    "cli.duplicates": ("duplicates", "names"),
    "cli.access": ("offices", "users", "keys", "policies", "agreements", "audit", "demo"),
    "cli.serve": ("serve",),
    "cli.quality": ("quality", "coverage", "freshness"),
    "cli.exchange": ("verify", "sign", "pull"),
    "cli.operate": ("prepare", "backup", "restore"),
    "cli.export": ("export",),
    "cli.terms": ("terms",),
    "cli.worker": ("worker",),
}
"""Module → the commands that its `register(app)` adds. Only the module of the command called is imported: all of them
together take longer to import than most commands take to run."""


@cache
def application(command: str | None = None) -> typer.Typer:
    """`concord` with the module of `command`; with all of them for a command that no module has, or none."""
    app = typer.Typer(
        name="concord",
        help="Exchange and search patents, trademarks, designs and copyright works of every office.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    # With a callback, a single command keeps its name instead of becoming the whole program.
    app.callback()(lambda: None)
    modules = [module for module, names in COMMANDS.items() if command in names] or list(COMMANDS)
    for module in modules:
        import_module(module).register(app)
    return app


def main() -> None:
    """Run the command. Exit code 2 for misuse, 1 for any other failure the platform knows how to explain."""
    try:
        application(sys.argv[1] if len(sys.argv) > 1 else None)()
    except ConcordError as error:
        Console(stderr=True).print(f"[bold red]concord:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)

"""Entry point of `concord`: gathers the groups of commands, and turns the platform's own errors into plain words."""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from rich.console import Console

from common.errors import ConcordError, UsageError

COMMAND_MODULES = (
    "cli.engines",
    "cli.doctor",
    "cli.formats",
    "cli.load",
    "cli.index",
    "cli.duplicates",
    "cli.access",
    "cli.serve",
    "cli.quality",
    "cli.exchange",
    "cli.operate",
    "cli.export",
    "cli.worker",
)
"""Each has `register(app)`, which adds its commands."""

app = typer.Typer(
    name="concord",
    help="Exchange and search patents, trademarks, designs and copyright works of every office.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for module in COMMAND_MODULES:
    import_module(module).register(app)


def main() -> None:
    """Run the command. Exit code 2 for misuse, 1 for any other failure the platform knows how to explain."""
    try:
        app()
    except ConcordError as error:
        Console(stderr=True).print(f"[bold red]concord:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)

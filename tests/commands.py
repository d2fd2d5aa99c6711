"""The command as people give it."""

from __future__ import annotations

from typer.testing import CliRunner

from cli.main import application


def run(*arguments: str) -> str:
    """Runs a command and returns its standard output. What the command raises is raised here."""
    result = CliRunner().invoke(application(), list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout

"""The command finds its module by a table; the table says what the modules say."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer

from cli.main import COMMANDS, application, overview


@pytest.mark.parametrize("module", COMMANDS)
def test_each_module_adds_the_commands_that_the_table_names(module: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(module).register(app)
    assert set(typer.main.get_command(app).commands) == set(COMMANDS[module])  # type: ignore[attr-defined]


def test_a_call_imports_its_own_module_alone() -> None:
    program = "import sys; from cli.main import application; application('formats'); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "cli.formats" in loaded
    assert not {"cli.load", "cli.access", "opensearchpy", "sqlalchemy"} & set(loaded)


def test_a_list_of_all_imports_none_and_says_what_they_say() -> None:
    program = "import sys; from cli.main import overview; overview(); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {module for module in loaded if module.startswith("cli.")} - {"cli.main"}
    listed, whole = (typer.main.get_command(app).commands for app in (overview(), application()))  # type: ignore[attr-defined]
    said = {name: command.get_short_help_str(limit=500) for name, command in whole.items()}
    assert {name: command.get_short_help_str(limit=500) for name, command in listed.items()} == said

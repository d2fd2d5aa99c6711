"""Writes docs/settings.md and docs/commands.md from the settings class and the commands themselves.

    python docs/reference.py

tests/test_docs.py fails when the pages are not what this writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from cli.main import app
from common.settings import Settings

HERE = Path(__file__).parent

SETTINGS = """# Settings

From the environment. Each may instead be a file named after the setting in lower case (`database_url`, `secret_key` …)
in the folder that `CONCORD_SECRETS_DIR` names, as container secrets are mounted; a value in the environment wins. Keep
secrets there and nowhere else. Written by `python docs/reference.py`.

| setting | meaning | default |
|---|---|---|
"""

COMMANDS = """# Commands

Exit code 0 when it went well, 2 when the command was called wrongly, 1 for anything else. What a script may rely on
(`--json` shapes, exit codes) does not change between minor versions. Written by `python docs/reference.py`.
"""


def settings_page() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = (
            "`~/.local/share/ip-concord`" if name == "home" else "" if field.default is None else f"`{field.default}`"
        )
        rows.append(f"| `CONCORD_{name.upper()}` | {_line(field.description or '')} | {default} |")
    return SETTINGS + "\n".join(rows) + "\n"


def commands_page() -> str:
    return COMMANDS + "".join(_section(command, path) for path, command in commands())


def commands() -> list[tuple[str, Any]]:
    """(full name, command) of every command, in the order of `--help`."""

    def walk(command: Any, path: str) -> list[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            return [(path, command)]
        return [one for name, below in command.commands.items() for one in walk(below, f"{path} {name}")]

    return walk(typer.main.get_command(app), "concord")


def _section(command: Any, path: str) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help" and not p.hidden]
    usage = " ".join([path, *(_placeholder(argument) for argument in arguments)])
    text = f"\n## `{usage}`\n\n{_line(command.help or '')}\n"
    rows = [(_placeholder(a), getattr(a, "help", "") or "") for a in arguments if getattr(a, "help", "")]
    rows += [(", ".join([*option.opts, *option.secondary_opts]), option.help or "") for option in options]
    if rows:
        text += "\n| | |\n|---|---|\n" + "".join(f"| `{name}` | {_line(help_)} |\n" for name, help_ in rows)
    return text


def _placeholder(argument: Any) -> str:
    name = argument.metavar or (argument.name or "").upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


if __name__ == "__main__":
    (HERE / "settings.md").write_text(settings_page(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands_page(), encoding="utf-8")

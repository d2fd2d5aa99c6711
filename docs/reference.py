"""Writes docs/settings.md, commands.md, search-fields.md and the table in sizing.md from the settings, commands and
tables themselves.

    python docs/reference.py

tests/test_docs.py fails when the pages are not what this writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from api.search.query.fields import Dialect, dialect, names
from cli.main import application
from common.settings import Settings
from mappings import RIGHTS
from mappings.sizes import sizes

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


FIELDS = """# Fields of the search

What each dialect of the [query language](search.md) calls them. In `concord`, text in one language is `title.de`; in
`patentscope`, `DE_TI`. Written by `python docs/reference.py` from the tables in `api/search`.
"""

SIZES_BEGIN, SIZES_END = "<!-- written by docs/reference.py -->", "<!-- to here -->"
DIMENSION = 512

KINDS = {
    "text": "Text: words, phrases, distances, wildcards",
    "number": "Numbers: in any writing",
    "classes": "Classes: with all that is below them",
    "dates": "Dates: a year, a month, a day, ranges",
    "exact": "Values: as they are, capitals or not",
}


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


def search_fields_page() -> str:
    """The names of all dialects, by the kind of field; then what is known and cannot be asked."""
    table = names()
    text = FIELDS
    for kind, title in KINDS.items():
        text += f"\n## {title}\n\n| `concord` | `patentscope` | `espacenet` | a condition reads |\n|---|---|---|---|\n"
        for name in getattr(table, kind):
            others = (_names_in(dialect(spoken), name) for spoken in ("patentscope", "espacenet"))
            own = ", ".join([f"`{name}`", *(f"`{alias}`" for alias in _named(dialect("concord"), name))])
            text += f"| {own} | {' | '.join(others)} | {table.said[name].replace('{}', '…')} |\n"
    for spoken in ("patentscope", "espacenet"):
        text += f"\n## Known in `{spoken}`, and what becomes of it here\n\n| name | |\n|---|---|\n"
        noted = {name: alias.note for name, alias in dialect(spoken).fields.items() if alias.note}
        missing = {name: f"refused: {reason}" for name, reason in dialect(spoken).missing.items()}
        text += "".join(f"| `{name}` | {said} |\n" for name, said in sorted({**noted, **missing}.items()))
    return text


def sizes_table() -> str:
    """The rows of mappings/sizes.toml with what they come to, for the default embedder."""
    text = "| right | records up to | primaries | GB each | refresh | largest segment | vectors | read for a search |\n"
    text += "|---|---|---|---|---|---|---|---|\n"
    for right in RIGHTS:
        for row in sizes(right):
            each, vectors = row.gb_a_shard(DIMENSION), row.gb_of_vectors(DIMENSION)
            text += (
                f"| {right} | {row.up_to / 1e6:.0f} M | {row.shards} | {each:.0f} | {row.refresh} s | {row.segment} GB "
                f"| {row.vectors} | {vectors:.0f} GB |\n"
            )
    return text


def with_sizes(page: str) -> str:
    """The sizing guide with today's table between its marks."""
    before, _, rest = page.partition(SIZES_BEGIN)
    _, _, after = rest.partition(SIZES_END)
    return f"{before}{SIZES_BEGIN}\n\n{sizes_table()}\n{SIZES_END}{after}"


def _names_in(spoken: Dialect, field: str) -> str:
    texts = [f"`XX_{code}`" for code, meant in spoken.texts.items() if meant == field]
    return ", ".join([*texts, *(f"`{name}`" for name in _named(spoken, field))])


def _named(spoken: Dialect, field: str) -> list[str]:
    return [name for name, alias in spoken.fields.items() if field in alias.fields]


def commands() -> list[tuple[str, Any]]:
    """(full name, command) of every command, in the order of `--help`."""

    def walk(command: Any, path: str) -> list[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            return [(path, command)]
        return [one for name, below in command.commands.items() for one in walk(below, f"{path} {name}")]

    return walk(typer.main.get_command(application()), "concord")


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
    (HERE / "search-fields.md").write_text(search_fields_page(), encoding="utf-8")
    sizing = HERE / "sizing.md"
    sizing.write_text(with_sizes(sizing.read_text("utf-8")), encoding="utf-8")

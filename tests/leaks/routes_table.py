"""Writes docs/routes.md from the routes: `python -m tests.leaks.routes_table`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.leaks.test_routes import ROLES, TABLE, expected_table

HEAD = """# Routes and who may use them

What a caller may *do* is decided here, by role; what it *sees* by its scope, whichever route it uses. `anyone` needs no
credentials. A key may be scoped to fewer permissions than its role has. `tests/leaks/test_routes.py` compares this
table with the application and fails on a route that has no guard or is missing here.

"""


def write(path: Path = TABLE) -> None:
    columns = ["anyone", *ROLES]
    lines = [f"| Method | Route | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    with tempfile.TemporaryDirectory() as home:
        for (method, route), roles in sorted(
            expected_table(Path(home)).items(), key=lambda item: (item[0][1], item[0][0])
        ):
            marks = ["yes" if column in roles else "" for column in columns]
            lines.append(f"| {method} | `{route}` | {' | '.join(marks)} |")
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    write()

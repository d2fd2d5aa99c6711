"""The table of formats: every reader the platform has. To add a format, write its module and add its rows here.

Order matters only where one signature fits two rows: the more particular comes first.
"""

from __future__ import annotations

from indexer.formats.reading import Format

FORMATS: tuple[Format, ...] = ()


def by_name(name: str) -> Format:
    """The format called `name`; KeyError if there is none."""
    return {row.name: row for row in FORMATS}[name]

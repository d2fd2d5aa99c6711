"""Which holdings a report may count: the rights of whoever asks, in the terms of the table `holdings`.

A report is made of these rows only. What lies outside is the same as what is not held: no total, average or date of a
report changes when it comes or goes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """Holdings of one provider, or of some collections, that meet all conditions. Empty and None: no limit."""

    provider: str | None = None
    collections: frozenset[str] = frozenset()
    """Instead of a provider."""
    offices: frozenset[str] = frozenset()
    rights: frozenset[str] = frozenset()
    date_from: dt.date | None = None
    date_to: dt.date | None = None
    """Of publication; both included. Without a publication date a holding is outside every limit."""
    unpublished: bool = False
    """Whether those that the office has not published are covered."""


@dataclass(frozen=True, slots=True)
class Visible:
    """The holdings that any of the spans covers; `spans` None: all."""

    spans: tuple[Span, ...] | None = ()

    @property
    def providers(self) -> tuple[str, ...]:
        """Whose every holding is covered: the asker's own."""
        return tuple(sorted({span.provider for span in self.spans or () if span.provider}))

    def where(self, alias: str) -> tuple[str, dict[str, Any]]:
        """SQL condition over the rows `alias` of holdings, and its parameters."""
        if self.spans is None:
            return "true", {}
        parts, parameters = [], dict[str, Any]()
        for number, span in enumerate(self.spans):
            clauses: list[str] = []
            for column, value in (
                ("provider = {}", span.provider),
                ("collection = any({})", None if span.provider else sorted(span.collections)),
                ("office = any({})", sorted(span.offices) or None),
                ('"right" = any({})', sorted(span.rights) or None),
                ("publication_date >= {}", span.date_from),
                ("publication_date <= {}", span.date_to),
            ):
                if value is not None:
                    name = f"v{number}_{len(clauses)}"
                    clauses.append(f"{alias}.{column.format(f':{name}')}")
                    parameters[name] = value
            if not span.unpublished:
                clauses.append(f"not {alias}.unpublished")
            parts.append(f"({' and '.join(clauses)})")
        return (" or ".join(parts).join("()") if parts else "false"), parameters


EVERYTHING = Visible(None)
"""For the command line of whoever runs the machine."""

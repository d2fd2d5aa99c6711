"""What became of the records that were found: the report of every export, by command or by job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from api.exchange.writers import Loss

MOST_NAMED = 1_000
"""Records that could not be written and are named one by one; the others are counted."""


@dataclass
class Report:
    written: int = 0
    files: int = 0
    unwritten: list[tuple[str, str]] = field(default_factory=list)
    """(id, why)"""
    more_unwritten: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Why → records that were found and may not be given out."""
    lost: dict[tuple[str, str], int] = field(default_factory=dict)
    """(field, why) → records that lose it."""

    def add_losses(self, losses: tuple[Loss, ...]) -> None:
        for loss in losses:
            self.lost[loss.field, loss.reason] = self.lost.get((loss.field, loss.reason), 0) + 1

    def add_unwritten(self, record_id: str, why: str) -> None:
        if len(self.unwritten) < MOST_NAMED:
            self.unwritten.append((record_id, why))
        else:
            self.more_unwritten += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "written": self.written,
            "files": self.files,
            "unwritten": [{"id": record_id, "reason": why} for record_id, why in self.unwritten],
            "more_unwritten": self.more_unwritten,
            "left_out": dict(self.left_out),
            "lost": [{"field": name, "reason": why, "records": n} for (name, why), n in sorted(self.lost.items())],
        }

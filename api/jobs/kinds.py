"""The kinds of jobs: one row each, with the function that does the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from api.jobs.runner import Run

Work = Callable[["Run"], Awaitable[dict[str, Any]]]
"""Does a job and returns its result. It may be begun several times: its effects must be the same as of once."""


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    work: str
    """`module:function`, imported when first needed: rooms know the queue, the queue does not know the rooms."""
    queue: str = "long"
    every: str | None = None
    """Minutes past which it is entered by itself, as cron says it."""

    def load(self) -> Work:
        module, _, name = self.work.partition(":")
        return cast(Work, getattr(import_module(module), name))


KINDS: dict[str, Kind] = {
    "export": Kind("A result set is written to a file", "api.exports.job:export"),
    "delivery": Kind("An uploaded delivery is loaded", "api.deliveries.job:load"),
    "package": Kind("A certified package is built", "api.exchange.jobs:build"),
    "duplicates": Kind(
        "Records that are the same are looked for among what came in", "api.review.scanning:scan", every="7 * * * *"
    ),
    "exchange": Kind(
        "Agreements that end, reminders, changes to be pushed", "api.exchange.jobs:keep", "quick", every="* * * * *"
    ),
    "alerts": Kind("Saved searches are run over what came in", "api.saved.run:alerts", every="* * * * *"),
    "tidy": Kind("What is over is removed", "api.jobs.tidy:tidy", "quick", every="* * * * *"),
}

"""The samples and demo offices that a first `concord up` sets up, so that there is something to look at."""

from __future__ import annotations

import asyncio
import json
import os
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.access import make_demo
from cli.load import load_delivery, progress_bar, sender_of
from cli.session import Platform

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
KEYS_FILE = "demo-keys.json"


@dataclass(frozen=True, slots=True)
class SampleDelivery:
    folder: Path
    provider: str
    collection: str = "default"
    column_map: Path | None = None


def deliveries() -> Iterator[SampleDelivery]:
    """The rows of samples/deliveries.toml, in loading order."""
    table: dict[str, Any] = tomllib.loads((SAMPLES / "deliveries.toml").read_text(encoding="utf-8"))
    for row in table["delivery"]:
        yield SampleDelivery(
            folder=SAMPLES / "deliveries" / row["folder"],
            provider=row["provider"],
            collection=row.get("collection", "default"),
            column_map=SAMPLES / row["column_map"] if "column_map" in row else None,
        )


def prepare(running: Platform, output: Console) -> None:
    """Load the samples and make the demo offices, if the store is empty. Begun and broken off, it goes on."""
    marker = running.settings.home / KEYS_FILE
    if marker.exists() or (_held(running) and not (running.settings.home / f"{KEYS_FILE}.begun").exists()):
        return
    begun = running.settings.home / f"{KEYS_FILE}.begun"
    begun.touch()
    loaded = rejected = 0
    table = list(deliveries())
    with progress_bar() as bar:
        overall = bar.add_task("samples", total=len(table), records=0, rejected=0, begun=time.monotonic())
        for delivery in table:
            sender = sender_of(delivery.provider, delivery.collection, delivery.column_map)
            outcome = asyncio.run(load_delivery(running, [delivery.folder], sender, None))
            loaded += outcome.counts.records
            rejected += outcome.counts.rejected
            bar.update(overall, advance=1, records=loaded, rejected=rejected)
    output.print(
        f"Samples loaded: {loaded} records from {len(table)} deliveries, "
        f"{rejected} rejected on purpose (`concord rejects` says why).",
        soft_wrap=True,
    )
    _keep(marker, make_demo(running))
    begun.unlink()


def _held(running: Platform) -> bool:
    with running.database.connect() as connection:
        return connection.execute("select 1 from deliveries limit 1").fetchone() is not None


def _keep(path: Path, made: list[dict[str, Any]]) -> None:
    """Demo keys stay in a file that only its owner reads: the store itself keeps nothing but their hashes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(made, file, indent=1)


def how_to_sign_in(home: Path) -> str:
    """What `concord up` says about the demo offices; a hint on keys where there are none."""
    path = home / KEYS_FILE
    if not path.exists():
        return "Make a key with: concord keys create --office EP --role examiner"
    rows = json.loads(path.read_text(encoding="utf-8"))
    lines = [f"  {row['office']}  {row['name']}, {row['role']}: {row['key']}" for row in rows]
    return "\n".join(
        ["Sign in on the page with one of these demo keys, or send it as `Authorization: Bearer KEY`:", *lines]
    )

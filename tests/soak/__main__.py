"""`make soak`: a cluster under a steady load, with one random fault after the other.

    python -m tests.soak [--minutes 10] [--seed N] [--only NAME …] [--json FILE]

After each fault the load goes on until a round of it is answered, then everything is counted: what was acknowledged
must be held and searchable, once. Prints what held under which fault; exit 1 where anything did not. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak.faults import FAULTS, here
from tests.soak.load import Broken, Load
from tests.soak.site import Site

console = Console(stderr=True, highlight=False)
EACH_S = 4
"""Of load before a fault, and after it."""


@dataclass
class Held:
    """What became of the platform under one kind of fault."""

    times: int = 0
    answered: int = 0
    """Searches answered in full, from the fault until everything was whole again."""
    refused: int = 0
    """Searches that said that they could not be answered, or got no answer."""
    back_s: float = 0
    """Longest time until every node, copy and process was back."""
    problems: int = 0


class Steady:
    """Searches all the time, deliveries and exports one after the other."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.over = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.over.clear()
        self.tasks = [asyncio.create_task(part()) for part in (self._search, self._search, self._deliver, self._export)]

    async def stop(self) -> None:
        """Ends when everything that was begun is acknowledged. Raises Broken."""
        self.over.set()
        tasks, self.tasks = self.tasks, []
        await asyncio.gather(*tasks)

    async def _search(self) -> None:
        while not self.over.is_set():
            await self.load.search()
            await asyncio.sleep(0.1)

    async def _deliver(self) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            if number % 4:
                await self.load.deliver(by_upload=bool(number % 2))
            else:
                await self.load.amend()
            await asyncio.sleep(0.2)

    async def _export(self) -> None:
        while not self.over.is_set():
            await self.load.export()
            await asyncio.sleep(1)


def order(chance: random.Random, only: list[str]) -> Iterator[str]:
    """Every fault once in an order of chance, then again in another."""
    names = [name for name in here() if not only or any(part in name for part in only)]
    while True:
        yield from chance.sample(names, len(names))


async def soak(load: Load, seconds: float, only: list[str]) -> dict[str, Held]:
    table: dict[str, Held] = {}
    steady = Steady(load)
    await load.deliver(by_upload=True)
    end = time.monotonic() + seconds
    for name in order(load.chance, only):
        if time.monotonic() >= end:
            break
        held = table.setdefault(name, Held())
        held.times += 1
        try:
            steady.start()
            await asyncio.sleep(EACH_S)
            before = load.told.copy()
            begun = time.monotonic()
            said = await FAULTS[name](load)
            await asyncio.to_thread(load.site.back)
            back_s = time.monotonic() - begun
            told = load.told - before
            await asyncio.sleep(EACH_S)
            await steady.stop()
            # What a delivery left unsent when it was killed is brought over by the next.
            await load.deliver(by_upload=False)
            await asyncio.to_thread(load.verify)
        except (Broken, AssertionError) as error:
            held.problems += 1
            load.broken.clear()
            console.print(f"[red]{name}: {error}[/]", soft_wrap=True)
            steady.over.set()
            await asyncio.gather(*steady.tasks, return_exceptions=True)
            continue
        held.answered += told["searches answered in full"]
        held.refused += told["searches that were told to come again"] + told["searches that got no answer"]
        held.back_s = max(held.back_s, back_s)
        console.print(f"{name}: {said}; whole again after {back_s:.0f} s", soft_wrap=True)
    return table


def shown(table: dict[str, Held]) -> Table:
    found = Table(title="What held")
    for title in ("fault", "times", "searches answered", "told to come again", "back after", "lost, doubled, untrue"):
        found.add_column(title, justify="left" if title == "fault" else "right")
    for name, held in table.items():
        problems = str(held.problems) if held.problems else "none"
        numbers = (str(held.times), str(held.answered), str(held.refused), f"{held.back_s:.0f} s", problems)
        found.add_row(name, *numbers)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="of faults; it takes some more to start and to end")
    parser.add_argument("--seed", type=int, default=None, help="the same faults in the same order")
    parser.add_argument("--only", nargs="+", default=[], help="faults whose name has one of these in it")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    console.print(f"seed {seed}, {options.minutes:g} minutes")
    if left := set(FAULTS) - set(here()):
        console.print(f"Left out, for this user may not mount a small disk to fill: {', '.join(sorted(left))}")
    with tempfile.TemporaryDirectory(prefix="concord-soak-") as folder, Site(Path(folder)) as site:
        load = Load(site, Path(folder) / "deliveries", random.Random(seed))
        table = asyncio.run(soak(load, options.minutes * 60, options.only))
        total = sum(len(ids) for ids in load.held.values())
    Console(highlight=False).print(shown(table))
    result = {
        "seed": seed,
        "minutes": options.minutes,
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "faults": {name: asdict(held) for name, held in table.items()},
        "records_acknowledged": total,
        "slowest_delivery_s": round(load.slowest_s, 1),
        **{name.replace(" ", "_"): number for name, number in sorted(load.told.items())},
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 1 if any(held.problems for held in table.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""How soon each main page shows something, and what it weighs.

    python -m tests.web.paint http://127.0.0.1:8000 [ROLE=KEY …]

opens the pages of tests/web/screenshots.py on a running platform, those included that only a link leads to, each
`TIMES` times by a browser that has seen none of them, and prints the median of the first contentful paint and the bytes
that came over the wire (page, sheet, script, pictures). Exit code 1 where a median is over a second, or a page without
its pictures over 150 KB. Say how busy the machine was beside any figure.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Browser

from tests.web.browser import browser
from tests.web.screenshots import FOLLOWED, HIT, OPEN, PARTS, SIGNED_IN, follow

TIMES = 3
SLOWEST_MS = 1_000
LARGEST = 150_000
PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const paint of list.getEntries()) if (paint.name === "first-contentful-paint") done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""
WEIGHT = """() => {
  const all = performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"));
  const sum = some => some.reduce((bytes, one) => bytes + one.transferSize, 0);
  return [sum(all.filter(one => one.initiatorType !== "img")), sum(all.filter(one => one.initiatorType === "img"))];
}"""


def measure(chromium: Browser, base: str, path: str, language: str, key: str | None) -> tuple[float, int, int]:
    """Median milliseconds, bytes without pictures, bytes of pictures."""
    paints: list[float] = []
    weights: list[int] = [0, 0]
    for _ in range(TIMES):
        with chromium.new_context(viewport={"width": 1280, "height": 860}, locale=language) as context:
            page = context.new_page()
            if key is not None:
                page.request.post(f"{base}/sign-in", form={"credential": key})
            page.goto(base + path)
            paints.append(float(page.evaluate(PAINT)))
            weights = page.evaluate(WEIGHT)
    return statistics.median(paints), weights[0], weights[1]


def pages_of(chromium: Browser, base: str, keys: Mapping[str, str]) -> list[tuple[str, str, str, str | None]]:
    """Name, path, language and key of every page."""
    pages: list[tuple[str, str, str, str | None]] = [(name, *where, None) for name, where in OPEN.items()]
    for role, key in {"": None, **keys}.items():
        pages += [(name, path, "en", key) for name, path in SIGNED_IN.get(role, {}).items()]
        with chromium.new_context(locale="en") as context:
            page = context.new_page()
            if key is not None:
                page.request.post(f"{base}/sign-in", form={"credential": key})
            for name, (path, *links) in FOLLOWED.get(role, {}).items():
                follow(page, base + path, links)
                pages.append((name, page.url.removeprefix(base), "en", key))
            for tab, path in PARTS.items() if key is None else ():
                follow(page, base + path, HIT)
                pages.append((f"record {tab}", f"{page.url.removeprefix(base)}?tab={tab}", "en", None))
    return pages


def main(base: str, keys: Mapping[str, str]) -> int:
    over = 0
    out: Any = sys.stdout
    out.write(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    with browser() as chromium:
        for name, path, language, key in pages_of(chromium, base, keys):
            paint, weight, pictures = measure(chromium, base, path, language, key)
            much = paint >= SLOWEST_MS or weight > LARGEST
            over += much
            out.write(f"{name:16} {paint:6.0f} ms {weight / 1000:6.1f} KB {pictures / 1000:6.1f} KB of pictures"
                      f"{'   too much' if much else ''}\n")  # fmt: skip
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), dict(argument.split("=", 1) for argument in sys.argv[2:])))

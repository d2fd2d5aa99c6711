"""Pictures of the main pages at two widths, for the guides.

    python -m tests.web.screenshots http://127.0.0.1:8000 [KEY]

takes them of a running platform with the samples loaded (`make run`) into docs/screenshots/; with a demo key, also of
the pages behind the sign-in. For scripts to look right the machine needs fonts for them (Debian: fonts-noto-core,
fonts-noto-cjk).
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.web.browser import browser

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDTHS = {"wide": (1280, 860), "phone": (390, 844)}
LARGEST = 150_000
"""Bytes of one picture."""
OPEN = {
    "start": ("/", "en"),
    "search": ("/?q=battery", "en"),
    "search-ar": ("/?q=%D8%A8%D8%B7%D8%A7%D8%B1%D9%8A%D8%A9", "ar"),
    "search-ja": ("/?q=%E9%9B%BB%E6%B1%A0&right=patent", "ja"),
    "table": ("/?q=battery&view=table", "en"),
    "pictures": ("/?right=trademark&view=grid", "en"),
    "advanced": ("/advanced", "en"),
    "platform": ("/platform", "fr"),
    "sign-in": ("/sign-in", "en"),
}
PARTS = ("overview", "texts", "legal", "family")
SIGNED_IN = {"office": "/office", "deliveries": "/deliveries"}


def keep(page: Page, name: str) -> None:
    """One picture, with as few colours as make it small enough."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if len(out.getvalue()) <= LARGEST:
            break
    (FOLDER / f"{name}.png").write_bytes(out.getvalue())


def take(chromium: Browser, base: str, key: str | None) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for width, (across, down) in WIDTHS.items():
        size = {"width": across, "height": down}
        for name, (path, language) in OPEN.items():
            with chromium.new_context(viewport=size, locale=language) as context:  # type: ignore[arg-type]
                page = context.new_page()
                page.goto(base + path)
                keep(page, f"{name}-{width}")
        with chromium.new_context(viewport=size, locale="en") as context:  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(f"{base}/?q=electrolyte&right=patent&office=EP")
            record = page.locator(".hit h3 a").first.get_attribute("href")
            for part in PARTS:
                page.goto(f"{base}{record}?tab={part}")
                keep(page, f"record-{part}-{width}")
            if key:
                page.goto(f"{base}/sign-in")
                page.locator("#credential").fill(key)
                page.locator("form:has(#credential) button").click()
                page.wait_for_url(f"{base}/")
                for name, path in SIGNED_IN.items():
                    page.goto(base + path)
                    keep(page, f"{name}-{width}")
    with chromium.new_context(viewport=size | {"width": 1280}, locale="en", color_scheme="dark") as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{base}/?q=battery")
        keep(page, "search-dark-wide")


if __name__ == "__main__":
    with browser() as chromium:
        take(chromium, sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) > 2 else None)

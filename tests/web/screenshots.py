"""Pictures of the main pages at two widths, for the guides.

    python -m tests.web.screenshots http://127.0.0.1:8000 [ROLE=KEY …]

takes them (without keys, of the open pages) of a running platform with the samples loaded (`make run`) into
docs/screenshots/; with a key of a role (`concord keys create --office EP --role …`; SIGNED_IN has their
names), of the pages that this role has.
Run `python -m tests.web.furnish` first, and `concord duplicates scan` for the quality person's. For scripts to look
right the machine needs fonts for them (Debian: fonts-noto-core, fonts-noto-cjk).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.web.browser import browser

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDTHS = {"wide": (1280, 860), "phone": (390, 844)}
PATIENCE_MS = 120_000
LARGEST = 150_000
"""Bytes of one picture."""
OPEN = {
    "start": ("/", "en"),
    "search": ("/?q=battery", "en"),
    "search-ar": ("/?q=%D8%A8%D8%B7%D8%A7%D8%B1%D9%8A%D8%A9", "ar"),
    "search-ja": ("/?q=%E9%9B%BB%E6%B1%A0&right=patent", "ja"),
    "table": ("/?q=battery&view=table", "en"),
    "pictures": ("/?right=trademark&mark_feature=figurative&view=grid", "en"),
    "by-picture": ("/images?record=em-design-default.EM008900000-0001&image=1", "en"),
    "advanced": ("/advanced", "en"),
    "trends": ("/trends?q=battery&part=office", "en"),
    "like": ("/like?text=a+cell+with+a+solid+electrolyte", "en"),
    "platform": ("/platform", "fr"),
    "sign-in": ("/sign-in", "en"),
}
PARTS = {
    "overview": "/?q=electrolyte&right=patent&office=EP",
    "texts": "/?q=electrolyte&right=patent&office=EP",
    "family": "/?q=electrolyte&right=patent&office=EP",
    "legal": "/?q=fishing+harbour&right=copyright",
}
"""Tab of a record → a search whose first hit shows it."""
HIT = (".hit h3 a",)
SIGNED_IN = {
    "examiner": {"basket": "/mine", "similar": "/similar?mark=AOZORA&nice=9", "saved": "/mine/searches",
                 "exports": "/mine/exports", "jobs": "/mine/jobs", "grouped": "/?q=battery&group=family"},
    "agent": {},
    "steward": {"office": "/office", "deliveries": "/deliveries", "packages": "/office/packages",
                "certificates": "/office/certificates", "request": "/office/requests/new",
                "exchanged": "/office/exchanged", "endpoints": "/office/endpoints", "priority": "/office/priority",
                "audit": "/office/audit", "usage": "/office/usage", "keys": "/office/keys"},
    "quality": {"quality": "/quality", "findings": "/quality/findings?rule=priority-is-self",
                "duplicates": "/duplicates", "coverage": "/quality/coverage",
                "freshness": "/quality/freshness", "reports": "/reports"},
    "platform": {"engines": "/platform/engines", "usage-all": "/platform/usage", "feedback": "/platform/feedback"},
}  # fmt: skip
FOLLOWED = {
    "agent": {"record-certified": ("/?collection=de-trademark-default", ".hit h3 a", ".tabs a:last-child")},
    "steward": {"agreement": ("/office", "h3 a:has-text('Marks for examination')"),
                "delivery": ("/deliveries", "tbody a:has-text('odd-values.xml')"),
                "reject": ("/deliveries", "tbody a:has-text('no-number.xml')", ".page table tbody td:last-child a")},
    "quality": {"pair": ("/duplicates", "tbody a")},
}  # fmt: skip
"""Role → picture → a page, and which link of it leads on, and of that one."""


def keep(page: Page, name: str) -> None:
    """One picture, with as few colours as make it small enough."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if len(out.getvalue()) <= LARGEST:
            break
    (FOLDER / f"{name}.png").write_bytes(out.getvalue())


def take(chromium: Browser, base: str, keys: Mapping[str, str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for width, (across, down) in WIDTHS.items():
        size = {"width": across, "height": down}
        if not keys:
            take_open(chromium, base, width, size)
        for role, key in keys.items():
            with chromium.new_context(viewport=size, locale="en") as context:  # type: ignore[arg-type]
                context.set_default_timeout(PATIENCE_MS)
                page = context.new_page()
                page.request.post(f"{base}/sign-in", form={"credential": key})
                for name, path in SIGNED_IN[role].items():
                    page.goto(base + path)
                    keep(page, f"{name}-{width}")
                for name, (path, *links) in FOLLOWED.get(role, {}).items():
                    follow(page, base + path, links)
                    keep(page, f"{name}-{width}")
    if not keys:
        with chromium.new_context(viewport={"width": 1280, "height": 860}, locale="en", color_scheme="dark") as context:
            page = context.new_page()
            page.goto(f"{base}/?q=battery")
            keep(page, "search-dark-wide")


def follow(page: Page, address: str, links: Sequence[str]) -> None:
    page.goto(address)
    for link in links:
        page.locator(link).first.click()
        page.wait_for_load_state()


def take_open(chromium: Browser, base: str, width: str, size: dict[str, int]) -> None:
    for name, (path, language) in OPEN.items():
        with chromium.new_context(viewport=size, locale=language) as context:  # type: ignore[arg-type]
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.goto(base + path)
            page.wait_for_load_state("networkidle")
            keep(page, f"{name}-{width}")
    with chromium.new_context(viewport=size, locale="en") as context:  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        for part, search in PARTS.items():
            follow(page, base + search, HIT)
            page.goto(f"{page.url}?tab={part}")
            keep(page, f"record-{part}-{width}")


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    with browser() as chromium:
        take(chromium, sys.argv[1].rstrip("/"), given)

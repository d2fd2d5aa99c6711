"""What holds on every page: readable for all (WCAG 2.2 AA), light, quick, safe whatever a record says."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.web.conftest import Open
from tests.web.site import LONG_NAME, SHOWN_MARK, Site

RECORD = "/records/XA.patent.XA0000101.A1"
HARMFUL = "/records/XA.patent.XA0000666.A1"
OPEN = {
    "start": "/",
    "search": "/?q=battery",
    "table": "/?q=battery&view=table",
    "pictures": "/?q=battery&view=grid",
    "nothing": "/?q=quixotry&mode=keyword",
    "fault": "/?q=a:b",
    "advanced": "/advanced",
    "record": RECORD,
    "texts": f"{RECORD}?tab=texts",
    "images": f"{RECORD}?tab=images",
    "legal": f"{RECORD}?tab=legal",
    "family": f"{RECORD}?tab=family",
    "citations": f"{RECORD}?tab=citations",
    "sources": f"{RECORD}?tab=sources",
    "certified copy": f"{RECORD}?tab=certified",
    "platform": "/platform",
    "sign-in": "/sign-in",
    "me": "/me",
    "missing": "/records/none",
    "coverage": "/quality/coverage",
    "gaps": "/quality/coverage/XA",
    "freshness": "/quality/freshness",
    "facet": "/facet/office?q=battery",
    "similar": "/similar?mark=AOSORA",
    "trends": "/trends?q=battery&part=office",
    "grouped": "/?q=battery&group=family",
    "like": "/like?text=battery+with+solid+electrolyte",
    "similar records": f"{RECORD}?tab=similar",
    "delivered images": f"/records/{SHOWN_MARK}?tab=images",
    "by picture": "/images",
    "like a picture": f"/images?record={SHOWN_MARK}&image=1",
}
SIGNED_IN = {
    "office": "/office",
    "policy": "/office/collections/xa-patent-x",
    "keys": "/office/keys",
    "audit": "/office/audit",
    "deliveries": "/deliveries",
    "delivery": "/deliveries/{delivery}",
    "reject": "/deliveries/{delivery}/rejects/1",
    "quality": "/quality",
    "findings": "/quality/findings?rule=text-language-unknown",
    "reports": "/reports",
    "report": "/records/XA.patent.XA0000101.A1/report",
    "request": "/office/requests/new",
    "agreement": "/office/agreements/1",
    "packages": "/office/packages",
    "certificates": "/office/certificates",
    "exchanged": "/office/exchanged",
    "endpoints": "/office/endpoints",
    "priority documents": "/office/priority",
    "basket": "/mine",
    "jobs": "/mine/jobs",
    "saved": "/mine/searches",
    "exports": "/mine/exports",
    "kept record": RECORD,
}
JUDGING = {
    "duplicates": "/duplicates",
    "pair": "/duplicates/pair?a=XA.patent.XA0000701.A1&b=xb-patent-x.XA0000701.A1",
    "cluster": "/duplicates/clusters/XA.patent.XA0000701.A1",
}
EXPECTED = {"fault": 400, "missing": 404}
"""Statuses of pages that tell of something wrong; all others answer 200."""
WIDTHS = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
LARGEST_PAGE = 150_000
SLOWEST_PAINT_MS = 1_000
FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const paint of list.getEntries()) if (paint.name === "first-contentful-paint") done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@lru_cache(maxsize=1)
def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def serious_findings(page: Page) -> list[str]:
    page.evaluate(axe())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{entry['id']}: {node['target']} {node['failureSummary']}"
        for entry in found["violations"]
        if entry["impact"] in ("serious", "critical")
        for node in entry["nodes"]
    ]


def first_paint(page: Page) -> float:
    """Milliseconds to the first contentful paint; looked at again where it is late, since other work of the machine
    only ever makes it later."""
    paint = float(page.evaluate(FIRST_PAINT))
    for _ in range(3):
        if paint < SLOWEST_PAINT_MS:
            break
        page.reload()
        paint = min(paint, float(page.evaluate(FIRST_PAINT)))
    return paint


def look(page: Page, site: Site, paths: dict[str, str]) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Barriers and late paints of pages, by name."""
    faults, late = {}, {}
    for name, path in paths.items():
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.status == EXPECTED.get(name, 200), path
        if (paint := first_paint(page)) >= SLOWEST_PAINT_MS:
            late[name] = paint
        if found := serious_findings(page):
            faults[name] = found
    return faults, late


@pytest.mark.parametrize("width", WIDTHS)
def test_no_open_page_has_a_serious_barrier_or_paints_late(visit: Open, site: Site, width: str) -> None:
    assert look(visit("/", viewport=WIDTHS[width]), site, OPEN) == ({}, {})


@pytest.mark.parametrize("width", WIDTHS)
def test_no_signed_in_page_has_a_serious_barrier_or_paints_late(visit: Open, site: Site, width: str) -> None:
    page = visit("/", key=site.key("steward"), viewport=WIDTHS[width])
    paths = {name: path.format(delivery=site.delivery) for name, path in SIGNED_IN.items()}
    assert look(page, site, paths) == ({}, {})


def test_no_page_of_the_judge_has_a_serious_barrier_or_paints_late(visit: Open, site: Site) -> None:
    assert look(visit("/", key=site.key("quality"), locale="ar"), site, JUDGING) == ({}, {})


@pytest.mark.parametrize(("language", "scheme"), [("ar", "light"), ("ja", "dark"), ("en", "dark")])
def test_other_directions_and_the_dark_have_none_either(visit: Open, site: Site, language: str, scheme: str) -> None:
    names = ("start", "search", "record", "legal", "platform", "sign-in")
    page = visit("/", locale=language, color_scheme=scheme)
    assert look(page, site, {name: OPEN[name] for name in names}) == ({}, {})


def test_no_page_weighs_more_than_150_kb(site: Site) -> None:
    weights = {}
    with httpx.Client(base_url=site.url, timeout=30) as client:
        client.post("/sign-in", data={"credential": site.key("steward")})
        shared = sum(
            len(client.get(f"/static/{name}").content) for name in ("concord.css", "concord.js", "concord.svg")
        )
        paths = {
            **OPEN,
            **SIGNED_IN,
            "harmful": HARMFUL,
            "harmful texts": f"{HARMFUL}?tab=texts",
            "hundred": "/?size=100",
        }
        for name, path in paths.items():
            weights[name] = shared + len(client.get(path.format(delivery=site.delivery)).content)
    assert {name: weight for name, weight in weights.items() if weight > LARGEST_PAGE} == {}


@pytest.mark.parametrize("tab", ["overview", "texts", "images", "legal", "citations", "sources", "certified"])
def test_a_record_that_means_harm_is_only_text(visit: Open, site: Site, tab: str) -> None:
    page = visit(f"{HARMFUL}?tab={tab}", key=site.key("examiner"))
    assert page.evaluate("window.harmed === undefined")
    assert page.locator("main script, main img, main iframe, main [onerror], main [onload]").count() == 0
    assert page.locator("main a[href^='javascript:' i], main a[href^='https://example.org']").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_it_is_only_text_wherever_results_are_shown(visit: Open, site: Site) -> None:
    page = visit("/?q=harmful&mode=keyword", key=site.key("examiner"))
    for path in (
        "/?q=harmful&mode=keyword&view=table",
        "/?q=harmful&mode=keyword&view=grid",
        "/?q=harmful&mode=keyword&group=family",
        "/facet/applicant?q=harmful&mode=keyword",
        "/trends?q=harmful&part=applicant",
        f"{HARMFUL}?tab=similar",
        f"{HARMFUL}?tab=family",
        f"{HARMFUL}/report",
    ):
        page.goto(site.url + path)
        assert page.evaluate("window.harmed === undefined"), path
        assert page.locator("main script, main iframe, main [onerror], main [onload]").count() == 0, path
        assert page.evaluate("window.violations") == [], path


def test_direction_overrides_stay_inside_their_own_text(visit: Open) -> None:
    page = visit("/?q=harmful&mode=keyword")
    snippet = page.locator(".snippet bdi").first
    assert snippet.evaluate("node => getComputedStyle(node).unicodeBidi") in ("isolate", "plaintext")
    assert "\u202e" in snippet.inner_text()
    assert page.locator(".hit h3").first.evaluate("node => getComputedStyle(node).direction") == "ltr"
    assert page.evaluate("window.harmed === undefined")


def test_a_name_of_ten_thousand_characters_breaks_no_layout(visit: Open) -> None:
    assert len(LONG_NAME) > 10_000
    for viewport in WIDTHS.values():
        page = visit(HARMFUL, viewport=viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_every_answer_carries_the_security_policy(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        for path in (*OPEN.values(), "/static/concord.css", "/static/none", "/nowhere"):
            policy = client.get(path).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy


def test_static_files_are_kept_by_the_browser_and_nothing_else_is(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        assert "immutable" in client.get("/static/concord.css").headers["cache-control"]
        assert client.get("/static/../page.py").status_code == 404
        assert client.get("/static/..%2Fpage.py").status_code == 404
        assert client.get("/").headers["cache-control"] == "no-store"

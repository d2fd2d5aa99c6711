"""What holds on every page: readable for all (WCAG 2.2 AA), light, quick, safe whatever a record says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from api.access.model import Role
from api.web.page import PageRoute
from tests.leaks.test_routes import allowed, guards_of, routes_of
from tests.web.conftest import Open
from tests.web.site import LONG_NAME, SHOWN_MARK, Site

RECORD = "/records/XA.patent.XA0000101.A1"
HARMFUL = "/records/XA.patent.XA0000666.A1"
PAGES: dict[str, dict[str, str]] = {
    "/": {
        "start": "/",
        "search": "/?q=battery",
        "table": "/?q=battery&view=table",
        "pictures": "/?q=battery&view=grid",
        "grouped": "/?q=battery&group=family",
        "nothing": "/?q=quixotry&mode=keyword",
        "fault": "/?q=a:b",
        "hundred": "/?size=100",
    },
    "/advanced": {"fielded": "/advanced"},
    "/records/{record_id}": {
        "record": RECORD,
        **{tab: f"{RECORD}?tab={tab}"
           for tab in ("texts", "images", "legal", "family", "citations", "similar", "sources", "certified")},
        "delivered images": f"/records/{SHOWN_MARK}?tab=images",
        "harmful": HARMFUL,
        "harmful texts": f"{HARMFUL}?tab=texts",
        "missing": "/records/none",
    },
    "/records/{record_id}/report": {"new report": f"{RECORD}/report"},
    "/facet/{name}": {"facet": "/facet/office?q=battery"},
    "/similar": {"similar marks": "/similar?mark=AOSORA"},
    "/images": {"by picture": "/images", "like a picture": f"/images?record={SHOWN_MARK}&image=1"},
    "/like": {"like": "/like?text=battery+with+solid+electrolyte"},
    "/trends": {"trends": "/trends?q=battery&part=office"},
    "/sign-in": {"sign-in": "/sign-in"},
    "/me": {"me": "/me"},
    "/platform": {"platform": "/platform"},
    "/platform/engines": {"engines": "/platform/engines"},
    "/platform/usage": {"usage": "/platform/usage?by=month", "usage fault": "/platform/usage?since=soon"},
    "/platform/feedback": {"feedback inbox": "/platform/feedback"},
    "/feedback": {"feedback": "/feedback?page=/platform"},
    "/mine": {"basket": "/mine"},
    "/mine/searches": {"saved searches": "/mine/searches"},
    "/mine/searches/{search}": {"saved search": "/mine/searches/{search}"},
    "/mine/exports": {"exports": "/mine/exports"},
    "/mine/jobs": {"jobs": "/mine/jobs"},
    "/office": {"office": "/office"},
    "/office/agreements/{agreement}": {"agreement": "/office/agreements/1"},
    "/office/audit": {"audit": "/office/audit"},
    "/office/usage": {"office usage": "/office/usage"},
    "/office/certificates": {"certificates": "/office/certificates"},
    "/office/collections/{collection}": {"policy": "/office/collections/xa-patent-x"},
    "/office/endpoints": {"endpoints": "/office/endpoints"},
    "/office/endpoints/{endpoint}": {"endpoint": "/office/endpoints/{endpoint}"},
    "/office/exchanged": {"exchanged": "/office/exchanged"},
    "/office/keys": {"keys": "/office/keys"},
    "/office/packages": {"packages": "/office/packages"},
    "/office/priority": {"priority documents": "/office/priority"},
    "/office/requests/new": {"request": "/office/requests/new"},
    "/deliveries": {"deliveries": "/deliveries"},
    "/deliveries/{sequence}": {"delivery": "/deliveries/{delivery}"},
    "/deliveries/{sequence}/rejects/{reject}": {"reject": "/deliveries/{delivery}/rejects/1"},
    "/quality": {"quality": "/quality"},
    "/quality/findings": {"findings": "/quality/findings?rule=text-language-unknown"},
    "/quality/coverage": {"coverage": "/quality/coverage"},
    "/quality/coverage/{office}": {"gaps": "/quality/coverage/XA"},
    "/quality/freshness": {"freshness": "/quality/freshness"},
    "/reports": {"reports": "/reports"},
    "/reports/{report_id}": {"report": "/reports/{report}"},
    "/duplicates": {"duplicates": "/duplicates"},
    "/duplicates/pair": {"pair": "/duplicates/pair?a=XA.patent.XA0000701.A1&b=xb-patent-x.XA0000701.A1"},
    "/duplicates/clusters/{record_id}": {"cluster": "/duplicates/clusters/XA.patent.XA0000701.A1"},
}  # fmt: skip
"""Route → its pages by name: those worth looking at, the plainest first. Every page's route is here."""
NO_PAGES = {"/compose", "/open", "/records/{record_id}/original", "/static/{name}"}
"""Routes of the page that lead elsewhere or give a file."""
EXPECTED = {"fault": 400, "usage fault": 400, "missing": 404}
"""Statuses of pages that tell of something wrong; all others answer 200."""
OWN = {
    "saved search", "endpoint", "report", "delivery", "reject", "policy", "agreement", "office usage", "findings",
}  # fmt: skip
"""What belongs to an office or a person: for others it is not there, or not to be done."""
ROLES = [None, Role.EXAMINER, Role.OFFICE_AGENT, Role.DATA_QUALITY, Role.PROVIDER_STEWARD, Role.PLATFORM_STEWARD,
         Role.AUDITOR]  # fmt: skip
PHONE = {"width": 360, "height": 740}
WIDTHS = {"wide": {"width": 1280, "height": 900}, "phone": PHONE}
LARGEST_PAGE = 150_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHANGING = re.compile(r'(name="csrf" value=")[^"]*|<span class="took">[^<]*|<time[^>]*>[^<]*')
"""What is another with each reading of the same page."""


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


def faults_of(page: Page) -> list[str]:
    """Barriers of the page that is open, and whether it must be pushed sideways on a phone."""
    found = serious_findings(page)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    across = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(WIDTHS["wide"])  # type: ignore[arg-type]
    return [*found, f"is {across} wide on a phone"] if across > PHONE["width"] else found


@pytest.fixture(scope="module")
def kept(site: Site) -> dict[str, str]:
    """What a steward's pages show when something is there, and where it stands."""
    site.keys["keeper"] = site.platform.key("XA", Role.PROVIDER_STEWARD)
    site.keys["platform"] = site.platform.key(None, Role.PLATFORM_STEWARD)
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.key('keeper')}"}) as client:

        def made(path: str, **given: Any) -> str:
            answer = client.post(path, json=given)
            assert answer.is_success, answer.text
            return str(answer.json()["id"])

        assert client.put("/v1/basket/XA.patent.XA0000101.A1").is_success
        made("/v1/notes", record="XA.patent.XA0000101.A1", text="A sample note")
        made("/v1/feedback", text="A sample of what is said", page="/platform")
        made("/v1/exports", search={"q": "battery"}, format="csv")
        return {
            "search": made("/v1/saved-searches", name="Batteries", search={"q": "battery"}),
            "endpoint": made("/v1/webhooks", url="http://127.0.0.1:9/hook", label="A sample"),
            "report": made("/v1/error-reports", record="XA.patent.XA0000101.A1",
                           text="A sample of an error"),
            "delivery": str(site.delivery),
        }  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """Pages that were looked at, whoever they were shown to."""
    return set()


def key_of(site: Site, role: Role | None) -> str | None:
    if role is None:
        return None
    if role is Role.PROVIDER_STEWARD:
        return site.key("keeper")
    office = None if role in (Role.PLATFORM_STEWARD, Role.AUDITOR) else "XA"
    return site.platform.key(office, role)


def pages_of(site: Site, role: Role | None) -> Iterator[tuple[str, str]]:
    """(name, path) of what a role may open: each route's first page, and all of them for the public and for a
    steward."""
    for route in routes_of(site.platform.app):
        if str(route.path) in PAGES and "GET" in (route.methods or ()):
            may = allowed(guards_of(route)[0])
            if (role.value if role else "anyone") in may:
                named = list(PAGES[str(route.path)].items())
                whole = role is None or "anyone" not in may
                yield from named if whole else named[:1]


def test_no_page_is_left_out(site: Site) -> None:
    pages = {
        str(route.path)
        for route in routes_of(site.platform.app)
        if isinstance(route.original_route, PageRoute) and "GET" in (route.methods or ())
    }
    assert pages - NO_PAGES == set(PAGES)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value if role else "public")
def test_no_page_of_a_role_has_a_serious_barrier_or_weighs_more_than_150_kb(
    visit: Open, site: Site, kept: dict[str, str], seen: set[str], role: Role | None
) -> None:
    """A page that says the same as it did to another role is looked at once."""
    key = key_of(site, role)
    page = visit("/", key=key)
    faults: dict[str, Any] = {}
    reader: dict[str, Any] = {
        "base_url": site.url,
        "timeout": 60,
        "headers": {"accept-language": "en"},
        "follow_redirects": True,
    }
    with httpx.Client(**reader) as client:
        shared = sum(
            len(client.get(f"/static/{name}").content) for name in ("concord.css", "concord.js", "concord.svg")
        )
        if key is not None:
            client.post("/sign-in", data={"credential": key})
        for name, path in pages_of(site, role):
            address = path.format(**kept)
            answer = client.get(address)
            wanted = {EXPECTED.get(name, 200)} | ({403, 404} if name in OWN else set())
            assert answer.status_code in wanted, (address, answer.status_code)
            if (weight := shared + len(answer.content)) > LARGEST_PAGE:
                faults[f"{name} weighs"] = weight
            text = CHANGING.sub("", answer.text.partition("<main")[2])
            if text in seen:
                continue
            seen.add(text)
            page.goto(site.url + address)
            if found := faults_of(page):
                faults[name] = found
    assert faults == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("turn", "language", "scheme"), [(0, "ar", "light"), (1, "ja", "dark")])
def test_no_page_has_one_in_other_directions_scripts_and_the_dark(
    visit: Open, site: Site, kept: dict[str, str], turn: int, language: str, scheme: str
) -> None:
    """Each page as the role sees it that may do most there, by turns: what they are made of is the same."""
    places = {name: place for place, name in enumerate(name for named in PAGES.values() for name in named)}
    faults: dict[str, Any] = {}
    done: set[str] = set()
    for key, role in (("keeper", Role.PROVIDER_STEWARD), ("quality", Role.DATA_QUALITY),
                      ("platform", Role.PLATFORM_STEWARD)):  # fmt: skip
        page = visit("/", key=site.key(key), locale=language, color_scheme=scheme)
        mine = {path for _, path in pages_of(site, role)}
        for route, named in PAGES.items():
            if route not in done and mine & set(named.values()):
                done.add(route)
                for name, path in named.items():
                    if places[name] % 2 != turn:
                        continue
                    answer = page.goto(site.url + path.format(**kept))
                    assert answer is not None
                    assert answer.status == EXPECTED.get(name, 200), path
                    if found := faults_of(page):
                        faults[name] = found
    assert done == set(PAGES)
    assert faults == {}


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
        for path in (*PAGES["/"].values(), RECORD, "/sign-in", "/static/concord.css", "/static/none", "/nowhere"):
            policy = client.get(path).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy


def test_static_files_are_kept_by_the_browser_and_nothing_else_is(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        assert "immutable" in client.get("/static/concord.css").headers["cache-control"]
        assert client.get("/static/../page.py").status_code == 404
        packed, whole = (
            client.get("/static/concord.css", headers={"accept-encoding": way}) for way in ("gzip, br", "identity")
        )
        assert packed.content == whole.content
        assert "content-encoding" not in whole.headers
        assert int(packed.headers["content-length"]) * 3 < int(whole.headers["content-length"])
        assert client.get("/static/..%2Fpage.py").status_code == 404
        assert client.get("/").headers["cache-control"] == "no-store"

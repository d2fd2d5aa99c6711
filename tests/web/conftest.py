"""One site and one browser for all tests of the page; each test has its own cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.web.browser import NoBrowser, browser
from tests.web.site import Site, serving

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""

PATIENCE_MS = 15_000
"""For what a page does and for what it is expected to show alike. Much else runs beside the tests."""

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def site(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(*engines, tmp_path_factory.mktemp("web")) as started:
        yield started


@pytest.fixture(scope="package", autouse=True)
def whole_pages() -> Iterator[None]:
    """A click that leads to another page is over when that page is there as a whole, not when it begins."""
    click = Locator.click

    def until_whole(locator: Locator, **options: Any) -> None:
        click(locator, **options)
        locator.page.wait_for_load_state("domcontentloaded")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Locator, "click", until_whole)
        yield


@pytest.fixture(scope="package", autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=None)


@pytest.fixture(scope="package")
def chromium(site: Site) -> Iterator[Browser]:
    try:
        with browser() as started:
            yield started
    except NoBrowser as error:
        pytest.fail(str(error))


@pytest.fixture
def visit(site: Site, chromium: Browser) -> Iterator[Open]:
    """`visit(path, key=…, **context)` opens a page in a new browser session, signed in with a key if one is given.

    After the test: nothing was refused by the security policy, no script failed, no dialog opened.
    """
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def open_page(path: str, *, key: str | None = None, **options: Any) -> Page:
        settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "locale": "en", **options}
        context = chromium.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if settings.get("java_script_enabled", True):
            context.add_init_script(WATCH)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on("console", lambda line: trouble.append(line.text) if "Content Security Policy" in line.text else None)
        if key is not None:
            sign_in(page, site, key)
        page.goto(site.url + path)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            if page.evaluate("typeof window.violations") == "object":
                trouble.extend(page.evaluate("window.violations"))
        context.close()
    assert trouble == []


def sign_in(page: Page, site: Site, key: str) -> None:
    """As the form does it: tests/web/test_signed_in_pages.py fills it in."""
    answer = page.request.post(f"{site.url}/sign-in", form={"credential": key}, max_redirects=0)
    assert answer.status == 303, answer.text()

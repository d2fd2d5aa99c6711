"""Pictures on the pages: in lists, on the record, as what is searched by; with and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from benchmarks.images import turned
from samples.figures import figure, png
from tests.web.conftest import Open
from tests.web.site import FIGURES, SHOWN_MARK, SPOILT_MARK, Site

LOADED = "images => images.map(image => image.complete && image.naturalWidth)"


def shown(page: Page, where: str) -> list[int]:
    """Widths of the pictures, when all have come; 0 for one that could not be shown."""
    page.wait_for_load_state("networkidle")
    widths: list[int] = page.locator(where).evaluate_all(LOADED)
    return widths


@pytest.mark.parametrize("view", ["list", "grid"])
def test_results_show_the_pictures_of_marks(visit: Open, view: str) -> None:
    page = visit(f"/?q=title:figure&right=trademark&view={view}")
    widths = shown(page, "[data-hit] .picture img")
    assert len(widths) == len(FIGURES) + 1
    assert all(widths)


def test_a_record_shows_its_picture_small_and_whole(visit: Open, site: Site) -> None:
    page = visit(f"/records/{SHOWN_MARK}")
    assert shown(page, ".side .picture img") == [256]
    page.locator(".side .picture").click()
    page.get_by_role("img", name="Reproduction of the mark 1").click()
    expect(page).to_have_url(f"{site.url}/v1/records/{SHOWN_MARK}/images/1")
    assert page.locator("img").evaluate("image => image.naturalWidth") == 256


@pytest.mark.parametrize(("language", "script"), [("en", True), ("en", False), ("ar", True)])
def test_an_uploaded_picture_finds_the_mark(visit: Open, site: Site, language: str, script: bool) -> None:
    page = visit(f"/images?lang={language}", key=site.key("examiner") if script else None, java_script_enabled=script)
    changed = png(turned(137)(FIGURES[1], figure(FIGURES[1], 128)))
    page.locator("input[type=file]").set_input_files({"name": "m.png", "mimeType": "image/png", "buffer": changed})
    page.locator("form.sheet button").click()
    first = page.locator("[data-hit]").first
    expect(first.locator("h3 a")).to_have_attribute("href", f"/records/{SHOWN_MARK}")
    assert first.locator(".likeness li").count()
    assert all(shown(page, "[data-hit] .picture img"))
    if language == "en":
        expect(first).to_contain_text("turned or mirrored")
        first.get_by_role("link", name="Similar pictures").click()
        expect(page.get_by_role("img", name="The picture that is looked for")).to_be_visible()
        alike = page.locator("[data-hit]").first
        expect(alike.locator("h3")).to_have_text("Drawn figure 4")
        expect(alike).to_contain_text("The same drawing in other colours")


def test_what_is_no_picture_is_said(visit: Open) -> None:
    page = visit("/images")
    page.locator("input[type=file]").set_input_files({"name": "m.png", "mimeType": "image/png", "buffer": b"<svg/>"})
    page.locator("form.sheet button").click()
    expect(page.get_by_role("alert")).to_contain_text("Send a PNG")


def test_pictures_that_mean_harm_harm_nobody(visit: Open, site: Site) -> None:
    page = visit(f"/records/{SPOILT_MARK}?tab=images")
    assert page.get_by_text("Not delivered").count() == 2
    assert all(shown(page, "main .picture img"))
    page.goto(f"{site.url}/v1/records/{SPOILT_MARK}/images/3")
    assert page.evaluate("window.harmed === undefined")
    assert page.evaluate("document.contentType") == "image/png"

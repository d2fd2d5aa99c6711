"""The day of an examiner: a question in one language, an answer in another, the reason why, and what is kept of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from api.web.language import tongue
from tests.web.conftest import Open
from tests.web.site import Site

QUERY = "\u0628\u0637\u0627\u0631\u064a\u0629 \u0645\u0631\u0643\u0628\u0629"
"""Battery, vehicle: in Arabic."""
JAPANESE = "/records/XB.patent.XB0000102.A1"
BATTERY = "\u96fb\u6c60"


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_an_examiner_finds_a_japanese_record_from_an_arabic_query_and_reads_why(
    visit: Open, site: Site, language: str
) -> None:
    says = tongue(language)
    page = visit("/", key=site.key("examiner"), locale=language)
    page.get_by_role("searchbox").fill(QUERY)
    page.get_by_role("button", name=says.say("Search"), exact=True).click()
    hit = page.locator(".hit", has=page.locator(f"a[href='{JAPANESE}']"))
    why = hit.locator(".why .reason", has_text=says.language("ja")).filter(has_text=BATTERY)
    expect(why.filter(has_text=QUERY.split()[0])).to_have_count(1)
    page.locator(".expansion summary").click()
    assert BATTERY in page.locator("input[name='x0.ja']").input_value()
    page.locator(".keep summary").click()
    page.locator(".keep [name=name]").fill(f"Batteries {language}")
    page.get_by_role("button", name=says.say("Save this search")).click()
    saved = page.locator(".agreement", has_text=f"Batteries {language}")
    expect(saved).to_contain_text(QUERY)
    saved.locator(".raw a").click()
    page.locator(".keep summary").click()
    page.get_by_role("button", name=says.say("Export all of it")).click()
    export = page.locator("tbody tr").first
    expect(export).to_contain_text("xlsx")
    # The page looks again by itself until the file is there.
    with page.expect_download() as download:
        export.get_by_role("link", name=says.say("Download")).click(no_wait_after=True, timeout=60_000)
    table = load_workbook(BytesIO(Path(download.value.path()).read_bytes()), read_only=True)
    rows = list(table.worksheets[0].values)
    assert any(BATTERY in str(cell) for row in rows for cell in row)
    page.go_back()
    hit.locator("h3 a").click()
    expect(page.locator("h1 bdi")).to_have_attribute("lang", "ja")
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    page.get_by_role("button", name=says.say("Put into the basket")).click()
    page.goto(f"{site.url}/mine")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name=says.say("Remove")).click()

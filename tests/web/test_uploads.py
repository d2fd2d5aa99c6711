"""An office hands in a delivery on the page; who saved a search learns of it. Last of the files: what comes in is
looked through for duplicates."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.access.model import Role
from api.deliveries.job import folder
from api.web.language import tongue
from store.jobs import JOB_LOCK, Job
from tests.pipeline import docdb
from tests.web.conftest import Open
from tests.web.site import Site

SET = "valves"


def hand_in(page: Page, language: str, *files: Path) -> None:
    says = tongue(language)
    page.locator("[name=collection]").fill(SET)
    page.locator("[name=files]").set_input_files(files)
    with page.expect_navigation(url="**/deliveries"):
        page.get_by_role("button", name=says.say("Hand in"), exact=True).click()


def until_read(page: Page, name: str) -> None:
    """Reads the page again until the delivery is over; a page without scripts does not do so by itself."""
    row = page.locator("tr", has=page.get_by_role("link", name=name, exact=True))
    for _ in range(300):
        if row.locator(".state-active").count():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(page.locator("main").inner_text())


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_a_delivery_handed_in_on_the_page_comes_to_who_saved_a_search(
    visit: Open, site: Site, tmp_path: Path, language: str
) -> None:
    says = tongue(language)
    position = 8_000 + ["en", "ar", "ja"].index(language)
    word = f"Zephyrite{language}"
    examiner = visit(f"/?q={word}", key=site.key("examiner"), locale=language)
    examiner.locator(".keep summary").click()
    examiner.get_by_role("button", name=says.say("Save this search")).click()
    saved = examiner.locator(".agreement", has_text=word)
    expect(saved.locator(".state")).to_contain_text(says.number(0))

    name = f"valves {language}.xml"
    shown = f"valves-{language}.xml"
    file = docdb.write(tmp_path / name, [docdb.document(position, f"A {word} valve"), docdb.UNIDENTIFIED])
    # Japanese without scripts: the form alone does it.
    agent = visit("/deliveries", key=site.key("agent"), locale=language, java_script_enabled=language != "ja")
    hand_in(agent, language, file)
    until_read(agent, shown)
    row = agent.locator("tr", has=agent.get_by_role("link", name=shown, exact=True))
    assert row.locator(".figure").all_inner_texts() == [says.number(n) for n in (2, 1, 0, 0, 1)]
    row.get_by_role("link", name=shown).click()
    reason = agent.locator(".reason").first
    expect(reason).to_contain_text(says.say("Ask the provider for the record with its doc-number."))
    assert "untold" not in agent.content()
    agent.get_by_role("link", name=says.say("Show")).first.click()
    expect(agent.locator(".bytes")).to_contain_text("A thing without any number")

    # Nobody asks for it: what came in is looked at for every saved search.
    for _ in range(300):
        if saved.locator(".state-active").count():
            break
        examiner.wait_for_timeout(100)
        examiner.reload()
    expect(saved.locator(".state-active")).to_contain_text(says.number(1))
    saved.locator("h3 a").click()
    found = examiner.locator("tbody tr")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(says.word("alert", "new"))
    expect(found).to_contain_text(word)
    feed = examiner.request.get(f"{site.url}{examiner.get_by_role('link', name='Atom').get_attribute('href')}")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    assert re.search(rf"<entry>.*{word}.*</entry>", feed.text(), re.DOTALL)
    found.get_by_role("link").click()
    expect(examiner.locator("h1")).to_contain_text(word)


def test_several_files_are_a_delivery_each_and_one_known_changes_nothing(
    visit: Open, site: Site, tmp_path: Path
) -> None:
    files = [docdb.write(tmp_path / f"pair-{n}.xml", [docdb.document(8_100 + n)]) for n in range(2)]
    page = visit("/deliveries", key=site.key("agent"))
    hand_in(page, "en", *files)
    for file in files:
        until_read(page, file.name)
    hand_in(page, "en", files[0])
    again = page.locator("tr", has_text="Was delivered before")
    for _ in range(100):
        if again.count():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(again).to_contain_text("pair-0.xml")


def test_one_that_waits_is_cancelled(visit: Open, site: Site) -> None:
    key = site.platform.key("XA", Role.OFFICE_AGENT, label="sample deliverer")
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {key}"}) as client:
        owner = client.get("/v1/me").json()["caller"]
    asked = {"provider": "XA", "collection": SET, "name": "long.zip", "folder": "none", "size": 5, "sha256": ""}
    job = secrets.token_hex(16)
    # Its lock is held, as by a worker that is only about to begin: the site's own leaves it alone.
    with site.platform.database.connect(autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s, hashtext(%s))", (JOB_LOCK, job))
        with site.platform.database.session() as session:
            session.add(Job(id=job, kind="delivery", owner=owner, office="XA", state="queued", request=asked))
        page = visit("/deliveries", key=key)
        row = page.locator("tr", has_text="long.zip")
        expect(row).to_contain_text("Waits")
        row.get_by_role("button", name="Cancel").click()
        expect(row).to_contain_text("Cancelled")
    assert page.url == f"{site.url}/deliveries"


def test_sending_shows_how_far_it_is_and_can_be_stopped(visit: Open, site: Site, tmp_path: Path) -> None:
    file = tmp_path / "long.bin"
    file.write_bytes(secrets.token_bytes(4_000_000))
    page = visit("/deliveries", key=site.key("agent"))
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.locator("[name=files]").set_input_files(file)
    page.get_by_role("button", name="Hand in", exact=True).click()
    expect(page.locator("[data-sending]")).to_be_visible()
    expect(page.locator("[data-sending] .count")).to_have_text(re.compile(r"[1-9]\d?%"))
    page.locator("[data-sending] button").click()
    expect(page.locator("[data-sending]")).to_be_hidden()
    expect(page.get_by_role("button", name="Hand in", exact=True)).to_be_enabled()
    page.locator("[name=collection]").fill("a--b")
    assert not page.evaluate("document.querySelector('[name=collection]').checkValidity()")


def sent(client: httpx.Client, csrf: str, collection: str = SET, content: bytes = b"x" * 100_000) -> httpx.Response:
    return client.post(
        "/deliveries", data={"csrf": csrf, "collection": collection}, files={"files": ("a.xml", content)}
    )


def test_what_may_not_be_handed_in_leaves_nothing(site: Site) -> None:
    def jobs() -> list[dict[str, object]]:
        headers = {"authorization": f"Bearer {site.key('agent')}"}
        held: list[dict[str, object]] = httpx.get(f"{site.url}/v1/jobs?kind=delivery", headers=headers).json()["jobs"]
        return held

    before = jobs()
    with httpx.Client(base_url=site.url, headers={"accept-language": "en", "accept": "text/html"}) as client:
        assert sent(client, "").status_code == 303  # to sign in
        client.post("/sign-in", data={"credential": site.key("examiner")})
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/deliveries").text)
        assert token
        assert sent(client, token[1]).status_code == 403
        assert "multipart" not in client.get("/deliveries").text
        client.post("/sign-in", data={"credential": site.key("agent")})
        page = client.get("/deliveries").text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token
        assert sent(client, "another").status_code == 403
        assert "no collection name" in sent(client, token[1], "a--b").text
        assert "The body is empty" in sent(client, token[1], content=b"").text
        assert "Choose a file" in client.post("/deliveries", data={"csrf": token[1]}, files={"files": ("", b"")}).text
        whole = client.build_request(
            "POST", "/deliveries", data={"csrf": token[1], "collection": SET}, files={"files": ("a.xml", b"x" * 9_000)}
        )
        cut = whole.read()[:-30]
        answer = client.post("/deliveries", content=cut, headers={"content-type": whole.headers["content-type"]})
        assert (answer.status_code, "cut short" in answer.text) == (400, True)
        fields = {"csrf": token[1], **{f"more{n}": "y" * 900 for n in range(40)}}
        assert client.post("/deliveries", data=fields, files={"files": ("a", b"x")}).status_code == 400
    assert jobs() == before
    assert json.dumps(sorted(path.name for path in folder(site.platform.services).iterdir())) == "[]"

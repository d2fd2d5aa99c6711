"""What a person keeps: the basket and notes are its own, and show only what it may still see."""

from __future__ import annotations

import datetime as dt
import secrets

import httpx
import pytest
from playwright.sync_api import expect

from api.web.language import tongue
from store.jobs import JOB_LOCK, Job
from tests.web.conftest import Open
from tests.web.site import Site

RECORD = "XA.patent.XA0000101.A1"


def test_a_record_goes_into_the_basket_with_a_note_and_out_again(visit: Open, site: Site) -> None:
    page = visit(f"/records/{RECORD}", key=site.key("examiner"))
    page.get_by_role("button", name="Put into the basket").click()
    page.locator("#note").fill("<script>window.harmed = true</script> compare claim 2")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator(".notes .words")).to_contain_text("<script>window.harmed = true</script> compare claim 2")
    assert page.evaluate("window.harmed === undefined")
    page.goto(f"{site.url}/mine")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).to_contain_text("The basket is empty")
    page.goto(f"{site.url}/records/{RECORD}")
    page.get_by_role("button", name="Delete").click()
    assert page.locator(".notes .words").count() == 0


def test_nobody_reads_another_s_basket_or_notes_and_rights_are_asked_anew(site: Site) -> None:
    one = {"authorization": f"Bearer {site.key('stranger')}"}
    other = {"authorization": f"Bearer {site.key('receiver')}"}
    with httpx.Client(base_url=site.url) as client:
        assert client.put(f"/v1/basket/{RECORD}", headers=one).status_code == 200
        note = client.post("/v1/notes", headers=one, json={"record": RECORD, "text": "mine"}).json()
        assert client.get("/v1/basket", headers=other).json() == {"records": []}
        assert client.get("/v1/notes", params={"record": RECORD}, headers=other).json()["notes"] == []
        assert client.delete(f"/v1/notes/{note['id']}", headers=other).status_code == 404
        assert client.get("/v1/basket").status_code == 401
        hidden = client.put("/v1/basket/XD.patent.XD0000501.A1", headers=one)
        missing = client.put("/v1/basket/none", headers=one)
        assert (hidden.status_code, hidden.json()["detail"]) == (404, missing.json()["detail"])
        terms = {"tier": "none", "groups": [], "embargo": "none"}
        steward = {"authorization": f"Bearer {site.key('receiving steward')}"}
        loom = "xb-patent-x.XA0000717.A1"
        reader = {"authorization": f"Bearer {site.key('examiner')}"}
        assert client.put(f"/v1/basket/{loom}", headers=reader).status_code == 200
        before = client.get("/v1/collections/xb-patent-x/policy", headers=steward).json()
        assert client.put("/v1/collections/xb-patent-x/policy", headers=steward, json=terms).status_code == 200
        assert client.get("/v1/basket", headers=reader).json() == {"records": []}
        kept = {name: before[name] for name in ("tier", "groups", "embargo")}
        assert client.put("/v1/collections/xb-patent-x/policy", headers=steward, json=kept).status_code == 200
        assert [entry["id"] for entry in client.get("/v1/basket", headers=reader).json()["records"]] == [loom]


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_long_work_shows_its_progress_and_is_cancelled(visit: Open, site: Site, language: str) -> None:
    """A job in the hands of a worker of somewhere else, which holds its lock and looks once a second whether to end."""
    says = tongue(language)
    database = site.platform.database
    steward = site.key("steward")
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {steward}"}) as client:
        owner = client.get("/v1/me").json()["caller"]
    number = secrets.token_hex(16)
    job = Job(id=number, kind="export", owner=owner, office="XA", state="running", done=30, total=120,
              attempts=1, started=dt.datetime.now(dt.UTC))  # fmt: skip
    with database.connect(autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s, hashtext(%s))", (JOB_LOCK, number))
        with database.session() as session:
            session.add(job)
        page = visit("/mine/jobs", key=steward, locale=language)
        row = page.locator("tr", has=page.locator(f"form[action$='{number}']"))
        expect(row).to_contain_text(says.say("A result set is written to a file"))
        expect(row.locator(".progress")).to_contain_text(f"{says.number(30)} / {says.number(120)}")
        row.get_by_role("button", name=says.say("Cancel")).click()
        expect(page.locator("tbody")).to_contain_text(says.word("job", "cancelling"))
        with database.session() as session:
            assert session.get_one(Job, number).cancel
            session.delete(session.get_one(Job, number))

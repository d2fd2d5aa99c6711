"""The day of an office's agent: asks, agrees, signs with a key that never leaves the office, downloads, verifies."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.exchange import asic
from api.exchange.signatures import fingerprint
from api.web.language import tongue
from tests.exchange.certificates import Holder, holder, openssl
from tests.web.conftest import Open
from tests.web.site import Site

COLLECTION = "xa-patent-default"


@pytest.fixture(scope="module")
def signers(site: Site) -> dict[str, Holder]:
    """Each office's own key, its certificate registered by its steward."""
    made = {office: holder(office) for office in ("XA", "XB")}
    for office, steward in (("XB", "receiving steward"),):
        with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.key(steward)}"}) as client:
            answer = client.post("/v1/exchange/certificates", json={"certificate": made[office].pem})
            assert answer.status_code == 201, answer.text
    return made


def signed(folder: Path, signer: Holder, content: bytes) -> Path:
    """A detached signature, made with openssl as the page says."""
    (folder / "cert.pem").write_text(signer.pem)
    (folder / "key.pem").write_text(signer.key_pem)
    (folder / "in").write_bytes(content)
    command = "cms -sign -binary -outform DER -signer cert.pem -inkey key.pem -in in -out signature.p7s"
    done = openssl(folder, command)
    assert done.returncode == 0, done.stderr
    return folder / "signature.p7s"


def fetched(page: Page, address: str) -> bytes:
    """What a link of the page gives, with the page's own session."""
    answer = page.request.get(address)
    assert answer.ok, answer.text()
    return answer.body()


def sign(page: Page, site: Site, signer: Holder, folder: Path) -> None:
    document = page.locator("a[href$='/document']").get_attribute("href")
    assert document is not None
    page.locator("input[name=signature]").set_input_files(signed(folder, signer, fetched(page, site.url + document)))
    page.locator("form[action$='/sign'] button").click()


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_an_agent_asks_signs_downloads_and_verifies(
    visit: Open, site: Site, signers: dict[str, Holder], tmp_path: Path, language: str
) -> None:
    says = tongue(language)
    agent = visit("/office", key=site.key("receiver"), locale=language)
    agent.get_by_role("link", name=says.say("Ask an office for its data")).click()
    agent.locator("#provider").select_option("XA")
    agent.locator("#title").fill(f"Heat pumps {language}")
    agent.locator("#collections").fill(COLLECTION)
    agent.locator("#message").fill("Please <b>soon</b>.")
    agent.get_by_role("button", name=says.say("Send the request")).click()
    expect(agent.locator(".said .words").first).to_have_text("Please <b>soon</b>.")
    expect(agent.locator(".turn")).to_contain_text("XA")
    address = agent.url.removeprefix(site.url)

    provider = visit("/office", key=site.key("steward"), locale=language)
    if language == "en":
        provider.get_by_role("link", name=says.say("Certificates")).click()
        (tmp_path / "register.pem").write_text(signers["XA"].pem)
        provider.locator("input[name=certificate]").set_input_files(tmp_path / "register.pem")
        provider.get_by_role("button", name=says.say("Register"), exact=True).click()
        expect(provider.locator("code").first).to_contain_text(signers["XA"].fingerprint[:12])
        provider.goto(f"{site.url}/office")
    expect(provider.locator("main")).to_contain_text(says.say("What waits for us"))
    provider.locator(f".agreement a[href='{address}']").first.click()
    provider.locator("form[action$='/offer'] button:not([name])").click()
    expect(provider.locator(".turn")).to_contain_text("XB")
    sign(provider, site, signers["XA"], tmp_path)
    expect(provider.locator(".state-active", has_text=says.say("has signed"))).to_be_visible()

    agent.reload()
    sign(agent, site, signers["XB"], tmp_path)
    expect(agent.locator("h1 .state")).to_have_text(says.word("agreement", "active"))
    if language == "ja":  # one record, from its own page
        agent.goto(f"{site.url}/?collection={COLLECTION}")
        agent.locator(".hit h3 a").first.click()
        agent.get_by_role("link", name=says.say("Certified copy")).click()
        agent.get_by_role("button", name=says.say("Order a certified copy")).click()
    else:
        agent.get_by_role("link", name=says.say("Order a package")).click()
        agent.locator("[name=formats][value=st36]").check()
        agent.get_by_role("button", name=says.say("Order"), exact=True).click()
    unsigned = agent.locator("tbody tr").first
    expect(unsigned).to_contain_text(says.word("package", "unsigned"), timeout=30_000)

    provider.goto(f"{site.url}/office/packages")
    manifest = provider.locator("a[href$='/manifest']").first.get_attribute("href")
    assert manifest is not None
    signature = signed(tmp_path, signers["XA"], fetched(provider, site.url + manifest))
    provider.locator("input[name=signature]").first.set_input_files(signature)
    provider.locator(".upload button").first.click()
    expect(provider.locator("tbody tr").first).to_contain_text(says.word("package", "ready"))

    agent.goto(f"{site.url}/office/packages")
    with agent.expect_download() as download:
        agent.get_by_role("link", name=says.say("Download")).first.click()
    package = tmp_path / "package.asice"
    download.value.save_as(package)
    certificate = signers["XA"].certificate
    assert asic.check(package, {fingerprint(certificate): certificate}).records == (1 if language == "ja" else 3)
    with zipfile.ZipFile(package) as held:
        report = json.loads(held.read("report.json"))
    assert list(report["formats"]) == ([] if language == "ja" else ["st36"])


def test_a_signature_by_another_key_is_refused_in_plain_words(
    visit: Open, site: Site, signers: dict[str, Holder], tmp_path: Path
) -> None:
    agent = visit("/office/requests/new", key=site.key("receiver"))
    agent.locator("#provider").select_option("XA")
    agent.locator("form.sheet button").click()
    provider = visit(agent.url.removeprefix(site.url), key=site.key("steward"))
    provider.locator("form[action$='/offer'] button:not([name])").click()
    agent.reload()
    sign(agent, site, holder("XB"), tmp_path)
    expect(agent.get_by_role("alert")).to_contain_text("certificate")
    agent.locator("[name=do][value=refuse]").click()
    expect(agent.locator("h1 .state")).to_have_text("Withdrawn")


def test_other_offices_know_of_no_conversation(site: Site) -> None:
    with httpx.Client(base_url=site.url, headers={"accept-language": "en"}) as client:
        client.post("/sign-in", data={"credential": site.key("examiner")})
        assert client.get("/office/agreements/1").status_code == 403
        assert client.get("/office/packages").status_code == 403

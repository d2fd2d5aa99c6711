"""Packages: what is in them, who can check them, and that no byte of them can be changed unnoticed."""

# ruff: noqa: ASYNC240 - small files of a test

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import json
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from api import downloads
from api.access import keys
from api.access.agreements import State
from api.exchange import asic
from api.exchange.asic import MANIFEST, SIGNATURE, PackageRefused
from api.exchange.container import Container, Given, Packed, Spool, pack
from api.exchange.signatures import sign
from api.exchange.unpacking import Unpacker
from cli.main import application
from tests.exchange.certificates import Holder, holder, openssl
from tests.exchange.offices import Party, Receiver, agreed, load
from tests.images import deliveries
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
WHOLE = ["bibliography", "full-text", "images", "legal-status", "personal-data"]
TERMS: dict[str, Any] = {"tier": "content", "groups": WHOLE, "purposes": ["examination"]}


async def ordered(beneficiary: Party, agreement: int, *, until: str = "ready", **more: Any) -> dict[str, Any]:
    made = await beneficiary.call("POST", "/exchange/packages", 202, json={"agreement": agreement, **more})
    async with asyncio.timeout(60):
        while made["state"] == "building":
            await asyncio.sleep(0.05)
            made = await beneficiary.call("GET", f"/exchange/packages/{made['id']}")
    assert made["state"] == until, made
    return dict(made)


async def fetched(beneficiary: Party, package: dict[str, Any], path: Path) -> Path:
    got = await beneficiary.raw("GET", f"/exchange/packages/{package['id']}/content")
    assert got.status_code == 200, got.text
    path.write_bytes(got.content)
    return path


def check(path: Path, *holders: Holder) -> asic.Verified:
    return asic.check(path, {one.fingerprint: one.certificate for one in holders})


def refusal(path: Path, *holders: Holder) -> PackageRefused:
    with pytest.raises(PackageRefused) as caught:
        check(path, *holders)
    return caught.value


def rewritten(source: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """The same package with members replaced (or left out) by somebody who knows how zips are made."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = changes.pop(info.filename, old.read(info))
            if content is not None:
                kind = zipfile.ZIP_STORED if info.filename == "mimetype" else zipfile.ZIP_DEFLATED
                new.writestr(info.filename, content, kind)
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    return target


@pytest_asyncio.fixture(loop_scope="session")
async def package(platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path) -> Path:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(8)])
    number = await agreed(provider, beneficiary, **TERMS)
    return await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "p.asice")


async def test_a_package_holds_originals_records_and_agreement_and_openssl_verifies_it(
    package: Path, provider: Party, tmp_path: Path
) -> None:
    found = check(package, provider.holder)
    assert found.records == 8
    assert found.agreement["provider"] == provider.office
    out = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as content:
        assert content.namelist()[0] == "mimetype"
        content.extractall(out)
    base = out / "records" / record_id(3, provider.office)
    record = json.loads((base / "record.json").read_bytes())
    original = (base / "original.xml").read_text()
    assert record["id"] == record_id(3, provider.office)
    assert original.startswith("<exch:exchange-document ")
    assert original.count("<exch:exchange-document ") == 1
    assert "heat pump" in original
    lines = [json.loads(line) for line in (out / "provenance.jsonl").read_text().splitlines()]
    assert len(lines) == 8
    assert all(line["format"] == "docdb" for line in lines)
    assert "1.xml" not in (out / "provenance.jsonl").read_text()
    (tmp_path / "provider.pem").write_text(provider.holder.pem)
    command = f"cms -verify -binary -inform DER -in {SIGNATURE} -content {MANIFEST} -CAfile ../provider.pem -out seen"
    done = openssl(out, command)
    assert done.returncode == 0, done.stderr.decode()
    (tmp_path / "other.pem").write_text(holder("XX").pem)
    assert openssl(out, command.replace("provider.pem", "other.pem")).returncode != 0


async def test_every_flipped_byte_is_noticed(package: Path, provider: Party, tmp_path: Path) -> None:
    content = package.read_bytes()
    generator = random.Random(7)
    places = {*range(120), *range(len(content) - 150, len(content)), *generator.sample(range(len(content)), 600)}
    altered = tmp_path / "altered.asice"
    reasons = set()
    for place in sorted(places):
        changed = bytearray(content)
        changed[place] ^= 1 << generator.randrange(8)
        altered.write_bytes(changed)
        reasons.add(refusal(altered, provider.holder).reason)
    assert {"member-altered", "container-altered", "not-a-package"} <= reasons


async def test_a_flipped_byte_in_a_member_names_that_member(package: Path, provider: Party, tmp_path: Path) -> None:
    content = package.read_bytes()
    altered = tmp_path / "altered.asice"
    with Unpacker(package) as held:
        members = list(held.members())
    assert len(members) == 2 + 2 * 8 + 2 + 2
    for member in members:
        start = member.offset + 30 + len(member.raw)
        assert content[member.offset :].startswith(b"PK")
        # the last byte of a deflated stream has padding, which no member's content depends on
        for place in {start, start + (member.length - 2) // 2, start + member.length - 2} - {start + member.length - 1}:
            changed = bytearray(content)
            changed[place] ^= 0x10
            altered.write_bytes(changed)
            found = refusal(altered, provider.holder)
            if member.name == "mimetype":
                assert found.reason in ("not-a-package", "member-altered")
                continue
            assert found.place.member == member.name, (member.name, place, found.reason)
            assert found.reason in ("member-altered", "manifest-altered")
    # and in its header or its line of the directory
    for member in members[1:]:
        changed = bytearray(content)
        changed[member.offset + 30] ^= 1
        altered.write_bytes(changed)
        found = refusal(altered, provider.holder)
        assert (found.reason, found.place.member) == ("member-altered", member.name)


def many(path: Path, members: int, signer: Holder) -> Path:
    """A package of so many small members, without records."""
    container, manifest = Container(path), Spool(path.with_suffix(".manifest"))
    container.add(pack(Given("mimetype", asic.MIMETYPE, stored=True)))
    manifest.write(asic.HEAD)
    for name, content in [
        (asic.AGREEMENT, b'{"agreement": 1}'),
        *((f"records/{n}/record.json", b'{"id": %d}' % n) for n in range(members)),
    ]:
        packed = pack(Given(name, content))
        container.add(packed)
        manifest.write(asic.reference(name, packed.sha256))
    manifest.write(asic.TAIL)
    container.add_spool(MANIFEST, manifest)
    container.add(pack(Given(SIGNATURE, sign(manifest.sha256, signer.certificate, signer.key), stored=True)))
    container.close()
    manifest.close()
    return path


async def test_checking_takes_no_more_memory_for_a_larger_package(tmp_path: Path) -> None:
    signer = holder("XA")
    peaks = []
    for members in (1_000, 6_000):
        path = many(tmp_path / f"{members}.asice", members, signer)
        tracemalloc.start()
        assert check(path, signer).records == members
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Python's zipfile alone keeps 700 bytes a member.
    assert peaks[1] - peaks[0] < 700_000, peaks


async def test_making_takes_no_more_memory_for_a_larger_package(tmp_path: Path) -> None:
    generator, peaks = random.Random(5), []
    for members in (1_000, 3_000):
        container, manifest = Container(tmp_path / f"{members}.asice"), Spool(tmp_path / f"{members}.manifest")
        references: list[int] = []

        def written(packed: list[Packed], manifest: Spool = manifest, seen: list[int] = references) -> None:
            manifest.write(b"".join(asic.reference(member.name, member.sha256) for member in packed))
            seen.append(len(packed))

        tracemalloc.start()
        with container.packing(written) as packer:
            for n in range(members):
                packer.add(f"records/{n}/record.json", generator.randbytes(4_500))
        container.add_spool(MANIFEST, manifest)
        container.close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        manifest.close()
        assert sum(references) == members
        with zipfile.ZipFile(container.path) as held:
            assert held.testzip() is None
            assert held.namelist() == [*(f"records/{n}/record.json" for n in range(members)), MANIFEST]
    # What waits to be written is bounded, and full in both; two thousand members are 9 MB.
    assert peaks[1] - peaks[0] < 1_500_000, peaks


async def test_a_package_with_more_members_than_a_plain_zip_can_count(tmp_path: Path) -> None:
    signer = holder("XA")
    path = many(tmp_path / "many.asice", 1_100, signer)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as held:
        assert held.testzip() is None
    assert struct.unpack_from("<H", content, len(content) - 64 - 22 + 10) == (1_104,)
    with pytest.MonkeyPatch.context() as patched:
        # as it is for 65,535 and more, without making so many
        patched.setattr("api.exchange.container.COUNT_LIMIT", 1_000)
        path = many(tmp_path / "wide.asice", 1_100, signer)
        content = path.read_bytes()
    assert content[-64 - 22 - 20 :].startswith(b"PK\x06\x07")
    forged = bytearray(content)
    struct.pack_into("<HH", forged, len(content) - 64 - 22 + 8, 0xFFFF, 0xFFFF)
    path.write_bytes(forged)
    # Its directory is found by the zip64 end; only the comment tells of the two counts that were written over.
    assert refusal(path, signer).reason == "container-altered"


async def test_each_manipulation_has_its_own_reason_and_names_the_member(
    package: Path, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    target = tmp_path / "made.asice"
    member = f"records/{record_id(5, provider.office)}/record.json"
    with zipfile.ZipFile(package) as held:
        manifest, record = held.read(MANIFEST), held.read(member)

    found = refusal(rewritten(package, target, {member: record.replace(b"number 5", b"number 6")}), provider.holder)
    assert (found.reason, found.place.member) == ("member-altered", member)
    found = refusal(rewritten(package, target, {member: None}), provider.holder)
    assert (found.reason, found.place.member) == ("member-missing", member)
    found = refusal(rewritten(package, target, {"records/extra.json": b"{}"}), provider.holder)
    assert (found.reason, found.place.member) == ("member-added", "records/extra.json")
    swapped = manifest.replace(b"record.json", b"record.jso_", 1)
    found = refusal(rewritten(package, target, {MANIFEST: swapped}), provider.holder)
    assert (found.reason, found.place.member) == ("manifest-altered", MANIFEST)
    other = beneficiary.holder
    forged = sign(hashlib.sha256(manifest).digest(), other.certificate, other.key)
    found = refusal(rewritten(package, target, {SIGNATURE: forged}), provider.holder)
    assert (found.reason, found.place.member) == ("other-signer", SIGNATURE)
    expired = holder(provider.office, days=-1, since=20)
    late = sign(hashlib.sha256(manifest).digest(), expired.certificate, expired.key)
    found = refusal(rewritten(package, target, {SIGNATURE: late}), provider.holder, expired)
    assert found.reason == "certificate-expired"
    assert refusal(rewritten(package, target, {}), provider.holder).reason == "container-altered"
    target.write_bytes(package.read_bytes()[:-1000])
    assert refusal(target, provider.holder).reason == "not-a-package"


async def test_the_command_names_what_is_wrong(package: Path, provider: Party, tmp_path: Path) -> None:
    pem = tmp_path / "provider.pem"
    pem.write_text(provider.holder.pem)
    runner = CliRunner()
    done = runner.invoke(application(), ["verify", str(package), "--certificate", str(pem), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["records"] == 8
    member = f"records/{record_id(2, provider.office)}/original.xml"
    altered = rewritten(package, tmp_path / "a.asice", {member: b"<other/>"})
    done = runner.invoke(application(), ["verify", str(altered), "--certificate", str(pem), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["reason"], told["member"]) == ("member-altered", member)
    done = runner.invoke(application(), ["verify", str(altered), "--certificate", str(pem)])
    assert isinstance(done.exception, PackageRefused)
    assert f"member {member}" in str(done.exception)
    assert "member-altered: It is not what was signed." in str(done.exception)


async def test_ranges_resume_a_download(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(3)])
    number = await agreed(provider, beneficiary, **TERMS)
    made = await ordered(beneficiary, number)
    path = f"/exchange/packages/{made['id']}/content"
    whole = await beneficiary.raw("GET", path)
    size = len(whole.content)
    assert size == made["size"]
    for given, first, last in (
        ("bytes=0-99", 0, 99),
        (f"bytes=100-{size + 9}", 100, size - 1),
        ("bytes=100-", 100, size - 1),
        ("bytes=-10", size - 10, size - 1),
    ):
        part = await beneficiary.raw("GET", path, headers={"range": given})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.content == whole.content[first : last + 1]
    assert (await beneficiary.raw("GET", path, headers={"range": f"bytes={size}-"})).status_code == 416
    assert (await beneficiary.raw("GET", path, headers={"accept": "application/json"})).status_code == 406
    as_zip = await beneficiary.raw("GET", path, headers={"accept": "application/zip"})
    assert (as_zip.headers["content-type"], as_zip.content) == ("application/zip", whole.content)
    for headers in ({"range": "lines=1-2"}, {"range": "bytes=0-9", "if-range": '"other"'}):
        assert (await beneficiary.raw("GET", path, headers=headers)).status_code == 200


async def test_links_die_with_the_rights_they_were_made_under(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    made = await ordered(beneficiary, number)
    path = f"/exchange/packages/{made['id']}/content"
    await provider.call("GET", path, 404)
    state = f"/agreements/{number}/state"
    for to, status in (("suspended", 409), ("active", 200)):
        await provider.call("POST", state, json={"to": to})
        assert (await beneficiary.raw("GET", path)).status_code == status
    platform.policy(f"{provider.office.lower()}-patent-default", denied=[beneficiary.office])
    assert (await beneficiary.raw("GET", path)).status_code == 404
    platform.policy(f"{provider.office.lower()}-patent-default")
    assert (await beneficiary.raw("GET", path)).status_code == 200
    await provider.call("POST", state, json={"to": "revoked"})
    for headers in ({}, {"range": "bytes=0-9"}):
        assert (await beneficiary.raw("GET", path, headers=headers)).status_code == 409


async def test_a_download_on_the_way_ends_with_the_agreement_or_the_key(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    made = await ordered(beneficiary, number)
    path, key = f"/v1/exchange/packages/{made['id']}/content", beneficiary.key
    whole = await platform.taken(path, key, lambda: None)
    assert len(whole) == made["size"] > 2000

    def revoked() -> None:
        with platform.database.session() as session:
            keys.revoke(session, key.split("_")[1])

    assert await platform.taken(path, key, lambda: platform.step(number, State.SUSPENDED)) == whole[:1000]
    platform.step(number, State.ACTIVE)
    assert await platform.taken(path, key, revoked) == whole[:1000]


async def test_without_every_group_the_original_stays_out(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, tier="metadata")
    path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "p.asice")
    with zipfile.ZipFile(path) as content:
        assert not [name for name in content.namelist() if "original" in name]
        assert json.loads(content.read("provenance.jsonl"))["original"] is None
        assert json.loads(content.read("report.json"))["without_original"]


async def test_a_result_set_under_the_agreement_alone(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    documents = [doc(n, "Umbrella frame" if n == 4 else "Sample kettle") for n in range(6)]
    await load(platform, provider.office, tmp_path / "1.xml", documents)
    number = await agreed(provider, beneficiary, **TERMS, volume_cap=3)
    path = await fetched(beneficiary, await ordered(beneficiary, number, query="umbrella"), tmp_path / "p.asice")
    assert check(path, provider.holder).records == 1
    # What a package gave is held: it counts, and is not new to the changes.
    path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "q.asice")
    assert check(path, provider.holder).records == 3
    receiver = Receiver(beneficiary, number)
    assert len(await receiver.follow()) == 3
    await load(platform, provider.office, tmp_path / "2.xml", [doc(4, "Umbrella frame, corrected")])
    assert await receiver.follow() == [("correction", record_id(4, provider.office))]


async def test_one_collection_of_those_that_the_agreement_gives(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    for name, number in (("default", 1), ("other", 2), ("third", 3)):
        await load(platform, provider.office, tmp_path / f"{name}.xml", [doc(number)], collection=name)
    given = [f"{provider.office.lower()}-patent-{name}" for name in ("default", "other")]
    agreement = await agreed(provider, beneficiary, **TERMS, collections=given)
    held = []
    for name in (None, *given, f"{provider.office.lower()}-patent-third"):
        made = await ordered(beneficiary, agreement, **({"collection": name} if name else {}))
        path = await fetched(beneficiary, made, tmp_path / "p.asice")
        check(path, provider.holder)
        with zipfile.ZipFile(path) as content:
            held.append(sorted(json.loads(line)["id"] for line in content.read("provenance.jsonl").splitlines()))
    first, second = (f"{name}.EP{5_000_000 + n}.A1" for n, name in enumerate(given, 1))
    assert held == [[first, second], [first], [second], []]


async def test_what_changed_after_a_page_of_changes_with_the_deletions(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(5)])
    number = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    await receiver.follow()
    changes = [doc(1, "Corrected"), doc(2, status="D"), doc(7), doc(8), doc(8, status="D")]
    await load(platform, provider.office, tmp_path / "2.xml", changes)
    path = await fetched(beneficiary, await ordered(beneficiary, number, after=receiver.cursor), tmp_path / "p.asice")
    assert check(path, provider.holder).records == 2
    with zipfile.ZipFile(path) as content:
        told = [json.loads(line)["id"] for line in content.read("provenance.jsonl").splitlines()]
        gone = [json.loads(line)["id"] for line in content.read("deletions.jsonl").splitlines()]
        report = json.loads(content.read("report.json"))
    assert told == [record_id(n, provider.office) for n in (1, 7)]
    # Of what came and went unseen it does not learn.
    assert gone == [record_id(2, provider.office)]
    assert (report["records"], report["deletions"]) == (2, 1)
    other = await agreed(provider, beneficiary, **TERMS)
    body = {"agreement": other, "after": receiver.cursor}
    assert (await beneficiary.call("POST", "/exchange/packages", 400, json=body))["reason"] == "cursor"
    await beneficiary.call("POST", "/exchange/packages", 400, json={**body, "agreement": number, "query": "valve"})


async def test_the_formats_that_the_agreement_names_stand_beside_the_original(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(3)])
    number = await agreed(provider, beneficiary, **TERMS, formats=["st96", "st36", "st66", "csv"])
    path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "p.asice")
    assert check(path, provider.holder).records == 3
    base = f"records/{record_id(1, provider.office)}"
    with zipfile.ZipFile(path) as content:
        names = {name.removeprefix(f"{base}/") for name in content.namelist() if name.startswith(base)}
        assert names == {"record.json", "original.xml", "record.st96.xml", "record.st36.xml", "record.csv"}
        for name in ("record.st96.xml", "record.st36.xml", "record.csv"):
            assert b"heat pump" in content.read(f"{base}/{name}")
        line = json.loads(content.read("provenance.jsonl").splitlines()[1])
        assert line["formats"]["csv"] == f"{base}/record.csv"
        assert line["formats"]["st66"] is None
        report = json.loads(content.read("report.json"))["formats"]
    assert {name: entry["written"] for name, entry in report.items()} == {"st96": 3, "st36": 3, "st66": 0, "csv": 3}
    assert list(report["st66"]["unwritten"].values()) == [3]
    assert {"field", "why", "records"} == set(report["st96"]["not_carried"][0])
    # An order may ask for less, and for nothing that the agreement does not give.
    path = await fetched(beneficiary, await ordered(beneficiary, number, formats=["csv"]), tmp_path / "q.asice")
    with zipfile.ZipFile(path) as content:
        assert not [name for name in content.namelist() if name.endswith(("st96.xml", "st36.xml"))]
    for name, point in (("st86", "does not give"), ("st99", "no format")):
        body = {"agreement": number, "formats": [name]}
        refused = await beneficiary.call("POST", "/exchange/packages", 400, json=body)
        assert point in refused["detail"]
    body = {"provider": provider.office, "terms": {"formats": ["st99"]}}
    assert "st99" in (await beneficiary.call("POST", "/exchange/requests", 400, json=body))["detail"]


async def test_pictures_come_along_where_the_agreement_gives_images(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    office = provider.office
    large, small = deliveries.picture("large", 700), deliveries.picture("small")
    lines = [
        deliveries.line("2020000001", "a.png", "missing.png", "b.png", office=office),
        deliveries.line("2020000002", "b.png", "spoilt.png", office=office),
        deliveries.line("2020000003", office=office),
    ]
    files = {"m.jsonl": b"".join(lines), "a.png": large, "b.png": small, "spoilt.png": b"no picture"}
    await deliveries.load(platform, deliveries.write(tmp_path / "delivery", files), office)
    number = await agreed(provider, beneficiary, **TERMS)
    path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "p.asice")
    assert check(path, provider.holder).records == 3
    first, second = (f"records/{deliveries.name(office, f'202000000{n}')}" for n in (1, 2))
    with zipfile.ZipFile(path) as content:
        assert content.read(f"{first}/image-1.png") == large
        assert content.read(f"{first}/image-3.png") == content.read(f"{second}/image-1.png") == small
        assert sorted(name for name in content.namelist() if "/image-" in name) == [
            f"{first}/image-1.png",
            f"{first}/image-3.png",
            f"{second}/image-1.png",
        ]
        manifest = content.read(MANIFEST).decode()
        for name, picture in ((f"{first}/image-1.png", large), (f"{second}/image-1.png", small)):
            digest = base64.b64encode(hashlib.sha256(picture).digest()).decode()
            line = next(line for line in manifest.splitlines() if name in line)
            assert 'MimeType="image/png"' in line
            assert digest in line
        told = [json.loads(line) for line in content.read("provenance.jsonl").splitlines()]
        report = json.loads(content.read("report.json"))
    by_id = {line["id"]: line for line in told}
    held = by_id[deliveries.name(office, "2020000001")]["images"]
    assert [(one["image"], one["member"]) for one in held] == [
        (1, f"{first}/image-1.png"),
        (3, f"{first}/image-3.png"),
    ]
    assert report["images"] == 3
    altered = rewritten(path, tmp_path / "a.asice", {f"{first}/image-3.png": large})
    found = refusal(altered, provider.holder)
    assert (found.reason, found.place.member) == ("member-altered", f"{first}/image-3.png")
    # An agreement without the group gives none, nor their digests.
    without = {**TERMS, "groups": [group for group in WHOLE if group != "images"]}
    number = await agreed(provider, beneficiary, **without)
    path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "q.asice")
    with zipfile.ZipFile(path) as content:
        assert not [name for name in content.namelist() if "/image-" in name]
        assert hashlib.sha256(large).hexdigest() not in content.read(f"{first}/record.json").decode()
        assert json.loads(content.read("report.json"))["images"] == 0


async def test_the_formats_hold_no_more_than_the_agreement_gives(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    claims = '<exch:claims lang="en"><exch:claim><exch:claim-text>1. A hiddenclaim.</exch:claim-text></exch:claim>'
    whole = doc(1).replace("</exch:exchange-document>", f"{claims}</exch:claims></exch:exchange-document>")
    await load(platform, provider.office, tmp_path / "1.xml", [whole])
    for tier, shown in (("metadata", False), ("content", True)):
        given = {**TERMS, "tier": tier, "groups": WHOLE if shown else [], "formats": ["st36", "csv", "json"]}
        number = await agreed(provider, beneficiary, **given)
        path = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / f"{tier}.asice")
        with zipfile.ZipFile(path) as content:
            members = [content.read(name) for name in content.namelist() if "/record." in name]
        assert len(members) == 4
        assert all(b"heat pump" in member for member in members)
        assert any(b"hiddenclaim" in member for member in members) is shown


async def test_a_provider_that_keeps_its_key_signs_the_manifest_itself(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1), doc(2)])
    number = await agreed(provider, beneficiary, keys_here=False, **TERMS)
    made = await ordered(beneficiary, number, until="unsigned")
    path = f"/exchange/packages/{made['id']}"
    assert (await beneficiary.raw("GET", f"{path}/content")).status_code == 404
    await beneficiary.call("GET", f"{path}/manifest", 404)
    manifest = (await provider.raw("GET", f"{path}/manifest")).content
    assert hashlib.sha256(manifest).hexdigest() == made["manifest_sha256"]

    def body(by: Holder) -> dict[str, str]:
        signed = sign(hashlib.sha256(manifest).digest(), by.certificate, by.key)
        return {"signature": base64.b64encode(signed).decode()}

    refused = await provider.call("POST", f"{path}/signature", 400, json=body(beneficiary.holder))
    assert refused["reason"] == "other-signer"
    await beneficiary.call("POST", f"{path}/signature", 404, json=body(beneficiary.holder))
    await provider.call("POST", f"{path}/signature", json=body(provider.holder))
    await provider.call("POST", f"{path}/signature", 409, json=body(provider.holder))
    held = await fetched(beneficiary, made, tmp_path / "p.asice")
    assert check(held, provider.holder).records == 2


async def test_a_certificate_is_judged_for_the_day_that_is_asked(package: Path, provider: Party) -> None:
    known = {provider.holder.fingerprint: provider.holder.certificate}
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=4_000)
    with pytest.raises(PackageRefused) as caught:
        asic.check(package, known, at=later)
    assert caught.value.reason == "certificate-expired"

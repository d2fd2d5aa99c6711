"""From a delivery to the API: pictures are tied to their records, kept, and given to whom they are granted."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from api.access.model import Role
from api.search.pictures import SANDBOX
from tests.images.deliveries import line, load, name, picture, write, zipped
from tests.platforms import Platform, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def images(platform: Platform, key: str, record: str) -> list[Any]:
    async with platform.client(key) as client:
        answer = await client.get(f"/v1/records/{record}")
        assert answer.status_code == 200, answer.text
        return [image.get("sha256") for image in answer.json()["images"]]


async def test_pictures_before_and_after_the_record_nested_and_shared(platform: Platform, tmp_path: Path) -> None:
    key = platform.key("QA")
    one, two, three = picture("one"), picture("two"), picture("three")
    inner = zipped([("z.png", one), ("marks.jsonl", line("2020000001", "Z.PNG", "after.png")), ("after.png", two)])
    folder = write(
        tmp_path,
        {
            "weekly.zip": inner,
            "designs.jsonl": line("2020000002", "views/1.png", "views\\2.PNG", right="design", office="QA"),
            "views/1.png": three,
            "views/2.png": one,
        },
    )
    loaded = await load(platform, folder, "QA")
    assert (loaded.counts.records, loaded.counts.rejected) == (2, 0)
    assert await images(platform, key, name("QX", "2020000001").replace("qx-", "qa-")) == [digest(one), digest(two)]
    design = name("QA", "2020000002", "design")
    assert await images(platform, key, design) == [digest(three), digest(one)]
    # loading it again changes nothing
    again = await load(platform, folder, "QA")
    assert (again.replay, again.counts.unchanged) == (True, 2)
    async with platform.client(key) as client:
        got = await client.get(f"/v1/records/{design}/images/1")
        assert (got.status_code, got.content, got.headers["content-type"]) == (200, three, "image/png")
        assert got.headers["content-security-policy"] == SANDBOX
        assert got.headers["x-content-type-options"] == "nosniff"
        small = await client.get(f"/v1/records/{design}/images/2/thumbnail")
        assert Image.open(io.BytesIO(small.content)).size == (96, 96)


async def test_a_record_that_comes_again_without_its_picture_keeps_it(platform: Platform, tmp_path: Path) -> None:
    key, record = platform.key("QB"), name("QB", "2020000001")
    first, second = picture("first"), picture("second")
    alone = line("2020000001", "m.png", office="QB")
    await load(platform, write(tmp_path / "1", {"m.jsonl": alone, "m.png": first}), "QB")
    bare = await load(platform, write(tmp_path / "2", {"again.jsonl": alone}), "QB")
    assert bare.counts.unchanged == 1
    changed = line("2020000001", "m.png", office="QB", language="fr")
    assert (await load(platform, write(tmp_path / "3", {"m.jsonl": changed}), "QB")).counts.updated == 1
    assert await images(platform, key, record) == [digest(first)]
    # another picture under the same name is a change of the record
    newer = await load(platform, write(tmp_path / "4", {"m.jsonl": changed, "M.PNG": second}), "QB")
    assert newer.counts.updated == 1
    assert await images(platform, key, record) == [digest(second)]
    # and the old delivery, loaded once more, does not bring the old one back
    await load(platform, tmp_path / "1", "QB")
    assert await images(platform, key, record) == [digest(second)]


async def test_a_spoilt_picture_costs_a_finding_and_never_the_record(platform: Platform, tmp_path: Path) -> None:
    key, record = platform.key("QC"), name("QC", "2020000001")
    folder = write(
        tmp_path,
        {"m.jsonl": line("2020000001", "m.png", "n.png", office="QC"), "m.png": b"no picture", "n.png": picture("n")},
    )
    loaded = await load(platform, folder, "QC")
    assert loaded.counts.indexed == 1
    assert await images(platform, key, record) == [None, digest(picture("n"))]
    with platform.database.driver() as connection:
        rows = connection.execute("select rule, reason from rejects where record = %s", (record,)).fetchall()
    ((_, reason),) = [row for row in rows if row[0].startswith("image-")]
    assert "no image that is read here" in reason
    assert "PNG, JPEG" in reason
    async with platform.client(key) as client:
        missing = await client.get(f"/v1/records/{record}/images/3")
        spoilt = await client.get(f"/v1/records/{record}/images/1")
        assert (missing.status_code, spoilt.status_code, spoilt.content) == (404, 404, missing.content)


async def test_types_are_told_from_the_content_and_tiff_is_saved(platform: Platform, tmp_path: Path) -> None:
    key, record = platform.key("QD"), name("QD", "2020000001")
    tiff = io.BytesIO()
    Image.new("1", (30, 20), 1).save(tiff, "TIFF")
    files = {"m.jsonl": line("2020000001", "page.html.png", "m.jpg", office="QD"), "m.jpg": tiff.getvalue()}
    files["page.html.png"] = picture("polyglot") + b"<script>alert(1)</script>"
    await load(platform, write(tmp_path, files), "QD")
    async with platform.client(key) as client:
        first = await client.get(f"/v1/records/{record}/images/1")
        second = await client.get(f"/v1/records/{record}/images/2")
    assert first.headers["content-type"] == "image/png"
    assert first.headers["content-disposition"].startswith("inline")
    assert second.headers["content-type"] == "image/tiff"
    assert second.headers["content-disposition"].startswith("attachment")


async def test_only_who_may_see_the_images_of_a_record_gets_them(platform: Platform, tmp_path: Path) -> None:
    """Closed, metadata only, content without images, content with images, an agreement, the provider itself."""
    tiers: dict[str, dict[str, Any]] = {
        "RA": {"tier": "none"},
        "RB": {"tier": "existence"},
        "RC": {"tier": "metadata"},
        "RD": {"tier": "content", "groups": ["full-text"]},
        "RE": {"tier": "content", "groups": ["images"]},
    }
    for provider, policy in tiers.items():
        platform.policy(f"{provider.lower()}-trademark-x", **policy)
        files = {"m.jsonl": line("2020000001", "m.png", office=provider), "m.png": picture(provider)}
        await load(platform, write(tmp_path / provider, files), provider)
    platform.agreement("RA", "RM", tier="content", groups=["images"])
    platform.agreement("RC", "RM", tier="content", groups=["full-text"])
    readers = {
        "public": (None, {"RE"}),
        "stranger": (platform.key("RN"), {"RE"}),
        "partner": (platform.key("RM"), {"RA", "RE"}),
        "provider": (platform.key("RC"), {"RC", "RE"}),
        "steward": (platform.key("RA", Role.PLATFORM_STEWARD), {"RE"}),
    }
    for reader, (key, allowed) in readers.items():
        async with platform.client(key) as client:
            for tail in ("images/1", "images/1/thumbnail", "images/1/similar"):
                missing = await client.get(f"/v1/records/{name('RA', '2020999999')}/{tail}")
                assert missing.status_code == 404
                for provider in tiers:
                    answer = await client.get(f"/v1/records/{name(provider, '2020000001')}/{tail}")
                    if provider in allowed:
                        assert answer.status_code == 200, (reader, provider, tail, answer.text)
                    else:
                        assert (answer.status_code, answer.content) == (404, missing.content), (reader, provider, tail)
                        assert told(answer) == told(missing)
    with platform.database.driver() as connection:
        seen = connection.execute(
            "select action, provider, ids, details from audit where office = 'RM' and action in ('image', 'thumbnail') "
            "order by provider, action"
        ).fetchall()
    wanted = [(action, provider, [name(provider, "2020000001")], {"image": 1})
              for provider in ("RA", "RE") for action in ("image", "thumbnail")]  # fmt: skip
    assert [(a, p, list(ids), d if isinstance(d, dict) else orjson.loads(d)) for a, p, ids, d in seen] == wanted

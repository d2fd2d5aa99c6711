"""Marks and designs by picture: found however they are turned or coloured, with reasons, within the caller's scope."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from api.search.similar import figures as compare
from api.search.similar.pictures import LARGEST_BODY
from benchmarks.images import drawn, turned, with_word
from indexer.images.describe import LENGTH, describe, main_piece
from indexer.reindex import reindex
from indexer.vectors import Vectors
from samples.figures import figure, png
from tests.images.deliveries import line, load, name, picture, write
from tests.platforms import Platform

SEEDS = [f"like {number}" for number in range(24)]
POST = "/v1/images/similar"


def test_a_description_has_parts_of_unit_length_and_a_blank_picture_none() -> None:
    told = describe(figure("told"))
    assert told.vector.shape == (LENGTH,)
    assert abs(float((told.vector**2).sum()) - 4) < 1e-4
    assert not describe(Image.new("RGB", (50, 50), (200, 10, 10))).vector.any()


def test_the_figure_above_a_word_is_the_main_piece() -> None:
    image = figure("like 3")
    piece = main_piece(with_word("like 3", image))
    assert piece is not None
    (score,), _ = compare.scores(describe(piece).vector, describe(image).vector[None, :])
    assert score > 0.95
    assert main_piece(Image.new("RGB", (9, 400), (255, 255, 255))) is None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def figures(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Twenty-four figures: marks of one open provider and designs of another; the first of them also as a mark of a
    closed one and of one that gives no images."""
    folder = tmp_path_factory.mktemp("figures")
    marks = {f"{n}.png": picture(seed) for n, seed in enumerate(SEEDS[:12])}
    marks["m.jsonl"] = b"".join(
        line(f"20210000{n:02}", f"{n}.png", office="VA",
             classifications=[{"scheme": "VIENNA", "symbol": "01.01.02" if n % 2 else "26.04.01"}])
        for n in range(12)
    )  # fmt: skip
    designs = {f"{n}.png": picture(seed) for n, seed in enumerate(SEEDS[12:])}
    designs["d.jsonl"] = b"".join(
        line(f"20210000{n:02}", f"{n}.png", f"{(n + 1) % 12}.png", right="design", office="VB",
             classifications=[{"scheme": "LOCARNO", "symbol": "09-01"}])
        for n in range(12)
    )  # fmt: skip
    first = {"0.png": picture(SEEDS[0])}
    for provider, files in {
        "VA": marks,
        "VB": designs,
        "VC": {**first, "m.jsonl": line("2021000000", "0.png", office="VC")},
        "VD": {**first, "m.jsonl": line("2021000000", "0.png", office="VD")},
    }.items():
        await load(platform, write(folder / provider, files), provider)
    open_ = {"tier": "content", "groups": ["images"]}
    platform.policy("va-trademark-x", **open_)
    platform.policy("vb-design-x", **open_)
    platform.policy("vc-trademark-x", tier="none")
    platform.policy("vd-trademark-x", tier="content", groups=["full-text"])
    return platform


async def ask(platform: Platform, content: bytes, key: str | None = None, **params: Any) -> dict[str, Any]:
    async with platform.client(key) as client:
        answer = await client.post(POST, content=content, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


CHANGED = {
    "turned": turned(137),
    "recoloured": drawn(inks=((255, 255, 255),), ground=(20, 30, 70)),
    "thick": drawn(line=2.2),
    "with a word": with_word,
}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("change", CHANGED)
async def test_a_changed_picture_finds_its_record(figures: Platform, change: str) -> None:
    for number in (1, 14):
        content = png(CHANGED[change](SEEDS[number], figure(SEEDS[number], 128)))
        found = await ask(figures, content, size=5)
        hit = found["hits"][0]
        own = name("VA", "2021000001") if number == 1 else name("VB", "2021000002", "design")
        other_view = name("VB", "2021000001", "design")
        assert hit["id"] in ((own,) if number == 1 else (own, other_view))
        assert hit["image"] == (2 if hit["id"] == other_view else 1)
        assert set(hit["parts"]) == {"layout", "edges", "shape", "colours"}
        assert [one["score"] for one in found["hits"]] == sorted((one["score"] for one in found["hits"]), reverse=True)
        kinds = {reason["part"] for reason in hit["reasons"]}
        assert kinds <= set(compare.KINDS)
        assert change not in compare.KINDS or change in kinds, (change, hit["reasons"])


@pytest.mark.asyncio(loop_scope="session")
async def test_filters_narrow_before_the_nearest_are_taken(figures: Platform) -> None:
    content, low = picture(SEEDS[0], 128), {"min_score": 0, "size": 200}
    every = {hit["id"]: hit for hit in (await ask(figures, content, **low))["hits"]}
    assert sum(name_.startswith("va-") for name_ in every) == 12
    for params, kept in (
        ({"rights": "design"}, "vb-design"),
        ({"locarno": "09"}, "vb-design"),
        ({"offices": "VA"}, "va-trademark"),
        ({"vienna": "1.1"}, "va-trademark"),
    ):
        ids = [hit["id"] for hit in (await ask(figures, content, **low, **params))["hits"] if hit["id"][:2] in "va vb"]
        assert ids
        assert all(found.startswith(kept) for found in ids)
    odd = [hit["id"] for hit in (await ask(figures, content, **low, vienna="1.1"))["hits"]]
    assert len(odd) == 6


@pytest.mark.asyncio(loop_scope="session")
async def test_a_picture_that_is_hidden_is_not_found_by(figures: Platform) -> None:
    """The very same picture stands in a closed record and in one whose images are not granted."""
    content = picture(SEEDS[0])
    closed, bare = name("VC", "2021000000"), name("VD", "2021000000")
    for key, seen in (
        (None, set()),
        (figures.key("VZ"), set()),
        (figures.key("VC"), {closed}),
        (figures.key("VD"), {bare}),
    ):
        found = await ask(figures, content, key, size=200)
        ids = [hit["id"] for hit in found["hits"]]
        assert set(ids) & {closed, bare} == seen
        assert name("VA", "2021000000") in ids[: 1 + len(seen)]
        assert found["total"] == len(ids)
        same = next(hit for hit in found["hits"] if hit["id"] == name("VA", "2021000000"))
        assert same["reasons"][0]["part"] == "same-picture"


@pytest.mark.asyncio(loop_scope="session")
async def test_like_an_image_of_a_record(figures: Platform) -> None:
    async with figures.client(figures.key("VC")) as client:
        answer = await client.get(f"/v1/records/{name('VC', '2021000000')}/images/1/similar")
        none = await client.get(f"/v1/records/{name('VC', '2021000000')}/images/2/similar")
        hidden = await client.get(f"/v1/records/{name('VD', '2021000000')}/images/1/similar")
    body = answer.json()
    assert body["source"] == name("VC", "2021000000")
    assert body["hits"][0]["id"] == name("VA", "2021000000")
    assert (body["hits"][0]["score"], body["hits"][0]["reasons"][0]["part"]) == (1.0, "same-file")
    assert (none.status_code, none.content) == (hidden.status_code, hidden.content) == (404, none.content)


@pytest.mark.asyncio(loop_scope="session")
async def test_an_index_that_is_rebuilt_has_the_pictures(figures: Platform) -> None:
    before = await ask(figures, picture(SEEDS[3]), size=20)
    with Vectors(figures.database, figures.settings.embedder, processes=0) as vectors:
        await reindex(figures.database, figures.writer, vectors, "trademark")
    after = await ask(figures, picture(SEEDS[3]), size=20)
    assert [(hit["id"], hit["score"]) for hit in after["hits"]] == [(h["id"], h["score"]) for h in before["hits"]]
    assert name("VA", "2021000003") == after["hits"][0]["id"]


@pytest.mark.asyncio(loop_scope="session")
async def test_what_is_no_picture_is_refused_in_plain_words(figures: Platform, tmp_path: Path) -> None:
    blank = io.BytesIO()
    Image.new("RGB", (80, 80), (9, 9, 9)).save(blank, "PNG")
    async with figures.client() as client:
        for content, said in ((b"", "no image"), (b"<svg/>", "no image"), (blank.getvalue(), "Nothing is drawn")):
            answer = await client.post(POST, content=content)
            assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text
        large = await client.post(POST, content=bytes(LARGEST_BODY + 1))
        assert large.status_code == 413
        wrong = await client.post(POST, content=picture("x"), params={"rights": "patent"})
        assert wrong.status_code == 422

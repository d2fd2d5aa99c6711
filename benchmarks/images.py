"""Search by picture, measured: drawn figures, each changed in many ways, looked for among all.

    python -m benchmarks.images [--figures 240] [--json FILE] [--index 12000]

Recall@10 (the figure itself among the first ten) and mean reciprocal rank, for each way of changing it: with the score
that search uses, with each of its parts, and with a perceptual hash alone. Drawn anew each time from seeds; the same
every time. No engine takes part: every figure is compared with every other, as search does with its candidates.

With `--index`: so many figures stand in an index of the engine that CONCORD_OPENSEARCH_URL names, and 60, turned
or recoloured, are looked for through its candidates; beside that, by comparing with all. The index goes afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import random
import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import mappings
from api.search.similar import figures as compare
from api.search.similar.pictures import WINDOW
from common.settings import load_settings
from indexer.engine import Engine
from indexer.images.describe import LENGTH, PARTS, Description, describe, main_piece
from samples import figures
from samples.figures import Style

SIDE = 128
WHITE = (255, 255, 255)
Change = Callable[[str, Image.Image], Image.Image]
Ranks = NDArray[np.float64]


def on(image: Image.Image, size: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    """On a larger white sheet."""
    sheet = Image.new("RGB", size, WHITE)
    sheet.paste(image, at)
    return sheet


def turned(degrees: float) -> Change:
    room = SIDE * 7 // 4
    corner = (room - SIDE) // 2
    return lambda seed, image: on(image, (room, room), (corner, corner)).rotate(
        degrees, Image.Resampling.BICUBIC, fillcolor=WHITE
    )


def drawn(**style: object) -> Change:
    """The same figure in another style."""

    def draw(seed: str, image: Image.Image) -> Image.Image:
        own = figures.own_style(seed)
        return figures.figure(seed, SIDE, Style(**{"inks": own.inks, "line": own.line, **style}))  # type: ignore[arg-type]

    return draw


def recoloured(seed: str, image: Image.Image) -> Image.Image:
    inks = tuple(random.Random(f"{seed} other").sample(figures.INKS, 3))
    return figures.figure(seed, SIDE, Style(inks))


def jpeg(seed: str, image: Image.Image) -> Image.Image:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=25)
    return Image.open(io.BytesIO(target.getvalue())).convert("RGB")


def scanned(seed: str, image: Image.Image) -> Image.Image:
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float64)
    noise = np.random.default_rng(len(seed)).normal(0, 10, soft.shape)
    return Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8))


def with_word(seed: str, image: Image.Image) -> Image.Image:
    sheet = on(image, (SIDE, SIDE + 42), (0, 0))
    ImageDraw.Draw(sheet).text((14, SIDE + 6), "SAMPLE", fill=(0, 0, 0), font_size=26)
    return sheet


CHANGES: dict[str, Change] = {
    "JPEG of low quality": jpeg,
    "half size, wide margins": lambda seed, image: on(image.resize((60, 60)), (200, 140), (110, 20)),
    "turned by 15°": turned(15),
    "turned by 90°": lambda seed, image: image.rotate(90),
    "turned by 137°": turned(137),
    "mirrored": lambda seed, image: ImageOps.mirror(image),
    "cut by 8 % on each side": lambda seed, image: image.crop((10, 10, SIDE - 10, SIDE - 10)),
    "cut by 16 % on two sides": lambda seed, image: image.crop((20, 8, SIDE, SIDE - 20)),
    "in other colours": recoloured,
    "light on dark": drawn(inks=(WHITE,), ground=(20, 30, 70)),
    "grey": lambda seed, image: image.convert("L").convert("RGB"),
    "lines twice as thick": drawn(line=2.2),
    "lines half as thick": drawn(line=0.45),
    "a quarter broader": lambda seed, image: image.resize((SIDE * 5 // 4, SIDE)),
    "soft and noisy": scanned,
    "a word below": with_word,
}


def ranks(scores: NDArray[np.float64]) -> Ranks:
    """Place of each row's own column, ties shared."""
    own = np.diagonal(scores)[:, None]
    return np.asarray((scores > own).sum(axis=1) + ((scores == own).sum(axis=1) + 1) / 2)


def measured(places: Ranks) -> tuple[float, float]:
    """(recall@10, mean reciprocal rank)."""
    return float((places <= 10).mean()), float((1 / places).mean())


def hashes(wanted: Sequence[Description], held: Sequence[Description]) -> NDArray[np.float64]:
    return np.array([[-(a.hash ^ b.hash).bit_count() for b in held] for a in wanted], dtype=np.float64)


async def through_index(count: int) -> None:
    seeds = [f"scale {number}" for number in range(count)]
    vectors = np.stack([describe(figures.figure(seed, SIDE // 2)).vector for seed in seeds])
    name = f"bench-{secrets.token_hex(4)}"
    component = (mappings.HERE / "components/pictures.json").read_text().replace('"$picture"', str(LENGTH))
    async with Engine(load_settings().opensearch_url or "", name) as engine:
        await engine.request("PUT", f"/{name}", orjson.loads(component))
        try:
            for start in range(0, count, 500):
                lines = []
                for number, vector in enumerate(vectors[start : start + 500].round(5).tolist(), start):
                    lines += [orjson.dumps({"index": {"_index": name, "_id": str(number)}})]
                    lines += [orjson.dumps({"picture": [{"vector": vector}]})]
                failed = await engine.bulk(b"\n".join(lines) + b"\n", require_alias=False)
                assert failed is None, failed[0]
            await engine.refresh([name])
            found, whole, took = [], [], []
            for query in range(60):
                own = query * count // 60
                change = turned(40) if query % 2 else recoloured
                wanted = describe(change(seeds[own], figures.figure(seeds[own], SIDE))).vector
                begun = time.perf_counter()
                held = {own for vector in compare.queries([wanted]) for own in await candidates(engine, name, vector)}
                took.append((time.perf_counter() - begun) * 1000)
                totals, _ = compare.scores(wanted, vectors)
                whole.append(int((totals > totals[own]).sum()) + 1)
                nearer = int((totals[sorted(held)] > totals[own]).sum()) + 1
                found.append(nearer if own in held else count)
        finally:
            await engine.request("DELETE", f"/{name}")
    print(f"{count} figures in an index, 60 looked for; p50 {statistics.median(took):.0f} ms for all lists of one")
    for kind, places in (("through the index", found), ("compared with all", whole)):
        print(f"{kind:20}" + "recall@10 {:.2f}, MRR {:.2f}".format(*measured(np.array(places, dtype=np.float64))))


async def candidates(engine: Engine, index: str, vector: list[float]) -> list[int]:
    near = {"knn": {"picture.vector": {"vector": vector, "k": WINDOW}}}
    query = {"nested": {"path": "picture", "score_mode": "max", "query": near}}
    answer = await engine.request("POST", f"/{index}/_search", {"size": WINDOW, "_source": False, "query": query})
    return [int(hit["_id"]) for hit in answer["hits"]["hits"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--figures", type=int, default=240)
    parser.add_argument("--index", type=int, default=0, help="figures in an index of the engine instead")
    parser.add_argument("--json", type=Path, help="also write the means to this file")
    given = parser.parse_args()
    if given.index:
        asyncio.run(through_index(given.index))
        return
    count = given.figures
    seeds = [f"bench {number}" for number in range(count)]
    images = [figures.figure(seed, SIDE) for seed in seeds]
    begun = time.perf_counter()
    held = [describe(image) for image in images]
    each = (time.perf_counter() - begun) / count * 1000
    vectors = np.stack([one.vector for one in held])
    print(f"{count} figures × {len(CHANGES)} changes; {each:.1f} ms to describe one\n")
    print(f"{'recall@10 / MRR':28}{'search':>14}{'hash alone':>14}" + "".join(f"{name:>14}" for name in PARTS))
    rows: list[list[tuple[float, float]]] = []
    for name, change in CHANGES.items():
        totals, parts, whole = [], [], []
        for seed, image in zip(seeds, images, strict=True):
            changed = change(seed, image)
            piece = main_piece(changed)
            described = [describe(changed), *([describe(piece)] if piece is not None else [])]
            total, part = compare.best_of(described, vectors)
            totals.append(total)
            parts.append(part)
            whole.append(described[0])
        found = [measured(ranks(np.stack(totals))), measured(ranks(hashes(whole, held)))]
        found += [measured(ranks(np.stack([part[:, n] for part in parts]))) for n in range(len(PARTS))]
        rows.append(found)
        print(f"{name:28}" + "".join(f"{recall:>8.2f} /{mrr:.2f}" for recall, mrr in found))
    means = [tuple(statistics.fmean(row[n][m] for row in rows) for m in (0, 1)) for n in range(len(rows[0]))]
    print(f"{'mean':28}" + "".join(f"{recall:>8.2f} /{mrr:.2f}" for recall, mrr in means))
    if given.json:
        ways = ("search", "hash", *PARTS)
        result = {way: {"recall_10": mean[0], "mrr": mean[1]} for way, mean in zip(ways, means, strict=True)}
        described = {"figures": count, "changes": len(CHANGES), "describe_ms": each, **result}
        given.json.write_bytes(orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()

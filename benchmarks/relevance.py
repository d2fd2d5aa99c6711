"""What each part of the search finds by itself and what fusing them adds: nDCG@10 and recall@10/100 per language pair.

    python -m benchmarks.relevance [--modes bm25,vectors,…] [--topics unseen] [--half SEED] [--held-out SEED] [--mined]
        [--json FILE]

Records, queries and platform of benchmarks/crosslang.py: 60 topics × 10 languages, one language a record, four topics a
neighbourhood. For a pair (query language, record language) one record is right, that of the topic in that language; it
competes with all records of other topics in all languages, the near ones among them, and the topic's records in other
languages are taken out. So nDCG@10 is 1 / log2(1 + rank), and 0 beyond rank 10.

Parts: bm25 (the query's own words), vectors, expansion (words and the term bank's terms), fusion (the default).

Parts of the lexicon were written by people who knew the samples' topics, and some terms were added for what the
benchmark had missed, so the figures of that set are not those of an unknown subject. `--topics unseen` asks for topics
that were written apart from the lexicon (benchmarks/data/unseen). --held-out takes half of the concepts away, drawn by
SEED, as if nobody had thought of them. --half asks for half of the topics only, drawn by SEED; with --mined the term
bank also has what `concord terms mine` finds in the titles and abstracts of the other half, none of which is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import api.search.service as service
from api.search.expansion.bank import Bank, bank
from api.search.expansion.mining import mine
from benchmarks.crosslang import MODES, SETS, Ranks, engines_and_database, measure, platform, recall
from samples.world import LANGUAGES, Topic, topics

PARTS = {"bm25": "bm25", "vectors": "vectors", "expansion": "terms", "fusion": "default"}
"""Name here → mode of benchmarks/crosslang.py."""
DEPTH = 110
"""Hits asked for: a hundred, and the records of the topic in other languages that are taken out."""


def gain(rank: int | None) -> float:
    """nDCG@10 of a list with one right answer."""
    return 1 / math.log2(1 + rank) if rank is not None and rank <= 10 else 0.0


def figures(places: Sequence[int | None]) -> dict[str, float]:
    return {
        "ndcg_10": round(sum(map(gain, places)) / len(places), 4),
        "recall_10": recall(places, 10),
        "recall_100": recall(places, 100),
    }


def summary(ranks: Ranks) -> dict[str, Any]:
    """Of all pairs, of those of two languages, and the worst by each measure."""
    pairs = {f"{asked}→{kept}": figures(places) for (asked, kept), places in ranks.items()}
    names = ("ndcg_10", "recall_10", "recall_100")

    def mean(chosen: Sequence[dict[str, float]]) -> dict[str, float]:
        return {name: round(sum(pair[name] for pair in chosen) / len(chosen), 4) for name in names}

    across = [found for pair, found in pairs.items() if pair[:2] != pair[3:]]
    worst = min(pairs, key=lambda pair: pairs[pair]["recall_10"])
    return {
        "all": mean(list(pairs.values())),
        "across": mean(across),
        "within": mean([found for pair, found in pairs.items() if pair[:2] == pair[3:]]),
        "worst_recall_10": [worst, pairs[worst]["recall_10"]],
        "pairs_below_0.95": sorted(pair for pair, found in pairs.items() if found["recall_10"] < 0.95),
        "pairs": pairs,
    }


def terms(held_out: int | None, others: Sequence[Topic]) -> Bank:
    """The term bank, with `held_out` every second of its concepts by chance, and what is mined from topics that are not
    asked for."""
    concepts = list(bank().concepts)
    if held_out is not None:
        concepts = random.Random(held_out).sample(concepts, len(concepts) // 2)
    made = Bank()
    for concept in concepts:
        made.add(concept)
    units = [text for topic in others for text in (topic.title, topic.abstract)]
    for concept in mine(units, known=made) if units else ():
        made.add(concept)
    return made


async def run(url: str, database_url: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    chosen = topics(SETS[options.topics])
    asked: list[int] | None = None
    if options.half is not None:
        asked = sorted(random.Random(options.half).sample(range(len(chosen)), len(chosen) // 2))
    others = [topic for place, topic in enumerate(chosen) if options.mined and place not in (asked or ())]
    if options.held_out is not None or others:
        known = terms(options.held_out, others)
        service.bank = lambda: known  # type: ignore[assignment]
    results: dict[str, Any] = {}
    async with platform(url, database_url, work, chosen) as (client, held):
        for part in options.modes.split(","):
            found = await measure(client, chosen, held, MODES[PARTS[part]], filtered=False, depth=DEPTH, only=asked)
            results[part] = {**summary(found["ranks"]), "all_ten_in_first_ten": found["all_ten_in_first_ten"]}
            report(part, results[part])
    return results


def report(part: str, found: dict[str, Any]) -> None:
    cells = "  ".join(
        f"{where} {found[where]['ndcg_10']:.3f} {found[where]['recall_10']:.3f} {found[where]['recall_100']:.3f}"
        for where in ("all", "across", "within")
    )
    worst, value = found["worst_recall_10"]
    print(
        f"{part:10} nDCG@10 recall@10 recall@100: {cells}  worst {value:.2f} {worst}  "
        f"below 0.95: {', '.join(found['pairs_below_0.95']) or 'none'}",
        file=sys.stderr,
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", default=",".join(PARTS), help=", ".join(PARTS))
    parser.add_argument("--topics", choices=SETS, default="samples", help="which set of topics")
    parser.add_argument("--held-out", type=int, metavar="SEED", help="use half of the term bank, drawn by this seed")
    parser.add_argument("--half", type=int, metavar="SEED", help="ask for half of the topics, drawn by this seed")
    parser.add_argument("--mined", action="store_true", help="also use terms mined from the other half of the topics")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    unknown = set(options.modes.split(",")) - set(PARTS)
    if options.mined and options.half is None:
        parser.error("--mined needs --half: terms are not mined from topics that are asked for")
    if unknown:
        parser.error(f"unknown modes: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as work, engines_and_database() as (url, address):
        results = asyncio.run(run(url, address, Path(work), options))
    short = {part: {name: value for name, value in found.items() if name != "pairs"} for part, found in results.items()}
    how = {"set": options.topics, "held_out": options.held_out, "half": options.half, "mined": options.mined}
    print(json.dumps({"topics": len(topics(SETS[options.topics])), "languages": len(LANGUAGES), **how, **short}))
    if options.json:
        options.json.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""Whether the word mark that an examiner should be shown comes first: mean reciprocal rank against plain fuzzy search.

    python benchmarks/marks.py [--distractors N] [--json FILE]

The set (benchmarks/data/marks.tsv): a hundred pairs, a quarter each alike in sound, look, script or meaning. They stand
in one index among N made-up marks of the same classes, and for each query four near neighbours: the query with two of
its letters changed, which every fuzzy search finds. Asked are, in one run and of one index:

- `concord`: the search behind /v1/marks/similar, without its HTTP: candidates from the index, then compared;
- `concord, classes`: the same, told the class of the goods;
- `fuzzy`: OpenSearch's match on the mark with fuzziness AUTO;
- `ratio`: rapidfuzz's ratio of the folded texts over all marks, a full scan.

The rank counts up to 50; further down or absent counts nothing. A mark equal to the query's own set is taken out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rapidfuzz import fuzz, process

import mappings
from api.access.model import GRANTABLE, Group, Tier, anonymous
from api.access.scope import Grant, Scope
from api.search.engine import Engine as Searching
from api.search.similar import marks
from api.search.similar.compare import senses
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.binding import bind, languages
from indexer.document import document
from indexer.embedding import embedder
from indexer.engine import Engine
from indexer.marks.sounds import latin
from indexer.marks.tables import rows
from indexer.record import Classification, Number, NumberType, Record, Right, Source, Text, TextType

PAIRS = Path(__file__).parent / "data" / "marks.tsv"
PROVIDER = "XA"
COLLECTION = "xa-trademark-marks"
DEPTH = 50
NEIGHBOURS = 4
SYLLABLES = [
    a + b
    for a in ("b", "br", "c", "d", "f", "fl", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z")
    for b in ("a", "e", "i", "o", "u", "an", "el", "ix", "or")
]
LETTERS = "ABDEFGILMNOPRSTUV"


@dataclass(frozen=True, slots=True)
class Pair:
    query: str
    wanted: str
    kind: str
    group: str
    nice: str


def pairs() -> list[Pair]:
    return [Pair(*cells) for cells in rows(PAIRS)]


def neighbour(mark: str, chance: random.Random) -> str:
    """The mark with two letters changed, or swapped where it is not in Latin letters."""
    letters = list(mark)
    for at in chance.sample([n for n, letter in enumerate(letters) if letter != " "], min(2, len(mark))):
        letters[at] = chance.choice(LETTERS if mark.isascii() else mark.replace(" ", ""))
    return "".join(letters)


def corpus(chosen: Sequence[Pair], distractors: int) -> list[tuple[str, str, str]]:
    """(mark, class, set or nothing); always the same."""
    chance = random.Random(7)
    held = [(pair.wanted, pair.nice, pair.group) for pair in chosen]
    taken = {pair.wanted for pair in chosen} | {pair.query for pair in chosen}
    made = [(neighbour(pair.query, chance), pair.nice) for pair in chosen for _ in range(NEIGHBOURS)]
    classes = sorted({pair.nice for pair in chosen})
    while len(made) < distractors:
        words = [
            "".join(chance.choices(SYLLABLES, k=chance.choice((2, 2, 3)))) for _ in range(chance.choice((1, 1, 2)))
        ]
        made.append((" ".join(words).upper(), chance.choice(classes)))
    return held + [(mark, nice, "") for mark, nice in dict.fromkeys(made) if mark not in taken]


def record(number: int, mark: str, nice: str) -> Record:
    canonical = f"{PROVIDER}{number:07d}"
    return Record(
        id=f"{COLLECTION}.{canonical}",
        right=Right.TRADEMARK,
        provider=PROVIDER,
        office=PROVIDER,
        collection=COLLECTION,
        numbers=(Number(type=NumberType.APPLICATION, raw=str(number), canonical=canonical, office=PROVIDER),),
        texts=(Text(type=TextType.MARK_TEXT, text=mark, language="xx"),),
        classifications=(Classification(scheme="NICE", symbol=nice, raw=nice),),
        source=Source(delivery=1, file="marks", ordinal=number, sha256="0" * 64, format="made", reader_version=1),
    )


async def create(writer: Engine) -> None:
    """One index with the fields of word marks alone: those of texts in forty languages take long to set up."""
    bound = await bind(writer, embedder(load_settings().embedder))
    parts = mappings.templates(writer.prefix, bound).components
    used = ("settings", "identity", "marks", "classes")
    bodies = [parts[f"{writer.prefix}-{name}"]["template"] for name in used]
    properties = {name: field for body in bodies for name, field in body["mappings"].get("properties", {}).items()}
    body = {
        "settings": {
            "index": {
                **parts[f"{writer.prefix}-settings"]["template"]["settings"]["index"],
                "analysis": _only_for(properties, bound.analysis),
            }
        },
        "mappings": {"dynamic": "strict", "properties": properties},
    }
    await writer.request("PUT", f"/{writer.prefix}-trademark", body)


def _only_for(properties: dict[str, Any], analysis: dict[str, Any]) -> dict[str, Any]:
    """The analysers that the fields name, with what these name."""
    named = set(re.findall(r"concord_\w+", json.dumps(properties)))
    kept: dict[str, Any] = {}
    for kind in ("analyzer", "normalizer", "filter", "tokenizer", "char_filter"):
        kept[kind] = {name: body for name, body in analysis.get(kind, {}).items() if name in named}
        named |= set(re.findall(r"concord_\w+", json.dumps(kept[kind])))
    return kept


async def fill(writer: Engine, held: Sequence[tuple[str, str, str]]) -> None:
    index = f"{writer.prefix}-trademark"
    lines = []
    for number, (mark, nice, _) in enumerate(held):
        made = record(number, mark, nice)
        lines.append(orjson.dumps({"index": {"_index": index, "_id": made.id}}))
        lines.append(orjson.dumps(document(made, languages())))
    for start in range(0, len(lines), 1000):
        refused = await writer.bulk(b"\n".join(lines[start : start + 1000]) + b"\n", require_alias=False)
        if refused is not None:
            raise SystemExit(f"The engine refused {next(item.error for item in refused if item.error)}")
    await writer.refresh([index])


async def ranked_by_concord(engine: Searching, scope: Scope, query: str, nice: tuple[str, ...]) -> list[str]:
    lists = await engine.candidates(
        scope, marks.list_queries(query, senses(query)[: marks.MOST_SENSES]), fields_wanted=marks.FIELDS,
        rights=("trademark",), size=marks.WINDOW,
    )  # fmt: skip
    return [entry.id for entry in marks.score(query, nice, lists, 0.0)]


async def ranked_by_fuzzy(writer: Engine, query: str) -> list[str]:
    body = {"size": 2 * DEPTH, "_source": False, "query": {"match": {"mark": {"query": query, "fuzziness": "AUTO"}}}}
    answer = await writer.request("POST", f"/{writer.prefix}-trademark/_search", body)
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def rank(found: Sequence[str], wanted: str, same: set[str]) -> int | None:
    kept = [name for name in found if name == wanted or name not in same]
    return kept.index(wanted) + 1 if wanted in kept[:DEPTH] else None


async def measure(url: str, distractors: int) -> dict[str, Any]:
    chosen = pairs()
    held = corpus(chosen, distractors)
    ids = {number: f"{COLLECTION}.{PROVIDER}{number:07d}" for number in range(len(held))}
    texts = {ids[number]: latin(mark) for number, (mark, _, _) in enumerate(held)}
    sets: dict[str, set[str]] = defaultdict(set)
    for number, (_, _, group) in enumerate(held):
        if group:
            sets[group].add(ids[number])
    grant = Grant(Tier.CONTENT, frozenset({Group.EXISTENCE, *GRANTABLE}), collections=frozenset({COLLECTION}))
    scope = Scope(anonymous(), "examination", (grant,))
    ranks: dict[str, dict[str, list[int | None]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = defaultdict(float)
    prefix = f"bench-{secrets.token_hex(4)}"
    async with Engine(url, prefix) as writer:
        searching = Searching(url, prefix)
        try:
            await create(writer)
            await fill(writer, held)
            for number, pair in enumerate(chosen):
                wanted, same = ids[number], sets[pair.group]
                for name in ("concord", "concord, classes", "fuzzy", "ratio"):
                    begun = time.process_time()
                    if name.startswith("concord"):
                        nice = (pair.nice,) if "classes" in name else ()
                        found = await ranked_by_concord(searching, scope, pair.query, nice)
                    elif name == "fuzzy":
                        found = await ranked_by_fuzzy(writer, pair.query)
                    else:
                        near = process.extract(latin(pair.query), texts, scorer=fuzz.ratio, limit=2 * DEPTH)
                        found = [key for _, _, key in near]
                    seconds[name] += time.process_time() - begun
                    ranks[name][pair.kind].append(rank(found, wanted, same))
        finally:
            await searching.close()
            await writer.drop(f"{prefix}-trademark")
    return {
        "marks": len(held),
        "pairs": len(chosen),
        "mrr": {name: {kind: mrr(listed) for kind, listed in by.items()} for name, by in ranks.items()},
        "mrr_all": {name: mrr([r for listed in by.values() for r in listed]) for name, by in ranks.items()},
        "first_ten": {
            name: round(sum(r is not None and r <= 10 for listed in by.values() for r in listed) / len(chosen), 3)
            for name, by in ranks.items()
        },
        "own_cpu_ms": {name: round(total / len(chosen) * 1000, 1) for name, total in seconds.items()},
        "missed": [
            f"{pair.query} → {pair.wanted}: {place or 'absent'}"
            for pair, place in zip(chosen, in_order(chosen, ranks["concord"]), strict=True)
            if place is None or place > 3
        ],
    }


def in_order(chosen: Sequence[Pair], by_kind: dict[str, list[int | None]]) -> list[int | None]:
    left = {kind: iter(listed) for kind, listed in by_kind.items()}
    return [next(left[pair.kind]) for pair in chosen]


def mrr(ranks: Sequence[int | None]) -> float:
    return round(sum(1 / place for place in ranks if place is not None) / len(ranks), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distractors", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    given = os.environ.get("CONCORD_TEST_OPENSEARCH_URL"), os.environ.get("CONCORD_TEST_DATABASE_URL")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(opensearch_url=given[0], database_url=given[1])
        with Engines(settings, state=Path(folder)) as engines:
            result = asyncio.run(measure(engines.opensearch_url, chosen.distractors))
    text = json.dumps(result, indent=2, ensure_ascii=False)
    if chosen.json:
        chosen.json.write_text(text + "\n", "utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

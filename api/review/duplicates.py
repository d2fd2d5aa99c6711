"""Duplicates as one caller may know of them: only pairs whose both records it sees, clusters as if what is hidden did
not exist, scores without what hidden records say."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from api.access.audit import Entry
from api.access.model import Group, Tier
from api.dependencies import Access, disclosed
from api.search.engine import Hit
from common.errors import NotFound, UsageError
from common.messages import say
from indexer.duplicates.clusters import cluster_id, pair
from indexer.duplicates.compare import table
from indexer.duplicates.golden import golden
from indexer.duplicates.ledger import REVIEW_EVERY, Decision, Graph, Ledger, Verdict, effect
from indexer.duplicates.models import Models

CHUNK = 100
"""Pairs whose records are looked up together."""
MOST_READ = 5_000
"""Pairs looked at for one page: who sees next to nothing of its collections does not read the whole table."""
LARGEST_COMPONENT = 1_000
CONFLICTS_AT_ONCE = 20
DIGITS = 9
"""Of a score that is worked out again: further ones are those of the arithmetic."""

QUEUE = """
select p.a, p.b, p."right", p.providers, p.offices, p.relation, p.action, p.rule, p.why, p.score, p.scorer, p.levels,
       p.values, p.rivals, p.languages, p.found, p.claimed_until, p.source, p.joins, p.doubt
from duplicate_pairs p
join duplicate_profiles pa on pa.id = p.a
join duplicate_profiles pb on pb.id = p.b
where (pa.collection = any(%(collections)s) or pa.provider = any(%(own)s))
  and (pb.collection = any(%(collections)s) or pb.provider = any(%(own)s))
  and {which}
  and (%(providers)s::text is null or p.providers = %(providers)s or p.offices = %(providers)s)
  and (%(right)s::text is null or p."right" = %(right)s)
  and (%(language)s::text is null or p.languages ? %(language)s)
  and (%(days)s::int is null or p.found < now() - make_interval(days => %(days)s))
  and (p.claimed_by is null or p.claimed_by = %(by)s or p.claimed_until <= now())
  and not exists (select 1 from duplicate_decisions d where d.a = p.a and d.b = p.b and d.undone is null
                  and d.review_of is null and d.subject = 'record')
order by {order} p.doubt, p.a, p.b limit %(limit)s offset %(offset)s
"""
ORDERS = {"uncertainty": "", "value": "p.joins desc,"}
OPEN, RELATED = "p.action = 'queue'", "p.relation = %(relation)s"

ONE = QUEUE.partition("where")[0] + "where p.a = %(a)s and p.b = %(b)s"

REVIEWS = """
select d.id, d.a, d.b from duplicate_decisions d
where d.undone is null and d.review_of is null and d.subject = 'record' and d.by <> %(by)s
  and not exists (select 1 from duplicate_decisions r where r.review_of = d.id and r.undone is null)
order by d.at desc, d.id desc limit %(limit)s offset %(offset)s
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to work on."""

    providers: str | None = None
    """`EP/US`, two providers or two offices in the order of the alphabet."""
    right: str | None = None
    language: str | None = None
    days: int | None = None
    """Found at least so many days ago."""
    relation: str | None = None
    """Another than `same`: pairs that a rule related so."""
    order: str = "uncertainty"
    """or `value`: most records joined first."""
    size: int = 20
    scores: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A row of `duplicate_pairs`."""

    a: str
    b: str
    right: str
    providers: str
    offices: str
    relation: str
    action: str
    rule: str | None
    why: str
    score: float | None
    scorer: str | None
    levels: list[int] | None
    values: list[list[str]] | None
    rivals: list[str] | None
    languages: list[str]
    found: Any
    claimed_until: Any
    source: str | None
    joins: int
    """As many records at most as the pair brings together for anybody."""
    doubt: float


class Desk:
    """One caller's desk: everything it does about duplicates in one request."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.database = access.services.database
        self.ledger = Ledger(self.database)
        self.models = Models(self.database)

    @property
    def by(self) -> str:
        return self.access.caller.name

    # --- what is seen ---

    async def seen(self, ids: Iterable[str]) -> dict[str, Hit]:
        """Those of the records whose bibliography the caller may read, under the rights of this moment."""
        wanted = list(dict.fromkeys(ids))
        scope = await self.access.again()
        found: dict[str, Hit] = {}
        for start in range(0, len(wanted), 2 * CHUNK):
            part = wanted[start : start + 2 * CHUNK]
            hits = await self.access.services.engine.documents(scope, part)
            found.update({id_: hit for id_, hit in hits.items() if Group.BIBLIOGRAPHY in hit.view.groups})
        return found

    async def both(self, one: str, other: str) -> dict[str, Hit]:
        """Both records. Raises NotFound unless the caller sees both: the same for hidden and missing."""
        hits = await self.seen((one, other))
        if one == other or len(hits) < 2:
            raise NotFound("no such pair")
        return hits

    async def graph(self, ids: Collection[str]) -> tuple[Graph, dict[str, Hit]]:
        """All that hangs together with the records, as if what the caller does not see did not exist."""

        def read() -> Graph:
            with self.database.driver() as connection:
                return self.ledger.component(connection, ids)

        whole = await asyncio.to_thread(read)
        hits = await self.seen(sorted(whole.nodes)[:LARGEST_COMPONENT])
        return whole.seen_by(hits), hits

    async def show(self, hits: Iterable[Hit]) -> list[dict[str, Any]]:
        """Records as the caller may see them; written to the audit before they are returned. Raises NotFound where one
        was taken away meanwhile."""
        given = list(hits)

        async def look(now: Access) -> list[Hit]:
            if now is self.access:
                return given
            hits = await self.seen(hit.id for hit in given)
            if any(hit.id not in hits for hit in given):
                raise NotFound("no such pair")
            return [hits[hit.id] for hit in given]

        def told(now: Access, found: list[Hit]) -> list[Entry]:
            return now.shown("view", found, content=any(hit.view.tier is Tier.CONTENT for hit in found))

        _, shown = await disclosed(self.access, look, told)
        return [hit.record for hit in shown]

    # --- the queue ---

    async def queue(self, filters: Filters) -> list[dict[str, Any]]:
        """The first of all open pairs in the order asked for, worked out for this caller.

        Pairs are read in the order that holds for everybody. For the caller none joins more records than it does for
        everybody: once the page is full of pairs that no later one can go before, it is the page.
        """
        by_value = filters.order == "value"
        if by_value and filters.relation:
            raise UsageError(say("review.related-by-value"))
        scope = await self.access.again()
        grants = [grant for grant in scope.grants if Group.BIBLIOGRAPHY in grant.groups]
        asked = {
            **asdict(filters),
            "by": self.by,
            "collections": sorted({name for grant in grants for name in grant.collections}),
            "own": sorted({grant.provider for grant in grants if grant.provider is not None}),
            "limit": CHUNK,
        }
        await asyncio.to_thread(self.models.load)
        page: list[tuple[tuple[float, float, str, str], dict[str, Any]]] = []
        query = QUEUE.format(order=ORDERS[filters.order], which=RELATED if filters.relation else OPEN)
        for offset in range(0, MOST_READ, CHUNK):
            rows = [Found(*row) for row in await self._rows(query, {**asked, "offset": offset})]
            hits = await self.seen(record for row in rows for record in (row.a, row.b))
            rivals = await self.seen(rival for row in rows for rival in row.rivals or ())
            graph, _ = await self.graph(hits)
            clusters = graph.clusters()
            for row in rows:
                if row.a not in hits or row.b not in hits:
                    continue
                if row.action == "queue" and clusters.of.get(row.a) == clusters.of.get(row.b) is not None:
                    continue
                value = len(clusters.cluster(row.a)) + len(clusters.cluster(row.b))
                entry, score = self.describe(row, rivals, scores=filters.scores)
                doubt = round(abs(score - 0.5), DIGITS)
                key = (-value, doubt) if by_value else (doubt, -value)
                page.append(((*key, row.a, row.b), {**entry, "value": value}))
            if len(rows) < CHUNK:
                break
            page = sorted(page, key=lambda found: found[0])[: filters.size]
            next_doubt = round(rows[-1].doubt, DIGITS)
            reached = (-rows[-1].joins, next_doubt) if by_value else (next_doubt,)
            if len(page) == filters.size and page[-1][0][: len(reached)] <= reached:
                break
        return [entry for _, entry in sorted(page, key=lambda found: found[0])[: filters.size]]

    async def reviews(self, size: int) -> list[dict[str, Any]]:
        """Decisions of others that want a second opinion: the pair and the decision's number, nothing of what was
        decided."""
        page: list[dict[str, Any]] = []
        for offset in range(0, MOST_READ, CHUNK):
            rows = await self._rows(REVIEWS, {"by": self.by, "limit": CHUNK, "offset": offset})
            drawn = [row for row in rows if wants_review(row[0])]
            hits = await self.seen(record for row in drawn for record in row[1:])
            page += [{"a": a, "b": b, "review_of": n} for n, a, b in drawn if a in hits and b in hits]
            if len(page) >= size or len(rows) < CHUNK:
                break
        return page[:size]

    def describe(self, row: Found, rivals: Collection[str], *, scores: bool) -> tuple[dict[str, Any], float]:
        """A pair without what hidden records say of it, and its score for this caller."""
        entry: dict[str, Any] = {
            "a": row.a,
            "b": row.b,
            "right": row.right,
            "providers": row.providers,
            "relation": row.relation,
            "rule": row.rule,
            "source": row.source,
            "reason": row.why,
            "languages": row.languages,
            "found": row.found.isoformat(),
        }
        if row.levels is None:
            return entry, 1.0 if row.score is None else row.score
        model = self.models.of(row.right)
        levels = list(row.levels)
        if not row.rivals or not set(row.rivals) <= set(rivals):
            levels[table().names.index("rival")] = 0
        score = float(model.scores(np.asarray([levels], dtype=np.int8))[0])
        if scores:
            entry["score"] = round(score, 6)
            entry["scorer"] = model.version
            entry["why"] = [asdict(part) for part in model.explain(levels, row.values or [])]
        return entry, score

    async def explain(self, one: str, other: str, *, scores: bool) -> dict[str, Any]:
        """One pair: both records, what was compared, what was decided. The score only where it was asked for, or the
        caller has judged the pair."""
        hits = await self.both(one, other)
        a, b = pair(one, other)
        history = await asyncio.to_thread(self.ledger.history, a, b)
        judged = any(entry.by == self.by for entry in history)
        rows = [Found(*row) for row in await self._rows(ONE, {"a": a, "b": b})]
        await asyncio.to_thread(self.models.load)
        entry: dict[str, Any] = {"a": a, "b": b}
        if rows:
            rivals = await self.seen(rows[0].rivals or ())
            entry, _ = self.describe(rows[0], rivals, scores=scores or judged)
        open_reviews = await self._is_under_review(a, b) if not judged else False
        return {
            **entry,
            "records": await self.show(hits[id_] for id_ in (a, b)),
            # A second opinion must not know the first.
            "decisions": [] if open_reviews else [entry.line() for entry in history],
        }

    async def _is_under_review(self, a: str, b: str) -> bool:
        rows = await self._rows(
            "select d.id from duplicate_decisions d where d.a = %(a)s and d.b = %(b)s and d.undone is null "
            "and d.review_of is null and d.by <> %(by)s and not exists "
            "(select 1 from duplicate_decisions r where r.review_of = d.id and r.undone is null)",
            {"a": a, "b": b, "by": self.by},
        )
        return any(wants_review(row[0]) for row in rows)

    # --- deciding ---

    async def claim(self, one: str, other: str) -> str:
        await self.both(one, other)
        return (await asyncio.to_thread(self.ledger.claim, one, other, self.by)).isoformat()

    async def release(self, one: str, other: str) -> bool:
        await self.both(one, other)
        return await asyncio.to_thread(self.ledger.release, one, other, self.by)

    async def decide(self, verdict: Verdict, *, seen: int | None, review_of: int | None) -> Decision:
        verdict.check()
        await self.both(verdict.one, verdict.other)
        return await asyncio.to_thread(self.ledger.decide, verdict, self.by, seen=seen, review_of=review_of)

    async def effect(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        """Clusters before and after, among what the caller sees."""
        ids = {record for verdict in verdicts for record in (verdict.one, verdict.other)}
        graph, hits = await self.graph(ids)
        if not ids <= hits.keys():
            raise NotFound("no such pair")
        found = effect(graph, verdicts)
        return {
            "before": found.before,
            "after": found.after,
            "conflicts": [{"pair": (c.edge.a, c.edge.b), "against": c.against} for c in found.conflicts],
        }

    async def split(self, groups: Sequence[Sequence[str]], reason: str, note: str) -> str:
        every = {record for group in groups for record in group}
        if every - (await self.seen(every)).keys():
            raise NotFound("no such cluster")
        return await asyncio.to_thread(self.ledger.split, groups, self.by, reason, note)

    async def undo(self, decision: int | None, batch: str | None, reason: str) -> int:
        if batch is not None:
            concerned = await asyncio.to_thread(self.ledger.batch, batch)
        else:
            concerned = [await asyncio.to_thread(self.ledger.decision, decision or 0)]
        ids = {record for entry in concerned for record in (entry.a, entry.b)}
        if not ids or ids - (await self.seen(ids)).keys():
            raise NotFound("no such decision")
        return await asyncio.to_thread(
            lambda: self.ledger.undo(self.by, reason, decision=None if batch else decision, batch=batch)
        )

    async def decided(self, decision: int | None, batch: str | None) -> tuple[str, str]:
        """The pair that a decision, or the first of a batch, is about. Raises NotFound as `undo`."""
        if batch is not None:
            concerned = await asyncio.to_thread(self.ledger.batch, batch)
        else:
            concerned = [await asyncio.to_thread(self.ledger.decision, decision or 0)]
        if not concerned:
            raise NotFound("no such decision")
        await self.both(concerned[0].a, concerned[0].b)
        return concerned[0].a, concerned[0].b

    async def history(self, records: Collection[str], limit: int = 200) -> list[dict[str, Any]]:
        """Decisions about pairs that one of the records belongs to and both of whose records the caller sees, newest
        first; those that want a second opinion of the caller without what was decided."""
        found = await self._rows(
            "select id, a, b from duplicate_decisions where subject = 'record' and review_of is null "
            "and (a = any(%(ids)s) or b = any(%(ids)s)) order by at desc, id desc limit %(limit)s",
            {"ids": list(records), "limit": limit},
        )
        hits = await self.seen(record for row in found for record in row[1:])
        lines = []
        for number, a, b in found:
            if a not in hits or b not in hits:
                continue
            if not await self._is_under_review(a, b):
                lines.append((await asyncio.to_thread(self.ledger.decision, number)).line())
        return lines

    # --- clusters ---

    async def cluster(self, record_id: str) -> dict[str, Any]:
        """The cluster of a record and its golden view, from what the caller sees."""
        if record_id not in await self.seen((record_id,)):
            raise NotFound("no such record")
        graph, hits = await self.graph((record_id,))
        found = graph.clusters()
        members = found.cluster(record_id)
        hits = hits or await self.seen(members)
        related = await self._related(members)
        corrections = [id_ for id_, relation in related if relation == "corrects"]
        others = await self.seen(id_ for id_, _ in related)
        seqs = dict(
            await self._rows(
                "select id, seq from duplicate_profiles where id = any(%(ids)s)",
                {"ids": [*members, *corrections]},
            )
        )
        shown = await self.show(hits[member] for member in members if member in hits)
        corrected = await self.show(others[id_] for id_ in corrections if id_ in others)
        conflicts = [
            {"pair": (c.edge.a, c.edge.b), "against": c.against}
            for c in found.conflicts
            if {c.edge.a, c.edge.b, *c.against} & set(members)
        ]
        return {
            "cluster": cluster_id(members),
            "members": [
                {"id": member, "provider": record.get("provider"), "decided_by": found.decided_by.get(member, "rule")}
                for member, record in zip(members, shown, strict=True)
            ],
            "golden": golden(shown, seqs, corrected),
            "related": [{"id": id_, "relation": relation} for id_, relation in related if id_ in others],
            "conflicts": conflicts,
        }

    async def conflicts(self, size: int) -> list[dict[str, Any]]:
        """Pairs that a rule or a person says are the same and that are held apart, with the judgement in their way.

        Worked out from what the caller sees: wherever something is held apart for it, something is for everybody.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for offset in range(0, MOST_READ, CONFLICTS_AT_ONCE):
            rows = await self._rows(
                "select a, b from duplicate_conflicts order by a, b limit %(limit)s offset %(offset)s",
                {"limit": CONFLICTS_AT_ONCE, "offset": offset},
            )
            graph, _ = await self.graph({record for row in rows for record in row})
            for conflict in graph.clusters().conflicts:
                about = (conflict.edge.a, conflict.edge.b)
                found[about] = {"pair": about, "decided_by": conflict.edge.by, "against": conflict.against}
            if len(found) >= size or len(rows) < CONFLICTS_AT_ONCE:
                break
        return [found[about] for about in sorted(found)][:size]

    async def _related(self, members: Collection[str]) -> list[tuple[str, str]]:
        """(record, relation) of records that a rule or a person relates to members; corrections only where they correct
        a member."""
        rows = await self._rows(
            "select a, b, relation, source from duplicate_pairs where action = 'relate' "
            "and (a = any(%(ids)s) or b = any(%(ids)s)) "
            "union select d.a, d.b, d.relation, null from duplicate_decisions d where d.judgement = 'related' "
            "and d.undone is null and d.review_of is null and (d.a = any(%(ids)s) or d.b = any(%(ids)s))",
            {"ids": list(members)},
        )
        own = set(members)
        found: dict[tuple[str, str], None] = {}
        for a, b, relation, source in rows:
            other = b if a in own else a
            if other in own:
                continue
            if relation == "corrects" and source is not None and source != other:
                relation = "corrected-by-this"
            found[(other, relation)] = None
        return sorted(found)

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        def read() -> list[tuple[Any, ...]]:
            with self.database.driver() as connection:
                return connection.execute(query, parameters).fetchall()

        return await asyncio.to_thread(read)


async def clusters_seen(access: Access, ids: Collection[str]) -> dict[str, str]:
    """Record → key of its cluster, as if what the caller does not see did not exist; of those that were scanned.

    What search groups by. The field `cluster` of the index brings together all that may be one for anybody, and must
    not be shown: its value comes from members that the caller may not see, and they may be all that joins two others.
    """
    graph, _ = await Desk(access).graph(ids)
    return graph.clusters().of


def wants_review(decision: int) -> bool:
    """One decision in REVIEW_EVERY, drawn by its number, so that nobody chooses."""
    return hashlib.blake2b(str(decision).encode(), digest_size=4).digest()[0] % REVIEW_EVERY == 0


def verdicts_of_split(groups: Sequence[Sequence[str]]) -> list[Verdict]:
    return [
        Verdict(one, other, "different", "split")
        for position, group in enumerate(groups)
        for one in group
        for later in groups[position + 1 :]
        for other in later
    ]

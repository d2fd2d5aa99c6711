"""The ledger: what people decided about pairs, and the clusters that follow from it.

Every change of decisions or of the pairs that a rule merges is one transaction under one lock, and ends by computing
the clusters of all that hangs together with what changed. Nothing is ever overwritten: undoing a decision marks it, and
what stood before it stands again.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from indexer.duplicates import clusters
from indexer.duplicates.clusters import Clusters, Edge, Pair, pair
from store.database import Database
from store.duplicates import CLUSTERS_CHANNEL, LEDGER_LOCK

Connection = psycopg.Connection[tuple[Any, ...]]

JUDGEMENTS = ("same", "different", "unsure", "related")
CLAIM_MINUTES = 15
REVIEW_EVERY = 10
"""One decision in so many is shown to a second person."""

COLUMNS = (
    "id, a, b, judgement, relation, reason, note, by, at, score, scorer, levels, seq_a, seq_b, batch, review_of, "
    "undone, undone_by, undone_reason, subject"
)
STANDING = (
    "select distinct on (a, b) a, b, judgement, id, at from duplicate_decisions "
    "where undone is null and review_of is null and subject = %(subject)s and {where} order by a, b, at desc, id desc"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the ledger."""

    id: int
    a: str
    b: str
    judgement: str
    relation: str | None
    reason: str
    note: str
    by: str
    at: dt.datetime
    score: float | None
    scorer: str | None
    levels: tuple[int, ...] | None
    seq_a: int | None
    """Version (change sequence) of record a that was judged."""
    seq_b: int | None
    batch: str | None
    review_of: int | None
    undone: dt.datetime | None
    undone_by: str | None
    undone_reason: str | None
    subject: str = "record"

    def line(self) -> dict[str, Any]:
        """As it is exported."""
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name in self.__slots__
            if (value := getattr(self, name)) is not None
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """Clusters of all records concerned, before and after, and what could not be joined."""

    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]
    conflicts: tuple[clusters.Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody wants to say about a pair."""

    one: str
    other: str
    judgement: str
    reason: str = ""
    note: str = ""
    relation: str | None = None

    def check(self) -> None:
        """Raises UsageError for a verdict that cannot be kept."""
        if self.judgement not in JUDGEMENTS:
            raise UsageError(say("duplicates.no-judgement", judgement=self.judgement, judgements=list(JUDGEMENTS)))
        if self.one == self.other:
            raise UsageError(say("duplicates.with-itself"))
        if self.judgement == "different" and not self.reason:
            raise UsageError(say("duplicates.reason-needed"))
        if (self.judgement == "related") != (self.relation is not None):
            raise UsageError(say("duplicates.relation-misplaced"))


class Ledger:
    """The ledger of one database. `subject`: what is judged, records or names."""

    def __init__(self, database: Database, subject: str = "record") -> None:
        self._database = database
        self.subject = subject

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One change of the ledger; the next waits until it is over."""
        with self._database.driver() as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", (LEDGER_LOCK,))
            yield connection

    # --- deciding ---

    def decide(
        self,
        verdict: Verdict,
        by: str,
        *,
        review_of: int | None = None,
        seen: int | None = None,
    ) -> Decision:
        """Enters a verdict. `seen`: id of the decision on the pair that the person knew of (0: of none).

        Raises Conflict where the pair is claimed by somebody else, or was decided since it was looked at; UsageError;
        NotFound for a record that is not there.
        """
        verdict.check()
        with self.transaction() as connection:
            if seen is not None:
                self._unchanged(connection, pair(verdict.one, verdict.other), seen)
            self._unclaimed(connection, pair(verdict.one, verdict.other), by)
            if review_of is not None:
                self._reviewable(connection, review_of, pair(verdict.one, verdict.other), by)
            entered = self._enter(connection, verdict, by, review_of=review_of)
            if review_of is None:
                self._told(connection, (entered.a, entered.b))
            return entered

    def split(self, groups: Sequence[Collection[str]], by: str, reason: str, note: str = "") -> str:
        """Judges every record of each group different from every one of the others. Returns the batch, by which all
        of it is undone at once. Raises UsageError where groups overlap."""
        every = [record for group in groups for record in group]
        if len(groups) < 2 or not all(groups) or len(every) != len(set(every)):
            raise UsageError(say("duplicates.split-groups"))
        batch = secrets.token_hex(8)
        with self.transaction() as connection:
            for position, group in enumerate(groups):
                others = [record for later in groups[position + 1 :] for record in later]
                for one in sorted(group):
                    for other in sorted(others):
                        verdict = Verdict(one, other, "different", reason, note)
                        verdict.check()
                        self._enter(connection, verdict, by, batch=batch)
            self._told(connection, every)
        return batch

    def undo(self, by: str, reason: str = "", *, decision: int | None = None, batch: str | None = None) -> int:
        """Takes back a decision or a batch; what stood before stands again. Returns the number taken back.

        Raises NotFound where there is no such decision, or it was undone before.
        """
        where, value = ("batch = %s", batch) if batch is not None else ("id = %s", decision)
        with self.transaction() as connection:
            rows = connection.execute(
                "update duplicate_decisions set undone = clock_timestamp(), undone_by = %s, undone_reason = %s "  # noqa: S608
                f"where {where} and undone is null and subject = %s returning a, b",
                (by, reason, value, self.subject),
            ).fetchall()
            if not rows:
                raise NotFound("There is no such decision, or it was taken back before.")
            self._told(connection, {record for row in rows for record in row})
        return len(rows)

    def _enter(
        self,
        connection: Connection,
        verdict: Verdict,
        by: str,
        *,
        batch: str | None = None,
        review_of: int | None = None,
    ) -> Decision:
        a, b = pair(verdict.one, verdict.other)
        found: dict[str, Any] = {}
        if self.subject == "record":
            versions: dict[str, int] = dict(
                connection.execute("select id, seq from duplicate_profiles where id = any(%s)", ([a, b],)).fetchall()
            )
            if len(versions) < 2:
                raise NotFound("One of the two records is not there, or was not scanned yet.")
            row = connection.execute(
                "select score, scorer, levels from duplicate_pairs where a = %s and b = %s", (a, b)
            ).fetchone()
            score, scorer, levels = row or (None, None, None)
            found = {"score": score, "scorer": scorer, "levels": levels, "seq_a": versions[a], "seq_b": versions[b]}
        entered = connection.execute(
            "insert into duplicate_decisions (subject, a, b, judgement, relation, reason, note, by, score, scorer, "  # noqa: S608
            f"levels, seq_a, seq_b, batch, review_of) values ({', '.join(['%s'] * 15)}) returning {COLUMNS}",
            (
                self.subject,
                a,
                b,
                verdict.judgement,
                verdict.relation,
                verdict.reason,
                verdict.note,
                by,
                found.get("score"),
                found.get("scorer"),
                Jsonb(found["levels"]) if found.get("levels") is not None else None,
                found.get("seq_a"),
                found.get("seq_b"),
                batch,
                review_of,
            ),
        ).fetchone()
        assert entered is not None
        connection.execute(
            "update duplicate_pairs set claimed_by = null, claimed_until = null where a = %s and b = %s", (a, b)
        )
        return decision_of(entered)

    def _unchanged(self, connection: Connection, about: Pair, seen: int) -> None:
        row = connection.execute(
            STANDING.format(where="a = %(a)s and b = %(b)s"),
            {"subject": self.subject, "a": about[0], "b": about[1]},
        ).fetchone()
        if (row[3] if row else 0) != seen:
            raise Conflict(say("duplicates.decided-meanwhile"))

    @staticmethod
    def _unclaimed(connection: Connection, about: Pair, by: str) -> None:
        row = connection.execute(
            "select 1 from duplicate_pairs where a = %s and b = %s and claimed_by <> %s and claimed_until > now()",
            (*about, by),
        ).fetchone()
        if row:
            raise Conflict(say("duplicates.leased"))

    def _reviewable(self, connection: Connection, review_of: int, about: Pair, by: str) -> None:
        row = connection.execute(
            "select a, b, by from duplicate_decisions where id = %s and review_of is null and subject = %s",
            (review_of, self.subject),
        ).fetchone()
        if row is None or (row[0], row[1]) != about:
            raise NotFound("There is no such decision about this pair.")
        if row[2] == by:
            raise Conflict(say("duplicates.second-opinion"))

    # --- claiming ---

    def claim(self, one: str, other: str, by: str, minutes: float = CLAIM_MINUTES) -> dt.datetime:
        """Takes a pair for oneself for a while. Raises Conflict where somebody else has it, NotFound."""
        with self._database.driver() as connection:
            row = connection.execute(
                "update duplicate_pairs set claimed_by = %s, claimed_until = now() + make_interval(secs => %s) "
                "where a = %s and b = %s and (claimed_by is null or claimed_by = %s or claimed_until <= now()) "
                "returning claimed_until",
                (by, minutes * 60, *pair(one, other), by),
            ).fetchone()
            if row is not None:
                until: dt.datetime = row[0]
                return until
            known = connection.execute(
                "select 1 from duplicate_pairs where a = %s and b = %s", pair(one, other)
            ).fetchone()
        if known:
            raise Conflict(say("duplicates.leased"))
        raise NotFound("There is no such pair.")

    def release(self, one: str, other: str, by: str) -> bool:
        """Gives a claimed pair back. False where it was not one's own."""
        with self._database.driver() as connection:
            released = connection.execute(
                "update duplicate_pairs set claimed_by = null, claimed_until = null "
                "where a = %s and b = %s and claimed_by = %s",
                (*pair(one, other), by),
            )
            return released.rowcount > 0

    # --- reading ---

    def standing(self, connection: Connection, records: Collection[str] | None = None) -> dict[Pair, tuple[str, int]]:
        """Pair → (judgement that stands, its decision), of pairs that touch `records` (None: of all)."""
        where = "true" if records is None else "(a = any(%(ids)s) or b = any(%(ids)s))"
        rows = connection.execute(
            STANDING.format(where=where),
            {"subject": self.subject, "ids": list(records) if records is not None else None},
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def history(self, one: str, other: str) -> list[Decision]:
        """Everything that was ever decided about a pair, oldest first."""
        with self._database.driver() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from duplicate_decisions where a = %s and b = %s and subject = %s order by at, id",  # noqa: S608
                (*pair(one, other), self.subject),
            ).fetchall()
        return [decision_of(row) for row in rows]

    def decision(self, number: int) -> Decision:
        """Raises NotFound."""
        with self._database.driver() as connection:
            row = connection.execute(
                f"select {COLUMNS} from duplicate_decisions where id = %s and subject = %s",  # noqa: S608
                (number, self.subject),
            ).fetchone()
        if row is None:
            raise NotFound("There is no such decision.")
        return decision_of(row)

    def batch(self, name: str) -> list[Decision]:
        with self._database.driver() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from duplicate_decisions where batch = %s and subject = %s order by id",  # noqa: S608
                (name, self.subject),
            ).fetchall()
        return [decision_of(row) for row in rows]

    def decisions(self) -> Iterator[Decision]:
        """The whole ledger, oldest first."""
        last = (dt.datetime.min.replace(tzinfo=dt.UTC), 0)
        while True:
            with self._database.driver() as connection:
                rows = connection.execute(
                    f"select {COLUMNS} from duplicate_decisions "  # noqa: S608
                    "where (at, id) > (%s, %s) and subject = %s order by at, id limit 1000",
                    (*last, self.subject),
                ).fetchall()
            if not rows:
                return
            for row in rows:
                yield decision_of(row)
            last = (rows[-1][8], rows[-1][0])

    def component(self, connection: Connection, records: Collection[str]) -> Graph:
        """All that hangs together with `records`, by rules or by people's word, as it stands."""
        nodes: set[str] = set()
        frontier = set(records)
        edges: dict[tuple[Pair, str], Edge] = {}
        while frontier:
            ids = list(frontier)
            alive = self._alive(connection, ids)
            nodes |= alive
            ids = list(alive)
            reached: set[str] = set()
            if self.subject == "record":
                for a, b in connection.execute(
                    "select a, b from duplicate_pairs where action = 'merge' and a = any(%s) "
                    "union select a, b from duplicate_pairs where action = 'merge' and b = any(%s)",
                    (ids, ids),
                ):
                    edges[(a, b), "rule"] = Edge(a, b, "rule")
                    reached.update((a, b))
            for (a, b), (judgement, _, order) in self._standing_ordered(connection, ids).items():
                if judgement == "same":
                    edges[(a, b), "person"] = Edge(a, b, "person", order)
                    reached.update((a, b))
            frontier = reached - nodes
            # A record that is gone is nobody's neighbour; it must not be asked for for ever.
            frontier = self._alive(connection, list(frontier)) if frontier else set()
        apart = {
            about
            for about, (judgement, _) in self.standing(connection, nodes).items()
            if judgement in ("different", "related") and about[0] in nodes and about[1] in nodes
        }
        return Graph(frozenset(nodes), tuple(edges.values()), frozenset(apart))

    def _standing_ordered(self, connection: Connection, records: Collection[str]) -> dict[Pair, tuple[str, int, int]]:
        """As `standing`, with the place in the ledger's order: microseconds since 1970, then the id."""
        rows = connection.execute(
            STANDING.format(where="(a = any(%(ids)s) or b = any(%(ids)s))"),
            {"subject": self.subject, "ids": list(records)},
        )
        return {
            (a, b): (judgement, number, int(at.timestamp() * 1_000_000) * 1_000_000_000 + number)
            for a, b, judgement, number, at in rows
        }

    def _alive(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        if self.subject != "record" or not ids:
            return set(ids)
        rows = connection.execute("select id from duplicate_profiles where id = any(%s) and not deleted", (list(ids),))
        return {row[0] for row in rows}

    # --- what follows ---

    def _told(self, connection: Connection, records: Collection[str]) -> None:
        """After somebody's word: `recompute`, and whoever publishes clusters is woken when this is committed."""
        self.recompute(connection, records)
        if self.subject == "record":
            connection.execute("select pg_notify(%s, '')", (CLUSTERS_CHANNEL,))

    def recompute(self, connection: Connection, records: Collection[str]) -> Clusters:
        """Computes and stores the clusters of all that hangs together with `records`. Inside `transaction`."""
        graph = self.component(connection, records)
        found = graph.clusters()
        if self.subject != "record":
            return found
        ids = sorted({*records, *graph.nodes})
        names = [node for node in ids if node in found.of]
        reach = graph.reach()
        connection.execute("delete from duplicate_clusters where id = any(%s) and id <> all(%s)", (ids, names))
        connection.execute(
            "insert into duplicate_clusters as c (id, cluster, decided_by, reach, pending) "
            "select * from unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::bool[]) "
            "on conflict (id) do update set cluster = excluded.cluster, decided_by = excluded.decided_by, "
            "reach = excluded.reach, "
            "pending = c.pending or c.cluster <> excluded.cluster, "
            "changed = case when c.cluster = excluded.cluster then c.changed else clock_timestamp() end "
            "where (c.cluster, c.decided_by, c.reach) is distinct from "
            "(excluded.cluster, excluded.decided_by, excluded.reach)",
            (
                names,
                [found.of[n] for n in names],
                [found.decided_by[n] for n in names],
                [reach[n] for n in names],
                # A record's document names its own cluster until it is told another.
                [found.of[n] != clusters.cluster_id((n,)) for n in names],
            ),
        )
        connection.execute(
            "update duplicate_pairs p set joins = ca.reach + cb.reach "
            "from duplicate_clusters ca, duplicate_clusters cb "
            "where p.action = 'queue' and (p.a = any(%s) or p.b = any(%s)) and ca.id = p.a and cb.id = p.b "
            "and p.joins <> ca.reach + cb.reach",
            (ids, ids),
        )
        connection.execute("delete from duplicate_conflicts where a = any(%s) or b = any(%s)", (ids, ids))
        if found.conflicts:
            connection.cursor().executemany(
                "insert into duplicate_conflicts (a, b, decided_by, against_a, against_b) values (%s, %s, %s, %s, %s) "
                "on conflict do nothing",
                [(c.edge.a, c.edge.b, c.edge.by, *c.against) for c in found.conflicts],
            )
        return found

    def effect(self, verdicts: Sequence[Verdict]) -> Effect:
        """What deciding so would change, without deciding."""
        with self._database.driver() as connection:
            graph = self.component(connection, {record for v in verdicts for record in (v.one, v.other)})
        return effect(graph, verdicts)

    # --- out and in ---

    def import_lines(self, lines: Iterable[Mapping[str, Any]]) -> int:
        """Enters exported decisions that are not there yet, with their own times and people. Returns how many.

        Raises UsageError with the line's number where one is not a decision; then nothing is entered.
        """
        entered = 0
        renamed: dict[int, int] = {}
        with self.transaction() as connection:
            touched: set[str] = set()
            for number, line in enumerate(lines, 1):
                found = _imported(line, number)
                if found.get("subject", "record") != self.subject:
                    continue
                known = connection.execute(
                    "select id from duplicate_decisions "
                    "where a = %s and b = %s and by = %s and at = %s and judgement = %s and subject = %s",
                    (found["a"], found["b"], found["by"], found["at"], found["judgement"], self.subject),
                ).fetchone()
                if known:
                    renamed[int(line.get("id", 0))] = known[0]
                    if found.get("undone"):
                        connection.execute(
                            "update duplicate_decisions set undone = %s, undone_by = %s, undone_reason = %s "
                            "where id = %s and undone is null",
                            (found["undone"], found.get("undone_by"), found.get("undone_reason"), known[0]),
                        )
                        touched.update((found["a"], found["b"]))
                    continue
                if found.get("review_of") is not None:
                    found["review_of"] = renamed.get(found["review_of"])
                    if found["review_of"] is None:
                        raise UsageError(f"Line {number} reviews a decision that does not come before it.")
                names = list(found)
                row = connection.execute(
                    f"insert into duplicate_decisions ({', '.join(names)}) "  # noqa: S608 - names are ours
                    f"values ({', '.join(['%s'] * len(names))}) returning id",
                    [Jsonb(found[name]) if name == "levels" else found[name] for name in names],
                ).fetchone()
                assert row is not None
                renamed[int(line.get("id", 0))] = row[0]
                touched.update((found["a"], found["b"]))
                entered += 1
            if touched:
                self._told(connection, touched)
        return entered


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of the graph that hangs together."""

    nodes: frozenset[str]
    edges: tuple[Edge, ...]
    apart: frozenset[Pair]

    def clusters(self) -> Clusters:
        return clusters.build(self.nodes, self.edges, self.apart)

    def reach(self) -> dict[str, int]:
        """Record → records that hang together with it, conflicts disregarded. Nobody's cluster of it is larger:
        whatever is hidden, a cluster hangs together by some of the same edges."""
        whole = clusters.build(self.nodes, self.edges, ())
        return {node: len(whole.members[name]) for node, name in whole.of.items()}

    def seen_by(self, visible: Collection[str]) -> Graph:
        """The same as if the records that are not visible did not exist."""
        kept = self.nodes & frozenset(visible)
        return Graph(
            kept,
            tuple(edge for edge in self.edges if edge.a in kept and edge.b in kept),
            frozenset(about for about in self.apart if about[0] in kept and about[1] in kept),
        )

    def with_verdicts(self, verdicts: Sequence[Verdict]) -> Graph:
        """As it would be after these decisions, made now."""
        decided = {pair(v.one, v.other): v.judgement for v in verdicts}
        kept = [edge for edge in self.edges if edge.by == "rule" or (edge.a, edge.b) not in decided]
        last = max((edge.order for edge in self.edges), default=0)
        new = [
            Edge(*about, "person", last + 1 + position)
            for position, (about, judgement) in enumerate(decided.items())
            if judgement == "same"
        ]
        apart = {about for about in self.apart if about not in decided}
        apart |= {about for about, judgement in decided.items() if judgement in ("different", "related")}
        return Graph(self.nodes, (*kept, *new), frozenset(apart))


def effect(graph: Graph, verdicts: Sequence[Verdict]) -> Effect:
    before, after = graph.clusters(), graph.with_verdicts(verdicts).clusters()
    return Effect(tuple(sorted(before.members.values())), tuple(sorted(after.members.values())), after.conflicts)


def decision_of(row: Sequence[Any]) -> Decision:
    values = list(row)
    values[11] = tuple(values[11]) if values[11] is not None else None
    return Decision(*values)


_NEEDED = ("a", "b", "judgement", "by", "at")
_KEPT = (
    *_NEEDED,
    "relation",
    "reason",
    "note",
    "score",
    "scorer",
    "levels",
    "seq_a",
    "seq_b",
    "batch",
    "review_of",
    "undone",
    "undone_by",
    "undone_reason",
    "subject",
)


def _imported(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    missing = [name for name in _NEEDED if not isinstance(line.get(name), str)]
    if missing:
        raise UsageError(f"Line {number} is no decision: {missing[0]} is missing.", remedy="Import what was exported.")
    found = {name: line[name] for name in _KEPT if line.get(name) is not None}
    if found["judgement"] not in JUDGEMENTS or found["a"] >= found["b"]:
        raise UsageError(f"Line {number} is no decision.", remedy="Import what was exported.")
    try:
        for name in ("at", "undone"):
            if name in found:
                found[name] = dt.datetime.fromisoformat(found[name])
    except ValueError as error:
        raise UsageError(f"Line {number}: {error}.", remedy="Times are ISO 8601.") from error
    return found

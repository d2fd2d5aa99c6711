"""The ledger on a real PostgreSQL: whatever is decided, undone, split or comes in, clusters, conflicts and the golden
view are those of a naive model that looks at everything anew each time; also with two people deciding at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from threading import Barrier, Lock
from typing import Any

import psycopg
import pytest

from common.errors import Conflict, NotFound, UsageError
from indexer.duplicates import profile
from indexer.duplicates.clusters import pair
from indexer.duplicates.golden import golden, visible_only
from indexer.duplicates.ledger import Ledger, Verdict
from indexer.duplicates.profile import Profile
from store.database import Database

SEQUENCES = 400
ALONE = "ada"
"""Who works while nobody else does."""


def add(connection: psycopg.Connection[tuple[Any, ...]], *ids: str, collection: str = "c") -> None:
    for id_ in ids:
        body = profile.dump(Profile(id_, "patent", "EP", "EP", collection))
        connection.execute(
            'insert into duplicate_profiles (id, seq, "right", office, provider, collection, body) '
            "values (%s, 1, 'patent', 'EP', 'EP', %s, %s) on conflict (id) do update set deleted = false",
            (id_, collection, body),
        )


def rule(connection: psycopg.Connection[tuple[Any, ...]], one: str, other: str, action: str = "merge") -> None:
    a, b = pair(one, other)
    connection.execute(
        'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, seq_a, seq_b) '
        "values (%s, %s, 'patent', 'EP/US', 'EP/EP', 'same', %s, '', 1, 1) on conflict do nothing",
        (a, b, action),
    )


@dataclass
class Naive:
    """Everything from scratch, in the words of the rule: people's word first, oldest first; then rules', by ids; each
    joins two sets unless that would bring a pair judged different together."""

    records: set[str] = field(default_factory=set)
    rules: set[tuple[str, str]] = field(default_factory=set)
    decided: list[tuple[int, tuple[str, str], str]] = field(default_factory=list)
    """(number, pair, judgement), undone ones taken out."""

    def standing(self) -> dict[tuple[str, str], tuple[int, str]]:
        return {about: (number, judgement) for number, about, judgement in sorted(self.decided)}

    def reach(self) -> dict[str, int]:
        """Records that hang together with each, whoever judged what different."""
        said = {about for about, (_, judgement) in self.standing().items() if judgement == "same"}
        sets = {record: {record} for record in self.records}
        for one, other in self.rules | said:
            if one in sets and other in sets and sets[one] is not sets[other]:
                sets[one] |= sets[other]
                for record in sets[other]:
                    sets[record] = sets[one]
        return {record: len(held) for record, held in sets.items()}

    def clusters(self) -> tuple[set[frozenset[str]], set[tuple[str, str]]]:
        standing = self.standing()
        apart = {about for about, (_, judgement) in standing.items() if judgement in ("different", "related")}
        said = [(number, about) for about, (number, judgement) in standing.items() if judgement == "same"]
        edges = [about for _, about in sorted(said)]
        edges += [about for about in sorted(self.rules) if about not in apart and about not in edges]
        sets = [{record} for record in self.records]
        held_back = set()
        for one, other in edges:
            if one not in self.records or other not in self.records:
                continue
            first = next(s for s in sets if one in s)
            second = next(s for s in sets if other in s)
            if first is second:
                continue
            if any(pair(x, y) in apart for x in first for y in second):
                held_back.add((one, other))
                continue
            sets.remove(second)
            first |= second
        return {frozenset(s) for s in sets}, held_back


def reach(database: Database, prefix: str) -> dict[str, int]:
    with database.driver() as connection:
        rows = connection.execute("select id, reach from duplicate_clusters where id like %s", (f"{prefix}%",))
        return dict(rows.fetchall())  # type: ignore[arg-type]


def joins(database: Database, prefix: str) -> list[tuple[Any, ...]]:
    """Open pairs that do not say what they join."""
    with database.driver() as connection:
        return connection.execute(
            "select p.a, p.b, p.joins from duplicate_pairs p join duplicate_clusters ca on ca.id = p.a "
            "join duplicate_clusters cb on cb.id = p.b "
            "where p.a like %s and p.action = 'queue' and p.joins <> ca.reach + cb.reach",
            (f"{prefix}%",),
        ).fetchall()


def stored(database: Database, prefix: str = "") -> tuple[set[frozenset[str]], set[tuple[str, str]]]:
    """Clusters and conflicts of the records whose ids begin so."""
    wanted = (f"{prefix}%",)
    with database.driver() as connection:
        clusters: dict[str, set[str]] = {}
        for id_, name in connection.execute("select id, cluster from duplicate_clusters where id like %s", wanted):
            clusters.setdefault(name, set()).add(id_)
        rows = connection.execute("select a, b from duplicate_conflicts where a like %s", wanted).fetchall()
        conflicts = {(a, b) for a, b in rows}
    return {frozenset(s) for s in clusters.values()}, conflicts


def record(id_: str) -> dict[str, Any]:
    provider = ("EP", "US", "XN")[sum(id_.encode()) % 3]
    return {
        "id": id_,
        "office": "EP",
        "provider": provider,
        "kind": "A1",
        "texts": [{"type": "title", "language": "en", "text": f"title of {id_}"}],
    }


def check_golden_view(members: frozenset[str]) -> None:
    """The best source's word stands (issuing office EP, else the first by provider and id), everybody else is named as
    agreeing or differing, and nobody outside the cluster is."""
    view = golden([record(id_) for id_ in members], dict.fromkeys(members, 1))
    order = sorted(members, key=lambda id_: (record(id_)["provider"] != "EP", record(id_)["provider"], id_))
    (title,) = view["fields"]["texts"]
    assert (title["source"], title["value"]) == (order[0], record(order[0])["texts"])
    assert view["sources"] == order
    assert sorted(title["differ"]) == sorted(order[1:])
    (kind,) = view["fields"]["kind"]
    assert sorted(kind["agree"]) == sorted(order[1:])
    assert visible_only(view, members)


class Run:
    """One random sequence on records of its own, beside the naive model. Steps may be taken by two people at once."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.ledger = Ledger(database)
        self.chance = random.Random(seed)
        self.prefix = f"{seed:04d}"
        self.naive = Naive()
        self.batches: dict[str, list[int]] = {}
        self.busy = Lock()
        """Held while the naive model is looked at or changed; never while the ledger works."""

    def new_record(self, chance: random.Random, by: str) -> None:
        with self.busy:
            held = sorted(self.naive.records)
        id_ = f"{self.prefix}-{len(held):02d}-{by}"
        told = [other for other in held if chance.random() < 0.3]
        with self.ledger.transaction() as connection:
            add(connection, id_)
            for other in told:
                rule(connection, id_, other)
            for other in sorted({*held} - {*told})[:1]:
                rule(connection, id_, other, "queue")
            self.ledger.recompute(connection, [id_])
        with self.busy:
            self.naive.records.add(id_)
            self.naive.rules.update(pair(id_, other) for other in told)

    def decide(self, chance: random.Random, by: str) -> None:
        with self.busy:
            one, other = chance.sample(sorted(self.naive.records), 2)
        judgement = chance.choice(("same", "same", "different", "unsure", "related"))
        relation = "family" if judgement == "related" else None
        verdict = Verdict(one, other, judgement, "reason", relation=relation)
        expected = self.ledger.effect([verdict])
        entered = self.ledger.decide(verdict, by)
        with self.busy:
            self.naive.decided.append((entered.id, pair(one, other), judgement))
        if by == ALONE:
            after = {frozenset(members) for members in expected.after}
            assert after <= stored(self.database, self.prefix)[0], "the effect shown before saving is the effect"

    def undo(self, chance: random.Random, by: str) -> None:
        with self.busy:
            if not self.naive.decided:
                return
            number = chance.choice(self.naive.decided)[0]
            batch = next((name for name, numbers in self.batches.items() if number in numbers), None)
            gone = self.batches[batch] if batch else [number]
        try:
            undone = self.ledger.undo(by, "a slip", decision=None if batch else number, batch=batch)
        except NotFound:
            assert by != ALONE, "only somebody else can have been quicker"
            return
        assert undone == len(gone)
        with self.busy:
            self.naive.decided = [entry for entry in self.naive.decided if entry[0] not in gone]
            if batch:
                del self.batches[batch]

    def split(self, chance: random.Random, by: str) -> None:
        with self.busy:
            large = [members for members in self.naive.clusters()[0] if len(members) > 1]
        if not large:
            return
        members = sorted(chance.choice(sorted(large, key=sorted)))
        chance.shuffle(members)
        cut = chance.randrange(1, len(members))
        groups = [members[:cut], members[cut:]]
        batch = self.ledger.split(groups, by, "two publications")
        numbers = [decision.id for decision in self.ledger.batch(batch)]
        abouts = [pair(x, y) for x in sorted(groups[0]) for y in sorted(groups[1])]
        with self.busy:
            self.batches[batch] = numbers
            self.naive.decided += [(n, about, "different") for n, about in zip(numbers, abouts, strict=True)]
        if by == ALONE:
            sets = stored(self.database, self.prefix)[0]
            assert not any(x in s and y in s for s in sets for x in groups[0] for y in groups[1]), "a split splits"

    def step(self, chance: random.Random | None = None, by: str = ALONE) -> None:
        chance = chance or self.chance
        chance.choice((self.new_record, self.decide, self.decide, self.undo, self.split))(chance, by)

    def alone(self, steps: int) -> None:
        self.new_record(self.chance, ALONE)
        self.new_record(self.chance, ALONE)
        for _ in range(steps):
            self.step()

    def together(self, people: ThreadPoolExecutor, steps: int) -> None:
        """Two people take so many steps each, at once."""
        start = Barrier(2)

        def person(name: str) -> None:
            chance = random.Random(f"{self.prefix} {name}")
            start.wait(60)
            for _ in range(steps):
                self.step(chance, name)

        list(people.map(person, ("bob", "cyd")))


@pytest.mark.timeout(900)
def test_hundreds_of_random_sequences_agree_with_a_naive_model(database: Database) -> None:
    """Each: some steps of one person, then some of two at once, on records of its own. What is stored is compared with
    the naive model when a sequence is over, and all of it again at the end."""
    expected: set[frozenset[str]] = set()
    held_back: set[tuple[str, str]] = set()
    with ThreadPoolExecutor(2) as people:
        for seed in range(SEQUENCES):
            run = Run(database, seed)
            run.alone(3)
            run.together(people, 2)
            clusters, conflicts = run.naive.clusters()
            assert stored(database, run.prefix) == (clusters, conflicts), f"sequence {seed}"
            expected |= clusters
            held_back |= conflicts
    assert stored(database) == (expected, held_back)
    assert held_back, "conflicts must occur for the test to mean anything"
    for members in stored(database)[0]:
        check_golden_view(members)


def test_every_step_of_long_sequences_agrees(database: Database) -> None:
    """Each sequence on its own records, looked at after every step."""
    for seed in range(9000, 9010):
        run = Run(database, seed)
        run.alone(0)
        for _ in range(25):
            run.step()
            assert stored(database, run.prefix) == run.naive.clusters()
            assert reach(database, run.prefix) == run.naive.reach()
            assert joins(database, run.prefix) == []


def test_undoing_everything_restores_what_rules_said(database: Database) -> None:
    run = Run(database, 7)
    for _ in range(8):
        run.new_record(run.chance, ALONE)
    before = stored(database)
    numbers = []
    for one, other in random.Random(1).sample(list(combinations(sorted(run.naive.records), 2)), 12):
        numbers.append(
            run.ledger.decide(Verdict(one, other, random.Random(one).choice(("same", "different")), "r"), "ada").id
        )
    random.Random(2).shuffle(numbers)
    for number in numbers:
        run.ledger.undo("bob", decision=number)
    assert stored(database) == before


def test_two_people_who_go_on_for_long_end_as_if_one_after_the_other(database: Database) -> None:
    """On the same few records, so that nearly everything they do meets."""
    run = Run(database, 8000)
    run.alone(10)
    with ThreadPoolExecutor(2) as people:
        run.together(people, 60)
    assert stored(database) == run.naive.clusters()


@pytest.fixture
def two(database: Database) -> Ledger:
    ledger = Ledger(database)
    with ledger.transaction() as connection:
        add(connection, "a", "b", "c")
        rule(connection, "a", "b", "queue")
        ledger.recompute(connection, "abc")
    return ledger


def test_a_claimed_pair_is_nobody_elses(two: Ledger) -> None:
    two.claim("a", "b", "ada")
    two.claim("b", "a", "ada")
    with pytest.raises(Conflict):
        two.claim("a", "b", "bob")
    with pytest.raises(Conflict):
        two.decide(Verdict("a", "b", "same"), "bob")
    assert not two.release("a", "b", "bob")
    assert two.release("a", "b", "ada")
    two.decide(Verdict("a", "b", "same"), "bob")


def test_a_claim_ends_by_itself(two: Ledger) -> None:
    two.claim("a", "b", "ada", minutes=0)
    two.claim("a", "b", "bob")


def test_a_decision_made_meanwhile_is_not_overruled_unseen(two: Ledger) -> None:
    first = two.decide(Verdict("a", "b", "same"), "ada", seen=0)
    with pytest.raises(Conflict):
        two.decide(Verdict("a", "b", "different", "other firm"), "bob", seen=0)
    two.decide(Verdict("a", "b", "different", "other firm"), "bob", seen=first.id)


def test_a_second_opinion_changes_no_cluster_and_comes_from_somebody_else(two: Ledger, database: Database) -> None:
    first = two.decide(Verdict("a", "b", "same"), "ada")
    before = stored(database)
    with pytest.raises(Conflict):
        two.decide(Verdict("a", "b", "same"), "ada", review_of=first.id)
    two.decide(Verdict("a", "b", "different", "dates"), "bob", review_of=first.id)
    assert stored(database) == before


def test_a_decision_keeps_versions_and_says_why(two: Ledger) -> None:
    with pytest.raises(UsageError):
        two.decide(Verdict("a", "b", "different"), "ada")
    with pytest.raises(NotFound):
        two.decide(Verdict("a", "zz", "same"), "ada")
    decision = two.decide(Verdict("b", "a", "different", "two firms", "looked at the drawings"), "ada")
    assert (decision.a, decision.b, decision.seq_a, decision.seq_b, decision.by) == ("a", "b", 1, 1, "ada")
    assert [entry.reason for entry in two.history("a", "b")] == ["two firms"]


def test_exported_lines_make_the_same_ledger_elsewhere(two: Ledger, database: Database) -> None:
    first = two.decide(Verdict("a", "b", "same"), "ada")
    two.decide(Verdict("a", "b", "different", "no"), "bob", review_of=first.id)
    two.split([["a"], ["b"]], "cyd", "two")
    two.undo("cyd", "one after all", decision=first.id)
    two.decide(Verdict("b", "c", "same"), "ada")
    lines = [decision.line() for decision in two.decisions()]
    before = stored(database)
    with two.transaction() as connection:
        connection.execute("delete from duplicate_decisions")
        two.recompute(connection, "abc")
    assert two.import_lines(lines) == len(lines)
    assert two.import_lines(lines) == 0, "again changes nothing"
    assert stored(database) == before
    again = [decision.line() for decision in two.decisions()]
    for line in (*lines, *again):
        line.pop("id")
        line.pop("review_of", None)
    assert again == lines


def test_a_line_that_is_no_decision_enters_nothing(two: Ledger) -> None:
    good = two.decide(Verdict("a", "b", "same"), "ada").line()
    with pytest.raises(UsageError, match="Line 2"):
        two.import_lines([{**good, "by": "bob"}, {"a": "a"}])
    assert [entry.by for entry in two.decisions()] == ["ada"]

"""Made trees for property tests, records that they are asked of, and an evaluator so plain that it is right."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise, permutations, product

from hypothesis import strategies as st

from api.search.query import (
    All,
    DialectName,
    Everything,
    Near,
    Node,
    Present,
    Some,
    Span,
    Weighted,
    Without,
    Words,
)
from api.search.query.clauses import days
from indexer.record import Record
from tests.platforms import make_record

VOCABULARY = ("zorbat", "miklon", "fendor", "quilap", "quilop", "tarvok", "tarvik", "belgum")
"""Words of no language, which no stemmer changes."""
CLASSES = ("H01M 10/0525", "H01M 4/13", "A01K 87/00", "F25B 30/02")
NAMES = ("Belgum Works", "Tarvok Optics", "Zorbat Miklon")
COLLECTION = "qa-patent-trees"
LETTERS = "abcXYZ019 éßжя電池سل-+&/:;,.'\"()[]{}^~*?\\#=<>!|_%“”«»"
"""What words may be made of: letters of several scripts and every sign that a dialect uses."""


@dataclass(frozen=True)
class Small:
    """A record as the evaluator sees it."""

    number: int
    language: str
    title: str
    abstract: str
    applicant: str
    ipc: str
    published: dt.date

    def record(self) -> Record:
        return make_record(
            "QA",
            self.number,
            self.title,
            abstract=self.abstract,
            language=self.language,
            applicant=self.applicant,
            ipc=self.ipc,
            published=self.published,
            collection="trees",
        )

    @property
    def id(self) -> str:
        return f"QA.patent.QA{self.number:07d}.A1"

    def texts(self, field: str | None, language: str | None) -> list[list[str]]:
        """The words of each text that a field (None: any) means."""
        by_field = {"title": [self.title], "abstract": [self.abstract], "summary": [self.title, self.abstract]}
        if field == "applicant":
            return [self.applicant.lower().split()]
        found = by_field.get(field or "", [self.title, self.abstract])
        found = [text for text in found if text and language in (None, self.language)]
        if field is None and language is None:
            found.append(self.applicant)
        return [text.lower().split() for text in found]


def corpus() -> list[Small]:
    """Forty records, the same ones every time."""
    draw = random.Random(5)

    def text(shortest: int, longest: int) -> str:
        return " ".join(draw.choice(VOCABULARY) for _ in range(draw.randint(shortest, longest)))

    return [
        Small(
            7_000 + number,
            draw.choice(("en", "de")),
            text(1, 4),
            text(4, 9) if draw.random() < 0.8 else "",
            draw.choice(NAMES),
            draw.choice(CLASSES),
            dt.date(2015, 1, 1) + dt.timedelta(days=draw.randint(0, 3_000)),
        )
        for number in range(40)
    ]


# ------------------------------------------------------------------------------------------------------------ evaluator


def meets(record: Small, node: Node) -> bool:
    """Whether a record is what a tree asks for."""
    match node:
        case Everything():
            return True
        case All(parts):
            return all(meets(record, part) for part in parts)
        case Some(parts):
            return any(meets(record, part) for part in parts)
        case Without(part):
            return not meets(record, part)
        case Weighted(part):
            return meets(record, part)
        case Span("published", low, high, include_low, include_high):
            after = low is None or record.published >= days(low)[0 if include_low else 1]
            if low is not None and not include_low:
                after = record.published > days(low)[1]
            before = high is None or record.published <= days(high)[1]
            if high is not None and not include_high:
                before = record.published < days(high)[0]
            return after and before
        case Present(field, language):
            return field in ("ipc", "published") or bool(record.texts(field, language))
        case Words(text, "ipc"):
            if node.exactly:
                return text == record.ipc
            return text == record.ipc or (len(text) <= 4 and record.ipc.startswith(text))
        case Words(text, "office"):
            return text == "QA"
        case Words():
            return any(any(True for _ in places(words, node)) for words in record.texts(node.field, node.language))
        case Near():
            leaf = next(_words(node))
            return any(any(True for _ in places(w, node)) for w in record.texts(leaf.field, leaf.language))
    raise AssertionError(node)


def _words(node: Node) -> Iterator[Words]:
    if isinstance(node, Words):
        yield node
    for part in getattr(node, "parts", ()):
        yield from _words(part)


def places(words: list[str], node: Node) -> Iterator[tuple[int, int]]:
    """(first, last) position of each place in a text where words, or words near one another, stand."""
    match node:
        case Some(parts):
            for part in parts:
                yield from places(words, part)
        case Near(parts, distance, ordered):
            for chosen in product(*(list(places(words, part)) for part in parts)):
                if _close(chosen, distance, ordered=ordered):
                    yield min(c[0] for c in chosen), max(c[1] for c in chosen)
        case Words(text, wildcard=True):
            yield from ((n, n) for n, word in enumerate(words) if fnmatchcase(word, text))
        case Words(text, fuzzy=edits) if edits:
            yield from ((n, n) for n, word in enumerate(words) if word[0] == text[0] and edited(word, text) <= edits)
        case Words(text, slop=slop) if slop:
            singles = [[(n, n) for n, word in enumerate(words) if word == wanted] for wanted in text.split()]
            for chosen in product(*singles):
                if _close(chosen, slop, ordered=False):
                    yield min(c[0] for c in chosen), max(c[1] for c in chosen)
        case Words(text):
            wanted = text.split()
            for n in range(len(words) - len(wanted) + 1):
                if words[n : n + len(wanted)] == wanted:
                    yield n, n + len(wanted) - 1


def _close(chosen: tuple[tuple[int, int], ...], distance: int, *, ordered: bool) -> bool:
    arrangements = [chosen] if ordered else list(permutations(chosen))
    for arranged in arrangements:
        following = all(a[1] < b[0] for a, b in pairwise(arranged))
        gaps = sum(b[0] - a[1] - 1 for a, b in pairwise(arranged))
        if following and gaps <= distance:
            return True
    return False


def edited(left: str, right: str) -> int:
    """Letters to change, add, take away or exchange with their neighbour."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


# ----------------------------------------------------------------------------------------------------------- generators

_YEARS = st.integers(2015, 2023).map(str)
_MONTHS = st.builds(lambda year, month: f"{year}-{month:02}", _YEARS, st.integers(1, 12))
_DAYS = st.builds(lambda month, day: f"{month}-{day:02}", _MONTHS, st.integers(1, 28))
_DATES = st.one_of(_YEARS, _MONTHS, _DAYS)


@st.composite
def spans(draw: st.DrawFn, dialect: DialectName) -> Span:
    low, high = draw(st.tuples(st.none() | _DATES, st.none() | _DATES))
    if low is not None and high is not None and days(low)[0] > days(high)[1]:
        low, high = high, low
    including = draw(st.tuples(st.booleans(), st.booleans()))
    if dialect == "espacenet":
        if low is None and high is None:
            low = "2017"
        if low is not None and high is not None:
            including = (True, True)
    including = (including[0] or low is None, including[1] or high is None)
    return Span("published", low, high, *including)


def trees(dialect: DialectName, *, odd: bool = False) -> st.SearchStrategy[Node]:
    """Trees that a dialect can say. `odd`: words of any letters and signs, for writing and reading alone."""
    cql = dialect == "espacenet"
    word = st.text(LETTERS, min_size=1, max_size=8).filter(str.strip) if odd else st.sampled_from(VOCABULARY)
    word = word.map(lambda text: " ".join(text.split()))
    single = word.filter(lambda text: " " not in text)
    fields = st.sampled_from((None, "title", "abstract", "applicant"))
    of_language = st.just(("title", None)) if cql else st.sampled_from((("title", "en"), ("abstract", "de")))
    where = st.one_of(fields.map(lambda field: (field, None)), of_language)
    several = st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=3, unique=True).map(" ".join)
    no_suffix = single.filter(lambda text: not re.search(r"/(?:low|exact)$", text, re.IGNORECASE))

    def plain(text: str, place: tuple[str | None, str | None]) -> Node:
        return Words(text, place[0], language=place[1])

    def phrase(text: str, place: tuple[str | None, str | None], slop: int) -> Node:
        return Words(text, place[0], phrase=True, slop=0 if cql else slop, language=place[1])

    def wild(text: str, field: str | None, sign: str) -> Node:
        return Words(f"{text[:4]}{sign}", field, wildcard=True)

    def fuzzy(text: str, field: str, edits: int) -> Node:
        return Words(text, field, fuzzy=edits)

    def near(
        texts: list[str], place: tuple[str | None, str | None], distance: int, ordered: bool, either: bool
    ) -> Node:
        made: list[Node] = [plain(text, place) for text in texts]
        if either and len(made) > 2:
            made = [Some((made[0], made[1])), *made[2:]]
        return Near(tuple(made), distance, ordered)

    texts = st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=4, unique=True)
    vocabulary = st.sampled_from(VOCABULARY)
    leaves = st.one_of(
        st.builds(plain, no_suffix, where),
        st.builds(plain, no_suffix, where),
        st.builds(phrase, several, where, st.integers(0, 3)),
        st.builds(wild, vocabulary, fields, st.sampled_from(("*", "?p", "*k", "i?"))),
        st.builds(fuzzy, vocabulary, st.sampled_from(("title", "abstract")), st.integers(1, 2)),
        st.builds(near, texts, where, st.integers(0, 4), st.booleans(), st.booleans()),
        st.builds(Words, st.sampled_from(("H01M", "A01", "F", "F25B 30/02")), st.just("ipc"), exactly=st.booleans()),
        spans(dialect),
        st.sampled_from((Present("abstract"), Present("title"), Present("ipc"))),
    )

    def composed(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        made = [parts.map(All), parts.map(Some), inner.filter(_not_excluding).map(Without)]
        if not cql:
            made.append(st.builds(Weighted, inner, st.sampled_from((0.5, 2.0, 10.0))))
        return st.one_of(made)

    return st.recursive(leaves, composed, max_leaves=6)


def _not_excluding(node: Node) -> bool:
    return not isinstance(node, Without)

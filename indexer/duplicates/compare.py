"""Two records, feature by feature: a level, and both values to show for it."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from indexer.duplicates.profile import REMEMBERED, Profile
from indexer.duplicates.rules import IDENTIFIERS, base_number, index_of

MISSING = -1
NEIGHBOUR_DIGITS = 4
NEIGHBOURHOOD = 20
"""Applications that one applicant files together get numbers that are at most so far apart."""
Name = tuple[str, str, str]
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    about: str
    levels: tuple[str, ...]
    m: tuple[float, ...]
    u: tuple[float, ...]
    group: str | None = None
    """Features that agree or differ together; their sum is calibrated as a whole."""


@dataclass(frozen=True, slots=True)
class Table:
    strength: float
    prior: float
    features: tuple[Feature, ...]
    together: float = 0.0
    """Of names: how near the average of all pairs between two groups must be to what is asked of one."""

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(feature.group for feature in self.features if feature.group))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)


def table() -> Table:
    """The features by which records are compared."""
    return read_table("features.toml")


@lru_cache(maxsize=4)
def read_table(name: str) -> Table:
    given = tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
    features = tuple(
        Feature(name, row["about"], tuple(row["levels"]), tuple(row["m"]), tuple(row["u"]), row.get("group"))
        for name, row in given["feature"].items()
    )
    return Table(given["strength"], given["prior"], features, given.get("together", 0.0))


@dataclass(frozen=True, slots=True)
class Compared:
    """Levels in the order of the table's features, MISSING where one side says nothing."""

    levels: tuple[int, ...]
    values: tuple[tuple[str, str], ...]
    """What was compared, of a and of b."""


def compare(a: Profile, b: Profile, *, cosine: float | None = None, taken: bool = False) -> Compared:
    """`cosine`: of the two vectors, where both are known. `taken`: see the feature `rival`."""
    levels: list[int] = []
    values: list[tuple[str, str]] = []
    compared: dict[str, tuple[int, str, str]] = {}
    for name in table().names:
        if name == "meaning":
            # Where a title can be compared as words, its vector says the same once more.
            level = MISSING if cosine is None or a.titles.keys() & b.titles.keys() else meaning(cosine)
            shown = (_first(a.titles.values()), _first(b.titles.values())) if level != MISSING else ("", "")
        elif name == "rival":
            level, shown = int(taken), ("", "")
        elif name == "slips":
            level, wrong, of = _slips(compared["number"], compared["application"])
            shown = (wrong, of)
        else:
            compared[name] = COMPARISONS[name](a, b)
            level, shown = compared[name][0], compared[name][1:]
        levels.append(level)
        values.append(shown)
    return Compared(tuple(levels), tuple(values))


def candidate(a: Profile, b: Profile) -> bool:
    """Whether two records could be the same at all: one right, one office (but for works and their registers), and no
    two designs of one application, as their own indexes say."""
    if a.right != b.right or a.id == b.id or (a.office != b.office and a.right != "copyright"):
        return False
    return a.right != "design" or _index(a, b)[0] != 1


# ----------------------------------------------------------------------------------------------------------- numbers


def number_level(mine: Iterable[str], others: Iterable[str]) -> tuple[int, str, str]:
    """0 equal, 1 two digits swapped, 2 one digit off, 3 different; with the closest two numbers."""
    best = (MISSING, "", "")
    for one in mine:
        for other in others:
            if one == other:
                return 0, one, other
            distance = DamerauLevenshtein.distance(one, other, score_cutoff=1)
            level = 3 if distance > 1 else 1 if swapped(one, other) else 2
            if best[0] == MISSING or level < best[0]:
                best = (level, one, other)
    return best


def swapped(one: str, other: str) -> bool:
    """Whether two neighbours changed places and nothing else."""
    return len(one) == len(other) and sorted(one) == sorted(other)


def _number(a: Profile, b: Profile) -> tuple[int, str, str]:
    types = {
        "patent": ("publication", "pct-publication", "registration"),
        "copyright": ("work", "registration"),
    }.get(a.right, ("registration", "international"))
    mine = [base_number(n) for t in types for n in a.numbers.get(t, ())]
    others = [base_number(n) for t in types for n in b.numbers.get(t, ())]
    level, one, other = number_level(mine, others)
    if level == MISSING:
        return level, one, other
    # Forms are those of all of a record's numbers: two that share an application share its other writings too.
    if level > 0 and (set(a.forms) & set(others) or set(b.forms) & set(mine)):
        return 1, one, other
    return (0 if level == 0 else level + 1), one, other


def _application(a: Profile, b: Profile) -> tuple[int, str, str]:
    types = ("application", "pct-application")
    return number_level(
        [base_number(n) for t in types for n in a.numbers.get(t, ())],
        [base_number(n) for t in types for n in b.numbers.get(t, ())],
    )


def _slips(number: tuple[int, str, str], application: tuple[int, str, str]) -> tuple[int, str, str]:
    """Own numbers compared (publication or registration, application): 0 none disagrees, 1 one of several does,
    2 the only one does, 3 all of several do, 4 all of several do by the same small step."""
    found = [level for level, _, _ in (number, application) if level != MISSING]
    wrong = sum(level > 0 for level in found)
    if not found:
        return MISSING, "", ""
    level = 0 if not wrong else 1 if wrong < len(found) else 2 if len(found) == 1 else 3
    if level == 3 and number[1] != application[1] and number[2] != application[2]:
        # Where an office publishes under the number of the application, one slip is in both.
        steps_ = {_step(one, other) for _, one, other in (number, application)}
        if len(steps_) == 1 and None not in steps_:
            return 4, f"{wrong} of {len(found)}", ""
    return level, f"{wrong} of {len(found)}", ""


def _step(one: str, other: str) -> int | None:
    """By how much two numbers that begin alike are apart; None where that is no neighbourhood."""
    if len(one) != len(other) or one[:-NEIGHBOUR_DIGITS] != other[:-NEIGHBOUR_DIGITS]:
        return None
    last, other_last = one[-NEIGHBOUR_DIGITS:], other[-NEIGHBOUR_DIGITS:]
    if not (last.isdecimal() and other_last.isdecimal()):
        return None
    apart = int(last) - int(other_last)
    return apart if 0 < abs(apart) <= NEIGHBOURHOOD else None


def _identifier(a: Profile, b: Profile) -> tuple[int, str, str]:
    mine = [n for t in IDENTIFIERS for n in a.numbers.get(t, ())]
    others = [n for t in IDENTIFIERS for n in b.numbers.get(t, ())]
    level, one, other = number_level(mine, others)
    return ({MISSING: MISSING, 0: 0, 1: 1, 2: 1, 3: 2}[level], one, other)


def _priority(a: Profile, b: Profile) -> tuple[int, str, str]:
    mine, others = {n for n, _ in a.priorities}, {n for n, _ in b.priorities}
    if not mine or not others:
        return MISSING, "", ""
    shown = ", ".join(sorted(mine)[:3]), ", ".join(sorted(others)[:3])
    if mine == others:
        return 0, *shown
    if mine & others:
        return 1, *shown
    return (2 if number_level(mine, others)[0] < 3 else 3), *shown


# ------------------------------------------------------------------------------------------------------------- dates


@lru_cache(maxsize=REMEMBERED)
def date_level(one: str, other: str) -> int:
    """0 equal, 1 day and month swapped, 2 one digit off, 3 within a week, 4 different."""
    if one == other:
        return 0
    if one[:4] == other[:4] and one[5:7] == other[8:10] and one[8:10] == other[5:7]:
        return 1
    if sum(x != y for x, y in zip(one, other, strict=True)) == 1 or swapped(one, other):
        return 2
    days = abs((dt.date.fromisoformat(one) - dt.date.fromisoformat(other)).days)
    return 3 if days <= 7 else 4


def _date(*types: str) -> Callable[[Profile, Profile], tuple[int, str, str]]:
    def level(a: Profile, b: Profile) -> tuple[int, str, str]:
        for type_ in types:
            one, other = a.dates.get(type_), b.dates.get(type_)
            if one and other:
                return date_level(one, other), one, other
        return MISSING, "", ""

    return level


# ------------------------------------------------------------------------------------------------------------- texts


def _title(a: Profile, b: Profile) -> tuple[int, str, str]:
    best: tuple[float, str, str] | None = None
    for language in a.titles.keys() & b.titles.keys():
        one, other = a.titles[language], b.titles[language]
        likeness = max(fuzz.token_sort_ratio(one, other), fuzz.ratio(one, other))
        if best is None or likeness > best[0]:
            best = (likeness, one, other)
    if best is None:
        return MISSING, "", ""
    return steps(best[0], (97, 85, 60)), best[1], best[2]


def meaning(cosine: float) -> int:
    return steps(cosine * 100, (80, 62, 40))


def _sign(a: Profile, b: Profile) -> tuple[int, str, str]:
    if not a.marks or not b.marks:
        return MISSING, _first(a.marks), _first(b.marks)
    likeness, one, other = max((fuzz.ratio(x, y), x, y) for x in a.marks for y in b.marks)
    if likeness >= 99:
        return 0, one, other
    if likeness >= 85:
        return 1, one, other
    return (2 if sound(one) == sound(other) else 3), one, other


_SOUNDS = str.maketrans({"c": "k", "q": "k", "x": "ks", "z": "s", "y": "i", "w": "v", "j": "i", "d": "t", "b": "p"})


@lru_cache(maxsize=REMEMBERED)
def sound(word: str) -> str:
    """Consonants as they sound, doubled ones once, vowels but the first left out."""
    from anyascii import anyascii

    plain = "".join(c for c in anyascii(word).lower() if c.isalnum()).replace("ph", "f").replace("ck", "k")
    plain = plain.translate(_SOUNDS).replace("h", "")
    joined = "".join(y for x, y in pairwise(" " + plain) if x != y)
    return joined[:1] + "".join(c for c in joined[1:] if c not in "aeiou")


# ------------------------------------------------------------------------------------------------------------- names


@lru_cache(maxsize=4 * REMEMBERED)
def name_likeness(one: str, other: str) -> float:
    """0 to 100. Word order is of no account; initials stand for their words."""
    if one == other:
        return 100.0
    plain = fuzz.token_sort_ratio(one, other)
    if plain >= 90:
        return plain
    first, second = one.split(), other.split()
    if len(first) > 1 and len(second) > 1 and _initials(first, second):
        return max(plain, 92.0)
    return max(plain, fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")))


def _initials(first: list[str], second: list[str]) -> bool:
    """Whether one name is the other with some words cut to their first letter, the longest word kept."""
    short, long = sorted((first, second), key=lambda words: sum(map(len, words)))
    left = list(long)
    whole = 0
    for word in sorted(short, key=len, reverse=True):
        found = next((w for w in left if w == word or (len(word) == 1 and w.startswith(word))), None)
        if found is None:
            return False
        left.remove(found)
        whole += len(word) > 1
    return whole > 0 and not left


def best_name(name: Name, others: Iterable[Name]) -> tuple[float, Name | None]:
    best: tuple[float, Name | None] = (0.0, None)
    for other in others:
        likeness = name_likeness(name[0], other[0])
        if likeness < 90 and (name[1] or other[1]):
            likeness = max(likeness, name_likeness(name[1] or name[0], other[1] or other[0]))
        if likeness > best[0]:
            best = (likeness, other)
    return best


def _owner(a: Profile, b: Profile) -> tuple[int, str, str]:
    if not a.owners or not b.owners:
        return MISSING, "", ""
    (likeness, other), one = max(
        ((best_name(name, b.owners), name) for name in a.owners), key=lambda found: found[0][0]
    )
    return steps(likeness, (99, 88, 70)), one[0], (other or b.owners[0])[0]


def _creator(a: Profile, b: Profile) -> tuple[int, str, str]:
    if not a.creators or not b.creators:
        return MISSING, "", ""
    few, many = sorted((a.creators, b.creators), key=len)
    share = sum(best_name(name, many)[0] >= 85 for name in few) / len(few)
    shown = "; ".join(n[0] for n in a.creators[:4]), "; ".join(n[0] for n in b.creators[:4])
    if share == 1 and len(few) == len(many):
        return 0, *shown
    return (1 if share >= 0.6 else 2 if share > 0 else 3), *shown


# ----------------------------------------------------------------------------------------------------------- classes


def _class(a: Profile, b: Profile) -> tuple[int, str, str]:
    best: tuple[float, str, str] | None = None
    for scheme in a.classes.keys() & b.classes.keys():
        if scheme == "WORK-KIND" and len(a.classes) > 1:
            continue
        mine, others = set(a.classes[scheme]), set(b.classes[scheme])
        overlap = len(mine & others) / min(len(mine), len(others))
        if mine == others:
            overlap = 2.0
        elif overlap < 0.5 and {m[:4] for m in mine} & {o[:4] for o in others}:
            overlap = max(overlap, 0.2)
        shown = ", ".join(sorted(mine)[:4]), ", ".join(sorted(others)[:4])
        if best is None or overlap > best[0]:
            best = (overlap, *shown)
    if best is None:
        return MISSING, "", ""
    return steps(best[0], (1.5, 0.6, 0.1)), best[1], best[2]


# ------------------------------------------------------------------------------------------------------------ others


def _kind(a: Profile, b: Profile) -> tuple[int, str, str]:
    if not a.kind or not b.kind:
        return MISSING, a.kind or "", b.kind or ""
    return (0 if a.kind == b.kind else 1 if a.kind[0] == b.kind[0] else 2), a.kind, b.kind


def _index(a: Profile, b: Profile) -> tuple[int, str, str]:
    one, other = index_of(a), index_of(b)
    if a.right != "design" or not one or not other:
        return MISSING, one or "", other or ""
    return int(one.lstrip("0") != other.lstrip("0")), one, other


def _collection(a: Profile, b: Profile) -> tuple[int, str, str]:
    return int(a.collection == b.collection), a.collection, b.collection


def steps(value: float, bounds: Iterable[float]) -> int:
    """Number of bounds that the value stays below."""
    return sum(value < bound for bound in bounds)


def _first(values: Iterable[str]) -> str:
    return next(iter(values), "")


COMPARISONS: Mapping[str, Callable[[Profile, Profile], tuple[int, str, str]]] = {
    "number": _number,
    "application": _application,
    "kind": _kind,
    "published": _date("publication", "registration"),
    "filed": _date("filing"),
    "title": _title,
    "owner": _owner,
    "creator": _creator,
    "class": _class,
    "priority": _priority,
    "sign": _sign,
    "index": _index,
    "identifier": _identifier,
    "collection": _collection,
}

"""Which concepts a query names, in whichever language it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from api.search.expansion.bank import LANGUAGES, Bank, Concept
from api.search.expansion.words import UNSPACED, folded, key, readings, stem, stopwords, words, written
from indexer.language import detect_query_language

LINKERS = ("", "s", "n", "en", "es", "e", "er", "ung", "ungs")
"""What German puts between the parts of a compound, or adds to a stem there."""
TERM_COST = 0.3
"""Of a term, against 1 for each letter that none covers."""
BROKEN = 10.0
"""Of a scrap of a word."""
SCRAP = 2
"""Katakana that are no word by themselves."""
LONGEST_UNKNOWN = 24
"""Letters that are looked at as one unknown piece; longer ones are several."""
SCRIPTS = re.compile("(?P<kana>[ァ-ヺー]+)|(?P<hangul>[가-힣]+)")
HUNG_ON = frozenset("의을를은는이가에로와과도용형식성화적기체부제물")
"""Korean particles and suffixes of one letter."""
LEAST_BEGINNING, LEAST_REST = 5, 3
"""Letters of a German term that a word with an unknown end begins with, and of that end."""
MIN_REST = 2
"""Characters of an unspaced language's unknown run that are kept as a word."""


NONE: frozenset[str] = frozenset()
FOREIGN = {
    "es": frozenset("ãõçâêôàèùßäö"),
    "pt": frozenset("ñßäöèùî"),
    "fr": frozenset("ñãõßäöáíóú"),
    "de": frozenset("ñãõçâêôàèùáíóú"),
}
"""Letters that words of a language are not written with: two words are little, and one such letter tells Spanish from
Portuguese."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the query: the concepts it may stand for, none where the bank does not know it."""

    text: str
    concepts: tuple[Concept, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    language: str
    units: tuple[Unit, ...]

    @property
    def known(self) -> int:
        """Characters in pieces that the bank knows. A part of an unknown compound tells no language: every Latin one
        has *polysaccharide*."""
        known, unknown = 0, ""
        for unit in self.units:
            if not unit.concepts:
                unknown = unit.text
            elif unit.text not in unknown:
                known, unknown = known + len(unit.text), ""
        return known


def recognise(text: str, bank: Bank, language: str | None = None) -> Recognised:
    """The pieces of a query. Without a language: the candidate language whose terms cover most of it, weighed by how
    likely it is."""
    if language is not None:
        return Recognised(language, tuple(units(text, language, bank)))
    candidates = [(code, share) for code, share in detect_query_language(text) if code in LANGUAGES]
    if candidates and candidates[0][0] not in ("zh", "ja", "ko", "ru", "ar"):
        # Two words are little to tell Latin-script languages apart by; the bank knows more about technical ones.
        listed = {code for code, _ in candidates}
        candidates += [(code, 0.05) for code in ("en", "fr", "de", "es", "pt") if code not in listed]
    candidates = [(code, share) for code, share in candidates if not FOREIGN.get(code, NONE) & set(text.casefold())]
    if not candidates:
        candidates = [("en", 1.0)]
    read = [(Recognised(code, tuple(units(text, code, bank))), share) for code, share in candidates]
    length = max(1, len(text))
    return max(read, key=lambda pair: pair[0].known / length + 0.4 * pair[1])[0]


def units(text: str, language: str, bank: Bank) -> list[Unit]:
    return _runs(text, language, bank) if language in UNSPACED else _words(text, language, bank)


def _words(text: str, language: str, bank: Bank) -> list[Unit]:
    found: list[Unit] = []
    pieces = words(text, language)
    stems = [stem(piece, language) for piece in pieces]
    forms = [written(piece, language) for piece in pieces]
    start = 0
    while start < len(pieces):
        first = readings(pieces[start], language)
        for end in range(min(len(pieces), start + bank.longest.get(language, 1)), start, -1):
            rest = stems[start + 1 : end]
            written_so = ((written(reading, language), *forms[start + 1 : end]) for reading in first)
            stemmed = (tuple(sorted((stem(reading, language), *rest))) for reading in first)
            exact = (bank.by_form.get(language, {}).get(form) for form in written_so)
            concepts = next(filter(None, exact), None) or next(
                filter(None, (bank.find(language, wanted) for wanted in stemmed)), None
            )
            if concepts:
                found.append(Unit(" ".join(pieces[start:end]), tuple(concepts)))
                start = end
                break
        else:
            parts = _inside(pieces[start], language, bank)
            found.extend(parts or [Unit(pieces[start])])
            start += 1
    return found


def _inside(word: str, language: str, bank: Bank) -> list[Unit]:
    """Terms in a word that is none itself."""
    return _compound(word, bank) if language == "de" else []


def _cost(path: list[Unit]) -> tuple[int, int]:
    """Few parts are better, and parts that cover more of the word than what links them."""
    return len(path), -sum(len(unit.text) for unit in path)


def _compound(word: str, bank: Bank) -> list[Unit]:
    """Parts of a German compound that are terms, covering it with as few as possible; empty where they do not."""
    best: dict[int, list[Unit]] = {0: []}
    for start in range(len(word)):
        if start not in best:
            continue
        for end in range(start + 3, len(word) + 1):
            concepts = bank.compounding.get(word[start:end])
            if not concepts:
                # Inside a compound the last vowel may be gone (Farbe: farbstoff).
                concepts = bank.compounding.get(word[start:end] + "e") or bank.compounding.get(word[start:end] + "ung")
            if not concepts:
                continue
            path = [*best[start], Unit(word[start:end], tuple(concepts))]
            for linker in LINKERS:
                if word.startswith(linker, end):
                    at = end + len(linker)
                    if at not in best or _cost(path) < _cost(best[at]):
                        best[at] = path
    if len(word) in best and best[len(word)]:
        return best[len(word)]
    # What is known at the end says what the thing is, what is known at the start which one: better than nothing.
    parts: list[Unit] = []
    for end in range(len(word) - LEAST_REST, LEAST_BEGINNING - 1, -1):
        if concepts := bank.compounding.get(word[:end]):
            parts.append(Unit(word[:end], tuple(concepts)))
            break
    for start in range(len(parts[0].text) if parts else 1, len(word) - 4):
        if concepts := bank.compounding.get(word[start:]) or bank.find("de", key(word[start:], "de")):
            parts.append(Unit(word[start:], tuple(concepts)))
            break
    return [Unit(word), *parts] if parts else []


def _runs(text: str, language: str, bank: Bank) -> list[Unit]:
    """The terms that cover most of each run between spaces (Korean: of the whole text, whose spaces stand at will), as
    few as possible."""
    written = re.findall(r"[^\W_]+", folded(text))
    found: list[Unit] = []
    for words_of_run in [written] if language == "ko" else [[word] for word in written]:
        run = "".join(words_of_run)
        # For each letter, and for the end, where its word begins.
        begins: list[int] = []
        for word in words_of_run:
            begins += [len(begins)] * len(word)
        begins.append(len(begins))
        rest, at = "", 0
        for unit in _best_path(run, language, bank, begins):
            if unit.concepts:
                found.extend(_rest(rest, language))
                found.append(unit)
                rest = ""
            else:
                rest += unit.text
            at += len(unit.text)
            if begins[at] == at:
                found.extend(_rest(rest, language))
                rest = ""
    return found


def _best_path(run: str, language: str, bank: Bank, begins: Sequence[int]) -> list[Unit]:
    """A run as terms and as pieces that none covers."""
    longest = max(bank.longest.get(language, 1), LONGEST_UNKNOWN)
    costs: list[float] = [0.0]
    last: list[Unit] = []
    for end in range(1, len(run) + 1):
        cheapest, unit = float("inf"), Unit(run[end - 1])
        for start in range(max(0, end - longest), end):
            text = run[start:end]
            alone = len(text) == 1 and len(run) > 1 and language != "zh"
            concepts = () if alone else tuple(bank.find(language, (text,)))
            cost = costs[start] + (TERM_COST if concepts else _unknown_cost(run, start, end, begins))
            if cost < cheapest:
                cheapest, unit = cost, Unit(text, concepts)
        costs.append(cheapest)
        last.append(unit)
    path: list[Unit] = []
    at = len(run)
    while at:
        path.append(last[at - 1])
        at -= len(last[at - 1].text)
    return path[::-1]


def _unknown_cost(run: str, start: int, end: int, begins: Sequence[int]) -> float:
    """Of leaving a piece uncovered, which lies in one word. Katakana and Hangul write whole words: what stands beside
    a scrap of one is no term (スライダ has no ライダ in it, スタ is not in スタッカ), unless the letter is one that
    Korean hangs on."""
    if start < begins[end - 1]:
        return float("inf")
    script = SCRIPTS.match(run, start, end)
    if script is None or end - start > (SCRAP if script.lastgroup == "kana" else 1):
        return end - start
    before = start > begins[start] and SCRIPTS.match(run[start - 1]) is not None
    after = begins[end] != end and SCRIPTS.match(run[end]) is not None
    hung_on = script.lastgroup == "hangul" and before and run[start] in HUNG_ON
    return end - start + (BROKEN if (before or after) and not hung_on else 0)


def _rest(rest: str, language: str) -> list[Unit]:
    """What no term covers, without the words that carry no concept at its ends."""
    stops = sorted(stopwords().get(language, frozenset()), key=len, reverse=True)
    before = ""
    while rest != before:
        before = rest
        for stop in stops:
            rest = rest.removeprefix(stop).removesuffix(stop)
    return [Unit(rest)] if len(rest) >= MIN_REST else []

"""Terms that mean the same, found in texts that are held in several languages: titles and abstracts of one record, and
titles of one family.

A phrase of one language and a phrase of another belong together where they stand in the same texts and in no others:
Dice's coefficient of the texts that have them (Smadja, McKeown and Hatzivassiloglou 1996). English is the pivot, so a
concept has its English term and those of the languages whose texts show them. What comes of it is a proposal in the
form of the lexicon, to be read by a person before it is used: whoever searches sees the terms, so they are mined from
collections whose titles everybody may read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.search.expansion.bank import LANGUAGES, Bank, Concept
from api.search.expansion.words import UNSPACED, folded, key, stem, stopwords

PIVOT = "en"
FIELD = "mined"
LONGEST = 3
"""Words of a phrase, stop words not counted."""
LONGEST_RUN = 8
"""Characters of a phrase where words are not told apart."""
SHORTEST = 3
"""Letters of a single word."""
PARTICLES = re.compile(r"[\u3040-\u309f]+")
"""Hiragana parts the words of a Japanese text: particles and endings are written in it."""
LINKED = 2
"""Stop words that may stand inside a phrase (bomba de calor)."""
WORD = re.compile(r"[^\W\d_]+")
GAP = re.compile(r"[\s\-'’]+")

Unit = Mapping[str, str]
"""One text in several languages: language → text."""
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two phrases that belong together."""

    pivot: Phrase
    language: str
    phrase: Phrase
    texts: int
    """That have both."""
    dice: float


def mine(units: Sequence[Unit], *, least: int = 3, dice: float = 0.7, known: Bank | None = None) -> list[Concept]:
    """Concepts that at least `least` texts show, each with a term in English and one in another language or more. Those
    that `known` has in all their languages are left out."""
    single, written = _counted(units)
    frequent = {language: {p for p, n in counts.items() if n >= least} for language, counts in single.items()}
    pairs = _paired(units, frequent, single, least, dice)
    found: list[Concept] = []
    for pivot in sorted({pair.pivot for pair in pairs}):
        terms = {PIVOT: (_usual(written, PIVOT, pivot),)}
        for pair in pairs:
            if pair.pivot == pivot:
                terms[pair.language] = (_usual(written, pair.language, pair.phrase),)
        ordered = {language: terms[language] for language in LANGUAGES if language in terms}
        if len(ordered) > 1 and not (known is not None and _has(known, ordered)):
            found.append(Concept(FIELD, ordered))
    return found


def phrases(text: str, language: str) -> Iterator[tuple[Phrase, str]]:
    """(what two writings of a phrase share, the phrase as written), each as often as it stands there."""
    if language in UNSPACED:
        plain = PARTICLES.sub(" ", text) if language == "ja" else text
        for run in WORD.findall(folded(plain)):
            for start in range(len(run)):
                for end in range(start + 2, min(len(run), start + LONGEST_RUN) + 1):
                    yield (run[start:end],), run[start:end]
        return
    stops = stopwords().get(language, frozenset())
    tokens = [(match.start(), match.end(), folded(match[0])) for match in WORD.finditer(text)]
    for first, (start, _, word) in enumerate(tokens):
        if word in stops:
            continue
        kept: list[str] = []
        linked = 0
        for place in range(first, len(tokens)):
            _, end, word = tokens[place]
            if place > first and not GAP.fullmatch(text[tokens[place - 1][1] : tokens[place][0]]):
                break
            if word in stops:
                linked += 1
                if linked > LINKED:
                    break
                continue
            kept.append(stem(word, language))
            if len(kept) > LONGEST:
                break
            if len(kept) > 1 or len(word) >= SHORTEST:
                yield tuple(sorted(kept)), _within(" ".join(text[start:end].split()), language, first=not start)


def _within(shown: str, language: str, *, first: bool) -> str:
    """As it would be written within a text: the capital of a first word is the sentence's, but for German nouns."""
    if first and language != "de" and shown[1:2].islower():
        return shown[0].lower() + shown[1:]
    return shown


Counts = dict[str, Counter[Phrase]]
Written = dict[tuple[str, Phrase], Counter[str]]


def _counted(units: Iterable[Unit]) -> tuple[Counts, Written]:
    """Language → phrase → texts that have it; and how phrases are written."""
    counts: Counts = {}
    written: Written = {}
    for unit in units:
        for language, text in unit.items():
            if language not in LANGUAGES:
                continue
            seen: dict[Phrase, str] = {}
            for phrase, shown in phrases(text, language):
                seen.setdefault(phrase, shown)
            counts.setdefault(language, Counter()).update(seen.keys())
            for phrase, shown in seen.items():
                written.setdefault((language, phrase), Counter())[shown] += 1
    return counts, written


def _paired(
    units: Iterable[Unit], frequent: Mapping[str, set[Phrase]], single: Counts, least: int, dice: float
) -> list[Pair]:
    """Phrases of each language, each with the one of the pivot that it belongs to and that belongs to it."""
    pivots: dict[str, Counter[Phrase]] = {}
    together: dict[str, Counter[tuple[Phrase, Phrase]]] = {}
    for unit in units:
        if PIVOT not in unit:
            continue
        own = {phrase for phrase, _ in phrases(unit[PIVOT], PIVOT)} & frequent.get(PIVOT, set())
        for language, text in unit.items():
            if language == PIVOT or language not in frequent:
                continue
            other = {phrase for phrase, _ in phrases(text, language)} & frequent[language]
            pivots.setdefault(language, Counter()).update(own)
            together.setdefault(language, Counter()).update((a, b) for a in own for b in other)
    found: list[Pair] = []
    for language, counts in sorted(together.items()):
        scored: dict[tuple[Phrase, Phrase], float] = {}
        for (pivot, phrase), both in counts.items():
            value = 2 * both / (pivots[language][pivot] + single[language][phrase])
            if both >= least and value >= dice:
                scored[pivot, phrase] = value
        best_of_pivot = _best(scored, 0, language)
        best_of_phrase = _best({(b, a): value for (a, b), value in scored.items()}, 0, PIVOT)
        for pivot, phrase in best_of_pivot.items():
            if best_of_phrase.get(phrase) == pivot:
                found.append(Pair(pivot, language, phrase, counts[pivot, phrase], scored[pivot, phrase]))
    return found


def _best(scored: Mapping[tuple[Phrase, Phrase], float], side: int, language: str) -> dict[Phrase, Phrase]:
    """First phrase → the second that goes with it best: of equals the one that contains all the others; none where no
    one does, for then it cannot be told which of them is meant."""
    listed: dict[Phrase, list[tuple[float, Phrase]]] = {}
    for pair, value in scored.items():
        listed.setdefault(pair[side], []).append((value, pair[1 - side]))
    chosen: dict[Phrase, Phrase] = {}
    for phrase, others in listed.items():
        highest = max(value for value, _ in others)
        equal = [other for value, other in others if value == highest]
        longest = max(equal, key=lambda other: (sum(map(len, other)), other))
        if all(_inside(other, longest, language) for other in equal):
            chosen[phrase] = longest
    return chosen


def _inside(part: Phrase, whole: Phrase, language: str) -> bool:
    if language in UNSPACED:
        return part[0] in whole[0]
    return not Counter(part) - Counter(whole)


def _usual(written: Written, language: str, phrase: Phrase) -> str:
    """How a phrase is written most often; with small letters where it is written so anywhere."""
    shown = written[language, phrase]
    small = {text: count for text, count in shown.items() if text == text.lower()} or shown
    return min(small, key=lambda text: (-small[text], text))


def _has(bank: Bank, terms: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one concept of the bank has all of these terms."""
    for concept in bank.find(PIVOT, key(terms[PIVOT][0], PIVOT)):
        if all(
            any(key(term, language) == key(held, language) for held in concept.terms.get(language, ()))
            for language, (term, *_) in terms.items()
        ):
            return True
    return False


def as_lexicon(concepts: Iterable[Concept]) -> Iterator[str]:
    """Lines of a file of the lexicon."""
    yield "\t".join(LANGUAGES)
    for concept in concepts:
        yield "\t".join("|".join(concept.terms.get(language, ())) for language in LANGUAGES)

"""Two word marks side by side: how alike they sound, look and mean, each from 0 to 1, and what shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from api.search.expansion.bank import Concept
from api.search.expansion.recognise import recognise
from api.search.similar.tables import Weights, meanings, weak_words, weights
from indexer.marks.keys import MOST_WORDS
from indexer.marks.looks import shape
from indexer.marks.sounds import Reading, latin, readings, script_of, words

PAIR = 0.5
"""Likeness from which two words of two marks are said to stand for each other."""
SAME_WORD = 0.9
"""Likeness of sound from which a word that the term bank does not know is taken for the same word."""
SHORT = 3
"""Letters up to which a difference of one changes the whole impression of a word."""

LATIN = ("en", "fr", "de", "es", "pt")
SPOKEN = {
    "ARABIC": ("ar",),
    "CJK": ("zh", "ja"),
    "CYRILLIC": ("ru",),
    "HANGUL": ("ko",),
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
}
"""Script → languages of the term bank that are written in it; every other: LATIN."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of likeness."""

    score: float
    wanted: str
    """What of the query's mark it rests on: the word, how it is read, the concept."""
    found: str
    language: str | None = None
    """Whose pronunciation, or the language of the found words."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    weight: float
    """Its share in the mark's impression: letters, less for words that say little."""
    readings: tuple[Reading, ...]
    shape: str
    script: str


@dataclass(frozen=True, slots=True)
class Sense:
    """A piece of a mark and the concepts it may name."""

    text: str
    concepts: tuple[Concept, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A word mark taken apart."""

    text: str
    words: tuple[Word, ...]
    whole: Word
    """All words run together."""


@lru_cache(maxsize=1 << 15)
def parse(text: str) -> Mark | None:
    """None for a text without a letter or digit."""
    listed = words(text)[:MOST_WORDS]
    if not listed:
        return None
    parsed = tuple(_word(word) for word in listed)
    return Mark(text, parsed, parsed[0] if len(parsed) == 1 else _word("".join(listed), shape(text)))


def _word(text: str, seen: str | None = None) -> Word:
    known = weak_words().get(latin(text), 1.0)
    # An ideograph or syllable says as much as two or three letters.
    length = sum(2.5 if letter > "\u2e7f" else 1.0 for letter in text)
    return Word(text, known * length, readings(text), seen if seen is not None else shape(text), script_of(text))


# ------------------------------------------------------------------------------------------------------ sound


def sound(one: Mark, other: Mark, by: Weights | None = None) -> Part | None:
    chosen = by or weights()
    whole = _sound_of(one.whole, other.whole, chosen)
    covered = _covered(one.words, other.words, lambda a, b: _sound_of(a, b, chosen), chosen)
    return _better(whole, covered)


def _sound_of(one: Word, other: Word, by: Weights) -> Part | None:
    same_script = one.script == other.script
    best: tuple[float, Reading, Reading] | None = None
    for a in one.readings:
        for b in other.readings:
            if same_script and a.language != b.language:
                continue
            alike = _sounds(a, b, by)
            if best is None or alike > best[0]:
                best = (alike, a, b)
    if best is None:
        return None
    score, a, b = best
    return Part(score, a.sounds, b.sounds, b.language if one.script == "LATIN" else a.language)


def _sounds(one: Reading, other: Reading, by: Weights) -> float:
    if one.sounds == other.sounds and one.voweled and other.voweled:
        return 1.0
    if min(len(one.sounds), len(other.sounds)) * 3 < max(len(one.sounds), len(other.sounds)):
        return 0.0
    bones = OSA.normalized_similarity(one.bones, other.bones)
    if not (one.voweled and other.voweled):
        short = min(len(one.bones), len(other.bones)) < SHORT
        return bones * by.no_vowels * (0.85 if short else 1.0)
    exact = JaroWinkler.normalized_similarity(one.sounds, other.sounds)
    return by.exact * exact + by.coarse * OSA.normalized_similarity(one.coarse, other.coarse) + by.bones * bones


# ------------------------------------------------------------------------------------------------------- look


def look(one: Mark, other: Mark, by: Weights | None = None) -> Part | None:
    chosen = by or weights()
    covered = _covered(one.words, other.words, _look_of, chosen)
    return _better(_look_of(one.whole, other.whole), covered)


def _look_of(one: Word, other: Word) -> Part | None:
    a, b = one.shape, other.shape
    if not a or not b:
        return None
    edits = OSA.normalized_similarity(a, b)
    alike = 0.7 * edits + 0.3 * _shared_pairs(a, b)
    return Part(alike, one.text, other.text)


def _shared_pairs(one: str, other: str) -> float:
    """Dice coefficient of letter pairs, the ends counted."""
    a = {f"_{one}_"[at : at + 2] for at in range(len(one) + 1)}
    b = {f"_{other}_"[at : at + 2] for at in range(len(other) + 1)}
    return 2 * len(a & b) / (len(a) + len(b))


# ---------------------------------------------------------------------------------------------------- meaning


def meaning(one: str, other: str, by: Weights | None = None) -> Part | None:
    """None where no concept of the one is in the other, or the words are the same anyway."""
    chosen = by or weights()
    wanted, found = senses(one), senses(other)
    alike: list[tuple[float, Sense, Sense]] = []
    table = [[_same_sense(a, b) for b in found] for a in wanted]
    for row, a in zip(table, wanted, strict=True):
        alike += [(score, a, b) for score, b in zip(row, found, strict=True) if score == 1.0]
    if not any(latin(a.text) != latin(b.text) for _, a, b in alike):
        return None
    score = _cover_score(table, [s.weight for s in wanted], [s.weight for s in found], chosen)
    _, a, b = next(entry for entry in alike if latin(entry[1].text) != latin(entry[2].text))
    concept = next(concept for concept in a.concepts if concept in b.concepts)
    pairs = [(a.text, b.text) for _, a, b in alike]
    return Part(
        score, " ".join(p for p, _ in pairs), " ".join(dict.fromkeys(p for _, p in pairs)), _language_of(b, concept)
    )


@lru_cache(maxsize=1 << 14)
def senses(text: str) -> tuple[Sense, ...]:
    """Pieces of a mark with what they may mean, in the language whose words most of it is. One or two words are too
    few to tell a language by anything else."""
    read = [recognise(text, meanings(), language) for language in SPOKEN.get(script_of(text.casefold()), LATIN)]
    known = max(found.known for found in read)
    likely = [found.units for found in read if found.known == known]
    # SOL is a sun in Spanish and the ground in French: where several languages know as much, all of them count.
    same = [units for units in likely if [u.text for u in units] == [u.text for u in likely[0]]]
    made = []
    for pieces in zip(*same, strict=True):
        concepts = {id(concept): concept for unit in pieces for concept in unit.concepts}
        weight = weak_words().get(latin(pieces[0].text), 1.0)
        made.append(Sense(pieces[0].text, tuple(concepts.values()), weight))
    return tuple(made)


def _same_sense(one: Sense, other: Sense) -> float:
    if any(concept in other.concepts for concept in one.concepts):
        return 1.0
    if one.concepts and other.concepts:
        return 0.0
    heard = _sound_of(_word(one.text), _word(other.text), weights())
    return heard.score * 0.99 if heard is not None and heard.score >= SAME_WORD else 0.0


def _language_of(sense: Sense, concept: Concept) -> str | None:
    wanted = latin(sense.text)
    return next((code for code, terms in concept.terms.items() if wanted in map(latin, terms)), None)


# -------------------------------------------------------------------------------------------- several words


def _covered(
    one: Sequence[Word], other: Sequence[Word], alike: Callable[[Word, Word], Part | None], by: Weights
) -> Part | None:
    """How much of each mark stands in the other, word by word: FRESH KOLA is near to KOLA."""
    if len(one) == 1 and len(other) == 1:
        return None
    parts = [[alike(a, b) for b in other] for a in one]
    table = [[part.score if part is not None else 0.0 for part in row] for row in parts]
    score = _cover_score(table, [word.weight for word in one], [word.weight for word in other], by)
    best = max((part for row in parts for part in row if part is not None), key=lambda part: part.score, default=None)
    return None if best is None else Part(score, best.wanted, best.found, best.language)


def _cover_score(table: list[list[float]], mine: list[float], theirs: list[float], by: Weights) -> float:
    if not table or not table[0]:
        return 0.0
    rows = [max(row) for row in table]
    columns = [max(row[at] for row in table) for at in range(len(theirs))]
    shares = sorted((_share(rows, mine), _share(columns, theirs)))
    return by.cover * shares[1] + (1 - by.cover) * shares[0]


def _share(scores: list[float], given: list[float]) -> float:
    return sum(s * w for s, w in zip(scores, given, strict=True) if s >= PAIR) / sum(given)


def _better(one: Part | None, other: Part | None) -> Part | None:
    if one is None or other is None:
        return one or other
    return one if one.score >= other.score else other


# --------------------------------------------------------------------------------------------------- together


@dataclass(frozen=True, slots=True)
class Likeness:
    """Everything about two marks. Scores are 0 to 1."""

    sign: float
    """Of the marks themselves, goods left aside."""
    parts: dict[str, Part]
    """sound, look, meaning: those that there are."""


def compare(wanted: str, found: str, *, translations: Sequence[str] = (), by_meaning: bool = True) -> Likeness | None:
    """None where either text has no letter. `translations`: what the office says that the found mark means."""
    one, other = parse(wanted), parse(found)
    if one is None or other is None:
        return None
    by = weights()
    seen = look(one, other, by)
    if seen is not None and seen.score < PAIR and one.whole.script != other.whole.script:
        seen = None  # two alphabets look different whatever they say
    parts = {"sound": sound(one, other, by), "look": seen}
    if by_meaning:
        meant = [meaning(wanted, text, by) for text in (found, *translations)]
        meant += [_stated(wanted, text, by) for text in translations]
        parts["meaning"] = max((m for m in meant if m is not None), key=lambda part: part.score, default=None)
    kept = {name: part for name, part in parts.items() if part is not None}
    worth = sorted((getattr(by, name) * part.score for name, part in kept.items()), reverse=True)
    best = worth[0] if worth else 0.0
    second = worth[1] if len(worth) > 1 else best * by.alone
    return Likeness(by.best * best + (1 - by.best) * second, kept)


def _stated(wanted: str, translation: str, by: Weights) -> Part | None:
    """The office's own translation names the very words that are looked for."""
    one, other = parse(wanted), parse(translation)
    if one is None or other is None:
        return None
    part = _covered(one.words, other.words, _look_of, by) or _look_of(one.whole, other.whole)
    return Part(part.score, wanted, translation) if part is not None and part.score >= SAME_WORD else None

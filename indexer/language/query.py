"""What language a search query is in: a handful of words, often two, without context."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from indexer.harmonise.scripts import script_counts
from indexer.harmonise.tables_reader import rows
from indexer.language.detection import (
    _JAPANESE_HAN,
    _SIMPLIFIED,
    _TRADITIONAL,
    FOLDER,
    SCRIPT_LANGUAGES,
    _arabic,
    _cyrillic,
    detector,
    word_scores,
)


@lru_cache(maxsize=1)
def _endings() -> tuple[tuple[re.Pattern[str], str, float], ...]:
    return tuple((re.compile(row["pattern"]), row["language"], float(row["weight"])) for row in rows("endings", FOLDER))


@lru_cache(maxsize=1)
def _grams() -> dict[str, dict[str, float]]:
    """n-gram → language → probability, from langdetect's profiles."""
    factory = detector()
    return {
        gram: {
            language: probability
            for language, probability in zip(factory.langlist, probabilities, strict=True)
            if probability
        }
        for gram, probabilities in factory.word_lang_prob_map.items()
    }


LATIN = (
    "en",
    "fr",
    "de",
    "es",
    "pt",
    "it",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "pl",
    "cs",
    "sk",
    "hu",
    "ro",
    "tr",
    "vi",
    "id",
    "hr",
    "sl",
    "lt",
    "lv",
    "et",
    "ca",
)
_PRIOR = {
    "en": 1.2,
    "de": 0.5,
    "fr": 0.5,
    "es": 0.5,
    "pt": 0.3,
    "it": 0.2,
    "nl": 0.0,
    "ca": -1.2,
    "id": -0.8,
    "et": -0.6,
    "sl": -0.6,
    "no": -0.3,
    "da": -0.2,
}
"""How often queries come in a language, as log odds: English first, the other publication languages of the PCT next."""


def _ngram_evidence(text: str) -> dict[str, float]:
    """Mean log likelihood per n-gram, against the best language, for LATIN."""
    grams = _grams()
    found: dict[str, float] = dict.fromkeys(LATIN, 0.0)
    number = 0
    for word in re.findall(r"[^\W\d_]+", text):
        padded = f" {word.lower()} "
        for size in (2, 3):
            for start in range(len(padded) - size + 1):
                probabilities = grams.get(padded[start : start + size])
                if not probabilities:
                    continue
                number += 1
                for language in LATIN:
                    found[language] += math.log(probabilities.get(language, 0.0) + 0.0008)
    if not number:
        return dict.fromkeys(LATIN, 0.0)
    best = max(found.values())
    return {language: (value - best) / math.sqrt(number) for language, value in found.items()}


@lru_cache(maxsize=4096)
def detect_query_language(text: str) -> list[tuple[str, float]]:
    """Languages a query may be in, the likeliest first, with confidences that sum to 1; empty where nothing shows one.

    Scripts decide where they can; Chinese and Japanese share Han, so a query of Han alone returns both. In Latin
    script words, endings,
    letters and n-grams are weighed together. At most four languages are returned, none below 0.05.
    """
    counts = script_counts(text)
    if not counts:
        return []
    script = counts.most_common(1)[0][0]
    if counts["Hira"] or counts["Kana"]:
        return [("ja", 1.0)]
    if counts["Hang"]:
        return [("ko", 1.0)]
    if counts["Hani"] and counts["Hani"] * 4 >= counts.total():
        return _han_query(text)
    if script == "Cyrl":
        return _weighed(_cyrillic(text, None, None), "ru")
    if script == "Arab":
        return _weighed(_arabic(text, None), "ar")
    if script != "Latn":
        languages = SCRIPT_LANGUAGES.get(script, ())
        return [(languages[0], 1.0)] if languages else []
    return _latin_query(text)


def _han_query(text: str) -> list[tuple[str, float]]:
    simplified = sum(c in _SIMPLIFIED and c not in _JAPANESE_HAN for c in text)
    traditional = sum(c in _TRADITIONAL for c in text)
    japanese = sum(c in _JAPANESE_HAN and c not in _SIMPLIFIED for c in text)
    if simplified:
        return [("zh", 0.95), ("ja", 0.05)]
    if japanese:
        return [("ja", 0.85), ("zh", 0.15)]
    if traditional:
        return [("zh", 0.7), ("ja", 0.3)]
    return [("zh", 0.6), ("ja", 0.4)]


def _weighed(language: str, usual: str) -> list[tuple[str, float]]:
    return [(language, 0.9)] if language == usual else [(language, 0.8), (usual, 0.2)]


def _latin_query(text: str) -> list[tuple[str, float]]:
    lower = text.lower()
    words = word_scores(lower)
    scores = {language: 2.2 * words.get(language, 0.0) + _PRIOR.get(language, -0.4) for language in LATIN}
    for language, value in _ngram_evidence(lower).items():
        scores[language] += 0.9 * value
    for pattern, language, weight in _endings():
        if language in scores:
            scores[language] += weight * len(pattern.findall(lower))
    best = max(scores.values())
    odds = {language: math.exp(value - best) for language, value in scores.items()}
    total = sum(odds.values())
    ranked = sorted(
        ((language, round(value / total, 3)) for language, value in odds.items()), key=lambda pair: -pair[1]
    )
    return [(language, value) for language, value in ranked[:4] if value >= 0.05]

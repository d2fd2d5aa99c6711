"""Reads the word lists of analyzers/words/ as OpenSearch wants them in an index's settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from common.errors import ConfigurationError

Spelling = Literal["arabic", "german"]

# What OpenSearch's arabic_normalization does, so that rules match the words that have been through it.
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def read(path: Path, key: str, spelling: Spelling | None) -> list[str]:
    """Values for the setting `key`, sorted where order has no meaning.

    `word_list` takes a .txt of words; `mappings` a .txt of character pairs (first → second) or a .tsv of variants;
    `rules` (stemmer_override) a .tsv of variants, whose first column is what all of them become.
    """
    if not path.is_file():
        raise ConfigurationError(f"no word list {path.name}")
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")
    ]
    match key, path.suffix:
        case "word_list", ".txt":
            return sorted({form for word in " ".join(lines).split() for form in _spellings(word, spelling)})
        case "mappings", ".txt":
            return [f"{pair[0]} => {pair[1]}" for pair in _pairs(path, lines)]
        case "mappings", ".tsv":
            return [f"{variant} => {first}" for first, variant in _variants(path, lines)]
        case "rules", ".tsv":
            return list(dict.fromkeys(_rules(path, lines, spelling)))
        case _:
            raise ConfigurationError(f"{path.name} cannot fill {key}")


def _spellings(word: str, spelling: Spelling | None) -> set[str]:
    return {word, word.translate(_GERMAN)} if spelling == "german" else {word}


def _pairs(path: Path, lines: list[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for pair in " ".join(lines).split():
        if len(pair) != 2:
            raise ConfigurationError(f"{path.name}: {pair} is not a pair of characters")
        if seen.setdefault(pair[0], pair[1]) != pair[1]:
            raise ConfigurationError(f"{path.name}: {pair[0]} becomes both {seen[pair[0]]} and {pair[1]}")
    yield from (before + after for before, after in seen.items() if before != after)


def _variants(path: Path, lines: list[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for line in lines:
        first, *variants = line.split("\t")
        if not variants or not all(variants):
            raise ConfigurationError(f"{path.name}: {line!r} has no variant or an empty one")
        for variant in variants:
            if seen.setdefault(variant, first) != first:
                raise ConfigurationError(f"{path.name}: {variant} belongs to both {seen[variant]} and {first}")
            yield first, variant
    if chained := {first for first in seen.values() if first in seen}:
        raise ConfigurationError(
            f"{path.name}: the first form of {', '.join(sorted(chained))} is itself a variant of another row"
        )


def _rules(path: Path, lines: list[str], spelling: Spelling | None) -> Iterator[str]:
    table = _ARABIC if spelling == "arabic" else {}
    for first, variant in _variants(path, lines):
        target = first.translate(table)
        # The first form is a rule too: it keeps a stemmer that follows from changing the word its variants now share.
        yield f"{target} => {target}"
        yield f"{variant.translate(table)} => {target}"

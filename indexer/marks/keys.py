"""What the index holds of a word mark, so that its likes are found without looking at every mark.

`mark_sound`: whole keys, of the mark and of each of its words, as consonants by kind. `mark_grams`: pieces of its look
and of its sounds, to find marks that share most of them. Both are candidates only: api/search/similar compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from indexer.marks.looks import shape
from indexer.marks.sounds import readings, words

MOST_WORDS = 12
"""Words of a mark that are read; slogans and labels say little beyond."""
SHORTEST_KEY = 2
"""Consonants that a key needs: fewer are shared by everything."""


def fields(marks: Iterable[str]) -> dict[str, Any]:
    """Index fields for the texts of one mark; none where nothing in them can be read."""
    sounds: dict[str, None] = {}
    grams: dict[str, None] = {}
    for mark in marks:
        listed = words(mark)[:MOST_WORDS]
        if not listed:
            continue
        for piece in dict.fromkeys(("".join(listed), *listed)):
            sounds.update(dict.fromkeys(sound_keys(piece)))
        grams.update(dict.fromkeys(look_grams(mark)))
        grams.update(dict.fromkeys(sound_grams("".join(listed))))
    made: dict[str, Any] = {}
    if sounds:
        made["mark_sound"] = list(sounds)
    if grams:
        made["mark_grams"] = " ".join(grams)
    return made


def sound_keys(word: str) -> list[str]:
    """Keys under which marks that sound like `word` are found, whatever language reads them."""
    keys = dict.fromkeys(reading.bones for reading in readings(word))
    return [key for key in keys if len(key) >= SHORTEST_KEY]


def look_grams(mark: str) -> list[str]:
    """Pieces of two and three letters of a mark's look, the ends marked; and each ideograph, which is a word."""
    seen = shape(mark)[:80]
    return [f"l{gram}" for gram in _grams(seen)] + [character(letter) for letter in seen if is_ideograph(letter)]


def character(ideograph: str) -> str:
    """Under which marks with this ideograph are found."""
    return f"c{ideograph}"


def is_ideograph(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff"


def sound_grams(word: str) -> list[str]:
    """Pieces of the sounds of a word, in every reading, with vowels (s) and without (k)."""
    read = readings(word)
    with_vowels = dict.fromkeys(reading.coarse for reading in read if reading.voweled)
    without = dict.fromkeys(reading.bones for reading in read)
    found = [f"s{gram}" for sounds in with_vowels for gram in _grams(sounds)]
    return found + [f"k{gram}" for sounds in without for gram in _grams(sounds)]


def _grams(text: str) -> Iterator[str]:
    if not text:
        return
    padded = f"_{text}_"
    for length in (2, 3):
        yield from (padded[at : at + length] for at in range(len(padded) - length + 1))

"""How a word is read aloud, in each language that may read it, as a string of sounds that can be compared.

A word in another script is transliterated and read by the rules of its own language, so نجمة meets NAJMA and NEJMA, and
スター meets STAR. Where a script leaves vowels out, or a comparison should not mind them, the consonants are compared
alone, by their kind: voiced and voiceless are one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from anyascii import anyascii

from common.errors import ConfigurationError
from indexer.marks.tables import rows

HERE = Path(__file__).parent
LONGEST_WORD = 60
"""Letters of a word that are read."""
VOWELS = "aeiou"
_CLASSES = str.maketrans("bdgvzZJSCxywaeiou", "ptkfssssskiiaiiuu")
"""Sounds that are easily taken for each other; vowels dark, light and round."""
_SPECIAL = str.maketrans(
    {"ñ": "ny", "ç": "s", "ß": "ss", "ä": "e", "ö": "e", "ü": "u", "æ": "e", "œ": "e", "ø": "e", "å": "o", "ー": ""}
)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a word aloud."""

    language: str
    sounds: str
    """Alphabet: see pronunciations.tsv. Without vowels where the script writes none."""
    voweled: bool = True

    @property
    def coarse(self) -> str:
        """Sounds by kind: what a bad telephone line leaves."""
        return coarse(self.sounds)

    @property
    def bones(self) -> str:
        """Consonants by kind, with an A in front for a word that begins with a vowel."""
        return bones(self.sounds)


@lru_cache(maxsize=1 << 16)
def coarse(sounds: str) -> str:
    return _undoubled(sounds.translate(_CLASSES))


@lru_cache(maxsize=1 << 16)
def bones(sounds: str) -> str:
    by_kind = sounds.translate(_CLASSES).replace("l", "r").replace("h", "")
    plain = _undoubled("".join(sound for sound in by_kind if sound not in VOWELS))
    return ("A" if by_kind[:1] in VOWELS and by_kind else "") + plain


def _undoubled(sounds: str) -> str:
    return "".join(sound for at, sound in enumerate(sounds) if at == 0 or sounds[at - 1] != sound)


@dataclass(frozen=True, slots=True)
class _Script:
    languages: tuple[str, ...]
    voweled: bool


@cache
def _scripts() -> dict[str, _Script]:
    return {name: _Script(tuple(langs.split()), vowels == "yes") for name, langs, vowels in rows(HERE / "scripts.tsv")}


@cache
def _rules() -> dict[str, dict[str, tuple[re.Pattern[str], tuple[str, ...]]]]:
    """Language → letter → (the rules that may apply at it as one expression, the sound of each).

    By letter, because an expression of all rules takes ten times as long, and this runs for every mark at load.
    """
    listed: dict[str, list[tuple[str, str]]] = {}
    for language, letters, sound in rows(HERE / "pronunciations.tsv"):
        listed.setdefault(language, []).append((letters, sound))
    common = listed.pop("*", [])
    made: dict[str, dict[str, tuple[re.Pattern[str], tuple[str, ...]]]] = {}
    for language, own in listed.items():
        at: dict[str, list[tuple[str, str]]] = {}
        for letters, sound in [*common, *own]:
            for part in _alternatives(letters):
                for letter in _first_letters(part):
                    at.setdefault(letter, []).append((part, sound))
        made[language] = {
            letter: (re.compile("|".join(f"({part})" for part, _ in parts)), tuple(sound for _, sound in parts))
            for letter, parts in at.items()
        }
    return made


def _alternatives(letters: str) -> list[str]:
    """Parts of a rule between its outermost bars."""
    return re.findall(r"(?:\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]|[^|()\[])+", letters)


def _first_letters(part: str) -> str:
    """Letters that a rule is about. Raises ConfigurationError where it does not begin with them."""
    found = re.match(r"\^?(?:\(\?<[=!][^)]*\))?(?:\[([a-z0-9]+)\]|([a-z0-9]))", part)
    if found is None or re.search(r"\((?!\?)", part):
        raise ConfigurationError(
            f"pronunciations.tsv: the rule {part!r} does not begin with a letter or [letters], or has a plain group.",
            remedy="Begin it so, with at most ^ and one look-behind before; write groups as (?:…).",
        )
    return found[1] or found[2]


def script_of(word: str) -> str:
    """First word of the Unicode name of the first letter of another script than Latin; LATIN where there is none."""
    for letter in word:
        if letter.isalpha() and letter > "\u024f":
            name = unicodedata.name(letter, "")
            script = name.partition(" ")[0]
            if script in _scripts():
                return script
    return "LATIN"


def latin(word: str) -> str:
    """Lower-case Latin form of a word: transliterated, accents taken off."""
    plain = unicodedata.normalize("NFKC", word).casefold().translate(_SPECIAL)
    return anyascii(plain).lower()


@lru_cache(maxsize=1 << 16)
def readings(word: str) -> tuple[Reading, ...]:
    """Ways to read one word, or several run together. Two languages may give the same sounds: both are listed."""
    script = _scripts()[script_of(word)]
    # The long-vowel sign of kana often stands for an r that Japanese does not have: スター is STAR.
    written = (word, word.replace("ー", "ル")) if "ー" in word else (word,)
    plain = dict.fromkeys(latin(form[:LONGEST_WORD]) for form in written)
    found = dict.fromkeys((language, _read(form, language)) for language in script.languages for form in plain)
    return tuple(Reading(language, sounds, script.voweled) for language, sounds in found if sounds)


def _read(plain: str, language: str) -> str:
    rules = _rules()[language]
    sounds: list[str] = []
    at = 0
    while at < len(plain):
        letter = plain[at]
        match = None
        if letter in rules:
            pattern, known = rules[letter]
            match = pattern.match(plain, at)
        if match is not None and match.lastindex is not None:
            sounds.append(known[match.lastindex - 1])
            at = max(match.end(), at + 1)
        else:
            if letter.isalpha():
                sounds.append(letter)
            at += 1
    return _undoubled("".join(sounds))


def words(mark: str) -> list[str]:
    """Words of a mark as written, in lower case."""
    return _WORDS.findall(unicodedata.normalize("NFKC", mark).casefold())

"""The topics of the samples and of the benchmark: whole in ten languages, distinct from one another, classed with
well-formed symbols."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.crosslang import SETS
from samples.world import Topic, topics

FOLDER = SETS["samples"]
FILES = sorted(path for folder in SETS.values() for path in folder.glob("*.toml"))
TEXTS = ("title", "abstract", "query")
LANGUAGES = {"en", "ar", "zh", "fr", "de", "ja", "ko", "pt", "ru", "es"}
LATIN = LANGUAGES - {"ar", "zh", "ja", "ko", "ru"}
SCRIPTS = {
    "ar": {"ARABIC"},
    "zh": {"CJK"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"},
    "ko": {"HANGUL"},
    "ru": {"CYRILLIC"},
} | {language: {"LATIN"} for language in LATIN}
# What patent texts of any script keep: the p of p-type, Greek letters, abbreviations (3D, RNA, CMOS).
LOANS = re.compile(r"p(?=-|型|형)|[α-ω]|\d*[A-Z]{1,5}\d*")
# Section, class, subclass, main group / subgroup (WIPO ST.8; the IPC's main groups have up to four digits).
IPC = re.compile(r"[A-H]\d{2}[A-Z] [1-9]\d{0,3}/\d{2,6}")
CPC = re.compile(r"[A-HY]\d{2}[A-Z] [1-9]\d{0,3}/\d{2,6}")

SAMPLES = topics(FOLDER)
ALL = [topic for folder in SETS.values() for topic in topics(folder)]


def of(topic: Topic, text: str) -> dict[str, str]:
    found: dict[str, str] = getattr(topic, text)
    return found


def scripts(text: str) -> set[str]:
    """Scripts of the letters, by the first word of their Unicode names."""
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}


def test_there_are_sixty_topics_in_neighbourhoods_of_three_or_four() -> None:
    sizes = Counter(topic.neighbourhood for topic in SAMPLES)
    assert len(SAMPLES) == 60
    assert set(sizes.values()) <= {3, 4}
    assert len(sizes) == len(list(FOLDER.glob("*.toml")))


def test_keys_are_unique() -> None:
    assert [key for key, times in Counter(topic.key for topic in ALL).items() if times > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_names_its_neighbourhood_and_field_and_nothing_unknown(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(content) == {"neighbourhood", "field", "topic"}
    for row in content["topic"]:
        assert set(row) == {"key", "ipc", "cpc", *TEXTS}, row["key"]


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.key)
def test_every_text_is_in_all_ten_languages_and_in_its_script(topic: Topic) -> None:
    for text in TEXTS:
        written = of(topic, text)
        assert set(written) == LANGUAGES, text
        for language, words in written.items():
            assert words == words.strip() != "", (text, language)
            assert words == unicodedata.normalize("NFC", words), (text, language)
            own = re.sub(r"[α-ω]", "", words) if language in LATIN else LOANS.sub("", words)
            assert scripts(own) <= SCRIPTS[language], (text, language, words)
            assert scripts(own), (text, language, words)


def test_japanese_abstracts_are_told_from_chinese_by_kana() -> None:
    assert [topic.key for topic in ALL if "HIRAGANA" not in scripts(topic.abstract["ja"])] == []


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_two_topics_share_a_text(language: str, text: str) -> None:
    times = Counter(of(topic, text)[language].casefold() for topic in ALL)
    assert [words for words, count in times.items() if count > 1] == []


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.key)
def test_symbols_are_well_formed_and_named_once(topic: Topic) -> None:
    assert topic.ipc
    assert topic.cpc
    for pattern, symbols in ((IPC, topic.ipc), (CPC, topic.cpc)):
        assert [symbol for symbol in symbols if not pattern.fullmatch(symbol)] == []
        assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.key)
def test_an_abstract_says_more_than_its_title_and_a_query_less(topic: Topic) -> None:
    for language in LANGUAGES:
        title, abstract, query = (of(topic, text)[language] for text in TEXTS)
        assert len(query) < len(title) + 12 < len(abstract), language
        assert len(query.split()) <= 6, language
        assert abstract.endswith("。" if language in ("zh", "ja") else "."), language

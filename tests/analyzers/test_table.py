"""The table, what is made from it, and the mistakes it does not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzers
from analyzers import words
from analyzers.table import TABLE, load
from common.errors import ConfigurationError

TEXT = TABLE.read_text(encoding="utf-8")


def test_at_least_thirty_languages_the_pct_publication_languages_first() -> None:
    codes = [language.code for language in analyzers.languages()]
    assert tuple(codes[:10]) == analyzers.PCT_LANGUAGES
    assert len(codes) >= 31
    assert codes[-1] == analyzers.OTHER


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("de", "de"),
        ("DE-AT", "de"),
        ("ger", "de"),
        ("zh-Hant-TW", "zh"),
        ("zh_TW", "zh"),
        ("pt-BR", "pt"),
        ("nb", "no"),
        ("iw", "he"),
        ("sr-Latn", "sr"),
        (" EN ", "en"),
        ("ka", "xx"),
        ("", "xx"),
    ],
)
def test_language_tags(tag: str, code: str) -> None:
    assert analyzers.language(tag).code == code


def test_each_language_names_analyzers_that_the_settings_have() -> None:
    for available in (analyzers.ALL, frozenset[str]()):
        known = analyzers.settings(available)["analyzer"]
        for row in analyzers.languages():
            assert {row.analyzer, row.exact_analyzer} <= known.keys()


def test_settings_are_the_same_every_time_and_belong_to_the_caller() -> None:
    first = analyzers.settings()
    first["analyzer"].clear()
    again = analyzers.settings(sorted(analyzers.ALL, reverse=True))
    assert again == analyzers.settings(analyzers.ALL | {"analysis-unknown"})
    assert again["analyzer"]
    assert str(again) == str(analyzers.settings())


def test_nothing_is_degraded_where_every_plugin_is() -> None:
    assert analyzers.degraded(analyzers.ALL) == []


def test_what_is_degraded_without_kuromoji() -> None:
    (loss,) = analyzers.degraded(analyzers.ALL - {"analysis-kuromoji"})
    assert (loss.analyzer, loss.language, loss.plugin) == ("concord_ja", "ja", "analysis-kuromoji")
    assert "cjk_bigram" in loss.fallback


def test_without_plugins_every_plugin_is_named_and_phonetic_has_its_substitute() -> None:
    losses = analyzers.degraded(())
    assert {loss.plugin for loss in losses} == analyzers.ALL
    (phonetic,) = [
        loss for loss in losses if (loss.analyzer, loss.plugin) == ("concord_mark_phonetic", "analysis-phonetic")
    ]
    assert phonetic.language is None
    assert "sound_digraphs" in phonetic.fallback


def test_a_plugin_counts_only_where_every_node_has_it() -> None:
    assert analyzers.capabilities({"a": ["analysis-icu", "analysis-nori"], "b": ["analysis-icu"]}) == {"analysis-icu"}
    assert analyzers.capabilities({"a": [analyzers.OWN_PLUGIN], "b": ["analysis-icu"]}) == {"analysis-icu"}
    assert analyzers.capabilities({"a": [analyzers.OWN_PLUGIN]}) == analyzers.ALL
    assert analyzers.capabilities({"a": ["opensearch-knn"]}) == set()
    assert analyzers.capabilities({}) == set()


def test_a_probe_finds_what_no_list_names() -> None:
    asked: list[str] = []

    def probe(plugin: str, body: dict[str, object]) -> bool:
        asked.append(plugin)
        return plugin == "analysis-nori"

    assert analyzers.capabilities({"a": ["analysis-icu"]}, probe) == {"analysis-icu", "analysis-nori"}
    assert "analysis-icu" not in asked


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"de_stem", "fold"', '"de_stam", "fold"', r"de\.chains\[0\]: no filter de_stam"),
        ('instead = ["asciifolding"]', 'instead = ["icu_thing"]', r"filter\.fold\.instead: no filter icu_thing"),
        ('needs = "analysis-nori"', 'needs = "analysis-norri"', r"no plugin analysis-norri"),
        ('aliases = ["deu", "ger"', 'aliases = ["deu", "en"', r"languages\.de\.aliases: en is already en"),
        ('exact = "exact_el"', 'exact = "exact_gr"', r"languages\.el\.exact: no analyzer exact_gr"),
        ('{ word_list = "de.txt" }', '{ word_list = "du.txt" }', r"filter\.de_parts\.from_file: no word list du\.txt"),
        ('own_name = "Deutsch"', 'ownname = "Deutsch"', r"languages\.de\.own_name: Field required"),
        ("[languages.de]", "[languages.de", r"is not TOML"),
        ('search_drop = ["fold_vi"]', 'search_drop = ["fold_vn"]', r"not among its filters: fold_vn"),
        ('tokenizer = "thai"', 'tokenizer = "icu"', r"th: the last chain must work without plugins"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in TEXT
    path = tmp_path / "languages.toml"
    path.write_text(TEXT.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load(path)


def test_word_lists_with_contradictions_are_refused(tmp_path: Path) -> None:
    rows = tmp_path / "rows.tsv"
    rows.write_text("one\ttwo\nthree\ttwo\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="two belongs to both one and three"):
        words.read(rows, "rules", None)
    rows.write_text("one\ttwo\ntwo\tthree\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="two is itself a variant"):
        words.read(rows, "rules", None)
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("ab ac\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="a becomes both b and c"):
        words.read(pairs, "mappings", None)


def test_german_words_stand_in_both_spellings(tmp_path: Path) -> None:
    path = tmp_path / "de.txt"
    path.write_text("# a comment\ngerät straße\n", encoding="utf-8")
    assert words.read(path, "word_list", "german") == ["geraet", "gerät", "strasse", "straße"]


def test_the_readme_says_what_each_missing_plugin_costs_and_names_every_analyzer() -> None:
    readme = (TABLE.parent / "README.md").read_text(encoding="utf-8")
    assert [plugin for plugin in sorted(analyzers.ALL) if f"| `{plugin}` |" not in readme] == []
    codes = {f"concord_{language.code}" for language in analyzers.languages()}
    built = analyzers.settings()
    special = [name for name in (*built["analyzer"], *built["normalizer"]) if not name.endswith("_search")]
    undocumented = [
        name
        for name in special
        if name not in codes and f"`{name}`" not in readme and f"`{name.removeprefix('concord_exact')}`" not in readme
    ]
    assert undocumented == []

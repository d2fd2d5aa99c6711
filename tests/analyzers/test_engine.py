"""The settings against the running engine: accepted whole, in every combination of plugins, and fast enough."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection

import httpx
import pytest

import analyzers
from tests.analyzers.conftest import Index, read_pairs

MakeIndex = Callable[[Collection[str]], Index]


def test_every_analyzer_works(full: Index, bare: Index) -> None:
    for index, available in ((full, analyzers.ALL), (bare, frozenset[str]())):
        for name in analyzers.settings(available)["analyzer"]:
            assert index.tokens({"analyzer": name, "text": "Battery 12 電池 батарея بطارية"}), name


@pytest.mark.parametrize("missing", sorted(analyzers.ALL))
def test_an_index_can_be_made_when_one_plugin_is_missing(make_index: MakeIndex, missing: str) -> None:
    index = make_index(analyzers.ALL - {missing})
    assert index.tokens({"analyzer": "concord_de", "text": "Bremse"})


def test_settings_without_plugins_use_none_of_their_components(engine: httpx.Client) -> None:
    text = json.dumps(analyzers.settings(()))
    for name in ("icu_", "kuromoji", "nori", "smartcn", "phonetic", "polish_stem", "polish_stop"):
        assert f'"type": "{name}' not in text


def test_the_running_engine_has_every_plugin_by_probe_and_by_list(engine: httpx.Client) -> None:
    def accepted(plugin: str, body: dict[str, object]) -> bool:
        return engine.post("/_analyze", json=body).status_code == 200

    nodes = engine.get("/_nodes/plugins").json()["nodes"]
    listed = {node: [plugin["name"] for plugin in body["plugins"]] for node, body in nodes.items()}
    assert analyzers.capabilities(listed) == analyzers.ALL
    assert analyzers.capabilities({}, accepted) == analyzers.ALL


@pytest.mark.parametrize(
    ("normalizer", "forms"),
    [
        ("number", ["EP1234567A1", "ep 1 234 567.A1", "ＥＰ1234567Ａ1", "EP-1234567-A1"]),
        ("symbol", ["H01M10/0525", "h01m 10/0525", "H01M\u00a010/0525"]),
        ("folded", ["Société Générale", "SOCIETE GENERALE"]),
    ],
)
def test_normalizers_bring_forms_together(full: Index, normalizer: str, forms: list[str]) -> None:
    made = [full.tokens({"normalizer": f"concord_{normalizer}", "text": form})[0]["token"] for form in forms]
    assert made == [made[0]] * len(forms)


def test_symbols_keep_their_punctuation(full: Index) -> None:
    token = full.tokens({"normalizer": "concord_symbol", "text": "H01M 10/0525"})[0]["token"]
    assert token == "H01M10/0525"


def test_highlights_point_to_the_words_as_written(full: Index) -> None:
    text = "ﬁlter für Ｋraftfahrzeugbremse"
    spans = {
        text[token["start_offset"] : token["end_offset"]]
        for token in full.tokens({"analyzer": "concord_de", "text": text})
    }
    assert spans == {"ﬁlter", "Ｋraftfahrzeugbremse"}


def test_no_chain_collapses_on_a_long_text(engine: httpx.Client, full: Index, index_prefix: str) -> None:
    """50,000 characters, a long description, in under five seconds; the slowest chain (Chinese) takes about 0.1."""
    samples: dict[str, str] = {}
    for pair in read_pairs():
        if pair.relation == "meet":
            samples[pair.analyzer] = f"{samples.get(pair.analyzer, '')} {pair.text}"
    codes = [language.code for language in analyzers.languages()]
    name = f"{index_prefix}-analyzers-speed"
    body = {
        "settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0, "analysis": analyzers.settings()}},
        "mappings": {"properties": {code: {"type": "text", "analyzer": f"concord_{code}"} for code in codes}},
    }
    assert engine.put(f"/{name}", json=body).status_code == 200
    slow = {}
    for code in codes:
        text = (samples[code] + " ") * (50_000 // len(samples[code]))
        began = time.perf_counter()
        assert engine.post(f"/{name}/_doc", json={code: text}).status_code == 201
        if (seconds := time.perf_counter() - began) > 5:
            slow[code] = seconds
    engine.delete(f"/{name}")
    assert slow == {}

"""The page speaks ten languages, completely."""

from __future__ import annotations

import re

import pytest

from api.access.model import GRANTABLE, PURPOSES, Permission, Role, Tier
from api.web import catalogue
from api.web.language import LANGUAGES, ROOM, direction, isolated, preferred, tongue, vocabulary
from indexer.quality.rules import rules
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, Severity, TextType

PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]")
OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_string_is_missing_or_doubtful(language: str) -> None:
    assert catalogue.missing(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_string_is_held_that_nobody_uses(language: str) -> None:
    held = {str(entry.id) for entry in catalogue.read(language) if entry.id}
    assert held == set(catalogue.messages())
    assert not catalogue.read(language).obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_their_placeholders(language: str) -> None:
    for entry in catalogue.read(language):
        assert sorted(PLACEHOLDER.findall(str(entry.id))) == sorted(PLACEHOLDER.findall(str(entry.string))), entry.id


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("ar", r"[\u0600-\u06ff]"),
        ("ru", r"[\u0400-\u04ff]"),
        ("ko", r"[\uac00-\ud7af]"),
        ("zh", r"[\u4e00-\u9fff]"),
        ("ja", r"[\u3040-\u30ff\u4e00-\u9fff]"),
    ],
)
def test_sentences_are_in_the_script_of_their_language(language: str, script: str) -> None:
    sentences = [entry for entry in catalogue.read(language) if entry.id and len(str(entry.id)) > 8]
    assert len(sentences) > 200
    for entry in sentences:
        assert re.search(script, str(entry.string)), entry.id


def test_a_missing_string_is_noticed(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue.messages()
    monkeypatch.setattr(catalogue, "messages", lambda: {**known, "A string that nobody has translated": ["here"]})
    assert catalogue.missing("fr") == ["A string that nobody has translated"]


@pytest.mark.parametrize(
    ("section", "codes"),
    [("right", Right), ("rights", Right), ("role", PartyRole), ("number", NumberType), ("date", DateType),
     ("text", TextType), ("relation", RelationType), ("severity", Severity), ("person", Role)],
)  # fmt: skip
def test_every_code_of_the_record_has_words(section: str, codes: type) -> None:
    assert {str(code.value) for code in codes} <= set(vocabulary()[section])  # type: ignore[attr-defined]


def test_every_word_of_access_has_words() -> None:
    assert {tier.label for tier in Tier} <= set(vocabulary()["tier"])
    assert {group.value for group in GRANTABLE} <= set(vocabulary()["group"])
    assert set(PURPOSES) <= set(vocabulary()["purpose"])
    assert Permission.SEARCH.value in vocabulary()["action"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_quality_rule_is_explained_in_every_language(language: str) -> None:
    says = tongue(language)
    for rule in rules().values():
        assert says.say(rule.explanation) != rule.explanation, rule.name
        assert says.say(rule.fix) != rule.fix, rule.name


@pytest.mark.parametrize(
    ("header", "language"),
    [("ar-SA,ar;q=0.9,en;q=0.5", "ar"), ("nl,de;q=0.8,fr;q=0.9", "fr"), ("xx", "en"), ("", "en"), ("zh-Hans-CN", "zh"),
     ("ja;q=0", "en"), ("en;q=nonsense, ko", "ko")],
)  # fmt: skip
def test_the_browser_s_liked_language_is_taken(header: str, language: str) -> None:
    assert preferred(header) == language


def test_dates_numbers_and_places_follow_the_language() -> None:
    assert tongue("en").date("2021-05-12") == "May 12, 2021"
    assert tongue("de").date("2021-05-12") == "12.05.2021"
    assert tongue("ja").date("2021-05-12") == "2021/05/12"
    assert tongue("de").number(1234567) == "1.234.567"
    assert tongue("fr").place("JP") == "Japon"
    assert tongue("ru").place("EP") == "Европейское патентное ведомство"
    assert tongue("ar").language("ja") == "اليابانية"
    assert tongue("en").date("soon") == "soon"


def test_texts_of_records_are_isolated_and_escaped() -> None:
    assert isolated("a<b", "ar") == '<bdi lang="ar" dir="rtl">a&lt;b</bdi>'
    assert isolated("a", "xx") == '<bdi dir="auto">a</bdi>'
    assert direction("ja") == "ltr"


def test_whatever_the_audit_names_has_a_word() -> None:
    texts = "\n".join(path.read_text("utf-8") for path in (ROOM.parent).rglob("*.py"))
    named = set(re.findall(r'(?:disclosures|now\.shown)\(\s*"([a-z-]+)"', texts))
    assert {"search", "view", "package"} <= named
    assert named - set(vocabulary()["action"]) == set()

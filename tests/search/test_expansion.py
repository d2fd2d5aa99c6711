"""From a query in one language to the same concepts in others."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.search.expansion import compiling
from api.search.expansion.bank import LANGUAGES, LEXICON, Bank, Concept, bank, read
from api.search.expansion.expand import expand
from api.search.expansion.recognise import recognise
from api.search.expansion.words import key
from common.errors import ConfigurationError
from samples.world import topics


def test_every_concept_of_the_lexicon_has_a_term_in_each_of_the_ten_languages() -> None:
    for path in LEXICON.glob("*.tsv"):
        for concept in read(path):
            assert set(concept.terms) == set(LANGUAGES), f"{path.name}: {concept.name}"


def test_the_lexicon_is_a_dictionary_and_not_a_list_of_the_benchmarks_queries() -> None:
    """Some queries are one technical term (válvula cardíaca); more than a few such would be copying."""
    queries = [(language, text) for topic in topics() for language, text in topic.query.items()]
    same = [text for language, text in queries if bank().find(language, key(text, language))]
    assert len(same) / len(queries) < 0.015, same


@pytest.mark.parametrize(
    ("query", "language", "sources"),
    [
        ("heat pump refrigerant", "en", ["heat pump", "refrigerant"]),
        ("Kraftfahrzeugbremse", "de", ["kraftfahrzeug", "bremse"]),
        ("pompe à chaleur", "fr", ["pompe chaleur"]),
        ("очистка сточных вод", "ru", ["очистка", "сточных вод"]),
        ("锂离子电池 隔膜", "zh", ["锂离子电池", "隔膜"]),
        ("자율주행 차량 라이다", "ko", ["자율주행차", "라이다"]),
        ("خلايا شمسية", "ar", ["خلايا شمسيه"]),
        ("válvula cardíaca", "pt", ["valvula cardiaca"]),
    ],
)
def test_a_querys_concepts_are_recognised_through_inflection_compounds_and_spacing(
    query: str, language: str, sources: list[str]
) -> None:
    found = recognise(query, bank(), language)
    known = [unit.text for unit in found.units if unit.concepts]
    if language == "ko":
        assert {"lidar"} <= {concept.name for unit in found.units for concept in unit.concepts}
    else:
        assert known == sources


@pytest.mark.parametrize(
    ("query", "language", "found"),
    [
        ("suela", "es", ["sole"]),  # the stemmer makes one of suela and suelo (floor)
        ("編針 スライダ フック", "ja", ["knitting needle", None, "hook"]),  # no ライダ (lidar) in スライダ
        ("발효유 스타터 다당류", "ko", ["fermented milk", None, "polysaccharide"]),  # no 스타 (star) in 스타터
        ("고체 전해질의 제조", "ko", ["solid electrolyte", "manufactur"]),  # a particle is no scrap of a word
    ],
)
def test_a_word_is_met_as_it_stands_before_its_stem_and_never_by_a_scrap_of_it(
    query: str, language: str, found: list[str | None]
) -> None:
    groups = expand(query, bank(), "broad", language=language).groups
    named = [" ".join(group.terms.get("en", ())) for group in groups]
    assert len(named) >= len(found), groups
    for wanted, words in zip(found, named, strict=False):
        assert wanted in words if wanted else words == "", groups
    if query == "suela":
        assert "floor" not in named[0]


def test_the_end_of_an_unknown_compound_does_not_make_a_query_german() -> None:
    assert expand("yogurt starter exopolysaccharide", bank(), "broad").language == "en"


def _inflected() -> dict[str, list[tuple[str, str]]]:
    """Language → (term, other form of it)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in (Path(__file__).parent / "inflected.tsv").read_text("utf-8").splitlines()[2:]:
        language, term, forms = line.split("\t")
        found.setdefault(language, []).extend((term, form) for form in forms.split("|"))
    return found


def _meant(text: str, language: str) -> set[int]:
    return {id(concept) for unit in recognise(text, bank(), language).units for concept in unit.concepts}


@pytest.mark.parametrize("language", sorted(_inflected()))
def test_a_word_means_in_every_case_number_and_spelling_what_its_dictionary_form_means(language: str) -> None:
    """A word that the bank does not have meets itself at least: terms of others may be mined or edited in."""
    apart = [
        (term, form)
        for term, form in _inflected()[language]
        if not (_meant(term, language) & _meant(form, language) or key(term, language) == key(form, language))
    ]
    assert not apart


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("ar", "بخار", "فخار"),  # steam, pottery: the first letters are no prepositions here
        ("ar", "بستان", "فستان"),  # orchard, dress
        ("ar", "هرم", "هرمون"),  # pyramid, hormone
        ("ar", "سيليكون", "سيليكات"),  # silicon, silicates
        ("ar", "إلكترون", "كترون"),  # the letters of the article belong to the word
        ("ru", "плата", "платье"),  # board, dress
        ("ru", "стекло", "стек"),
        ("pt", "canal", "cana"),  # channel, cane
        ("fr", "chevaux", "chevelure"),  # horses, hair
        ("fr", "canal", "cane"),
        ("en", "valve", "valley"),
        ("en", "flour", "floor"),
        ("de", "Rad", "Radar"),
    ],
)
def test_different_words_are_not_made_one(language: str, one: str, other: str) -> None:
    assert key(one, language) != key(other, language)


@pytest.mark.parametrize(
    ("language", "query", "known", "unknown"),
    [
        ("ar", "بمضخة وبطارية", ["pump", "battery"], []),  # in a pump and a battery
        ("ar", "والمبادلات الحرارية", ["heat exchanger"], []),
        ("ru", "корпусов насосов", ["housing", "pump"], []),
        ("pt", "vibrações em válvulas", ["vibration", "valve"], []),
        ("ja", "ポンプのための密封およびその製造", ["pump", "seal", "manufacturing"], []),
        ("zh", "一种用于泵的密封件及其制造方法", ["pump", "seal", "manufacturing", "method"], []),
        ("ko", "펌프에서 사용하는 베어링", ["pump", "bearing"], []),
        ("de", "Bremssattelführungsquark", ["brake caliper"], ["bremssattelfuhrungsquark"]),
    ],
)
def test_what_is_hung_on_or_stands_between_is_no_piece_of_the_query(
    language: str, query: str, known: list[str], unknown: list[str]
) -> None:
    groups = expand(query, bank(), "broad", language=language).groups
    said = [group.terms["en"] for group in groups if group.terms]
    assert len(said) == len(known), said
    assert all(wanted in terms for wanted, terms in zip(known, said, strict=True)), said
    assert [group.source for group in groups if not group.terms] == unknown


TWO_WORDS = {
    "en": ["heat pump", "solid electrolyte", "wind turbine", "drip irrigation", "coffee machine", "toy train"],
    "fr": ["pompe chaleur", "électrolyte solide", "machine café", "frein disque", "parapluie pliant", "jouet bois"],
    "de": ["Kaffeemaschine Mahlwerk", "Gartenschlauch Kupplung", "Regenschirm Griff", "Spielzeug Holz"],
    "es": ["electrolito sólido", "freno disco", "riego goteo", "juguete madera", "manguera jardín", "bomba calor"],
    "pt": ["eletrólito sólido", "freio disco", "irrigação gotejamento", "brinquedo madeira", "inalador pó"],
    "ru": ["тепловой насос", "твёрдый электролит", "кофейная машина", "складной зонт"],
    "ar": ["مضخة حرارية", "إلكتروليت صلب", "مكبح قرصي", "آلة قهوة"],
    "zh": ["热泵 压缩机", "固体电解质", "语音识别", "咖啡机"],
    "ja": ["ヒートポンプ 圧縮機", "固体電解質", "音声認識", "コーヒーメーカー"],
    "ko": ["고체 전해질", "히트 펌프", "커피 머신", "우산 손잡이"],
}
"""Some of the words stand in the term bank, some do not."""


@pytest.mark.parametrize(
    ("language", "query"), [(language, query) for language, queries in TWO_WORDS.items() for query in queries]
)
def test_the_language_of_two_words_is_told(language: str, query: str) -> None:
    assert expand(query, bank(), "broad").language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_of_short_queries_is_told(language: str) -> None:
    """Of the sixty topics' queries, two to five words each. `válvula cardíaca` is Spanish and Portuguese."""
    told = [expand(topic.query[language], bank(), "broad").language == language for topic in topics()]
    assert sum(told) / len(told) >= 0.95


def test_two_words_are_read_in_the_language_that_knows_them() -> None:
    assert recognise("pompe chaleur", bank()).language == "fr"
    assert recognise("Wärmepumpe", bank()).language == "de"
    assert recognise("热泵 制冷剂", bank()).language == "zh"
    assert recognise("ヒートポンプ", bank()).language == "ja"


def test_precise_takes_the_usual_term_and_broad_its_synonyms_too() -> None:
    precise = expand("hammer drill", bank(), "precise")
    broad = expand("hammer drill", bank(), "broad")
    assert precise.groups[0].terms["de"] == ("Bohrhammer",)
    assert set(precise.groups[0].terms["de"]) < set(broad.groups[0].terms["de"])
    assert "marteau perforateur" in broad.groups[0].terms["fr"]


def test_an_ambiguous_word_is_read_in_the_field_asked_for_or_that_of_its_neighbours() -> None:
    made = Bank()
    made.add(Concept("electrical", {"en": ("capacitor", "condenser"), "fr": ("condensateur",)}))
    made.add(Concept("mechanical", {"en": ("condenser",), "fr": ("condenseur",)}))
    made.add(Concept("mechanical", {"en": ("compressor",), "fr": ("compresseur",)}))
    near = expand("condenser compressor", made, "precise", language="en")
    assert near.groups[0].terms["fr"] == ("condenseur",)
    chosen = expand("condenser compressor", made, "precise", language="en", field="electrical")
    assert chosen.groups[0].terms["fr"] == ("condensateur",)
    assert set(expand("condenser", made, "broad", language="en").groups[0].terms["fr"]) == {
        "condenseur",
        "condensateur",
    }


def test_what_the_bank_does_not_know_stays_as_it_is() -> None:
    made = expand("heat pump quarnok", bank(), "broad")
    assert [group.source for group in made.groups if not group.terms] == ["quarnok"]
    assert not expand("quarnok", bank(), "broad").known


def test_a_gloss_is_word_for_word_and_keeps_what_is_not_known() -> None:
    assert expand("Wärmepumpe Kältemittel", bank(), "precise").gloss("en") == "heat pump refrigerant"
    found = expand("heat pump xyzzy", bank(), "precise").glosses()
    assert {"heat pump xyzzy", "Wärmepumpe xyzzy"} <= set(found)
    assert expand("xyzzy", bank(), "precise").glosses() == ()


def test_the_longest_query_stays_within_the_engines_clauses() -> None:
    words = " ".join(concept.terms["en"][0] for concept in bank().concepts[:60])
    query = compiling.to_query(expand(words, bank(), "broad"), LANGUAGES)

    def leaves(node: object) -> int:
        if isinstance(node, dict):
            if "multi_match" in node:
                return len(node["multi_match"]["fields"])
            return int("prefix" in node) + sum(leaves(value) for value in node.values())
        return sum(leaves(value) for value in node) if isinstance(node, list) else 0

    assert 0 < leaves(query) < 1024


def test_a_row_with_a_cell_missing_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.tsv").write_text("en\tde\nheat pump\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"broken\.tsv, line 2"):
        list(read(tmp_path / "broken.tsv"))

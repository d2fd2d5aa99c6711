"""Languages: tags of every kind, scripts, words, and queries of two words."""

from __future__ import annotations

import pytest

from indexer.language import detect_query_language, identify, normalise_tag, office_language, script_language
from indexer.language.detection import _identify, _langdetect


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("EN", "en"),
        ("eng", "en"),
        ("ger", "de"),
        ("zh-Hans", "zh"),
        ("pt_BR", "pt"),
        ("cn", "zh"),
        ("jp", "ja"),
        ("kr", "ko"),
        ("ol", None),
        ("XX", None),
        ("", None),
        (None, None),
        ("und", None),
        ("qq", None),
        ("sh", "sr"),
        ("iw", "he"),
    ],
)
def test_tags_of_every_kind(tag: str | None, language: str | None) -> None:
    assert normalise_tag(tag) == language


TITLES = {
    "ar": "خلية شمسية عالية الكفاءة وطريقة لتصنيعها",
    "zh": "锂离子电池隔膜及其制备方法",
    "en": "Separator for a lithium ion battery and method of making the same",
    "fr": "Séparateur pour une batterie au lithium et procédé de fabrication de celui-ci",
    "de": "Separator für eine Batterie und Verfahren zur Herstellung desselben",
    "ja": "リチウムイオン電池用セパレータおよびその製造方法",
    "ko": "리튬 이온 전지용 분리막 및 그 제조 방법",
    "pt": "Separador para uma bateria de íons de lítio e processo de fabricação do mesmo",
    "ru": "Сепаратор для литий-ионного аккумулятора и способ его изготовления",
    "es": "Separador para una batería de iones de litio y procedimiento para su fabricación",
    "it": "Separatore per una batteria agli ioni di litio e procedimento per la sua fabbricazione",
    "nl": "Scheidingselement voor een batterij en werkwijze voor het vervaardigen van een dergelijk element",
    "pl": "Separator do baterii oraz sposób jego wytwarzania",
    "cs": "Separátor pro lithiovou baterii a způsob výroby",
    "fi": "Akun erotin ja menetelmä sen valmistamiseksi",
    "sv": "Separator för ett batteri och förfarande för framställning av denna",
    "hu": "Elválasztó lítium akkumulátorhoz és eljárás annak előállítására",
    "tr": "Lityum iyon pil için ayırıcı ve bunun üretim yöntemi",
    "uk": "Сепаратор для літій-іонного акумулятора та спосіб його виготовлення",
    "el": "Διαχωριστής μπαταρίας και μέθοδος κατασκευής",
    "he": "מפריד לסוללה ושיטה לייצורו",
    "th": "ตัวแยกสำหรับแบตเตอรี่และวิธีการผลิต",
    "fa": "جداکننده باتری و روش ساخت آن برای خودروهای گازسوز",
}


@pytest.mark.parametrize(("language", "title"), TITLES.items())
def test_titles_without_a_tag_are_told_by_script_and_words(language: str, title: str) -> None:
    assert identify(title, None).language == language


@pytest.mark.parametrize(("language", "title"), TITLES.items())
def test_right_tags_stand(language: str, title: str) -> None:
    found = identify(title, language.upper())
    assert (found.language, found.mismatch, found.unknown_tag) == (language, False, False)


@pytest.mark.parametrize(
    ("title", "tag", "language"),
    [
        (TITLES["en"], "de", "en"),
        (TITLES["de"], "en", "de"),
        (TITLES["fr"], "en", "fr"),
        (TITLES["es"], "pt", "es"),
        (TITLES["ja"], "zh", "ja"),
        (TITLES["zh"], "ja", "zh"),
        (TITLES["ko"], "en", "ko"),
        (TITLES["ru"], "en", "ru"),
        (TITLES["uk"], "ru", "uk"),
        (TITLES["en"], "ja", "en"),
        (TITLES["ar"], "fr", "ar"),
    ],
)
def test_wrong_tags_are_found(title: str, tag: str, language: str) -> None:
    found = identify(title, tag)
    assert (found.language, found.mismatch) == (language, True)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Solar", "de"),
        ("電池", "ja"),
        ("電池", "zh"),
        ("Radio", "es"),
        ("123-45", "fr"),
        ("Software", "it"),
        ("A", "nl"),
    ],
)
def test_short_texts_keep_their_tag(text: str, tag: str) -> None:
    found = identify(text, tag)
    assert (found.language, found.mismatch) == (tag, False)


def test_a_tag_that_is_none_is_marked_but_private_ones_are_not() -> None:
    assert identify(TITLES["en"], "q1x").unknown_tag
    for tag in ("ol", "XX", "und", ""):
        assert not identify(TITLES["en"], tag).unknown_tag


def test_the_language_of_the_record_speaks_where_nothing_else_does() -> None:
    assert identify("ENDOSCOPE", None, "en").language == "en"
    assert identify("ENDOSCOPE", None).language in ("en", "xx")
    assert identify("自動運転", None, "ja").language == "ja"
    assert identify(TITLES["fr"], None, "en").language == "fr"


def test_kin_are_not_wrong() -> None:
    assert not identify("Postupak za dobivanje vode i uređaj koji se koristi", "sh").mismatch


def test_the_same_text_gets_the_same_answer() -> None:
    text = "Zorblat quixo menara velit dorma santu perimo kalven trusk obedi"
    answers = set()
    for _ in range(5):
        _identify.cache_clear()
        _langdetect.cache_clear()
        answers.add(identify(text, None).language)
    assert len(answers) == 1


QUERIES = [
    ("خلية شمسية", "ar"),
    ("锂离子电池 隔膜", "zh"),
    ("heat pump", "en"),
    ("solar cell", "en"),
    ("jackhammer", "en"),
    ("wind turbine blade", "en"),
    ("marteau perforateur", "fr"),
    ("cellule solaire", "fr"),
    ("pompe à chaleur", "fr"),
    ("Kraftfahrzeugbremse", "de"),
    ("Wärmepumpe", "de"),
    ("Windkraftanlage Rotorblatt", "de"),
    ("Solarzelle Herstellung", "de"),
    ("自動運転 ライダー", "ja"),
    ("자율주행 차량 라이다", "ko"),
    ("válvula cardíaca", "es"),
    ("célula solar", "es"),
    ("cadeira", "pt"),
    ("bomba de calor", "es"),
    ("extração de óleo", "pt"),
    ("máquina de lavar", "pt"),
    ("martillo neumático", "es"),
    ("EL TORO ROJO", "es"),
    ("способ очистки сточных вод", "ru"),
    ("pompa di calore", "it"),
    ("warmtepomp", "nl"),
    ("värmepump", "sv"),
    ("lämpöpumppu", "fi"),
    ("pompa ciepła", "pl"),
    ("tepelné čerpadlo", "cs"),
]


@pytest.mark.parametrize(("query", "language"), QUERIES)
def test_queries_of_two_words_are_among_the_likely(query: str, language: str) -> None:
    likely = [code for code, _ in detect_query_language(query)]
    assert language in likely[:2]


def test_most_queries_are_told_at_once() -> None:
    right = sum(detect_query_language(query)[0][0] == language for query, language in QUERIES)
    assert right / len(QUERIES) >= 0.8


def test_confidences_are_honest() -> None:
    for query, _ in QUERIES:
        found = detect_query_language(query)
        values = [value for _, value in found]
        assert values == sorted(values, reverse=True)
        assert 0 < sum(values) <= 1.001
    assert {code for code, _ in detect_query_language("電池")} == {"zh", "ja"}


@pytest.mark.parametrize("text", ["", "123", "!?"])
def test_no_letters_no_language(text: str) -> None:
    assert detect_query_language(text) == []


def test_the_script_alone() -> None:
    assert script_language("サンプル") == "ja"
    assert script_language("Sample") is None
    assert script_language("商標", "ja") == "ja"
    assert script_language("商標", "en") == "zh"
    assert office_language("JP") == "ja"
    assert office_language("CH") is None

"""Names without their legal forms, classes in one writing with the levels above them."""

from __future__ import annotations

import pytest

from indexer.harmonise.classifications import edition_of, levels, normalise, scheme_name
from indexer.harmonise.names import entity_of, read_name
from indexer.harmonise.scripts import script_of


@pytest.mark.parametrize(
    ("raw", "canonical", "form"),
    [
        ("株式会社日立製作所", "日立製作所", "KK"),
        ("日立製作所株式会社", "日立製作所", "KK"),
        ("（株）サンプル", "サンプル", "KK"),
        ("华为技术有限公司", "华为技术", "YOUXIAN"),
        ("华为终端有限公司", "华为终端", "YOUXIAN"),
        ("示例股份有限公司", "示例", "GUFENYOUXIAN"),
        ("주식회사 예시", "예시", "JUSIK"),
        ("(주)예시", "예시", "JUSIK"),
        ("ООО «Яндекс»", "ЯНДЕКС", "OOO"),
        ('Общество с ограниченной ответственностью "Пример"', "ПРИМЕР", "OOO"),
        ("Beispiel GmbH & Co. KG", "BEISPIEL", "GMBH-CO-KG"),
        ("Beispiel GmbH", "BEISPIEL", "GMBH"),
        ("Beispiel Aktiengesellschaft", "BEISPIEL", "AG"),
        ("Société Exemple S.A.", "SOCIETE EXEMPLE", "SA"),
        ("Exemple SARL", "EXEMPLE", "SARL"),
        ("Koninklijke Voorbeeld N.V.", "KONINKLIJKE VOORBEELD", "NV"),
        ("Esimerkki Oyj", "ESIMERKKI", "OY"),
        ("Oy Esimerkki Ab", "ESIMERKKI", "AB"),
        ("Exempel AB", "EXEMPEL", "AB"),
        ("Eksempel A/S", "EKSEMPEL", "AS"),
        ("Esempio S.p.A.", "ESEMPIO", "SPA"),
        ("Exemplo Ltda.", "EXEMPLO", "LTDA"),
        ("Ejemplo, S.A. de C.V.", "EJEMPLO", "SADECV"),
        ("Przykład Sp. z o.o.", "PRZYKLAD", "SPZOO"),
        ("Example Co., Ltd.", "EXAMPLE", "LTD"),
        ("Example Co,Ltd", "EXAMPLE", "LTD"),
        ("Example, Inc.", "EXAMPLE", "INC"),
        ("Example Pty Ltd", "EXAMPLE", "LTD"),
        ("EXAMPLE CO", "EXAMPLE", "CO"),
        ("Příklad a.s.", "PRIKLAD", "AS"),
        ("شركة المثال", "المثال", "SHARIKA"),
        ("BEISPIEL GMBH ROBERT", "BEISPIEL GMBH ROBERT", "GMBH"),
        ("Müller, Hans", "MULLER HANS", None),
        ("Ørsted Åse", "ORSTED ASE", None),
        ("Straße", "STRASSE", None),
        ("GmbH", "GMBH", None),
        ("AB", "AB", None),
    ],
)
def test_legal_forms_stand_apart_from_names(raw: str, canonical: str, form: str | None) -> None:
    name = read_name(raw)
    assert (name.canonical, name.legal_form) == (canonical, form)


def test_writings_of_one_firm_meet() -> None:
    writings = ("Example Corporation", "EXAMPLE CORP.", "Example Corp", "example corporation")
    assert {read_name(writing).canonical for writing in writings} == {"EXAMPLE"}
    assert read_name("华为技术有限公司").canonical != read_name("华为终端有限公司").canonical


def test_kana_and_cyrillic_letters_keep_what_belongs_to_them() -> None:
    assert read_name("ガス").canonical == "ガス"
    assert read_name("Чайковский").canonical == "ЧАЙКОВСКИЙ"
    assert read_name("Семёнов").canonical == read_name("Семенов").canonical


@pytest.mark.parametrize(
    ("raw", "script", "latin"),
    [
        ("Example", "Latn", None),
        ("ООО «Яндекс»", "Cyrl", "Yandeks"),
        ("ソニー", "Jpan", "soni"),
        ("예시", "Kore", "YeSi"),
        ("华为", "Hani", "HuaWei"),
        ("Παράδειγμα", "Grek", "Paradeigma"),
    ],
)
def test_other_scripts_get_a_latin_form(raw: str, script: str, latin: str | None) -> None:
    name = read_name(raw)
    assert name.script == script
    if latin is None:
        assert name.latin is None
    else:
        assert name.latin is not None
        assert latin in name.latin


def test_only_the_file_or_the_name_says_who_is_an_organisation() -> None:
    assert entity_of("unknown", read_name("Example Ltd")) == "organisation"
    assert entity_of("unknown", read_name("جامعة الملك سعود")) == "organisation"
    assert entity_of("unknown", read_name("Hans Beispiel")) == "unknown"
    assert entity_of("person", read_name("Example Ltd")) == "person"


def test_script_of_digits_is_none() -> None:
    assert script_of("123 - 456") is None


@pytest.mark.parametrize(
    ("scheme", "raw", "symbol", "edition"),
    [
        ("IPC", "H01M10/0525", "H01M 10/0525", None),
        ("IPC", "H01M 10/05 (2010.01)", "H01M 10/05", "2010.01"),
        ("IPC", "A61K   9/16        20060101A I20051008RMEP", "A61K 9/16", "2006.01"),
        ("IPC", "H01M  10/0525      20100101AFI20110311BHEP", "H01M 10/0525", "2010.01"),
        ("IPC", "7A 61K   9/16   A", "A61K 9/16", "7"),
        ("IPC", "Int. Cl.4 A 01 B 1/00", "A01B 1/00", "4"),
        ("IPC", "H02K0016000000", "H02K 16/00", None),
        ("IPC", "H01M0010052500", "H01M 10/0525", None),
        ("IPC", "h02k", "H02K", None),
        ("CPC", "A61K   9/1652", "A61K 9/1652", None),
        ("CPC", "Y02E60/10", "Y02E 60/10", None),
        ("FI", "G06F 3/041,595", "G06F 3/041 595", None),
        ("FTERM", "5H029AJ02", "5H029 AJ02", None),
        ("USPC", "  2 21", "2/21", None),
        ("USPC", "002/021000", "2/21", None),
        ("USPC", "D 2605", "D2/605", None),
        ("NICE", "09", "9", None),
        ("NICE", "第9類", "9", None),
        ("NICE", "NCL(11) 9", "9", "11"),
        ("VIENNA", "26.1.6", "26.01.06", None),
        ("VIENNA", "260106", "26.01.06", None),
        ("VIENNA", "26.01.06", "26.01.06", None),
        ("VIENNA", "2601", "26.01", None),
        ("LOCARNO", "25.01", "25-01", None),
        ("LOCARNO", "06 - 01", "06-01", None),
        ("LOCARNO", "06-01", "06-01", None),
        ("LOCARNO", "6-1", "06-01", None),
        ("LOCARNO", "LOC (9) Cl. 14-02", "14-02", "9"),
        ("LOCARNO", "0601", "06-01", None),
    ],
)
def test_symbols_have_one_writing(scheme: str, raw: str, symbol: str, edition: str | None) -> None:
    found = normalise(scheme, raw)
    assert (found.symbol, found.edition, found.valid) == (symbol, edition, True)
    again = normalise(scheme, found.symbol)
    assert again.symbol == found.symbol
    assert again.valid


@pytest.mark.parametrize(
    ("scheme", "raw"),
    [("IPC", "nonsense"), ("NICE", "46"), ("NICE", "shoes"), ("VIENNA", "98.04"), ("LOCARNO", "99-01"), ("FTERM", "x")],
)
def test_symbols_of_another_shape_are_kept_and_marked(scheme: str, raw: str) -> None:
    found = normalise(scheme, raw)
    assert not found.valid
    assert found.symbol


def test_the_fixed_width_line_says_more_than_the_symbol() -> None:
    found = normalise("IPC", "H01M  10/0525      20100101AFI20110311BHEP")
    assert (found.first, found.inventive, found.office) == (True, True, "EP")


@pytest.mark.parametrize(
    ("scheme", "symbol", "expected"),
    [
        ("IPC", "H01M 10/0525", ("H", "H01", "H01M", "H01M 10", "H01M 10/0525")),
        ("IPC", "H01M", ("H", "H01", "H01M")),
        ("FI", "G06F 3/041 595", ("G", "G06", "G06F", "G06F 3", "G06F 3/041", "G06F 3/041 595")),
        ("FTERM", "5H029 AJ02", ("5H029", "5H029 AJ", "5H029 AJ02")),
        ("USPC", "2/21", ("2", "2/21")),
        ("NICE", "9", ("9",)),
        ("VIENNA", "26.01.06", ("26", "26.01", "26.01.06")),
        ("LOCARNO", "06-01", ("06", "06-01")),
        ("OWN", "K640", ("K640",)),
    ],
)
def test_levels_run_from_the_broadest_to_the_symbol(scheme: str, symbol: str, expected: tuple[str, ...]) -> None:
    assert levels(scheme, symbol) == expected


def test_names_of_schemes_and_editions() -> None:
    assert scheme_name("CPCI") == "CPC"
    assert scheme_name("ipcr") == "IPC"
    assert scheme_name("F-term") == "FTERM"
    assert edition_of("20060101") == "2006.01"
    assert edition_of("2006-01-01") == "2006.01"
    assert edition_of("07") == "7"
    assert edition_of("00000000") is None
    assert edition_of("") is None

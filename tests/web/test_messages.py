"""What the platform says comes from tables, under stable codes, and is said to each reader in that one's language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.web import catalogue
from api.web.language import LANGUAGES, tongue
from common.errors import Conflict, UsageError
from common.messages import Message, pieces, recognised, say, templates
from indexer.duplicates.rules import rules as duplicate_rules
from indexer.quality.rules import rule_template
from indexer.quality.rules import rules as quality_rules
from tests.web.site import Site

ROOT = Path(__file__).parents[2]
ROOMS = ("analyzers", "api", "cli", "common", "compose", "indexer", "mappings", "store")
PARAMETER = re.compile(r"\{[a-z_]+(?:!r)?\}")
OTHERS = [code for code in LANGUAGES if code != "en"]


def get(address: str, **asked: Any) -> httpx.Response:
    return httpx.get(address, timeout=60, **asked)


def names(text: str) -> set[str]:
    return {name for _, name, _ in pieces(text) if name}


def said() -> Iterator[tuple[str, set[str], str]]:
    """(code, names of parameters, place) of every call of `say` with its code written out."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "say":
                    continue
                given = {keyword.arg or "" for keyword in node.keywords}
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value:
                        yield part.value, given, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_message_that_is_said_is_in_a_table_with_its_parameters() -> None:
    found = list(said())
    assert len(found) > 50
    for code, given, place in found:
        wanted = set().union(*(t.names for name, t in templates().items() if name in (code, f"{code}.remedy")))
        assert code in templates(), f"{place}: {code}"
        assert given == wanted, f"{place}: {code}"


def test_every_message_of_a_table_is_said_somewhere() -> None:
    texts = "\n".join(path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    by_rule = {f"duplicates.{name}" for name in duplicate_rules()}
    codes = {code.removesuffix(".remedy") for code in templates()}
    assert by_rule <= codes
    by_rule |= {code for code in codes if code.startswith("validation.")}  # by pydantic's names
    unused = [code for code in codes - by_rule if f'"{code}"' not in texts and f"'{code}'" not in texts]
    assert unused == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_with_the_same_parameters(language: str) -> None:
    held = catalogue.read(language)
    for code, template in templates().items():
        entry = held.get(template.text)
        assert entry is not None, code
        assert entry.string, code
        assert names(str(entry.string)) == template.names, code


@pytest.mark.parametrize("value", ["battery", "it's 5, y", "<b>\u202e", "", "a 'b' c."])
def test_a_message_that_was_kept_as_text_is_known_again(value: str) -> None:
    for code, template in templates().items():
        if not re.search("[a-z]", PARAMETER.sub("", template.text)):
            continue  # a field and its fault, which nobody keeps
        made = template.fill(dict.fromkeys(template.names, value))
        found = recognised(str(made))
        assert found, code
        assert "".join(found) == made
        assert templates()[found[0].code].text.replace("!r", "") == template.text.replace("!r", ""), code
        if len(template.names) <= 1:
            assert dict(found[0].params) == dict(made.params), code


def test_a_message_and_its_remedy_in_one_text_are_known_apart() -> None:
    kept = str(UsageError(say("query.bracket-open", character=7)))
    assert [part.code for part in recognised(kept)] == ["query.bracket-open", "query.bracket-open.remedy"]
    assert recognised("What an office wrote itself") == ()
    assert len(recognised("There is no field '" + "' in it is no field '" * 3_000)) <= 1


def test_what_no_table_has_is_shown_as_it_is_and_marked_as_english() -> None:
    assert tongue("ja").tell("Old <words>") == '<bdi lang="en" dir="ltr" class="untold">Old &lt;words&gt;</bdi>'
    assert tongue("en").tell("Old <words>") == "Old &lt;words&gt;"
    assert tongue("ja").tell("") == ""


def test_parameters_are_isolated_escaped_and_written_as_the_language_writes_them() -> None:
    told = tongue("ar").tell(say("query.field-unknown", field="<script>"))
    assert '<bdi dir="auto">&lt;script&gt;</bdi>' in told
    assert "<script>" not in told
    plain = tongue("ar").tell_plainly(say("query.field-unknown", field="a<b"))
    assert "\u2068a<b\u2069" in plain
    assert "8.000" in tongue("de").tell_plainly(say("query.too-long", length=9_000, most=8_000))
    assert "\u3001" in tongue("ja").tell_plainly(say("query.facet-unknown", name="x", facets=["a", "b"]).remedy)


def test_names_that_can_be_typed_stay_as_they_are_typed() -> None:
    arabic = tongue("ar")
    assert arabic.translations.gettext("related") != "related"  # a judgement of two records, on the pages
    known = arabic.tell_plainly(say("query.fields-known", fields=["related", "title"]))
    assert "\u2068related\u2069" in known
    assert "\u2068title\u2069" in known


def test_an_error_brings_the_remedy_of_its_message_and_is_english_text() -> None:
    error = Conflict(say("query.bracket-open", character=3))
    assert isinstance(error.message, Message)
    assert str(error) == "The bracket at character 3 is never closed. Close it, or take it away."


def test_sentences_one_after_the_other_are_told_one_after_the_other() -> None:
    kept = (
        "One office, one number XA0000700, one kind A1, one publication date 2019-01-01. Both stand in one collection."
        " It may be the same record."
    )
    codes = [part.code for part in recognised(kept)]
    assert codes == ["duplicates.same-publication", "duplicates.in-one-collection", "duplicates.maybe-the-same"]
    told = tongue("ar").tell(kept)
    assert '<bdi dir="auto">XA0000700</bdi>' in told
    assert "untold" not in told
    signs = say("duplicates.same-mark-application", number="7", evidence=say("duplicates.sign-agrees"))
    assert tongue("ja").say("the sign agrees") in tongue("ja").tell(str(signs))


SCRIPTS = {"ar": r"[\u0600-\u06ff]", "ja": r"[\u3040-\u30ff\u4e00-\u9fff]"}


@pytest.mark.parametrize("language", SCRIPTS)
def test_why_two_records_meet_is_told_in_the_reader_s_language(site: Site, language: str) -> None:
    headers = {"accept-language": language, "authorization": f"Bearer {site.key('quality')}"}
    pairs = get(f"{site.url}/v1/duplicates?size=100", headers=headers).json()["pairs"]
    met = next(pair for pair in pairs if pair.get("reason"))
    page = get(f"{site.url}/duplicates/pair", params={"a": met["a"], "b": met["b"]}, headers=headers).text
    why = re.search(rf'<p class="note">{tongue(language).say("Why they meet")}: (.*?)</p>', page, re.DOTALL)
    assert why
    assert re.search(SCRIPTS[language], why[1])
    assert "untold" not in why[1]


@pytest.mark.parametrize("language", SCRIPTS)
def test_findings_are_told_in_the_reader_s_language(site: Site, language: str) -> None:
    headers = {"accept-language": language, "authorization": f"Bearer {site.key('quality')}"}
    record = f"{site.url}/records/XA.patent.XA0000101.A1?tab=sources"
    rejects = f"{site.url}/deliveries/{site.delivery}"
    for address in (record, f"{site.url}/quality/findings", rejects, f"{rejects}/rejects/1"):
        page = get(address, headers=headers).text
        assert "untold" not in page
    assert (
        tongue(language).say("The language of the text could not be told.")
        in get(f"{site.url}/quality/findings", headers=headers).text
    )
    fault = re.search(r'<p class="fault">(.*?)</p>', page)
    assert fault
    assert re.search(SCRIPTS[language], fault[1])
    assert '<bdi dir="auto">4</bdi>' in fault[1]


@pytest.mark.parametrize("language", OTHERS)
def test_every_finding_says_its_values_in_every_language(language: str) -> None:
    says = tongue(language)
    for name in quality_rules():
        found = rule_template(name)
        assert found is not None
        made = found.fill({key: "inventor" if key == "role" else f"5-{key}" for key in found.names})
        told = says.finding(name, str(made))
        for key in found.names - {"role"}:
            assert f"5-{key}" in told, name
        assert names(says.translations.gettext(found.text)) == found.names, name
        assert says.translations.gettext(found.text) != found.text or not re.search(
            "[a-z]", PARAMETER.sub("", found.text)
        )
    assert "<script>" not in says.finding("date-impossible", "'<script>' is no day of the calendar.")
    assert "untold" in says.finding("date-impossible", "What an earlier release said.")


@pytest.mark.parametrize("language", SCRIPTS)
def test_why_goods_are_alike_is_told_in_the_reader_s_language(site: Site, language: str) -> None:
    page = get(f"{site.url}/similar", params={"mark": "AOSORA", "nice": "9"}, headers={"accept-language": language})
    assert page.status_code == 200
    notes = re.findall(r'class="likeness">.*?</ul>', page.text, re.DOTALL)
    assert notes
    assert all(tongue(language).say("same class") in note for note in notes)
    assert "untold" not in page.text


@pytest.mark.parametrize("language", SCRIPTS)
def test_faults_of_forms_and_of_values_are_told_in_the_reader_s_language(site: Site, language: str) -> None:
    headers = {"accept-language": language, "authorization": f"Bearer {site.key('agent')}"}
    page = get(f"{site.url}/office/audit", params={"from": "soon"}, headers=headers)
    gaps = get(f"{site.url}/quality/coverage/XA1", headers=headers)
    assert gaps.status_code == 400
    assert tongue(language).say("An office is named by the two letters of ST.3.") in gaps.text
    assert "untold" not in page.text + gaps.text
    steward = {**headers, "authorization": f"Bearer {site.key('steward')}"}
    step = httpx.post(f"{site.url}/v1/exchange/certificates", json={"certificate": "none"}, headers=steward, timeout=60)
    assert re.search(SCRIPTS[language], step.text)
    wrong = get(f"{site.url}/v1/search", params={"size": "many"}, headers=headers).json()
    assert wrong["errors"][0]["code"] == "validation.int-parsing"
    assert wrong["errors"][0]["what"] == tongue(language).say("It is no whole number.")
    english = get(f"{site.url}/v1/search", params={"size": "many"}).json()
    assert english["errors"][0]["what"].startswith("Input should be a valid integer")


def test_states_are_told_in_words() -> None:
    told = tongue("ja").tell(Conflict(say("jobs.settled", state="done")))
    assert tongue("ja").word("job", "done") in told
    kept = tongue("ja").tell(str(Conflict(say("exchange.agreement-is", state="active"))))
    assert tongue("ja").word("agreement", "active") in kept
    assert "untold" not in kept


def test_no_page_marks_a_text_of_ours_as_english() -> None:
    pages = sorted((ROOT / "api/web/templates").glob("*.html"))
    assert [path.name for path in pages if 'lang="en"' in path.read_text("utf-8")] == []


QUERIES = {
    "title:(battery": ("query.bracket-open", "7"),
    "titel:battery": ("query.field-unknown", "titel"),
    "published:[2020 TO 2010]": ("query.range-reversed", "2010"),
    "*ttery": ("query.wildcard-first", "*ttery"),
}


@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize("query", QUERIES)
def test_a_fault_in_a_query_is_told_in_the_reader_s_language(site: Site, language: str, query: str) -> None:
    code, shown = QUERIES[query]
    headers = {"accept-language": language}
    answer = get(site.url, params={"q": query}, headers=headers)
    assert answer.status_code == 400
    fault = re.search(r'role="alert">(.*?)</div>', answer.text, re.DOTALL)
    assert fault
    words = unescape(re.sub(r"<[^>]+>", "", fault[1]))
    translated = tongue(language).translations.gettext(templates()[code].text)
    for literal, _, _ in pieces(translated):
        assert literal in words
    assert shown in words
    assert 'lang="en"' not in fault[1]
    problem = get(f"{site.url}/v1/search", params={"q": query}, headers=headers)
    assert problem.headers["content-language"] == language
    assert problem.json()["code"] == code
    assert re.search(SCRIPTS[language], problem.json()["detail"])
    english = get(f"{site.url}/v1/search", params={"q": query}).json()
    assert english["params"] == problem.json()["params"]
    assert english["detail"] == str(say(code, **english["params"]))


@pytest.mark.parametrize("language", SCRIPTS)
def test_what_a_query_means_is_told_in_the_reader_s_language(site: Site, language: str) -> None:
    """By the page and by the API; every word of the sentence but those of the query."""
    asked = {"q": 'PAF:(acme OR "a<b>") AND DP:[01.01.2015 TO 31.12.2020]', "dialect": "patentscope"}
    headers = {"accept-language": language}
    told = httpx.post(f"{site.url}/v1/search/parse", json=asked, headers=headers, timeout=60).json()
    page = get(site.url, params=asked, headers=headers).text
    shown = re.findall(r'<p class="read-back">(.*?)</p>', page, re.DOTALL)
    plain = [unescape(re.sub(r"<[^>]+>", "", one)).translate(ISOLATES) for one in shown]
    assert [f"{tongue(language).say('Read as')} {told['reading']}".translate(ISOLATES), *told["notes"]] == [
        plain[0],
        *told["notes"],
    ]
    assert [note.translate(ISOLATES) for note in told["notes"]] == plain[1:]
    (note,) = told["notes"]
    for text in (told["reading"], note):
        assert re.search(SCRIPTS[language], text)
        assert not set(re.findall("[A-Za-z]+", text)) - {"acme", "a", "b", "PAF"}, text
    assert "<b>" in told["reading"]
    assert ("\u2068" in told["reading"]) == (language == "ar")
    wrong = httpx.post(f"{site.url}/v1/search/parse", json={"q": "titel:x"}, headers=headers, timeout=60).json()
    assert re.search(SCRIPTS[language], wrong["errors"][0]["message"])
    assert re.search(SCRIPTS[language], wrong["errors"][0]["remedy"])


ISOLATES = dict.fromkeys(map(ord, "\u2068\u2069"))


@pytest.mark.parametrize("language", SCRIPTS)
def test_what_any_request_may_be_told_is_in_the_reader_s_language(site: Site, language: str) -> None:
    """Refusals say why in one word for programs, and in words for people."""
    asked = {
        "api.nothing-here": ("/v1/records/none", {}),
        "api.unidentified": ("/v1/search", {"authorization": "Bearer wrong"}),
        "api.denied": ("/v1/platform/usage", {"authorization": f"Bearer {site.key('examiner')}"}),
        "api.shape": ("/v1/search?size=many", {}),
    }
    for code, (path, headers) in asked.items():
        answer = get(f"{site.url}{path}", headers={**headers, "accept-language": language})
        told = answer.json()
        assert (told["code"], answer.headers["content-language"]) == (code, language), path
        assert told["detail"] == tongue(language).tell_plainly(say(code, **told["params"]))
        assert re.search(SCRIPTS[language], told["detail"])

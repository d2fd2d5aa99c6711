"""Why a hit is there, in the reader's words: each reason once, with the word of the query that it stands for."""

from __future__ import annotations

import re

from api.search.engine import fields_of
from api.search.service import Why
from api.web.language import tongue
from api.web.summary import Question, marked, reasons, told

ARABIC = "\u0628\u0637\u0627\u0631\u064a\u0629"
"""Battery, as a reader writes it; the term bank knows it with another last letter."""
FOLDED = "\u0628\u0637\u0627\u0631\u064a\u0647"
KOREAN = "\ubc30\ud130\ub9ac"


def plain(found: list[Why], language: str, question: Question) -> list[str]:
    return [re.sub(r"<[^>]+>", "", sentence) for sentence in reasons(told(found), tongue(language), question)]


def test_a_translation_is_told_once_with_the_word_that_the_reader_wrote() -> None:
    found = [
        Why("term", field="abstract", language="ko", words=[KOREAN]),
        Why("term", field="title", language="ko", words=[KOREAN]),
        Why("expansion", field="abstract", language="ko", words=[KOREAN], source=FOLDED),
        Why("expansion", field="title", language="ko", words=[KOREAN], source=FOLDED),
        Why("expansion", field="title", language="en", words=["battery"], source=FOLDED),
        Why("vector", rank=4),
    ]
    question = Question(ARABIC, "ar")
    assert plain(found, "en", question) == [
        f"Title, Abstract (Korean): {KOREAN} – translation of {ARABIC}",
        f"Title (English): battery – translation of {ARABIC}",
        "close in meaning (no. 4)",
    ]
    assert f"{KOREAN} – \u062a\u0631\u062c\u0645\u0629 {ARABIC}" in plain(found, "ar", question)[0]


def test_one_s_own_word_stands_for_nothing_and_a_synonym_is_no_translation() -> None:
    found = [
        Why("term", field="title", language="ar", words=[ARABIC]),
        Why("expansion", field="title", language="ar", words=[ARABIC], source=FOLDED),
        Why("expansion", field="claims", language="ar", words=["\u0645\u0631\u0643\u0645"], source=FOLDED),
    ]
    assert plain(found, "en", Question(ARABIC, "ar")) == [
        f"Title (Arabic): {ARABIC}",
        f"Claims (Arabic): \u0645\u0631\u0643\u0645 – other words for {ARABIC}",
    ]


def test_forms_and_parts_of_a_term_are_no_reasons_of_their_own() -> None:
    found = [
        Why("term", field="title", language="en", words=["batteries", "electric", "vehicle", "cooled"]),
        Why("expansion", field="title", language="en", words=["battery"], source=FOLDED),
        Why("expansion", field="title", language="en", words=["electric vehicle"], source="x"),
    ]
    assert "Title (English): cooled" in plain(found, "en", Question("", "ar"))


def test_a_field_and_its_twin_are_one_reason() -> None:
    highlights = {"title.ko": [f"<em>{KOREAN}</em>"], "title.ko.exact": [f"<em>{KOREAN}</em> x"]}
    assert fields_of(highlights) == [("title", "ko", [KOREAN])]


def test_marked_text_is_read_as_the_engine_writes_it() -> None:
    fragment = "a vehicle&#x27;s <em>R&amp;D</em> &lt;script&gt;"
    assert marked(fragment) == "a vehicle&#39;s <mark>R&amp;D</mark> &lt;script&gt;"

"""Each dialect in its own words: what a query means, and what is said about one that means nothing."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from api.search.query import (
    All,
    DialectName,
    Everything,
    Near,
    Node,
    Present,
    Some,
    Span,
    Weighted,
    Without,
    Words,
    dialect,
    names,
    parse,
    read,
    tell,
    write,
)
from tests.platforms import ALL_GROUPS, Platform, make_record

PATENTSCOPE = (
    "EN_TI JA_AB DE_CL FR_DE EN_ALL ZH_ALLTXT FP ALLNAMES ALLNUM CHEM PA PAA PAF AAD AADC ANA ARE IN INA INF IADC RP "
    "RPA RPF RAD RCN AN AD PN WO GN DP NP PD PI PCN PRIORPCTAN PRIORPCTWO IC IC_EX ICF ICI ICN CPC CPC_EX OF CTR DS "
    "LGF LGP ISA ISR IPE SIS TPO LI NPA NPAN NPCC NPED NPET"
)
ESPACENET = "ti ab ta txt in pa ia pn ap pr num pd ct cpc cpcc ipc cl ftxt desc claims"

a, b, c = Words("a"), Words("b"), Words("c")
a_title, b_title = Words("a", "title"), Words("b", "title")
a_german, b_german = Words("a", "title", language="de"), Words("b", "title", language="de")
symbol = "H01M10/05"


@pytest.mark.parametrize(
    ("spoken", "text", "tree"),
    [
        ("concord", "a XOR b", Some((All((a, Without(b))), All((b, Without(a)))))),
        ("concord", "a ANDNOT b", All((a, Without(b)))),
        ("concord", "a NEAR/3 b", Near((a, b), 3)),
        ("concord", "a BEFORE/3 (b OR c)", Near((a, Some((b, c))), 3, ordered=True)),
        ("concord", "title.de:(a NEAR/0 b)", Near((a_german, b_german), 0)),
        ("concord", "(a b)^2.5 OR c", Some((Weighted(All((a, b)), 2.5), c))),
        ("concord", "colour~1", Words("colour", fuzzy=1)),
        ("concord", "exists:abstract", Present("abstract")),
        ("concord", "abstract:*", Present("abstract")),
        ("concord", 'ipc:="H01M 10/05"', Words("H01M 10/05", "ipc", exactly=True)),
        ("concord", "assignee:acme", Words("acme", "owner")),
        ("concord", "published:{2019 TO 31.03.2020]", Span("published", "2019", "2020-03-31", include_low=False)),
        ("concord", r"a\:b \AND c\*", All((Words("a:b"), Words("AND"), Words("c*")))),
        ("concord", "«a b» “c”", All((Words("a b", phrase=True), Words("c", phrase=True)))),
        ("concord", "number:(EP 1 234 567)", Words("EP 1 234 567", "number")),
        ("patentscope", "DE_TI:(a AND b) ANDNOT c", All((All((a_german, b_german)), Without(c)))),
        ("patentscope", "IC/F25B", Words("F25B", "ipc")),
        ("patentscope", "IC_EX:F25B", Words("F25B", "ipc", exactly=True)),
        ("patentscope", "PD:2015", Span("earliest", "2015", "2015")),
        ("patentscope", "DP:[01.01.2015 TO *]", Span("published", "2015-01-01", None)),
        ("patentscope", "PCN:DE", Words("DE*", "priority", wildcard=True)),
        ("patentscope", "a NEAR b", Near((a, b), 5)),
        ("patentscope", "a BEFORE2 b", Near((a, b), 2, ordered=True)),
        ("patentscope", "ALLNUM:EP1", Some((Words("EP1", "number"), Words("EP1", "priority")))),
        ("espacenet", "a and b or c", Some((All((a, b)), c))),
        ("espacenet", "a or b and c", All((Some((a, b)), c))),
        ("espacenet", "a not b", All((a, Without(b)))),
        ("espacenet", "cql.allRecords=1 not a", Without(a)),
        ("espacenet", "ti=a AND pd=2015", All((a_title, Span("published", "2015", "2015")))),
        ("espacenet", 'ti="a b"', Words("a b", "title", phrase=True)),
        ("espacenet", 'ti all "a b"', All((a_title, b_title))),
        ("espacenet", 'ti any "a b"', Some((a_title, b_title))),
        ("espacenet", "ti=(a or b)", Some((a_title, b_title))),
        ("espacenet", "ti==a", Words("a", "title", phrase=True)),
        ("espacenet", 'pd within "2015, 2020"', Span("published", "2015", "2020")),
        ("espacenet", "pd>=20150301", Span("published", "2015-03-01", None)),
        ("espacenet", "a prox/distance<=3 b", Near((a, b), 2)),
        ("espacenet", "a prox/distance<3/ordered b", Near((a, b), 1, ordered=True)),
        (
            "espacenet",
            f"cl={symbol}/exact",
            Some((Words(symbol, "ipc", exactly=True), Words(symbol, "cpc", exactly=True))),
        ),
        ("espacenet", "ipc=H01M/low", Words("H01M", "ipc")),
        ("espacenet", "colo?r", Some((Words("color"), Words("colo?r", wildcard=True)))),
        ("espacenet", "ab=*", Present("abstract")),
        ("espacenet", "", Everything()),
    ],
)  # fmt: skip
def test_trees(spoken: DialectName, text: str, tree: Node) -> None:
    assert parse(text, spoken) == tree
    assert parse(write(tree), "concord") == tree


@pytest.mark.parametrize("code", PATENTSCOPE.split())
def test_every_field_code_of_patentscope_is_known(code: str) -> None:
    """It is searched, or refused with the reason; never taken for a word."""
    reading = read(f"{code}:2015", "patentscope")
    assert all("cannot be searched here" in fault.message for fault in reading.faults)
    assert reading.tree is not None or reading.faults[0].remedy


@pytest.mark.parametrize("index", ESPACENET.split())
def test_every_index_of_espacenet_is_known(index: str) -> None:
    reading = read(f"{index}=2015", "espacenet")
    assert all("cannot be searched here" in fault.message for fault in reading.faults)


def test_tables_name_only_fields_that_there_are() -> None:
    for spoken in ("concord", "patentscope", "espacenet"):
        table = dialect(spoken)
        meant = {name for alias in table.fields.values() for name in alias.fields} | set(table.texts.values())
        assert [name for name in meant if name not in names()] == []
    assert set(names().said) == set(names().all())


@pytest.mark.parametrize(
    ("spoken", "text", "position", "length", "says", "suggestion"),
    [
        ("concord", "applicnt:acme", 0, 8, "no field", "applicant"),
        ("concord", "x pd:2015", 2, 2, "no field", "earliest"),
        ("concord", "EN_TI:x", 0, 5, "no field", "title.en"),
        ("patentscope", "a CHEM:x", 2, 4, "cannot be searched", None),
        ("patentscope", "EN_TO:x", 0, 5, "no field", "EN_TI"),
        ("espacenet", "tii=x", 0, 3, "no field", "ti"),
        ("concord", "*foo", 0, 4, "begins with a wildcard", None),
        ("concord", "f*", 0, 2, "nearly everything", None),
        ("concord", "fo*o*o*o*o*", 0, 11, "wildcards", None),
        ("concord", " ".join(f"word{n}*" for n in range(30)), 150, 7, "wildcards", None),
        ("concord", "title:/(a+)+$/ b", 6, 8, "Regular expressions", None),
        ("concord", "a\0b", 1, 1, "U+0000", None),
        ("concord", "ab \u202ecd", 3, 1, "right-to-left override", None),
        ("concord", "x OR " * 10_000 + "x", 8_000, 42_001, "characters", None),
        ("concord", "x " * 3_000, 400, 1, "terms", None),
        ("concord", "(" * 3_000, 20, 1, "deep", None),
        ("concord", "NOT " * 1_000 + "x", 80, 3, "deep", None),
        ("concord", "((a)", 0, 1, "never closed", None),
        ("concord", "a OR OR b", 5, 2, "where a term", None),
        ("concord", "title:(a NEAR/2 bcd*)", 9, 1, "can be near", None),
        ("concord", "title:a NEAR/2 abstract:b", 8, 1, "different fields", None),
        ("concord", "ipc:H01M~1", 4, 6, "no meaning", None),
        ("concord", "published:[2020 TO 2019]", 10, 14, "before it begins", None),
        ("espacenet", "(a", 0, 1, "never closed", None),
        ("espacenet", "a and", 5, 1, "ends where", None),
        ("espacenet", 'ti="a', 3, 1, "no partner", None),
        ("espacenet", "a prox/unit=sentence b", 2, 18, "not told apart", None),
        ("espacenet", "ti within x", 10, 1, "two dates", None),
    ],
)
def test_faults_have_a_place_and_a_remedy(
    spoken: DialectName, text: str, position: int, length: int, says: str, suggestion: str | None
) -> None:
    fault = read(text, spoken).faults[0]
    assert says in fault.message
    assert (fault.position, fault.length, fault.suggestion) == (position, length, suggestion)
    assert fault.remedy


def test_all_faults_are_told_at_once() -> None:
    faults = read("applicnt:x AND *y AND published:soon").faults
    assert [fault.position for fault in faults] == [0, 15, 32]


def test_marks_of_direction_that_were_copied_along_do_no_harm() -> None:
    assert parse("\u202bخلية\u202c شمسية") == All((Words("خلية"), Words("شمسية")))


@pytest.mark.parametrize(
    ("spoken", "text", "reading"),
    [
        (
            "patentscope",
            "EN_TI:(heat pump) AND IC:F25B AND DP:[2015 TO 2024]",
            "Title contains “heat” and “pump” in English, and IPC class F25B or below, and published 2015–2024",
        ),
        ("concord", "a OR b -c*", None),
        ("concord", 'applicant:"acme" NOT office:EP', "Applicant is exactly “acme”, but not office is EP"),
        ("espacenet", "pd<2015", "Published before 2015"),
    ],
)
def test_a_query_is_read_out(spoken: DialectName, text: str, reading: str | None) -> None:
    if reading is None:
        assert tell(parse("a OR b")) == "Any text contains “a” or “b”"
    else:
        assert tell(parse(text, spoken)) == reading


# ------------------------------------------------------------------------------------------------------------- the API


@pytest.mark.asyncio(loop_scope="session")
async def test_parse_tells_tree_reading_and_other_dialects(platform: Platform) -> None:
    async with platform.client() as client:
        answer = await client.post(
            "/v1/search/parse", json={"q": "EN_TI:battery AND PAF:acme", "dialect": "patentscope"}
        )
        faulty = await client.post("/v1/search/parse", json={"q": "applicnt:x *y"})
    told = answer.json()
    assert answer.status_code == 200
    assert told["tree"]["parts"][0] == {
        "type": "words", "text": "battery", "field": "title", "language": "en", "position": 6, "length": 7,
    }  # fmt: skip
    assert told["dialects"] == {
        "concord": "title.en:battery AND applicant:acme",
        "patentscope": "EN_TI:battery AND PA:acme",
        "espacenet": None,
    }
    assert told["notes"] == ["PAF means here: every applicant: which one is the main one is not held apart."]
    assert (told["errors"], faulty.status_code, faulty.json()["tree"]) == ([], 200, None)
    assert [(e["position"], e["suggestion"]) for e in faulty.json()["errors"]] == [(0, "applicant"), (11, None)]


BAD = ["(a", "x OR " * 10_000, "*a", "/(a+)+$/", "nosuch:a", "a\0b", "a\u202eb", "a AND"]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("text", BAD)
async def test_bad_input_is_refused_before_the_engine_is_asked(platform: Platform, text: str) -> None:
    asked: list[str] = []
    engine = platform.services.engine
    calls = engine._calls
    engine._calls = lambda operation: asked.append(operation) or calls(operation)  # type: ignore[func-returns-value]
    try:
        async with platform.client() as client:
            answer = await client.post("/v1/search", json={"q": text, "facets": []})
    finally:
        engine._calls = calls
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"], asked) == (400, "application/problem+json", [])
    assert isinstance(problem["position"], int)
    assert problem["remedy"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_search_that_takes_too_long_is_given_up_by_the_engine(platform: Platform) -> None:
    """The engine itself stops; no part of a result is shown as if it were the whole."""
    draw = random.Random(1)
    claims = [" ".join(draw.choices(("aab", "bbc", "ccd", "dda"), k=40_000)) for _ in range(40)]
    heavy = [
        make_record("QA", 9_000 + number, "Long claims", claims=text, collection="heavy")
        for number, text in enumerate(claims)
    ]
    platform.policy("qa-patent-heavy", "content", groups=ALL_GROUPS)
    await platform.index(heavy)
    engine = platform.services.engine
    # The engine's clock goes in steps of 200 ms; this takes several of them.
    allowed = engine.limit_s
    words = " ".join(word for word in ("aab", "bbc", "ccd", "dda") for _ in range(4))
    asked = {"q": f'claims.en:"{words}"~1', "size": 1, "facets": []}
    engine.limit_s = 0.05
    try:
        async with platform.client() as client:
            answers = [await client.post("/v1/search", json={**asked, "mode": mode}) for mode in ("keyword", "hybrid")]
            page = await client.get("/", params={"q": asked["q"]})
    finally:
        engine.limit_s = allowed
        await platform.remove(heavy)
    for answer in answers:
        problem = answer.json()
        assert (answer.status_code, problem["reason"]) == (503, "time"), problem
        assert "nothing is shown" in problem["detail"]
        assert "Narrow it" in problem["remedy"]
    assert page.status_code == 503
    assert "Narrow it" in page.text


@pytest.mark.asyncio(loop_scope="session")
async def test_every_search_tells_the_engine_when_to_stop(platform: Platform) -> None:
    sent: list[tuple[str, Any, Any]] = []
    transport: Any = platform.services.engine.client.transport
    send = transport.perform_request

    async def noting(method: str, path: str, **given: Any) -> Any:
        sent.append((path, given.get("body"), given.get("params")))
        return await send(method, path, **given)

    transport.perform_request = noting
    try:
        async with platform.client() as client:
            await client.get("/v1/search?q=heat+pump&facets=office&office=GB&size=2")
            cursor = (await client.get("/v1/search?q=AB:*&dialect=patentscope&size=2")).json()["cursor"]
            await client.get("/v1/search", params={"cursor": cursor})
            await client.get("/v1/suggest?q=heat")
            await client.get("/v1/analyse?q=heat")
            await client.get("/v1/marks/similar?mark=kola")
            await client.post("/v1/search/similar", json={"text": "heat pump"})
            await client.get("/v1/records/GB.patent.GB2500001.A")
    finally:
        del transport.perform_request
    searches = [(path, body, params) for path, body, params in sent if path.endswith(("_search", "_msearch"))]
    assert len(searches) > 8
    for path, body, params in searches:
        lines = [orjson.loads(line) for line in body.splitlines()] if isinstance(body, bytes) else [params, body]
        for options, query in zip(lines[::2], lines[1::2], strict=True):
            assert options["cancel_after_time_interval"].endswith("ms"), path
            assert options["allow_partial_search_results"] in (False, "false")
            assert query["timeout"] == "30000ms"


@pytest.mark.asyncio(loop_scope="session")
async def test_the_next_page_is_in_the_dialect_of_the_first(platform: Platform) -> None:
    async with platform.client() as client:
        first = await client.get(
            "/v1/search", params={"q": "AB:*", "dialect": "patentscope", "size": 3, "facets": "right"}
        )
        second = await client.get("/v1/search", params={"cursor": first.json()["cursor"]})
    shown = [hit["id"] for answer in (first, second) for hit in answer.json()["hits"]]
    assert first.status_code == second.status_code == 200
    assert len(set(shown)) == 6

"""For random policies, agreements and queries, a caller gets what a naive filter over all records would give: as hits,
totals, facets, pages by cursor, suggestions, charts and files."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from api.access.agreements import Limits, Terms
from api.access.model import Caller, Group, Role, Tier, role_rules
from api.access.scope import Scope
from api.access.scopes import AgreementRules, CollectionRules, decide
from api.dependencies import Access, Credentials, Identity
from api.exports.job import given as given_out
from api.search import query
from api.search.analyse import analyse
from api.search.engine import Position, SearchRequest
from api.search.facets import facet_fields
from api.search.service import Search, search
from api.search.suggest import Kind, suggest
from indexer.record import Record, Right
from tests.platforms import Platform, make_record, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROVIDERS = ("XA", "XB", "XC", "XD")
OFFICES = ("QM", "QN", "QO")
WORDS = ("borvek", "tulmik", "zarpon")
CLAIMED = ("glimtok", "vexrud")
CLASSES = ("H01M 10/0525", "H01M 4/13", "A01B 1/00", "G06F 3/01")
TODAY = dt.date(2020, 6, 15)
NOW = dt.datetime(2020, 6, 15, 12, tzinfo=dt.UTC)
COLLECTIONS = {f"{provider.lower()}-{right}-x": provider for provider in PROVIDERS for right in ("patent", "design")}


def corpus() -> list[Record]:
    made = []
    for position in range(240):
        provider = PROVIDERS[position % 4]
        made.append(
            make_record(
                provider,
                position,
                f"{WORDS[position % 3]} {WORDS[position // 7 % 3]}",
                claims=CLAIMED[position // 5 % 2],
                right=(Right.PATENT, Right.DESIGN)[position // 4 % 2],
                office=(*OFFICES, provider)[position // 3 % 4],
                published=None if position % 17 == 0 else dt.date(2019, 1, 1) + dt.timedelta(days=position * 7 % 800),
                unpublished=position % 13 == 0,
                ipc=CLASSES[position // 2 % 4],
                status=("active", "terminated")[position // 11 % 2],
            )
        )
    return made


RECORDS = corpus()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with running(*engines, tmp_path_factory.mktemp("property")) as started:
        await started.index(RECORDS)
        yield started


groups = st.frozensets(st.sampled_from([Group.FULL_TEXT, Group.LEGAL_STATUS, Group.UNPUBLISHED]))
formats = st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"csv"}), frozenset({"st96"})])
days = st.dates(dt.date(2019, 1, 1), dt.date(2021, 3, 1))


limits = st.just(Limits()) | st.builds(
    Limits,
    tier=st.sampled_from(["none", "existence", "metadata", "content"]),
    groups=st.none() | groups.map(tuple),
    purposes=st.sampled_from([None, (), ("examination",), ("statistics",)]),
)


@st.composite
def collection_rules(draw: st.DrawFn) -> tuple[CollectionRules, ...]:
    found = []
    for name, provider in COLLECTIONS.items():
        tier = draw(st.sampled_from(list(Tier)))
        embargo = draw(st.sampled_from(["none", "none", "publication", "fixed"]))
        found.append(
            CollectionRules(
                name,
                provider,
                name.split("-")[1],
                tier,
                draw(groups) if tier is Tier.CONTENT else frozenset(),
                embargo,
                draw(st.sampled_from([0, 90])),
                draw(days) if embargo == "fixed" else None,
                draw(st.sampled_from([frozenset(), frozenset({"examination"}), frozenset({"statistics"})])),
                draw(st.sampled_from([frozenset(), frozenset({"QM"}), frozenset({"QN"})])),
                formats=draw(formats),
                limits=draw(limits),
            )
        )
    return tuple(found)


@st.composite
def agreement_rules(draw: st.DrawFn) -> tuple[AgreementRules, ...]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        provider = draw(st.sampled_from(PROVIDERS))
        own = [name for name, owner in COLLECTIONS.items() if owner == provider]
        tier = draw(st.sampled_from(["existence", "metadata", "content", "content"]))
        start, end = sorted((draw(days), draw(days)))
        dated = draw(st.booleans())
        terms = Terms(
            collections=tuple(draw(st.lists(st.sampled_from(own), unique=True, max_size=2))),
            rights=draw(st.sampled_from([(), ("patent",), ("design",)])),
            offices=draw(st.sampled_from([(), ("QM",), ("QN", "QO")])),
            published_from=start if dated else None,
            published_to=end if dated else None,
            classes=draw(st.sampled_from([(), ("ipc:H01M",), ("ipc:A01B", "ipc:G06F 3/01")])),
            tier=tier,
            groups=tuple(draw(groups)) if tier == "content" else (),
            purposes=draw(st.sampled_from([(), ("examination",), ("statistics",)])),
            formats=tuple(draw(formats)),
            roles=draw(st.sampled_from([(), (Role.EXAMINER,), (Role.DATA_QUALITY,)])),
            valid_until=draw(st.sampled_from([None, dt.date(2020, 6, 14), dt.date(2020, 6, 15)])),
        )
        found.append(AgreementRules(number + 1, provider, draw(st.sampled_from(["QM", "QN"])), terms))
    return tuple(found)


callers = st.sampled_from(
    [
        ("QM", Role.EXAMINER),
        ("QM", Role.DATA_QUALITY),
        ("QN", Role.EXAMINER),
        ("XA", Role.EXAMINER),
        (None, Role.PUBLIC),
    ]
)
queries = st.sampled_from(
    [
        ("", lambda r, g: True),
        ("borvek", lambda r, g: "bib" in g and "borvek" in r.texts[0].text),
        ("borvek tulmik", lambda r, g: "bib" in g and {"borvek", "tulmik"} <= set(r.texts[0].text.split())),
        ("glimtok", lambda r, g: "full" in g and r.texts[1].text == "glimtok"),
        (
            "borvek OR vexrud",
            lambda r, g: "bib" in g and ("borvek" in r.texts[0].text or ("full" in g and r.texts[1].text == "vexrud")),
        ),
        ("NOT glimtok", lambda r, g: not ("full" in g and r.texts[1].text == "glimtok")),
        ("status:active", lambda r, g: "legal" in g and r.status.state == "active"),
        ("NOT status:active", lambda r, g: not ("legal" in g and r.status.state == "active")),
        ("ipc:H01M", lambda r, g: "bib" in g and r.classifications[0].symbol.startswith("H01M")),
        ("office:QM", lambda r, g: r.office == "QM"),
        ("office:QM glimtok", lambda r, g: r.office == "QM" and "full" in g and r.texts[1].text == "glimtok"),
        ("published:2019", lambda r, g: "bib" in g and bool(r.dates) and r.dates[0].date.year == 2019),
        ("number:XB0000001", lambda r, g: r.numbers[0].canonical == "XB0000001"),
        ("glim*", lambda r, g: "full" in g and r.texts[1].text == "glimtok"),
    ]
)


def naive(
    record: Record,
    office: str | None,
    role: Role,
    purpose: str,
    rules: tuple[CollectionRules, ...],
    agreements: tuple[AgreementRules, ...],
    format: str | None = None,
) -> set[str] | None:
    """Field groups that a caller reads of a record, from the rules in words; None: it may not know of the record.
    With a format: that it may have in a file of it."""
    reads = office is not None and role is not Role.PUBLIC
    if reads and record.provider == office:
        return {"bib", "full", "legal"}
    rule = next(rule for rule in rules if rule.id == record.collection)
    if office in rule.denied:
        return None
    published = record.dates[0].date if record.dates else None
    if rule.embargo == "fixed" and (rule.embargo_until is None or rule.embargo_until > TODAY):
        return None
    if rule.embargo == "publication" and (
        published is None or published + dt.timedelta(days=rule.embargo_days) > TODAY
    ):
        return None
    names = {Group.FULL_TEXT: "full", Group.LEGAL_STATUS: "legal"}
    found: list[set[str]] = []

    def give(tier: Tier, granted: frozenset[Group], written_as: Collection[str]) -> None:
        if format is not None and written_as and format not in written_as:
            return
        if tier is Tier.NONE or (record.unpublished and not (tier is Tier.CONTENT and Group.UNPUBLISHED in granted)):
            return
        got: set[str] = set() if tier is Tier.EXISTENCE else {"bib"}
        found.append(got | ({names[g] for g in granted if g in names} if tier is Tier.CONTENT else set()))

    if not rule.purposes or purpose in rule.purposes:
        give(rule.tier, rule.groups, rule.formats)
    for agreement in agreements if reads else ():
        terms = agreement.terms
        if (
            agreement.beneficiary == office
            and agreement.provider == record.provider
            and (not terms.collections or record.collection in terms.collections)
            and (not terms.rights or record.right.value in terms.rights)
            and (not terms.offices or record.office in terms.offices)
            and (terms.published_from is None or (published is not None and published >= terms.published_from))
            and (terms.published_to is None or (published is not None and published <= terms.published_to))
            and (
                not terms.classes
                or any(
                    (record.classifications[0].symbol + " ").startswith((wanted.partition(":")[2],))
                    for wanted in terms.classes
                )
            )
            and (not terms.purposes or purpose in terms.purposes)
            and (not rule.purposes or rule.limits.purposes is not None or purpose in rule.purposes)
            and (rule.limits.purposes is None or purpose in rule.limits.purposes)
            and (not terms.roles or role in terms.roles)
            and (terms.valid_until is None or terms.valid_until >= TODAY)
        ):
            most = rule.limits.groups
            written_as = [name for name in terms.formats or rule.formats if name in (rule.formats or terms.formats)]
            give(
                min(Tier.parse(terms.tier), Tier.parse(rule.limits.tier)),
                frozenset(group for group in terms.groups if most is None or group in most),
                written_as or (["nothing at all"] if terms.formats else []),
            )
    return set().union(*found) if found else None


async def everything(platform: Platform, scope: Scope, text: str, **options: Any) -> tuple[list[Any], set[int], dict]:
    hits: list[Any] = []
    totals: set[int] = set()
    facets: dict[str, Any] = {}
    position: Position | None = Position()
    while position is not None:
        request = SearchRequest(
            query.compile(text, languages=("en", "xx")),
            facets=("office", "status"),
            size=97,
            position=position,
            **options,
        )
        page = await platform.services.engine.search(scope, request)
        hits.extend(page.hits)
        totals.add(page.total)
        facets = page.facets
        position = page.next
    return hits, totals, facets


async def by_cursor(access: Access, text: str, sort: str) -> tuple[list[str | None], set[int]]:
    """(ids in order, None for what may only be known to exist; totals), page by page as over HTTP."""
    page = await search(access, Search(q=text, mode="keyword", sort=sort, size=110))
    ids, totals = [hit.id for hit in page.hits], {page.total}
    while page.cursor is not None:
        page = await search(access, Search(cursor=page.cursor))
        ids += [hit.id for hit in page.hits]
        totals.add(page.total)
    return ids, totals


async def in_file(platform: Platform, scope: Scope, text: str) -> dict[str, dict[str, Any]]:
    """What a CSV export of the query writes: id → record."""

    async def now() -> Scope:
        return scope

    found = {}
    compiled = query.compile(text, languages=("en", "xx"))
    async for current, hits in platform.services.engine.stream(now, compiled, batch=100):
        found.update({hit.id: hit.record for hit in given_out(current, hits, "csv")[0]})
    return found


async def check_counts(access: Access, seen: dict[str, set[str]], word: str) -> None:
    """Suggestions and charts over all that the caller sees."""
    readable = [record for record in RECORDS if "bib" in seen.get(record.id, ())]
    names = await suggest(access, "sample", ("name",), 50, "en")
    assert [entry["count"] for entry in names["suggestions"]] == ([len(readable)] if readable else [])
    terms = await suggest(access, word[:4], ("term",), 50, "en")
    found = {entry["value"] for entry in terms["suggestions"]}
    assert found == ({word} if any(word in record.texts[0].text for record in readable) else set())
    chart = await analyse(access, Search(), ["provider", "status"], 30, 20)
    assert chart["records"] == len(seen)
    by_id = {record.id: record for record in RECORDS}
    assert {bucket["value"]: bucket["count"] for bucket in chart["buckets"]} == Counter(
        by_id[name].provider for name in seen
    )


async def in_situation(
    platform: Platform, who: tuple[Any, Role], purpose: str, rules: Any, agreements: Any, monkeypatch: Any
) -> Access:
    """The request of a caller for whom these rules hold, on the day that the naive filter knows."""
    office, role = who
    monkeypatch.setattr("api.access.scope.utc_today", lambda: TODAY)
    caller = Caller("key", "k", office, role, role_rules()[role].permissions)
    services = platform.services
    scope = decide(caller, purpose, rules, agreements, version=await services.versions.read(), now=NOW)
    return Access(services, Identity(caller, purpose, scope), Credentials())


SORTS = {"relevance": (), "published": (("publication_date", "asc"),), "-expires": (("expiry_date", "desc"),)}
SITUATIONS: dict[str, Any] = {
    "rules": collection_rules(),
    "agreements": agreement_rules(),
    "who": callers,
    "purpose": st.sampled_from(["examination", "statistics"]),
    "asked": queries,
    "sort": st.sampled_from(sorted(SORTS)),
    "word": st.sampled_from(WORDS),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    **SITUATIONS,
)
async def test_what_a_caller_gets_is_what_a_naive_filter_gives(
    platform: Platform,
    rules: Any,
    agreements: Any,
    who: Any,
    purpose: str,
    asked: Any,
    sort: str,
    word: str,
    monkeypatch: Any,
) -> None:
    """Hits, totals, facets and pages, and what each hit shows; cursors, files, suggestions and charts."""
    office, role = who
    access = await in_situation(platform, who, purpose, rules, agreements, monkeypatch)
    text, matches = asked

    known: dict[str, set[str]] = {}
    expected: dict[str, set[str]] = {}
    written: dict[str, set[str]] = {}
    for record in RECORDS:
        seen = naive(record, office, role, purpose, rules, agreements)
        if seen is None:
            continue
        known[record.id] = seen
        if matches(record, seen):
            expected[record.id] = seen
            in_csv = naive(record, office, role, purpose, rules, agreements, "csv")
            if in_csv:
                written[record.id] = in_csv
    hits, totals, facets = await everything(platform, access.scope, text, sort=SORTS[sort])

    assert sorted(hit.id for hit in hits) == sorted(expected)
    assert totals == {len(expected)}
    by_id = {record.id: record for record in RECORDS}
    offices: dict[str, int] = {}
    states: dict[str, int] = {}
    for name, seen in expected.items():
        offices[by_id[name].office] = offices.get(by_id[name].office, 0) + 1
        if "legal" in seen:
            state = by_id[name].status.state  # type: ignore[union-attr]
            states[state] = states.get(state, 0) + 1
    assert {bucket["value"]: bucket["count"] for bucket in facets["office"]} == offices
    assert {bucket["value"]: bucket["count"] for bucket in facets["status"]} == states
    for hit in hits:
        shown, seen = hit.record, expected[hit.id]
        assert ("id" in shown) == ("bib" in seen)
        assert ("status" in shown) == ("legal" in seen)
        assert any(t["type"] == "claims" for t in shown.get("texts", ())) == ("full" in seen)
        assert "private" not in str(shown) or office == hit.document["provider"]
    assert facet_fields().field("status") == "status_state"

    ids, paged = await by_cursor(access, text, sort)
    assert paged == totals
    assert sorted(name for name in ids if name) == sorted(name for name, seen in expected.items() if seen)
    assert ids.count(None) == sum(not seen for seen in expected.values())
    files = await in_file(platform, access.scope, text)
    assert set(files) == set(written)
    for name, record_out in files.items():
        assert ("status" in record_out) == ("legal" in written[name])
        assert any(t["type"] == "claims" for t in record_out["texts"]) == ("full" in written[name])
    await check_counts(access, known, word)


async def told(access: Access, text: str, word: str, sort: str) -> list[Any]:
    """Whole answers, as they are sent: results in each mode, suggestions, charts. Without the time it took; a cursor is
    sealed anew each time, so whether there is one."""
    found: list[Any] = []
    for mode in ("keyword", "hybrid", "semantic"):
        facets = ["office", "provider", "status", "applicant", "ipc", "year"]
        asked = Search.model_validate({"q": text, "mode": mode, "sort": sort, "facets": facets})
        page = orjson.loads(orjson.dumps(await search(access, asked)))
        found.append({**page, "took_ms": 0, "cursor": page["cursor"] is not None})
    kinds: tuple[Kind, ...] = ("term", "name", "class")
    for kind in kinds:
        found.append(await suggest(access, word[:4], (kind,), 50, "en"))
    for by in ("provider", "status", "year"):
        found.append(await analyse(access, Search(q=text), [by], 30, 20))
    return found


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    **SITUATIONS,
    few=st.integers(5, 8),
)
async def test_nothing_in_an_answer_differs_when_hidden_records_come_or_go(
    platform: Platform,
    rules: Any,
    agreements: Any,
    who: Any,
    purpose: str,
    asked: Any,
    sort: str,
    word: str,
    few: int,
    monkeypatch: Any,
) -> None:
    """tests/leaks/test_unseen.py does it for two thousand of them and fixed policies."""
    office, role = who
    access = await in_situation(platform, who, purpose, rules, agreements, monkeypatch)
    hidden = [r for r in RECORDS if naive(r, office, role, purpose, rules, agreements) is None][::few]
    assume(hidden)
    with_them = await told(access, asked[0], word, sort)
    await platform.remove(hidden)
    try:
        platform.services.engine.forget()
        assert await told(access, asked[0], word, sort) == with_them
    finally:
        await platform.index(hidden)
    assert await told(access, asked[0], word, sort) == with_them


async def test_the_filter_and_the_check_in_python_are_the_same_rule(platform: Platform) -> None:
    """The engine raises where they differ; here every record is looked at under many scopes without a query."""
    for seed in range(20):
        rules = tuple(
            CollectionRules(name, owner, name.split("-")[1], Tier((seed + i) % 4), frozenset({Group.FULL_TEXT}))
            for i, (name, owner) in enumerate(COLLECTIONS.items())
        )
        caller = Caller("key", "k", "QM", Role.EXAMINER, role_rules()[Role.EXAMINER].permissions)
        scope = decide(caller, "examination", rules, (), now=NOW)
        found = await platform.services.engine.documents(scope, [record.id for record in RECORDS])
        for record in RECORDS:
            document = {
                "provider": record.provider,
                "collection": record.collection,
                "office": record.office,
                "right": record.right.value,
                "unpublished": record.unpublished,
            }
            assert (record.id in found) == (scope.view(document, TODAY).tier is not Tier.NONE)

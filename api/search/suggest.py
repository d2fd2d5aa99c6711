"""Suggest: how a word that is being typed may go on, by what the caller sees and by nothing else.

Names, marks, classes and words of titles come from counts and records under the caller's scope; names of fields are the
same for everybody. All of it is one round trip to the engine, whatever kinds are asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from api.access.scope import Scope
from api.dependencies import Access, disclosed
from api.search import query as language
from api.search.classes import begins, title_of, titled
from api.search.counting import Answer, Query, Question, Values
from api.search.expansion.bank import bank
from api.search.expansion.words import folded
from api.search.query import Node, Words
from common.errors import QueryError
from common.messages import say

Kind = Literal["name", "mark", "class", "field", "term"]
KINDS: tuple[Kind, ...] = ("name", "mark", "class", "field", "term")

ROLES = ("applicant", "owner", "inventor", "designer", "author", "representative")
CLASS_FIELDS = {
    "ipc": ("ipc.l1", "ipc.l2", "ipc.l3", "ipc.l4"),
    "cpc": ("cpc.l1", "cpc.l2", "cpc.l3", "cpc.l4"),
    "nice": ("nice.symbol",),
    "locarno": ("locarno.l1", "locarno.l2"),
    "vienna": ("vienna.l1", "vienna.l2", "vienna.l3"),
}
LONGEST = 100
"""Characters of a text that is being typed."""
LOOKED_AT = 100
"""Values of a field, or records, among which those that go on as typed are looked for."""
TRIED = 40
"""Terms of the term bank that are tried on what the caller sees."""


async def suggest(access: Access, text: str, kinds: Sequence[Kind], size: int, tongue: str = "en") -> dict[str, Any]:
    """At most `size` suggestions of each kind, most frequent first. Raises QueryError for a text that is too long.

    `count` is of records that the caller sees. Words of titles are looked for among the first records found, so theirs
    is the number among those, and `exact` is false.
    """
    typed = " ".join(text.split())
    if len(typed) > LONGEST:
        raise QueryError(say("query.suggestion-too-long", most=LONGEST))
    _, found = await disclosed(access, lambda now: _found(now, now.scope, typed, kinds, size, tongue))
    return {"q": text, "suggestions": [entry for kind in kinds for entry in found[kind][:size]]}


Entries = list[dict[str, Any]]
Reader = Callable[[Answer], Entries]


async def _found(
    access: Access, scope: Scope, typed: str, kinds: Sequence[Kind], size: int, tongue: str
) -> dict[Kind, Entries]:
    found: dict[Kind, Entries] = {kind: [] for kind in kinds}
    words = re.findall(r"[^\W_]+", folded(typed))
    if not words:
        return found
    engine = access.services.engine
    asked: list[tuple[Kind, Question, Reader]] = []
    if "name" in kinds:
        asked.append(("name", _names_question(words, typed), lambda answer: _names(answer, words)))
    if "mark" in kinds:
        asked.append(("mark", _marks_question(words, typed), lambda answer: _marks(answer, words)))
    if "class" in kinds:
        values = _class_values(typed)
        question = Question({"match_all": {}}, values)
        asked.append(("class", question, lambda answer: _classes(answer, tongue)))
    if "term" in kinds:
        target = language.target(await engine.languages())
        asked.append(("term", _terms_question(words, target), lambda answer: _terms(answer, words)))
    if "field" in kinds:
        found["field"] = _fields(words[0])
    answers = await engine.counted(scope, [question for _, question, _ in asked])
    for (kind, _, read), answer in zip(asked, answers, strict=True):
        found[kind] = read(answer)
    return found


def _beginning(field: str, words: Sequence[str], typed: str) -> Query:
    """Records in whose field all words stand, the last of them perhaps not yet whole."""
    parts: list[Query] = [{"match": {field: {"query": word, "operator": "and"}}} for word in words[:-1]]
    parts.append({"prefix": {field: {"value": words[-1]}}})
    whole: Query = {"match": {field: {"query": typed, "operator": "and"}}}
    return {"bool": {"should": [{"bool": {"filter": parts}}, whole], "minimum_should_match": 1}}


# --------------------------------------------------------------------------------------------------------------- names


def _names_question(words: Sequence[str], typed: str) -> Question:
    each = {role: _beginning(f"{role}.name", words, typed) for role in ROLES}
    any_role: Query = {"bool": {"should": list(each.values()), "minimum_should_match": 1}}
    values = {role: Values(f"{role}.name.keyword", LOOKED_AT, when=condition) for role, condition in each.items()}
    return Question(any_role, values)


def _names(answer: Answer, words: Sequence[str]) -> Entries:
    by_name: dict[str, dict[str, int]] = {}
    for role, counted in answer.counted.items():
        for entry in counted.values:
            if all(begins(word, folded(entry.value)) for word in words):
                by_name.setdefault(entry.value, {})[role] = entry.count
    return _ranked(
        {
            "kind": "name",
            "value": name,
            "count": max(roles.values()),
            "exact": True,
            "roles": roles,
            "query": f"{max(roles, key=lambda role: roles[role])}:{_quoted(name)}",
        }
        for name, roles in by_name.items()
    )


# --------------------------------------------------------------------------------------------------------------- marks


def _marks_question(words: Sequence[str], typed: str) -> Question:
    either: list[Query] = [{"prefix": {"mark.keyword": {"value": typed}}}, _beginning("mark", words, typed)]
    condition: Query = {"bool": {"should": either, "minimum_should_match": 1}}
    return Question(condition, {"mark": Values("mark.keyword", LOOKED_AT)}, size=LOOKED_AT, parts=("mark",))


def _marks(answer: Answer, words: Sequence[str]) -> Entries:
    """The engine counts marks in folded writing; the first record that has one shows how it is written."""
    written: dict[str, str] = {}
    for document in answer.documents:
        held = document.get("mark", ())
        for mark in (held,) if isinstance(held, str) else held:
            written.setdefault(folded(mark), mark)
    found = []
    for entry in answer.counted["mark"].values:
        if all(begins(word, folded(entry.value)) for word in words):
            mark = written.get(folded(entry.value), entry.value)
            found.append(
                {"kind": "mark", "value": mark, "count": entry.count, "exact": True, "query": f"mark:{_quoted(mark)}"}
            )
    return _ranked(found)


# ------------------------------------------------------------------------------------------------------------- classes


def _class_values(typed: str) -> dict[str, Values]:
    """Classes whose symbol begins as typed, and those that have the words in their title."""
    compact = re.sub(r"[^0-9A-Z./ -]", "", typed.upper())
    values: dict[str, Values] = {}
    for scheme, levels in CLASS_FIELDS.items():
        fields = (f"{scheme}.symbol",) if "/" in compact and scheme in ("ipc", "cpc") else levels
        wanted = set(titled(scheme, typed)) if scheme in ("ipc", "cpc", "nice", "locarno") else set()
        for field in fields:
            symbols = {re.escape(symbol) for symbol in wanted}
            if compact and any(letter.isalnum() for letter in compact) and compact == typed.upper():
                symbols.add(f"{re.escape(compact)}.*")
            if symbols:
                values[field] = Values(field, LOOKED_AT, only="|".join(sorted(symbols)))
    return values


def _classes(answer: Answer, tongue: str) -> Entries:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for field, counted in answer.counted.items():
        scheme = field.partition(".")[0]
        for entry in counted.values:
            found[scheme, entry.value] = {
                "kind": "class",
                "value": entry.value,
                "scheme": scheme.upper(),
                "title": title_of(scheme, entry.value, tongue),
                "count": entry.count,
                "exact": counted.error == 0,
                "query": f"{scheme}:{_quoted(entry.value) if ' ' in entry.value else entry.value}",
            }
    return _ranked(found.values())


# -------------------------------------------------------------------------------------------------------------- fields


def _fields(word: str) -> Entries:
    table = language.names()
    kinds: Mapping[str, Mapping[str, Any]] = {
        "text": table.text,
        "value": table.exact,
        "number": table.number,
        "class": table.classes,
        "date": table.dates,
    }
    return [
        {"kind": "field", "value": name, "type": kind, "query": f"{name}:"}
        for kind, held in kinds.items()
        for name in sorted(held)
        if name.startswith(word)
    ]


# --------------------------------------------------------------------------------------------------------------- terms


def _terms_question(words: Sequence[str], target: language.Target) -> Question:
    """Records with the words in a title, and how many have each term of the term bank that begins so."""

    def in_title(node: Node) -> Query:
        return language.to_query(node, target)

    known = bank().beginning(" ".join(words))[:TRIED]
    tried = {term: in_title(Words(term, "title", phrase=True)) for term in known}
    parts: list[Query] = [in_title(Words(word, "title")) for word in words[:-1]]
    last = words[-1]
    if len(last) >= 2 and not any(letter >= "\u2e80" for letter in last):
        parts.append(in_title(Words(f"{last}*", "title", wildcard=True)))
    else:
        parts.append(in_title(Words(last, "title")))
    found: Query = {"bool": {"must": parts}}
    either: list[Query] = [found, *tried.values()]
    condition: Query = {"bool": {"should": either, "minimum_should_match": 1}}
    return Question(condition, {}, matches=tried, size=LOOKED_AT, parts=("title",))


def _terms(answer: Answer, words: Sequence[str]) -> Entries:
    found = {
        folded(term): {"kind": "term", "value": term, "count": count, "exact": True, "query": _quoted(term)}
        for term, count in answer.matches.items()
        if count
    }
    seen: Counter[str] = Counter()
    for document in answer.documents:
        held = document.get("title", {}).values()
        titles = [title for texts in held for title in ([texts] if isinstance(texts, str) else texts)]
        inside = {word for title in titles for word in re.findall(r"[^\W_]+", folded(title))}
        seen.update(word for word in inside if word.startswith(words[-1]))
    before = " ".join(words[:-1])
    for word, count in seen.items():
        whole = f"{before} {word}".strip()
        if whole not in found:
            found[whole] = {"kind": "term", "value": whole, "count": count, "exact": False, "query": whole}
    return _ranked(found.values())


def _ranked(entries: Any) -> Entries:
    return sorted(entries, key=lambda entry: (-entry["count"], entry["value"]))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', " ") + '"'

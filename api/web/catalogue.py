"""The strings of the page: which there are, and what each language says.

    python -m api.web.catalogue update     adds new strings to every catalogue, untranslated, and takes out old ones
    python -m api.web.catalogue missing    lists what is not translated; exit 1 where there is anything

A string is what stands in `_("…")` in a template, in `.say("…")` in a module of this room, in vocabulary.toml, or in a
table of which a page shows the words: messages, quality rules, features by which records are compared, kinds of jobs,
fields of other query languages that cannot be searched here.
"""

from __future__ import annotations

import ast
import datetime as dt
import sys
from collections.abc import Iterator
from functools import lru_cache

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from api.jobs.kinds import KINDS
from api.search.query.fields import DIALECTS, dialect
from api.search.similar.tables import related_reasons
from api.web.language import DEFAULT, LANGUAGES, ROOM, catalogue_path, vocabulary
from common.messages import pieces, templates
from indexer.duplicates.compare import table
from indexer.quality.rules import rules

WRITTEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""A fixed date in each header, so that an update without changes changes nothing."""


@lru_cache(maxsize=1)
def messages() -> dict[str, list[str]]:
    """Every string with the places where it stands."""
    found: dict[str, list[str]] = {}
    for message, place in (*_in_templates(), *_in_modules(), *_in_vocabulary(), *_in_tables()):
        found.setdefault(message, []).append(place)
    return found


def _in_templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOM / "templates").glob("*.html")):
        with path.open("rb") as stream:
            for _line, message, _comments, _context in extract(
                "jinja2.ext:babel_extract",
                stream,
                options={"encoding": "utf-8", "trim_blocks": "true", "lstrip_blocks": "true"},
            ):
                if isinstance(message, str):
                    yield message, f"templates/{path.name}"


def _in_modules() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "say"
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, path.name


def _in_vocabulary() -> Iterator[tuple[str, str]]:
    for section, words in vocabulary().items():
        for english in words.values():
            yield english, f"vocabulary.toml [{section}]"


def _in_tables() -> Iterator[tuple[str, str]]:
    for code, template in templates().items():
        yield template.text, f"messages/{code.partition('.')[0]}.toml"
    for name in DIALECTS:
        spoken = dialect(name)
        notes = [alias.note for alias in spoken.fields.values() if alias.note]
        for told in (*spoken.missing.values(), *notes):
            yield told, f"query/{name}.toml"
    for reason in related_reasons():
        yield reason, "similar/tables/nice_related.tsv"
    for rule in rules().values():
        if any(letter.isalpha() for literal, _, _ in pieces(rule.message) for letter in literal):
            yield rule.message, "quality/rules.toml"
        yield rule.explanation, "quality/rules.toml"
        yield rule.fix, "quality/rules.toml"
    for feature in table().features:
        yield feature.about, "duplicates/features.toml"
        for level in feature.levels:
            yield level, "duplicates/features.toml"
    for kind in KINDS.values():
        yield kind.title, "jobs/kinds.py"


def read(language: str) -> Catalog:
    with catalogue_path(language).open("rb") as stream:
        return read_po(stream, locale=language)


def missing(language: str) -> list[str]:
    """Strings that a language lacks, or holds as doubtful. English needs none: the strings are English."""
    held = read(language)
    lacking = []
    for message in messages():
        entry = held.get(message)
        if entry is None or entry.fuzzy or (not entry.string and language != DEFAULT):
            lacking.append(message)
    return lacking


def write(language: str, words: dict[str, str]) -> None:
    """A catalogue of all strings, with what `words` says of each."""
    catalogue = Catalog(
        locale=language, project="IP Concord", version="1", fuzzy=False, creation_date=WRITTEN, revision_date=WRITTEN,
        header_comment=f"# Interface strings of IP Concord: {LANGUAGES[language]}", last_translator="IP Concord",
        language_team=LANGUAGES[language], msgid_bugs_address="see README.md",
    )  # fmt: skip
    for message, places in messages().items():
        catalogue.add(message, words.get(message, ""), locations=[(place, 0) for place in dict.fromkeys(places)])
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        write_po(stream, catalogue, sort_output=True, omit_header=False, width=120, include_lineno=False)


def update(language: str) -> None:
    held = {}
    if catalogue_path(language).exists():
        held = {str(entry.id): str(entry.string) for entry in read(language) if entry.id and entry.string}
    write(language, held)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update"]:
            for language in LANGUAGES:
                update(language)
            return 0
        case ["missing"]:
            lacking = {language: missing(language) for language in LANGUAGES}
            for language, strings in lacking.items():
                for string in strings:
                    sys.stdout.write(f"{language}\t{string}\n")
            return 1 if any(lacking.values()) else 0
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

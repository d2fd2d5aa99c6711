"""`concord terms`: the term bank, and terms found in texts that are held in several languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.access.model import DEFAULT_PURPOSE, Group, anonymous
from api.access.scope import Scope
from api.access.scopes import compile
from api.dependencies import ScopeSource
from api.exports.job import record_of
from api.search.engine import Engine
from api.search.expansion import mining
from api.search.expansion.bank import bank
from cli.load import output
from cli.session import Platform, platform
from common.errors import UsageError
from indexer.families import simple_key

terms_app = typer.Typer(name="terms", help="The term bank of the search across languages.", no_args_is_help=True)

PARALLEL = ("title", "abstract")
MOST_UNITS = 200_000
"""Texts that are looked at: what more there are would say the same again."""


def register(app: typer.Typer) -> None:
    app.add_typer(terms_app)


@terms_app.command("mine")
def mine(
    collections: Annotated[
        list[str],
        typer.Option("--collection", help="Collection whose titles everybody may read; may be repeated."),
    ],
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="File to write, in the form of the lexicon.")],
    least: Annotated[int, typer.Option("--least", min=2, help="Texts that must show a pair of terms.")] = 3,
    dice: Annotated[
        float, typer.Option("--dice", min=0.1, max=1, help="Least of Dice's coefficient; 1: always and only together.")
    ] = 0.7,
) -> None:
    """Find terms that mean the same, in records and families whose titles or abstracts are held in several languages.

    The file is a proposal. Read it, take out what is wrong, and put it into the folder that CONCORD_TERMS names: the
    search then looks for its terms too, and shows them to everybody who searches.
    """
    if out.exists():
        raise UsageError(f"{out} is there already.", remedy="Name another file, or remove it.")
    with platform() as running:
        units = asyncio.run(_units(running, collections))
    found = mining.mine(units, least=least, dice=dice, known=bank())
    out.write_text("".join(f"{line}\n" for line in mining.as_lexicon(found)), "utf-8")
    output.print(f"{len(units):,} texts in several languages; {len(found):,} concepts in {out}.", soft_wrap=True)


async def _units(running: Platform, names: list[str]) -> list[mining.Unit]:
    with running.database.session() as session:
        everybody = compile(session, anonymous(), DEFAULT_PURPOSE)
    readable = [grant for grant in everybody.grants if Group.BIBLIOGRAPHY in grant.groups]
    closed = sorted(set(names) - {name for grant in readable for name in grant.collections})
    if closed:
        raise UsageError(
            f"Not everybody may read titles of {', '.join(closed)}, and everybody sees the terms that are found.",
            remedy="Name collections whose policy shows the bibliography: `concord policies list`.",
        )
    chosen = tuple(replace(g, collections=g.collections & set(names)) for g in readable if g.collections & set(names))
    narrowed = replace(everybody, grants=chosen)
    engine = Engine(running.opensearch_url, running.settings.index_prefix)

    async def scope() -> Scope:
        return narrowed

    families: dict[str, dict[str, str]] = {}
    units: list[mining.Unit] = []
    try:
        async for texts, family in _texts(engine, scope):
            units.extend(unit for unit in texts.values() if len(unit) > 1)
            if family and "title" in texts:
                held = families.setdefault(family, {})
                for language, text in texts["title"].items():
                    held.setdefault(language, text)
            if len(units) >= MOST_UNITS:
                break
    finally:
        await engine.close()
    own = {tuple(sorted(unit.items())) for unit in units}
    units.extend(held for held in families.values() if len(held) > 1 and tuple(sorted(held.items())) not in own)
    return units[:MOST_UNITS]


async def _texts(engine: Engine, scope: ScopeSource) -> AsyncIterator[tuple[Mapping[str, dict[str, str]], str | None]]:
    """Each record's texts by type and language, and the key of its simple family."""
    async for _, hits in engine.stream(scope, {"match_all": {}}, rights=("patent",)):
        for hit in hits:
            texts: dict[str, dict[str, str]] = {}
            for text in hit.record.get("texts", ()):
                if text["type"] in PARALLEL and text.get("layer", "office") == "office":
                    texts.setdefault(text["type"], {}).setdefault(text["language"], text["text"])
            yield texts, simple_key(record_of(hit))

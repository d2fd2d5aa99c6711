"""POST /v1/search/parse: what a query means, or all that is wrong with it, without searching."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from api.access.model import Permission
from api.dependencies import Access, Guard
from api.search import query as language
from api.web.language import DEFAULT, Tongue, chosen, tongue
from api.web.reading import plainly

router = APIRouter(prefix="/v1", tags=["search"])


class Asked(BaseModel):
    """A query to be read, not searched."""

    model_config = ConfigDict(extra="forbid")

    q: str
    dialect: language.DialectName = "concord"


class Fault(BaseModel):
    """What is wrong at one place of a query."""

    message: str
    code: str | None
    """For programs: which message it is."""
    params: dict[str, str | int | float | list[str]]
    """What stands in the message, by name."""
    position: int
    """Characters from 0."""
    length: int
    remedy: str
    suggestion: str | None
    """May stand in the place of the characters."""


class Read(BaseModel):
    """What a query means."""

    dialect: language.DialectName
    tree: dict[str, Any] | None
    """None where there are errors."""
    reading: str | None
    """In plain words."""
    dialects: dict[language.DialectName, str | None]
    """The same query in each dialect; None where a dialect cannot say it."""
    notes: list[str]
    """What a field means here that somebody might not expect."""
    errors: list[Fault]


@router.post("/search/parse", response_model=Read, summary="Read a query without searching")
async def parse(request: Request, access: Annotated[Access, Depends(Guard(Permission.SEARCH))], asked: Asked) -> Read:
    """The tree of a query, what it asks for in plain words, the same query in the other dialects, or all its errors
    with their places. Words are in the language that the caller likes best (`Accept-Language`)."""
    says = tongue(chosen(request))
    reading = language.read(asked.q, asked.dialect)
    tree = reading.tree
    faults = [
        Fault(
            message=str(says.tell_plainly(fault.message)),
            code=getattr(fault.message, "code", None),
            params=dict(getattr(fault.message, "params", {})),
            position=fault.position or 0,
            length=fault.length,
            remedy=str(says.tell_plainly(fault.remedy)),
            suggestion=fault.suggestion,
        )
        for fault in reading.faults
    ]
    return Read(
        dialect=asked.dialect,
        tree=None if tree is None else language.as_json(tree),
        reading=None if tree is None else _in_words(tree, says),
        dialects={} if tree is None else {name: said(tree, name) for name in language.DIALECTS},
        notes=[str(says.tell_plainly(note)) for note in reading.notes],
        errors=faults,
    )


def _in_words(tree: language.Node, says: Tongue) -> str:
    return language.tell(tree) if says.code == DEFAULT else plainly(tree, says)


def said(tree: language.Node, name: language.DialectName) -> str | None:
    try:
        return language.write(tree, name)
    except language.Unsayable:
        return None

"""Priority documents, as WIPO's Digital Access Service works: the office of first filing deposits the certified copy
and hands the applicant an access code; an office of second filing retrieves it by office, right, number, date and code.

A wrong number, date or code, a withdrawn document and one that was never deposited give the same answer. Numbers are
matched by each office's own pattern (`das_numbers.tsv`), since they are written in many ways.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import hashlib
import hmac
import io
import re
import secrets
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.audit import append, change
from api.access.routes import in_transaction
from api.access.secret import Keys
from api.dependencies import Access
from api.exchange.negotiation import Ledger
from api.exchange.routes import Exchanger, In, from_base64, own_office, with_ledger
from api.search.routes import json_response
from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from store.exchange import PriorityDocument

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])

CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 16
"""80 bits: nothing to try out."""
USE = "access-code"


@dataclass(frozen=True, slots=True)
class Pattern:
    office: str
    right: str
    pattern: str
    form: str
    example: str
    source: str


@lru_cache(maxsize=1)
def patterns() -> tuple[Pattern, ...]:
    lines = (Path(__file__).parent / "das_numbers.tsv").read_text("utf-8").splitlines()
    rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(Pattern(**row) for row in rows)


def canonical(office: str, right: str, number: str) -> str:
    """The form under which a number is matched. Raises UsageError, with an example, for what is none."""
    given = re.sub(r"\s", "", unicodedata.normalize("NFKC", number)).upper()
    for entry in (chosen := rows_for(office, right)):
        match = re.fullmatch(entry.pattern.replace("{office}", office), given)
        if match:
            parts = {name: value or "" for name, value in match.groupdict().items()}
            return re.sub(r"[^0-9A-Z]", "", entry.form.format(**parts))
    example = chosen[0].example.replace("{office}", office)
    raise UsageError(say("exchange.no-application-number", number=number, right=right, office=office, example=example))


@lru_cache(maxsize=1_000)
def rows_for(office: str, right: str) -> tuple[Pattern, ...]:
    """The rows tried for an office and right, in order: its own, or where it has none the general one, with the row of
    every office for that right between."""
    own = [entry for entry in patterns() if (entry.office, entry.right) == (office, right)]
    of_right = [entry for entry in patterns() if (entry.office, entry.right) == ("*", right)]
    general = [entry for entry in patterns() if (entry.office, entry.right) == ("*", "*")]
    return tuple([*own, *of_right] if own else [*of_right, *general])


def code_hash(keys: Keys, document: str, code: str) -> bytes:
    return hmac.new(keys.of(USE), f"{document}|{code.strip().upper()}".encode(), hashlib.sha256).digest()


def new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


RIGHTS = ("patent", "trademark", "design")
MEDIA_TYPES = {"application/pdf": "pdf", "application/zip": "zip", "application/xml": "xml"}
"""What a certified copy may be → extension."""


class Deposit(In):
    right: Annotated[str, Field(pattern="^(patent|trademark|design)$")]
    number: Annotated[str, Field(max_length=60)]
    date: dt.date
    """Filing date."""
    document: str
    """The certified copy in base64."""
    media_type: Annotated[str, Field(pattern=r"^(application/pdf|application/zip|application/xml)$")] = (
        "application/pdf"
    )
    offices: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = ()
    """Accessing offices that the applicant allows; none named: any that has the code."""


def _audit(ledger: Ledger, action: str, entry: PriorityDocument) -> None:
    assert ledger.caller is not None
    line = change(ledger.caller, action, document=entry.id, office_of=entry.office, number=entry.number)
    append(ledger.session, ledger.keys, ledger.chain, [line])


@router.post("/priority-documents", status_code=201, summary="Deposit a priority document")
async def deposit(access: Exchanger, given: Deposit) -> Response:
    """Returns the access code for the applicant, this once."""
    office = own_office(access)
    number = canonical(office, given.right, given.number)
    content = from_base64(given.document)
    if not content:
        raise UsageError(say("exchange.document-empty"))
    sha256, size = await asyncio.to_thread(access.services.archive.put, io.BytesIO(content))
    code = new_code()

    def work(ledger: Ledger) -> str:
        statement = select(PriorityDocument.id).where(
            PriorityDocument.office == office,
            PriorityDocument.right == given.right,
            PriorityDocument.number == number,
        )
        if ledger.session.scalar(statement) is not None:
            raise Conflict(say("exchange.document-known"))
        name = secrets.token_hex(12)
        entry = PriorityDocument(
            id=name,
            office=office,
            right=given.right,
            number=number,
            date=given.date,
            code_hash=code_hash(ledger.keys, name, code),
            sha256=sha256,
            size=size,
            media_type=given.media_type,
            offices=sorted(set(given.offices)),
            registered_by=access.caller.name,
        )
        ledger.session.add(entry)
        ledger.session.flush()
        _audit(ledger, "priority-deposited", entry)
        return name

    name = await with_ledger(access, work)
    return json_response({"id": name, "number": number, "access_code": code, "sha256": sha256, "size": size}, 201)


def document_out(entry: PriorityDocument) -> dict[str, Any]:
    return {
        "id": entry.id,
        "right": entry.right,
        "number": entry.number,
        "date": entry.date,
        "sha256": entry.sha256,
        "size": entry.size,
        "media_type": entry.media_type,
        "offices": entry.offices,
        "registered": entry.registered,
        "withdrawn": entry.withdrawn,
        "content": f"/v1/exchange/priority-documents/{entry.id}/content",
    }


@router.get("/priority-documents", summary="Priority documents that one's office deposited")
async def list_documents(access: Exchanger) -> Response:
    """The latest 500. No code is among what is told: it is shown once, to be handed to the applicant."""
    office = own_office(access)

    def work(session: Session) -> list[dict[str, Any]]:
        statement = select(PriorityDocument).where(PriorityDocument.office == office)
        latest = statement.order_by(PriorityDocument.registered.desc(), PriorityDocument.id).limit(500)
        return [document_out(entry) for entry in session.scalars(latest)]

    return json_response({"documents": await in_transaction(access, work)})


@router.get(
    "/priority-documents/{document}/content",
    summary="A certified copy that one's office deposited",
    response_class=Response,
)
async def read_document(document: str, access: Exchanger) -> Response:
    """The office of first filing keeps its copy at hand; every other office retrieves it with the code."""
    office = own_office(access)

    def work(ledger: Ledger) -> PriorityDocument:
        entry = _deposited(ledger.session, office, document)
        _audit(ledger, "priority-read", entry)
        return entry

    return await _copy(access, await with_ledger(access, work))


async def _copy(access: Access, entry: PriorityDocument) -> Response:
    """The deposited bytes, named by office and number."""

    def read() -> bytes:
        with access.services.archive.open(entry.sha256) as stream:
            return stream.read()

    name = f"{entry.office}-{entry.number}.{MEDIA_TYPES[entry.media_type]}"
    return Response(
        await asyncio.to_thread(read),
        media_type=entry.media_type,
        headers={"content-disposition": f'attachment; filename="{name}"', "concord-sha256": entry.sha256},
    )


def _deposited(session: Session, office: str, document: str) -> PriorityDocument:
    entry = session.get(PriorityDocument, document, with_for_update=True)
    if entry is None or entry.office != office:
        raise NotFound("no such document")
    return entry


@router.post("/priority-documents/{document}/code", summary="Give out a new access code")
async def renew_code(document: str, access: Exchanger) -> Response:
    """The old one is worth nothing from now on."""
    office = own_office(access)
    code = new_code()

    def work(ledger: Ledger) -> None:
        entry = _deposited(ledger.session, office, document)
        entry.code_hash = code_hash(ledger.keys, entry.id, code)
        _audit(ledger, "priority-code-renewed", entry)

    await with_ledger(access, work)
    return json_response({"id": document, "access_code": code})


@router.delete("/priority-documents/{document}", summary="Withdraw a priority document")
async def withdraw(document: str, access: Exchanger) -> Response:
    office = own_office(access)

    def work(ledger: Ledger) -> None:
        entry = _deposited(ledger.session, office, document)
        entry.withdrawn = entry.withdrawn or dt.datetime.now(dt.UTC)
        _audit(ledger, "priority-withdrawn", entry)

    await with_ledger(access, work)
    return json_response({"id": document, "withdrawn": True})


class Retrieval(In):
    office: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    right: Annotated[str, Field(pattern="^(patent|trademark|design)$")]
    number: Annotated[str, Field(max_length=60)]
    date: dt.date
    code: Annotated[str, Field(max_length=40)]


@router.post(
    "/priority-documents/retrieval",
    summary="Retrieve a priority document",
    response_class=Response,
    responses={404: {"description": "No such document, or not with this number, date and code: they look the same."}},
)
async def retrieve(access: Exchanger, given: Retrieval) -> Response:
    number = canonical(given.office, given.right, given.number)
    asking = own_office(access)

    def work(ledger: Ledger) -> PriorityDocument | None:
        statement = select(PriorityDocument).where(
            PriorityDocument.office == given.office,
            PriorityDocument.right == given.right,
            PriorityDocument.number == number,
        )
        entry = ledger.session.scalars(statement).one_or_none()
        expected = entry.code_hash if entry is not None else bytes(32)
        # Computed for what does not exist too: the time it takes says nothing.
        right = hmac.compare_digest(expected, code_hash(ledger.keys, entry.id if entry else "", given.code))
        allowed = entry is not None and (not entry.offices or asking in entry.offices)
        if entry is None or not right or not allowed or entry.withdrawn is not None or entry.date != given.date:
            line = change(access.caller, "priority-refused", office_of=given.office, number=number)
            append(ledger.session, ledger.keys, ledger.chain, [line])
            return None
        _audit(ledger, "priority-retrieved", entry)
        return entry

    found = await with_ledger(access, work)
    if found is None:
        raise NotFound("no such document")
    return await _copy(access, found)

"""The contract between the pipeline and a reader.

A reader is a function `read(stream, context) -> Iterator[Draft | InputError]`: it yields a Draft for each record it
could read and an InputError (not raised: yielded) for each record it could not, in file order, and raises
MalformedInput only when nothing more can be read from the member. Memory must not grow with the size of the member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from common.errors import InputError, Place
from common.messages import say
from indexer.formats.draft import Draft


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may know besides the bytes."""

    file: str
    member: str = ""
    provider: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """Options of the delivery, such as the column map of a CSV file."""


Reader = Callable[[BinaryIO, Context], Iterator[Draft | InputError]]


@dataclass(frozen=True, slots=True)
class Signature:
    """What sniffing learns from the first 64 KiB of a member, decoded leniently."""

    head: bytes
    root: str | None = None
    """Local name of the XML root element."""
    namespace: str | None = None
    children: tuple[str, ...] = ()
    """Local names of the first descendants seen, in document order."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Attributes of the root."""
    json_keys: tuple[str, ...] = ()
    """Keys seen in the first object(s) of a JSON member, outermost first."""
    doctype: str | None = None
    name: str = ""
    """File name: a hint for messages, never for the decision."""


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats."""

    name: str
    """`st36-us-grant`"""
    title: str
    """`US Red Book grant (ST.36), v4.x`"""
    rights: tuple[str, ...]
    recognises: Callable[[Signature], bool]
    read: Reader
    version: int
    """Raised when the reader reads more or otherwise than before."""
    reads: tuple[str, ...]
    """What is read, in plain words, for `concord formats`."""


def nothing_found(context: Context, said: str | None = None) -> InputError:
    """An answer of an office's interface without a record; `said`: the office's own words about it."""
    message = say("input.answer-empty-told", said=said.rstrip(".")) if said else say("input.answer-empty")
    return InputError(message, place=Place(context.file, context.member))

"""What writing a record gives: bytes and what they could not carry, or the reasons why there can be none."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import UnwritableRecord

__all__ = ["Loss", "Missing", "UnwritableRecord", "Written"]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the record that a reader of the written bytes does not find, or finds otherwise."""

    field: str
    """Path in the Record with the type, role or scheme of the entry: `parties.inventor.identifier`, `texts.other`."""
    value: str
    """The first value lost, cut to 200 characters."""
    reason: str
    count: int = 1
    """How many entries of the record lose this field for this reason."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the format requires and the record does not have."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """One record (or one file of records) in a format."""

    format: str
    data: bytes
    media_type: str
    extension: str
    """Of the file that holds it, without the dot."""
    lost: tuple[Loss, ...] = ()


def unwritable(format: str, record_id: str, missing: list[Missing]) -> UnwritableRecord:
    """The error for a record that lacks what `format` requires."""
    said = "; ".join(f"{one.field}: {one.reason}" for one in missing)
    return UnwritableRecord(
        f"{record_id} cannot be written as {format}: {said}.",
        missing=tuple((one.field, one.reason) for one in missing),
        remedy="Write it in another format (`json` carries everything), or ask the provider for what is missing.",
    )

"""Every error the platform raises on purpose.

    ConcordError
    ├── UsageError             the command or request was called wrongly
    ├── ConfigurationError     a setting or a table is wrong
    ├── EngineError            OpenSearch or PostgreSQL did not do what was asked
    │   ├── EngineUnavailable  … because it could not be reached; trying again may help
    │   └── EngineTimeout      … within the time allowed; asking for less may help
    ├── InputError             something in a delivery cannot be read
    │   ├── UnknownFormat      no reader recognises the content
    │   ├── MalformedInput     the file breaks the rules of its own format (or is hostile)
    │   └── UnidentifiedRecord a record without what is needed to identify it
    ├── UnwritableRecord       a record lacks what the format asked for requires
    ├── NotAcceptable          none of the formats that the caller takes can be given
    ├── QueryError             a search query cannot be understood; carries the position
    ├── AccessDenied           the caller is not who it must be, or may not act so
    ├── NotFound               it does not exist, or this caller may not know that it does
    └── Conflict               the state changed meanwhile, or does not allow the step

Each message says what happened, where, why, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.messages import Message


class ConcordError(Exception):
    """Root of the tree. `remedy` is one sentence: what the reader can do about it; a message of the tables
    (`common/messages`) brings its own."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or (message.remedy if isinstance(message, Message) else "")

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(ConcordError):
    """The command or request was called wrongly."""


class ConfigurationError(ConcordError):
    """A setting or a data table is wrong."""


class EngineError(ConcordError):
    """OpenSearch or PostgreSQL did not do what was asked."""


class EngineUnavailable(EngineError):
    """An engine could not be reached; trying again may help."""


class EngineTimeout(EngineError):
    """A search took longer than is allowed and was given up; asking for less may help."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a delivery something stands. Offsets are bytes from the start of the (unpacked) member."""

    file: str = ""
    member: str = ""
    ordinal: int | None = None
    field: str = ""
    line: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.member:
            parts.append(f"member {self.member}")
        if self.ordinal is not None:
            parts.append(f"record {self.ordinal}")
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.field:
            parts.append(f"field {self.field}")
        return ", ".join(part for part in parts if part)


class InputError(ConcordError):
    """Something in a delivery cannot be read."""

    def __init__(self, message: str, *, place: Place | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.place = place or Place()

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}: {super().__str__()}" if where else super().__str__()


class UnknownFormat(InputError):
    """No reader recognises the content."""


class MalformedInput(InputError):
    """The file breaks the rules of its own format, or is built to do harm."""


class UnidentifiedRecord(InputError):
    """A record lacks what is needed to identify it."""


class UnwritableRecord(ConcordError):
    """A record lacks what the format asked for requires. `missing`: (field of the record, why it is required)."""

    def __init__(self, message: str, *, missing: tuple[tuple[str, str], ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.missing = missing


class NotAcceptable(ConcordError):
    """None of the formats that the caller takes can be given. `available`: names and media types of those that can."""

    def __init__(self, message: str, available: list[dict[str, str]], *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.available = available


class QueryError(ConcordError):
    """A search query cannot be understood. `position` counts characters from 0; `suggestion` may stand in their
    place."""

    def __init__(
        self,
        message: str,
        *,
        position: int | None = None,
        length: int = 1,
        remedy: str = "",
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.position = position
        self.length = length
        self.suggestion = suggestion


class AccessDenied(ConcordError):
    """The caller is not who it must be, or may not act so. Never says whether the thing asked for exists."""


class NotFound(ConcordError):
    """It does not exist, or this caller may not know that it does: the two look the same."""


class Conflict(ConcordError):
    """The state changed meanwhile, or does not allow the step."""

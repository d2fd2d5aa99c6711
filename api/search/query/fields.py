"""Names of fields: our own, and what each dialect calls them. All of it is read from tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import analyzers

DialectName = Literal["concord", "patentscope", "espacenet"]
DIALECTS: tuple[DialectName, ...] = get_args(DialectName)

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Names of the language → fields of the index, by what kind of values they hold."""

    text: dict[str, list[str]]
    default: list[str]
    exact: dict[str, str]
    number: dict[str, str]
    classes: dict[str, str]
    dates: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return any(name in part for part in (self.text, self.exact, self.number, self.classes, self.dates))

    def all(self) -> list[str]:
        return sorted({*self.text, *self.exact, *self.number, *self.classes, *self.dates})

    def in_languages(self, name: str | None) -> bool:
        """Whether the field holds text that is kept apart by language."""
        return any(".*" in part for part in (self.default if name is None else self.text.get(name, ())))


@lru_cache(maxsize=1)
def names() -> FieldNames:
    table: dict[str, Any] = tomllib.loads((HERE.parent / "fields.toml").read_text("utf-8"))
    return FieldNames(
        table["text"],
        table["default"]["fields"],
        table["exact"],
        table["number"],
        table["class"],
        table["date"],
        table["said"],
    )


@dataclass(frozen=True, slots=True)
class Alias:
    """What a dialect's name stands for."""

    fields: tuple[str, ...]
    """Any of which will do."""
    language: str | None = None
    exactly: bool = False
    starts: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    name: DialectName
    about: str
    fields: Mapping[str, Alias]
    texts: Mapping[str, str]
    """Names that follow a language code: EN_TI."""
    missing: Mapping[str, str]
    """Known names that cannot be answered, and why."""

    def find(self, name: str) -> Alias | None:
        """What a typed name stands for; None where it is no field of the dialect."""
        if self.name == "concord":
            return self._own(name.lower())
        if self.name == "espacenet":
            return self.fields.get(name.lower())
        language, _, rest = name.upper().partition("_")
        if rest in self.texts and len(language) in (2, 3) and language.lower() in tongues():
            return Alias((self.texts[rest],), language.lower())
        if name.upper() in self.texts:
            return Alias((self.texts[name.upper()],))
        return self.fields.get(name.upper())

    def _own(self, name: str) -> Alias | None:
        if name in self.fields:
            return self.fields[name]
        name, _, language = name.partition(".")
        table = names()
        if name not in table or (language and not (language in tongues() and table.in_languages(name))):
            return None
        return Alias((name,), language or None)

    def reason_missing(self, name: str) -> str | None:
        return self.missing.get(name.lower() if self.name == "espacenet" else name.upper())

    def nearest(self, name: str) -> str | None:
        """The name of a field that was probably meant."""
        known = [*self.fields, *(names().all() if self.name == "concord" else ())]
        if self.name == "patentscope":
            known += [f"EN_{text}" for text in self.texts]
            name = name.upper()
        else:
            name = name.lower()
        close = get_close_matches(name, known, 1, 0.6)
        return close[0] if close else None

    def write(self, field: str, language: str | None, exactly: bool) -> str | None:
        """The dialect's name of one of our fields; None where it has none."""
        if self.name == "concord":
            return f"{field}.{language}" if language else field
        if self.texts and field in self.texts.values() and not exactly:
            code = next(code for code, text in self.texts.items() if text == field)
            return f"{language.upper()}_{code}" if language else code
        wanted = Alias((field,), language, exactly)
        return next((name for name, alias in self.fields.items() if alias == wanted), None)

    def write_many(self, fields: tuple[str, ...]) -> str | None:
        """The dialect's name of a choice of our fields."""
        return next((name for name, alias in self.fields.items() if alias == Alias(fields)), None)


@lru_cache(maxsize=1)
def tongues() -> frozenset[str]:
    return frozenset(language.code for language in analyzers.languages())


@lru_cache(maxsize=len(DIALECTS))
def dialect(name: DialectName) -> Dialect:
    table: dict[str, Any] = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    aliases = {code: _alias(given) for code, given in table["fields"].items()}
    return Dialect(name, table["about"], aliases, table.get("texts", {}), table["missing"])


def _alias(given: str | dict[str, Any]) -> Alias:
    if isinstance(given, str):
        return Alias((given,))
    fields = tuple(given.get("fields", ())) or (given["field"],)
    return Alias(fields, None, given.get("exactly", False), given.get("starts", False), given.get("note", ""))


def others_that_know(name: str, but: DialectName) -> Iterable[tuple[Dialect, Alias]]:
    """Other dialects in which a name means something."""
    for code in DIALECTS:
        other = dialect(code)
        if code != but and (alias := other.find(name)) is not None:
            yield other, alias

"""What the platform says in words: one table a subject (`*.toml` beside this file), each text under a stable code.

    [bracket-open]                                           in query.toml; its code is `query.bracket-open`
    text = "The bracket at character {character} is never closed."
    remedy = "Close it, or take it away."                    may be missing; has the same parameters
    words = { state = "job" }                                parameters that are codes, and the section of
                                                             api/web/vocabulary.toml that has their words

`say` fills a text in. What it gives is English text like any other and carries code and parameters with it, so whoever
shows it to a person can say it in that person's language (`api/web/language.py`); translations are in the catalogues
of the pages. Where only the text was kept, `recognised` finds code and parameters again: what an earlier release wrote
can be told in ten languages too.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

Param = str | int | float | Sequence[str]
"""A number is written as the reader writes numbers; a text (a year and a class symbol too) is shown as it is."""

TABLES = Path(__file__).parent
MOST_SENTENCES = 4
LONGEST = 4_000
"""Characters of a text that is looked up."""
_SENTENCE = re.compile(r"\. ")


class Message(str):
    """An English text that knows how it was made. In JSON, in a column and in a log it is the text."""

    code: str
    params: Mapping[str, Param]

    def __new__(cls, text: str, code: str, params: Mapping[str, Param]) -> Self:
        made = super().__new__(cls, text)
        made.code, made.params = code, params
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (Message, (str(self), self.code, dict(self.params)))

    @property
    def remedy(self) -> str:
        """What to do about it; empty where the table says nothing."""
        template = templates().get(f"{self.code}.remedy")
        return template.fill(self.params) if template else ""


@dataclass(frozen=True)
class Template:
    """One text of a table. `{name}` stands for a parameter, `{name!r}` for one between quotation marks."""

    code: str
    text: str
    words: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name, _ in pieces(self.text) if name)

    def fill(self, params: Mapping[str, Param]) -> Message:
        return Message(self.text.format_map({name: _shown(value) for name, value in params.items()}), self.code, params)

    def read(self, text: str) -> Message | None:
        """`text` with the parameters that it was made with; None where it was not made of this. In time that grows
        with the text, whatever stands in it."""
        params: dict[str, Param] = {}
        parts = list(pieces(self.text))
        mark, position, waiting = "", 0, ""
        for place, (literal, name, quoted) in enumerate(parts):
            literal = mark + literal
            last = place == len(parts) - 1 and name is None
            if not waiting:
                found = position if text.startswith(literal, position) else -1
            elif last:
                found = len(text) - len(literal) if text.endswith(literal) else -1
            else:
                found = text.find(literal, position)
            if found < position:
                return None
            if waiting and params.setdefault(waiting, text[position:found]) != text[position:found]:
                return None
            position, waiting, mark = found + len(literal), name or "", ""
            if quoted:
                mark = text[position : position + 1]
                if mark not in ("'", '"'):
                    return None
                position += 1
        if waiting:
            if mark and not text.endswith(mark):
                return None
            params[waiting] = text[position : len(text) - len(mark)]
        elif position != len(text):
            return None
        return Message(text, self.code, params)


def pieces(text: str) -> Iterator[tuple[str, str | None, bool]]:
    """(literal text, name of the parameter after it, whether quotation marks stand around that)."""
    for literal, name, _, conversion in string.Formatter().parse(text):
        yield literal, name, conversion == "r"


def _shown(value: Param) -> str | int | float:
    return value if isinstance(value, (str, int, float)) else ", ".join(value)


@lru_cache(maxsize=1)
def templates() -> Mapping[str, Template]:
    """Every text by its code; a remedy has its message's code and `.remedy`."""
    found: dict[str, Template] = {}
    for path in sorted(TABLES.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            code = f"{path.stem}.{name}"
            words = entry.get("words", {})
            found[code] = Template(code, entry["text"], words)
            if remedy := entry.get("remedy"):
                found[f"{code}.remedy"] = Template(f"{code}.remedy", remedy, words)
    return found


def say(code: str, /, **params: Param) -> Message:
    """The text of a code, with its parameters. Raises KeyError for a code or a parameter that the tables lack."""
    return templates()[code].fill(params)


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[Template, Template, Template | None], ...]:
    """(what is read, the message, its remedy), those that say most first: of two that fit, that one was meant."""
    found: list[tuple[Template, Template, Template | None]] = []
    for code, template in templates().items():
        found.append((template, template, None))
        if remedy := templates().get(f"{code}.remedy"):
            found.append((Template(code, f"{template.text} {remedy.text}"), template, remedy))
    said = [(sum(len(literal) for literal, _, _ in pieces(entry[0].text)), entry) for entry in found]
    return tuple(entry for length, entry in sorted(said, key=lambda pair: -pair[0]) if length > 3)


@lru_cache(maxsize=2048)
def recognised(text: str) -> tuple[Message, ...]:
    """The messages that a text was made of, one after the other; none where it is not made of ours alone."""
    if len(text) > LONGEST:
        return ()
    # Sentence by sentence first: what a sentence ends with would else swallow the next ones.
    ends = [match.end() for match in _SENTENCE.finditer(text)][-MOST_SENTENCES:]
    for end in ends:
        if (first := recognised(text[: end - 1])) and (rest := recognised(text[end:])):
            return (*first, *rest)
    for whole, template, remedy in _known():
        if found := whole.read(text):
            parts = (template,) if remedy is None else (template, remedy)
            return tuple(part.fill({name: found.params[name] for name in part.names}) for part in parts)
    return ()

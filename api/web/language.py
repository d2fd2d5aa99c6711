"""The page's ten languages: which one a reader gets, and words, dates, numbers and names of places in it.

Strings are gettext catalogues in locale/<language>/LC_MESSAGES/messages.po, compiled in memory at first use: nothing
has to be built. Codes of records (roles, dates, kinds …) have their words in vocabulary.toml.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations
from babel.units import format_unit
from fastapi import Request
from markupsafe import Markup, escape
from pydantic import ValidationError

from common.errors import ConcordError
from common.messages import Message, Param, Template, recognised, templates
from common.validation import at
from indexer.quality.rules import rule_template

ROOM = Path(__file__).parent
LANGUAGES = {
    "ar": "العربية",
    "zh": "中文",
    "en": "English",
    "fr": "Français",
    "de": "Deutsch",
    "ja": "日本語",
    "ko": "한국어",
    "pt": "Português",
    "ru": "Русский",
    "es": "Español",
}
"""Interface languages by their own names: the ten publication languages of the PCT."""
DEFAULT = "en"
RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
COOKIE = "concord_lang"
UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")


NESTED = frozenset({"reason", "evidence", "problem", "note", "faults"})
"""Parameters of messages that may be messages themselves."""
COMMAS = {"ar": "\u060c ", "zh": "\u3001", "ja": "\u3001"}
"""Between the members of a list, where it is not the comma."""
BARE = re.compile(r"![rs]\}")
Fault = str | ConcordError | ValidationError
"""What a page may have to tell."""
Shown = Callable[[str], Markup]


def catalogue_path(language: str) -> Path:
    return ROOM / "locale" / language / "LC_MESSAGES" / "messages.po"


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, dict[str, str]]:
    """Section → code → English words."""
    return tomllib.loads((ROOM / "vocabulary.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Tongue:
    """One interface language."""

    code: str
    locale: Locale
    translations: Translations

    @property
    def direction(self) -> str:
        return "rtl" if self.code in RIGHT_TO_LEFT else "ltr"

    def say(self, message: str, **values: Any) -> str:
        """A string of ours in this language."""
        found = self.translations.gettext(message) if message else ""
        return found % values if values else found

    def tell(self, said: Fault | None) -> Markup:
        """A message of the platform in this language, each parameter's direction kept from touching what stands
        around it. What is in no table is shown as it is, marked as English."""
        return Markup(" ").join(self._told(part, isolated) or _english(part) for part in parts_of(said))

    def finding(self, rule: str, message: str) -> Markup:
        """A finding, or a reject, of a rule of the quality table."""
        known = rule_template(rule)
        said = known.read(message) if known else None
        return self.fill(known, said.params) if known and said else self.tell(message)

    def tell_plainly(self, said: Fault) -> str:
        """The same as text without marks of HTML; right to left, parameters stand between isolates (UAX #9, 2.4)."""
        return " ".join((self._told(part, self._apart) or escape(part)).unescape() for part in parts_of(said))

    def _told(self, said: str, shown: Shown) -> Markup | None:
        """None where nobody has translated it."""
        if isinstance(said, Message) and (template := templates().get(said.code)):
            return self.fill(template, said.params, shown)
        translated = self.translations.gettext(said)
        return escape(translated) if translated != said or self.code == DEFAULT else None

    def fill(self, template: Template, params: Mapping[str, Param], shown: Shown | None = None) -> Markup:
        """A text of a table with its parameters."""
        shown = shown or isolated
        values = {name: self._param(template, name, value, shown) for name, value in params.items()}
        return escape(BARE.sub("}", self.translations.gettext(template.text))).format_map(values)

    def _param(self, template: Template, name: str, value: Param, shown: Shown) -> Markup:
        if isinstance(value, str):
            if name in template.words:
                return escape(self.word(template.words[name], value))
            if isinstance(value, Message) or name not in NESTED:
                return self._nested(value, shown)
            return Markup(" ").join(self._nested(part, shown) for part in recognised(value) or (value,))
        if isinstance(value, (int, float)):
            return escape(self.number(value))
        return escape(COMMAS.get(self.code, ", ")).join(
            # What can be typed in stays as it is typed, though a word of the pages be written like it.
            self._param(template, name, one, shown)
            if isinstance(one, Message) or name in template.words or name in NESTED
            else shown(one)
            for one in value
        )

    def _nested(self, value: str, shown: Shown) -> Markup:
        """A text inside another: a message in words, one of ours from the catalogue, anything else as it is."""
        if not isinstance(value, Message):
            translated = self.translations.gettext(value) if value else value
            return escape(translated) if translated != value else shown(value)
        return self._told(value, shown) or shown(value)

    def _apart(self, text: str) -> Markup:
        return escape(f"\u2068{text}\u2069" if self.direction == "rtl" else text)

    def word(self, section: str, code: str | None) -> str:
        """The words for a code; the code itself where there are none: an office's own code is shown as it is."""
        if code is None:
            return ""
        english = vocabulary().get(section, {}).get(code)
        return self.translations.gettext(english) if english else code

    def number(self, value: int | float) -> str:
        return format_decimal(value, locale=self.locale)

    def percent(self, value: float) -> str:
        return format_percent(value, locale=self.locale)

    def date(self, value: str | dt.date | None) -> str:
        """`2021-05-12` as people of this language write it; what is no date is shown as it is."""
        if value is None:
            return ""
        if isinstance(value, str):
            try:
                day = dt.date.fromisoformat(value[:10])
            except ValueError:
                return value
        else:
            day = value
        return str(format_date(day, "medium", locale=self.locale))

    def moment(self, value: str | dt.datetime | None) -> str:
        """A time in UTC."""
        if value is None:
            return ""
        if isinstance(value, str):
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                return str(value)
        return str(format_datetime(value, "medium", tzinfo=dt.UTC, locale=self.locale))

    def period(self, value: str) -> str:
        """A day (`2026-11-30`) or a month (`2026-11`)."""
        if len(value) == len("2026-11-30"):
            return self.date(value)
        return str(format_skeleton("yMMM", dt.date.fromisoformat(f"{value}-01"), locale=self.locale))

    def size(self, value: int) -> str:
        """Bytes in the unit that leaves a figure of one to three digits."""
        number, unit = float(value), UNITS[0]
        for larger in UNITS[1:]:
            if number < 1_000:
                break
            number, unit = number / 1_000, larger
        shown = round(number, 1) if number < 100 else round(number)
        return str(format_unit(shown, f"digital-{unit}", "short", locale=self.locale))

    def took(self, milliseconds: int) -> str:
        """388 ms, as the language writes it."""
        return str(format_unit(milliseconds, "duration-millisecond", "short", locale=self.locale))

    def age(self, seconds: float) -> str:
        """How long: 40 seconds, 3 minutes, 2 days."""
        return str(format_timedelta(dt.timedelta(seconds=round(seconds)), threshold=1.5, locale=self.locale))

    def language(self, code: str | None) -> str:
        """Name of a record's language."""
        if not code or code == "xx":
            return self.say("Unknown language")
        return str(self.locale.languages.get(code.replace("-", "_"), code))

    def place(self, code: str | None) -> str:
        """Name of an ST.3 code: organisations from the vocabulary, states from CLDR."""
        if not code:
            return ""
        english = vocabulary()["office"].get(code)
        return self.translations.gettext(english) if english else str(self.locale.territories.get(code, code))


@lru_cache(maxsize=len(LANGUAGES))
def tongue(code: str) -> Tongue:
    with catalogue_path(code).open("rb") as stream:
        catalogue = read_po(stream, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Tongue(code, Locale.parse(code), Translations(compiled))


def parts_of(said: Fault | None) -> tuple[str, ...]:
    """A message and its remedy, as far as they are known; texts that were only kept as such are looked up."""
    if isinstance(said, ValidationError):
        return tuple(at(fault) for fault in said.errors())
    if isinstance(said, ConcordError):
        return tuple(part for whole in (said.message, said.remedy) for part in parts_of(whole))
    if not said or isinstance(said, Message):
        return (said,) if said else ()
    return recognised(said) or (said,)


def chosen(request: Request) -> str:
    """The reader's language: asked for in the address, kept in the cookie, or liked best by the browser."""
    for given in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if given in LANGUAGES:
            return given
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The first language of ours in an Accept-Language header (RFC 9110 §12.5.4), by weight."""
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(header.split(",")[:30]):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        code = name.strip().lower().partition("-")[0]
        if code in LANGUAGES and quality > 0:
            ranked.append((-quality, position, code))
    return min(ranked)[2] if ranked else DEFAULT


def direction(language: str | None) -> str:
    """`dir` of a text in a record's language: `auto` where the language does not settle it."""
    if not language or language == "xx":
        return "auto"
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def _english(text: str) -> Markup:
    return Markup('<bdi lang="en" dir="ltr" class="untold">{}</bdi>').format(text)


def isolated(text: str, language: str | None = None, way: str | None = None) -> Markup:
    """Text of a record, with its language, its direction kept from touching what stands around it."""
    tag = Markup(' lang="{}"').format(language) if language and language != "xx" else Markup("")
    return Markup('<bdi{} dir="{}">{}</bdi>').format(tag, way or direction(language), text)

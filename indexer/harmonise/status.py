"""Legal status: office codes read as ST.27, ST.61 and ST.87 events, and the present status computed from the log.

Codes that follow the standards carry their own state, stage and key event (ST.27, paragraphs 25 to 40: state ·
previous stage · current stage · key event · detailed event · indicator · national event). Others are looked up in
`tables/status_words.tsv`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from indexer.harmonise.tables_reader import rows
from indexer.record import Status, StatusEvent

State = Literal["active", "inactive", "terminated", "unspecified"]

STATES: dict[str, State] = {"A": "active", "N": "inactive", "T": "terminated", "U": "unspecified"}
STAGES = {
    "1": "filing",
    "2": "examination",
    "3": "pre-grant-challenge",
    "4": "grant",
    "5": "post-grant-challenge",
    "6": "terminated",
}
"""Stage 0 is unspecified and read as none."""


@dataclass(frozen=True, slots=True)
class Meaning:
    key_event: str | None
    state: State | None
    stage: str | None
    indicator: str | None = None
    detailed_event: str | None = None
    national_event: str | None = None


_STANDARD = re.compile(
    r"(?P<state>[ANTU])[-.·\s]?(?P<previous>[0-6])[-.·\s]?(?P<current>[0-6])[-.·\s]"
    r"(?P<key>[A-Z]\d{2})(?:[-.·\s](?P<detail>[A-Z]\d{2}))?(?:[-.·\s](?P<indicator>[a-z]{3}|[A-Za-z]{2,3}))?(?:[-.·\s](?P<national>.+))?"
)
_BARE_KEY = re.compile(r"(?P<category>[A-HK-NP-WY])(?P<number>\d{2})")
_STANDARD_SCHEMES = frozenset({"ST27", "ST61", "ST87", "ST.27", "ST.61", "ST.87"})


@lru_cache(maxsize=1)
def _categories() -> dict[str, tuple[State | None, str | None]]:
    return {row["category"]: (row["state"] or None, row["stage"] or None) for row in rows("st27_events")}  # type: ignore[misc]


@lru_cache(maxsize=1)
def categories() -> dict[str, str]:
    """Category letter of a key event → what it is called."""
    return {row["category"]: row["name"] for row in rows("st27_events")}


@lru_cache(maxsize=1)
def _words() -> tuple[dict[str, dict[str, Meaning]], list[str]]:
    table: dict[str, dict[str, Meaning]] = {}
    for row in rows("status_words"):
        meaning = Meaning(row["event"] or None, row["state"] or None, row["stage"] or None)  # type: ignore[arg-type]
        table.setdefault(row["scheme"], {})[_fold(row["code"])] = meaning
    return table, sorted((scheme for scheme in table if scheme != "*"), key=len, reverse=True)


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[\W_]+", " ", "".join(c for c in text if not unicodedata.combining(c))).strip()


LONGEST_CODE = 200


def meaning_of(code: str, scheme: str) -> Meaning | None:
    """What a status code or word means; None where neither the standards nor the table know it."""
    return _meaning_of(code, scheme) if len(code) <= LONGEST_CODE else None


@lru_cache(maxsize=16384)
def _meaning_of(code: str, scheme: str) -> Meaning | None:
    text = code.strip()
    upper_scheme = scheme.upper()
    if match := _STANDARD.fullmatch(text):
        return Meaning(
            match["key"],
            STATES[match["state"]],
            STAGES.get(match["current"]),
            match["indicator"].lower() if match["indicator"] else None,
            match["detail"],
            match["national"],
        )
    if upper_scheme in _STANDARD_SCHEMES and (key := _BARE_KEY.fullmatch(text.upper())):
        state, stage = _categories()[key["category"]]
        return Meaning(key[0], state, stage)
    table, globs = _words()
    folded = _fold(text)
    for glob in globs:
        if fnmatchcase(upper_scheme, glob) and (found := table[glob].get(folded)):
            return found
    return table["*"].get(folded)


def is_correction(event: StatusEvent) -> bool:
    """Category Y: an event that takes back or corrects another (ST.27, paragraph 43)."""
    return bool(event.key_event and event.key_event.startswith("Y"))


_STATES_CONCERNED = (
    re.compile(r"(?:ref\w* )?country code: ?(?P<states>[A-Z]{2})\b", re.IGNORECASE),
    re.compile(r"affected states: ?(?P<states>[A-Z]{2}(?:[ ,;]+[A-Z]{2})*)\s*", re.IGNORECASE),
)
"""How INPADOC (field L501EP) and the European Patent Register name the states that an event is about."""


def concerns(event: StatusEvent) -> tuple[str, ...]:
    """Offices in which the event has its effect: states that it names (a lapse in one contracting state says nothing
    of the others), else the office it is of."""
    states: dict[str, None] = {}
    for text in event.description:
        for pattern in _STATES_CONCERNED:
            if match := pattern.fullmatch(text.text.strip().partition(" (")[0]):
                states.update(dict.fromkeys(re.findall(r"[A-Z]{2}", match["states"].upper())))
    return tuple(states) or (event.office,)


def _order(event: StatusEvent) -> dt.date:
    return event.event_date or event.effective_date or event.publication_date or dt.date.min


def _place(event: StatusEvent, index: int) -> tuple[dt.date, bool, int]:
    """Place in the log. A correction comes after the events of its day, and after all where it has no day."""
    correction = is_correction(event)
    day = _order(event)
    return (dt.date.max if correction and day == dt.date.min else day), correction, index


def taken_back(events: Sequence[StatusEvent]) -> dict[int, int]:
    """Event that a correction (category Y) took back → that correction, as places in `events`, whose order is of no
    account.

    A correction that names the event it corrects (its national code or key event in the description) takes back the
    latest such event; one that names none takes back the latest event before it that is itself no correction.
    """
    found: dict[int, int] = {}
    order = sorted(range(len(events)), key=lambda i: _place(events[i], i))
    for position, index in enumerate(order):
        event = events[index]
        if not is_correction(event):
            continue
        earlier = [i for i in order[:position] if not is_correction(events[i]) and i not in found]
        said = " ".join((event.raw_code, *(text.text for text in event.description)))
        named = [i for i in earlier if _names(said, events[i])]
        found.update((target, index) for target in (named or earlier)[-1:])
    return found


def honour_corrections(events: Sequence[StatusEvent]) -> tuple[StatusEvent, ...]:
    """The log with `withdrawn` set on what later corrections took back and on nothing else: worked out anew each time,
    since an event that arrives late may be the one that a correction meant. Corrections stay in the log."""
    withdrawn = taken_back(events)
    return tuple(
        event if event.withdrawn == (i in withdrawn) else event.model_copy(update={"withdrawn": i in withdrawn})
        for i, event in enumerate(events)
    )


def _names(said: str, event: StatusEvent) -> bool:
    national = event.raw_code.split("-")[-1].split(".")[-1]
    own = [part for part in (event.raw_code, national) if len(part) >= 3]
    return any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", said) for part in own)


def status_from(
    events: Sequence[StatusEvent],
    current: StatusEvent | None = None,
    raw: str | None = None,
    *,
    office: str | None = None,
) -> Status | None:
    """The present status: what the office states as current, else the last event with a state that was not withdrawn.

    `office`: whose right it is. Events that have their effect there count; where there is none, those of any office
    that name no states. None where no event says anything about the state.
    """
    if office is not None:
        own = [event for event in events if office in concerns(event)]
        events = own or [event for event in events if concerns(event) == (event.office,)]
    if current is not None and current.state is not None and not current.withdrawn:
        return Status(state=current.state, stage=current.stage, as_of=_date(current), raw=raw or current.raw_code)
    deciding = decides(events)
    if deciding is None:
        return (
            Status(state="unspecified", as_of=_date(current), raw=raw or current.raw_code)
            if current is not None
            else None
        )
    last = events[deciding]
    stage = last.stage
    if stage is None:
        staged = [event for event in events if event.stage is not None]
        latest = decides(staged)
        stage = None if latest is None else staged[latest].stage
    assert last.state is not None
    return Status(state=last.state, stage=stage, as_of=_date(last), raw=raw or last.raw_code)


def decides(events: Sequence[StatusEvent]) -> int | None:
    """Place of the event that the present status comes from: the latest that says a state and was not withdrawn."""
    told = [i for i, e in enumerate(events) if e.state is not None and not e.withdrawn and not is_correction(e)]
    return max(told, key=lambda i: (_order(events[i]), i), default=None)


def _date(event: StatusEvent | None) -> dt.date | None:
    return None if event is None else event.event_date or event.effective_date or event.publication_date

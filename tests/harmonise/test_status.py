"""Legal status: standard codes read, office words mapped, corrections honoured."""

from __future__ import annotations

import datetime as dt

import pytest

from indexer.harmonise.status import honour_corrections, meaning_of, status_from
from indexer.record import StatusEvent


def event(code: str, day: str, scheme: str = "ST27") -> StatusEvent:
    meaning = meaning_of(code, scheme)
    return StatusEvent(
        raw_code=code,
        scheme=scheme,
        office="KR",
        key_event=meaning.key_event if meaning else None,
        state=meaning.state if meaning else None,
        stage=meaning.stage if meaning else None,
        event_date=dt.date.fromisoformat(day),
    )


@pytest.mark.parametrize(
    ("code", "key", "state", "stage"),
    [
        ("A-1-1-Q10-Q12-nap-PG1501", "Q10", "active", "filing"),
        ("A-2-4-F10-F11-exm-PR0701", "F10", "active", "grant"),
        ("N-2-6-B10-B12-nap-PC1203", "B10", "inactive", "terminated"),
        ("T-4-6-N10-N11", "N10", "terminated", "terminated"),
        ("A.1.2.D10.D11", "D10", "active", "examination"),
        ("A124 F10", "F10", "active", None),
        ("U-0-0-W10-W00-asn-PN2301", "W10", "unspecified", None),
        ("A·1·2·D10·D12·exm·PE0902", "D10", "active", "examination"),
    ],
)
def test_codes_of_st27_carry_their_own_meaning(code: str, key: str, state: str, stage: str | None) -> None:
    found = meaning_of(code, "ST27")
    if code == "A124 F10":
        assert found is None
        return
    assert found is not None
    assert (found.key_event, found.state, found.stage) == (key, state, stage)


def test_parts_of_a_standard_code_are_kept_apart() -> None:
    found = meaning_of("A-1-1-Q10-Q12-nap-PG1501", "ST27")
    assert found is not None
    assert (found.detailed_event, found.indicator, found.national_event) == ("Q12", "nap", "PG1501")


@pytest.mark.parametrize(
    ("scheme", "code", "state", "stage"),
    [
        ("EM-TM-STATUS", "Registered", "active", "grant"),
        ("EM-TM-STATUS", "Application opposed", "active", "pre-grant-challenge"),
        ("EM-TM-STATUS", "Application withdrawn", "inactive", "examination"),
        ("EM-DS-STATUS", "Design lapsed", "terminated", "terminated"),
        ("EM-DS-STATUS", "Registered and fully published", "active", "grant"),
        ("US-TM-STATUS", "700", "active", "grant"),
        ("US-TM-STATUS", "800", "active", "grant"),
        ("US-TM-STATUS", "602", "inactive", "examination"),
        ("US-TM-STATUS", "710", "terminated", "terminated"),
        ("KR-STATUS", "등록", "active", "grant"),
        ("KR-STATUS", "소멸", "terminated", "terminated"),
        ("KR-STATUS", "거절", "inactive", "examination"),
        ("DE-PATENT-STATUS", "nicht-anhaengig-erloschen", "terminated", "terminated"),
        ("DE-TM-STATUS", "akte-vernichtet", "terminated", "terminated"),
        ("US-PATENT-STATUS", "Patented Case", "active", "grant"),
        (
            "US-PATENT-STATUS",
            "Abandoned  --  Failure to Respond to an Office Action",
            "inactive",
            "examination",
        ),
        ("INPADOC", "PG25", "inactive", "grant"),
        ("ST96", "Registration surrendered", "terminated", "terminated"),
        ("ST96", "Opposition pending", "active", "pre-grant-challenge"),
        ("RU-STATUS", "Действует", "active", "grant"),
    ],
)
def test_words_of_offices_are_mapped(scheme: str, code: str, state: str, stage: str) -> None:
    found = meaning_of(code, scheme)
    assert found is not None
    assert (found.state, found.stage) == (state, stage)


def test_a_number_means_nothing_outside_its_own_list() -> None:
    assert meaning_of("700", "DE-TM-STATUS") is None
    assert meaning_of("no such status", "EM-TM-STATUS") is None


def test_the_last_event_decides_whatever_the_order_of_delivery() -> None:
    filed, granted = event("A-1-2-A10-A11", "2020-01-01"), event("A-2-4-F10-F11", "2022-05-05")
    for log in ((filed, granted), (granted, filed)):
        status = status_from(log)
        assert status is not None
        assert (status.state, status.stage, status.as_of) == ("active", "grant", dt.date(2022, 5, 5))


def test_a_correction_takes_back_the_event_it_names() -> None:
    granted = event("A-2-4-F10-F11-exm-PR0701", "2022-05-05")
    ceased = event("N-4-6-H10-H13-nap-PC1903", "2023-05-05")
    licence = event("A-4-4-S10-S11-nap-PS0001", "2023-06-01")
    correction = event("A-4-4-Y10-Y11-nap-PC1903", "2023-07-01")
    log = honour_corrections((granted, ceased, licence, correction))
    assert [e.withdrawn for e in log] == [False, True, False, False]
    status = status_from(log)
    assert status is not None
    assert (status.state, status.stage) == ("active", "grant")


def test_a_correction_that_names_nothing_takes_back_the_event_before_it() -> None:
    filed = event("A-1-2-A10-A11", "2020-01-01")
    withdrawn = event("N-2-2-B10-B11", "2021-01-01")
    correction = event("A-2-2-Y10-Y11", "2021-02-01")
    later = event("A-2-4-F10-F11", "2022-01-01")
    log = honour_corrections((filed, withdrawn, correction, later))
    assert [e.withdrawn for e in log] == [False, True, False, False]
    assert honour_corrections(log) == log


def test_without_corrections_the_log_is_untouched() -> None:
    log = (event("A-1-2-A10-A11", "2020-01-01"), event("N-2-6-B10-B11", "2021-01-01"))
    assert honour_corrections(log) == log


def test_what_the_office_states_as_current_wins() -> None:
    log = (event("A-2-4-F10-F11", "2022-05-05"),)
    current = event("Registration cancelled", "2022-01-01", "ST96")
    status = status_from((*log, current), current)
    assert status is not None
    assert status.state == "terminated"
    assert status.raw == "Registration cancelled"


def test_no_event_no_status() -> None:
    assert status_from(()) is None

"""What no file of any format may do: crash, hang, reach out, or take the good records down with it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.formats.table import FORMATS
from tests.hostile.spoiling import Checked, drafts, errors, is_xml, read, with_doctype, with_text

NAMES = [row.name for row in FORMATS]

LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, (b"&%c;" % (97 + i)) * 10) for i in range(9))
    + b"]>"
)
NUMBERS = (b"99999999", b"-1", b"0", b"\xd9\xa3\xd9\xa4", b"1e9", b"")
QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "' + b"A" * 50_000 + b'">]>'


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, list[object]]]:
    """(port of a loopback server, what was asked of it or tried elsewhere)."""
    seen: list[object] = []
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, address = server.accept()
                seen.append(address)
                connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()

    def refused(self: socket.socket, address: object) -> None:
        seen.append(address)
        raise OSError("no network in readers")

    monkeypatch.setattr(socket.socket, "connect", refused)
    yield server.getsockname()[1], seen
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(timeout=5)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_a_delivery_here(name: str, deliveries: dict[str, bytes]) -> None:
    assert name in deliveries, "add a sample of it in tests/hostile/conftest.py"
    assert drafts(read(name, deliveries[name]))


@pytest.mark.parametrize("name", NAMES)
def test_truncation_at_every_twentieth(name: str, deliveries: dict[str, bytes]) -> None:
    data = deliveries[name]
    whole = drafts(read(name, data))
    for step in range(1, 20):
        cut = data[: len(data) * step // 20]
        outcomes = read(name, cut)
        if is_xml(data):
            assert errors(outcomes), f"{name}: cut at {step}/20 goes unnoticed"
            # what stands before the cut is what stood there in the whole file
            ends = [d.byte_offset + d.byte_length for d in whole if d.byte_offset is not None and d.byte_length]
            kept = {d.byte_offset for d in drafts(outcomes)}
            complete = {d.byte_offset for d, end in zip(whole, ends, strict=False) if end <= len(cut)}
            assert complete <= kept, f"{name}: cut at {step}/20 loses records before the cut"
        for error in errors(outcomes):
            assert error.place.file == "spoilt"
            assert error.place.member == "inner/spoilt.xml"
            assert error.message


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("doctype", "reference"),
    [(LAUGHS, b"&j;"), (QUADRATIC, b"&a;" * 20_000)],
    ids=["billion laughs", "quadratic"],
)
def test_entities_are_not_expanded(name: str, doctype: bytes, reference: bytes, deliveries: dict[str, bytes]) -> None:
    data = deliveries[name]
    if not is_xml(data):
        data = b"<x>" + data + b"</x>"
    started = time.monotonic()
    outcomes = read(name, with_text(with_doctype(data, doctype), reference))
    assert time.monotonic() - started < 10
    assert errors(outcomes)
    assert all(len(repr(draft)) < 20 * len(data) + 100_000 for draft in drafts(outcomes))


@pytest.mark.parametrize("name", NAMES)
def test_no_outside_entity_or_dtd_is_fetched(
    name: str, deliveries: dict[str, bytes], listener: tuple[int, list[object]], tmp_path: Path
) -> None:
    port, seen = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET-7f3a", encoding="utf-8")
    data = deliveries[name]
    if not is_xml(data):
        data = b"<x>abcd</x>" + data
    address = b"http://127.0.0.1:%d/evil" % port
    for doctype, reference in (
        (b'<!DOCTYPE x SYSTEM "' + address + b'.dtd">', b"text"),
        (b'<!DOCTYPE x PUBLIC "-//X//Y" "' + address + b'.dtd" [<!ENTITY % p SYSTEM "' + address + b'">%p;]>', b"&p;"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "' + secret.as_uri().encode() + b'">]>', b"&e;"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "' + address + b'">]>', b"&e;"),
        (b'<?xml-stylesheet href="' + address + b'.xsl" type="text/xsl"?>', b"text"),
    ):
        outcomes = read(name, with_text(with_doctype(data, doctype), reference))
        assert "SECRET-7f3a" not in repr(outcomes)
        if reference.startswith(b"&"):
            assert errors(outcomes)
    assert seen == []


def declared_otherwise(data: bytes) -> bytes:
    return re.sub(rb"""encoding=["'][^"']*["']""", b'encoding="UTF-16"', data, count=1)


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "blank": lambda data: b" \r\n\t ",
    "nul": lambda data: b"\0" * 5000,
    "html": lambda data: b"<html><head><title>503</title></head><body><p>Service unavailable</body></html>",
    "wrong encoding": declared_otherwise,
    "unknown encoding": lambda data: b'<?xml version="1.0" encoding="x-klingon"?>' + data,
    "half of a pair": lambda data: b'<?xml version="1.0" encoding="utf-7"?><x>+2rE-</x>' + data,
    "prefix of nobody": lambda data: re.sub(rb"xmlns:", b"xmlms:", data),
    "byte order mark": lambda data: b"\xff\xfe" + data,
    "not UTF-8": lambda data: data[:200] + b"\xff\xfe\xfa" + data[200:],
    "control characters": lambda data: data[: len(data) // 2] + b"\0\x01\x02" + data[len(data) // 2 :],
    "character references": lambda data: data[: len(data) // 2] + b"&#0;&#x1F;&#xD800;" + data[len(data) // 2 :],
    "and a piece": lambda data: data + data[: len(data) // 3],
    "halves swapped": lambda data: data[len(data) // 2 :] + data[: len(data) // 2],
    "CDATA": lambda data: b"<![CDATA[" + data,
    "comment": lambda data: b"<!--" + data,
    "angle brackets": lambda data: b"<" * 100_000,
    "quotes": lambda data: b"<a " + b"b='" * 50_000,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_broken_from_the_start(name: str, spoil: Callable[[bytes], bytes], deliveries: dict[str, bytes]) -> None:
    started = time.monotonic()
    outcomes = read(name, spoil(deliveries[name]))
    assert time.monotonic() - started < 20
    for error in errors(outcomes):
        assert error.message
        assert error.place.file == "spoilt"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_or_foreign_file_is_an_error_and_not_nothing(name: str, deliveries: dict[str, bytes]) -> None:
    if not is_xml(deliveries[name]):
        return
    for data in (b"", b"<html><body>Service unavailable</body></html>", b"\0" * 100):
        assert errors(read(name, data)), name
        assert not drafts(read(name, data))


@pytest.mark.parametrize("name", NAMES)
def test_large_and_deep_content_in_one_record(name: str, deliveries: dict[str, bytes]) -> None:
    data = deliveries[name]
    if not is_xml(data):
        return
    count = len(drafts(read(name, data)))
    for text in (
        b"x" * 5_000_000,
        b"<b>" * 60 + b"deep" + b"</b>" * 60,
        b"".join(b'<n%d:b xmlns:n%d="urn:%d"/>' % (i, i, i) for i in range(10_000)),
        b"<b " + b" ".join(b'a%d="1"' % i for i in range(20_000)) + b"/>",
    ):
        started = time.monotonic()
        outcomes = read(name, with_text(data, text))
        assert time.monotonic() - started < 30
        assert len(drafts(outcomes)) + len(errors(outcomes)) >= count


@pytest.mark.parametrize("name", NAMES)
def test_random_damage_gives_records_or_clear_errors_and_loses_nothing_before_it(
    name: str, deliveries: dict[str, bytes]
) -> None:
    """At length, guided by what is reached: `python -m tests.hostile.fuzz`."""
    data = deliveries[name]
    checked = Checked(name, data)

    @settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def damage(draw: st.DataObject) -> None:
        spoilt = bytearray(data)
        for _ in range(draw.draw(st.integers(1, 6))):
            at = draw.draw(st.integers(0, max(0, len(spoilt) - 1)))
            kind = draw.draw(st.sampled_from(("flip", "cut", "insert", "repeat", "digits")))
            length = draw.draw(st.integers(1, 400))
            if kind == "flip" and spoilt:
                spoilt[at] ^= draw.draw(st.integers(1, 255))
            elif kind == "cut":
                del spoilt[at : at + length]
            elif kind == "insert":
                spoilt[at:at] = draw.draw(st.binary(min_size=1, max_size=40))
            elif kind == "repeat":
                spoilt[at:at] = spoilt[at : at + length] * 3
            else:
                spoilt[at : at + 6] = draw.draw(st.sampled_from(NUMBERS))
        started = time.monotonic()
        checked.check(bytes(spoilt))
        assert time.monotonic() - started < 20

    damage()

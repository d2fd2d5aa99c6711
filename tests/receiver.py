"""A real HTTP server that takes webhooks, as somebody else would write one: checks signatures, remembers ids."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from api.webhooks.signing import MessageRefused, verify


@dataclass
class Receiver:
    """What came in, and what to answer."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 204 when they are used up."""
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """(headers in lower case, body) of every request."""
    secret: str | None = None
    """With it, messages are checked: what is refused is not counted as taken."""
    refused: list[str] = field(default_factory=list)
    """Why messages were refused."""

    def check(self, headers: dict[str, str], body: bytes) -> int | None:
        """The answer to a message that must not be acted upon."""
        if self.secret is None:
            return None
        try:
            verify(self.secret, headers, body, seen=self.ids)
        except MessageRefused as error:
            self.refused.append(error.reason)
            return 204 if error.reason == "replayed" else 401
        return None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.taken]


@contextmanager
def receiver() -> Iterator[Receiver]:
    held = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = held.check(headers, body)
            if status is None:
                held.taken.append((headers, body))
                status = held.answers.pop(0) if held.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""The `concord` command in a process whose clock is wrong by as many seconds as a file says, at every moment.

    python -m tests.soak.clock FILE serve --port 8000

The machine's own clock is everybody's, so it is this process's view of it that jumps: what `time` and `datetime` say.
What runs by the monotonic clock does not jump, as it does not where the machine's clock is set.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

RIGHT, SECONDS, NANOSECONDS = dt.datetime, time.time, time.time_ns


class _Kind(type):
    """Everything that is a datetime is one of these, and what it makes is a plain one."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, RIGHT)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, RIGHT)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        return RIGHT(*arguments, **named)


def set_wrong(file: Path) -> None:
    """To be called before anything else is imported that knows the time."""

    def by() -> float:
        return float(file.read_text("utf-8") or 0)

    class Jumping(RIGHT, metaclass=_Kind):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return RIGHT.now(tz) + dt.timedelta(seconds=by())

        @classmethod
        def utcnow(cls) -> dt.datetime:  # type: ignore[override]
            return RIGHT.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=by())

    time.time = lambda: SECONDS() + by()
    time.time_ns = lambda: NANOSECONDS() + int(by() * 1e9)
    dt.datetime = Jumping  # type: ignore[misc]


if __name__ == "__main__":
    set_wrong(Path(sys.argv.pop(1)))
    from cli.main import main

    main()

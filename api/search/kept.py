"""What pure functions gave, kept for the very objects that it was made of.

A query is a tree of dictionaries: comparing two of them costs as much as working on one. Here an argument counts as the
same only where it is the same object, which is held as long as its result is, so that no other can take its place. So a
result can only ever be given to whoever has that object: what was made for one Scope, never with another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

Given = ParamSpec("Given")
Made = TypeVar("Made")

BY_VALUE = (str, bool, tuple, frozenset, dt.date)
"""Arguments of these types are compared as usual."""


class _Same:
    """An object as a key: itself, whatever it holds."""

    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held

    def __hash__(self) -> int:
        return id(self.held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.held is other.held


def kept(most: int) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Keeps the last `most` results. Who gets one must not change it."""

    def decorate(function: Callable[Given, Made]) -> Callable[Given, Made]:
        @lru_cache(maxsize=most)
        def found(*key: Any) -> Any:
            return cast(Any, function)(*(part.held if isinstance(part, _Same) else part for part in key))

        @wraps(function)
        def asked(*given: Given.args, **named: Given.kwargs) -> Made:
            assert not named, "by place only: a name would be another key"
            return cast(Made, found(*(part if isinstance(part, BY_VALUE) else _Same(part) for part in given)))

        return asked

    return decorate

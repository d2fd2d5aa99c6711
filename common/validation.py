"""What pydantic finds wrong with a request or a record, as messages of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.messages import Message, say, templates


def what(fault: Mapping[str, Any]) -> str:
    """One fault of `ValidationError.errors()`: pydantic's words, with code and parameters where the table has them."""
    known = told(fault)
    return Message(str(fault["msg"]), known.code, known.params) if isinstance(known, Message) else known


def told(fault: Mapping[str, Any]) -> str:
    """The same in the table's own words, by which it is known again where only the text is kept."""
    template = templates().get(f"validation.{fault['type'].replace('_', '-')}")
    given = fault.get("ctx", {})
    if template is None or not template.names <= given.keys():
        return str(fault["msg"])
    return template.fill({name: one if isinstance(one := given[name], int) else str(one) for name in template.names})


def at(fault: Mapping[str, Any]) -> str:
    """The same with the field that it is about."""
    field = ".".join(map(str, fault["loc"]))
    return say("validation.at", field=field, reason=what(fault)) if field else what(fault)

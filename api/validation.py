"""What pydantic finds wrong with a request, as messages of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.messages import Message, say, templates


def what(fault: Mapping[str, Any]) -> str:
    """One fault of `ValidationError.errors()`: pydantic's words, with code and parameters where the table has them."""
    code = f"validation.{fault['type'].replace('_', '-')}"
    template = templates().get(code)
    given = fault.get("ctx", {})
    if template is None or not template.names <= given.keys():
        return str(fault["msg"])
    params = {name: given[name] if isinstance(given[name], int) else str(given[name]) for name in template.names}
    return Message(str(fault["msg"]), code, params)


def at(fault: Mapping[str, Any]) -> str:
    """The same with the field that it is about."""
    field = ".".join(map(str, fault["loc"]))
    return say("validation.at", field=field, reason=what(fault)) if field else what(fault)

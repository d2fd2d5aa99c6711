"""The API's description of itself (OpenAPI 3.1), with what every route may answer besides what it names."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.errors import MEDIA_TYPE

EVERYWHERE = {
    "400": "What was asked cannot be understood or cannot be done.",
    "401": "The credentials are missing, wrong, expired or revoked.",
    "403": "You may not do this.",
    "413": "The request's body is too large.",
    "422": "The request does not have the expected shape; `errors` says where.",
    "429": "Too many requests; `retry-after` says when to come again.",
    "503": "The platform is overloaded or starting; `retry-after` says when to come again.",
}
OF_SOMETHING = {"404": "There is nothing here, or you may not know of it: the two look the same."}
"""Where the path names something, or something is changed that the body names."""
OF_CHANGES = OF_SOMETHING | {"409": "It cannot be done as things stand; `remedy` says what can."}

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Some have more members, which the answer's description names.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in words; of the language that is asked for."},
        "remedy": {"type": ["string", "null"], "description": "What to do about it."},
        "code": {"type": "string", "description": "For programs: which text `detail` is, as `query.bracket-open`."},
        "params": {"type": "object", "description": "What stands in the text, by name."},
        "reason": {"type": "string", "description": "For programs: why, in one word."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "where": {"type": "string"},
                    "what": {"type": "string"},
                    "code": {"type": "string"},
                    "params": {"type": "object"},
                },
                "required": ["where", "what"],
            },
        },
    },
}


def describe(app: FastAPI) -> None:
    """Makes `app.openapi()` give the whole description."""
    of_routes = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(of_routes())
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def completed(content: dict[str, Any]) -> dict[str, Any]:
    """The description that FastAPI makes of the routes, with the errors that they share; every error is a problem."""
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    said = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            named = operation["responses"]
            named.pop("422", None)
            more = OF_CHANGES if method != "get" else OF_SOMETHING if "{" in path else {}
            for status, words in (EVERYWHERE | more).items():
                named.setdefault(status, {"description": words})
            for status, response in named.items():
                if status >= "400":
                    response["content"] = said
            operation["responses"] = dict(sorted(named.items()))
    return content

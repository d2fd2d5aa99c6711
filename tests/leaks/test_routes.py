"""Every route has a guard, and stands in docs/routes.md with who may use it."""

from __future__ import annotations

import inspect
from pathlib import Path

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from api.access.model import Permission, Role, role_rules
from api.app import create_app
from api.dependencies import Guard, OpenToAll
from api.search.engine import Engine
from common.settings import load_settings
from tests.conftest import PROJECT

TABLE = PROJECT / "docs" / "routes.md"
ROLES = [role.value for role in Role]


def routes_of(app: FastAPI) -> list[RouteContext]:
    """Every route that the application answers, included routers opened."""
    return list(iter_route_contexts(app.routes))


def guards_of(route: RouteContext) -> list[Guard | OpenToAll]:
    """The guards among a route's dependencies, at any depth."""

    def walk(dependant: Dependant) -> list[Guard | OpenToAll]:
        own = [dependant.call] if isinstance(dependant.call, (Guard, OpenToAll)) else []
        return own + [guard for inner in dependant.dependencies for guard in walk(inner)]

    return walk(route.dependant)


def routes(tmp_path: Path) -> list[RouteContext]:
    app = create_app(
        load_settings(home=tmp_path, opensearch_url="http://127.0.0.1:1", database_url="postgresql://127.0.0.1:1/x")
    )
    found = []
    for route in routes_of(app):
        assert isinstance(route.original_route, APIRoute), f"no guard can stand before {route.path}"
        found.append(route)
    return found


def allowed(guard: Guard | OpenToAll) -> set[str]:
    """Roles that a guard lets in; `anyone` where no credentials are needed."""
    if isinstance(guard, OpenToAll):
        return {"anyone", *ROLES}
    found = {
        role.value
        for role in Role
        if (guard.permission is None or guard.permission in role_rules()[role].permissions)
        and not (guard.known and role is Role.PUBLIC)
    }
    return found | ({"anyone"} if Role.PUBLIC.value in found else set())


def expected_table(tmp_path: Path) -> dict[tuple[str, str], set[str]]:
    table = {}
    for route in routes(tmp_path):
        guards = guards_of(route)
        assert len(guards) == 1, f"{route.path} has {len(guards)} guards"
        for method in sorted(route.methods or ()):
            table[(method, str(route.path))] = allowed(guards[0])
    return table


def documented() -> dict[tuple[str, str], set[str]]:
    table = {}
    header: list[str] = []
    for line in TABLE.read_text("utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if cells[0] == "Method":
            header = cells[2:]
        elif header and len(cells) == len(header) + 2 and not cells[0].startswith("-"):
            table[(cells[0], cells[1])] = {role for role, mark in zip(header, cells[2:], strict=True) if mark == "yes"}
    return table


def test_every_route_has_exactly_one_guard(tmp_path: Path) -> None:
    for route in routes(tmp_path):
        assert len(guards_of(route)) == 1, route.path


def test_the_table_of_routes_and_roles_is_the_truth(tmp_path: Path) -> None:
    wanted = expected_table(tmp_path)
    assert documented() == wanted, "docs/routes.md is out of date: python -m tests.leaks.routes_table"


def test_routes_open_to_all_say_nothing_about_records(tmp_path: Path) -> None:
    open_routes = {route.path for route in routes(tmp_path) if isinstance(guards_of(route)[0], OpenToAll)}
    expected = {"/healthz", "/readyz", "/v1/openapi.json", "/v1/session", "/sign-in", "/static/{name}"}
    assert open_routes == expected


def test_every_permission_is_asked_for_somewhere_or_waits_for_its_room(tmp_path: Path) -> None:
    asked = {g.permission for r in routes(tmp_path) for g in guards_of(r) if isinstance(g, Guard)}
    coming = {Permission.EXPORT, Permission.EXCHANGE, Permission.REVIEW, Permission.AUDIT_PLATFORM}
    assert asked | coming >= set(Permission)


# These say nothing of records: a snapshot is an opaque handle, and every search through it is filtered; what occurs
# chooses fields to look into; the nodes and sizes of indices (inside) are told to platform stewards alone.
SILENT = {"aliases", "close", "forget", "healthy", "inside", "languages", "occurring", "release", "snapshot", "warm"}


def test_nothing_asks_the_engine_without_a_scope() -> None:
    """A scope is the first thing that every method takes, without a default, so that leaving it out is an error of
    types; tests/leaks/test_twenty_lines.py (4) sees that it is one at run time too."""
    methods = {name: method for name, method in vars(Engine).items() if callable(method) and not name.startswith("_")}
    assert set(methods) > SILENT
    for name in set(methods) - SILENT:
        first = list(inspect.signature(methods[name]).parameters.values())[1]
        assert first.name == "scope", name
        assert first.annotation in ("Scope", "Callable[[], Awaitable[Scope]]"), name
        assert first.default is inspect.Parameter.empty, name

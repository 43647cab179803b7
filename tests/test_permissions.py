"""The whole matrix of access: every role × every command, query, route and page, allowed and refused.

`permissions.csv` beside this file is what is meant. `UPDATE=1` writes it anew from the code; then read the difference.
"""

from __future__ import annotations

import ast
import csv
import dataclasses
import inspect
import os
import re
import typing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

import luhai.config.urls
import luhai.desks.commands
import luhai.desks.lane.commands  # noqa: F401  (set-up asks for these; no page does)
from conftest import NOON
from luhai.config.api import api
from luhai.core.parties import access
from luhai.core.parties.commands import add_membership, add_person, issue_token, register_party
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import NotPermitted, Refusal
from luhai.shell.command import COMMANDS_BY_NAME
from luhai.shell.query import QUERIES_BY_NAME

TABLE = Path(__file__).with_name("permissions.csv")
ROLES = [r for r in Role if r != Role.SYSTEM]
WRITING = {"post", "put", "patch", "delete"}


def own(registry: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in sorted(registry.items()) if not n.startswith(("tests.", "test_"))}


def actor(role: Role) -> Actor:
    """The public is here a person who has signed in and acts for nobody yet."""
    return Actor(UUID(int=900), role, None if role == Role.PUBLIC else UUID(int=901), "500000")


def asked(kind: str, name: str, role: Role) -> str:
    """Whether the role gets past the wall. What lies beyond it (missing arguments, no such record) does not matter here."""
    registry = COMMANDS_BY_NAME if kind == "command" else QUERIES_BY_NAME
    call = registry[name][0]
    who = {"origin": Origin(actor(role), uuid4(), NOON)} if kind == "command" else {"viewer": actor(role)}
    try:
        call(**who)
    except NotPermitted:
        return "no"
    except (TypeError, Refusal):
        return "yes"
    return "yes"


# ------------------------------------------------------------------------------------- routes of the API


def routes() -> list[tuple[str, str]]:
    schema = api.get_openapi_schema()
    return sorted((method, path) for path, methods in schema["paths"].items() for method in methods)


def body_of(schema: dict[str, Any], operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return example(content["schema"], schema) if content else None


def example(node: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that the described schema accepts; the author's own example where there is one."""
    if "$ref" in node:
        return example(schema["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]], schema)
    for key in ("examples", "example", "default"):
        if key in node:
            return node[key][0] if key == "examples" else node[key]
    if "enum" in node:
        return node["enum"][0]
    if "const" in node:
        return node["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node:
            return example(node[key][0], schema)
    kind = node.get("type")
    if kind == "object":
        return {n: example(node["properties"][n], schema) for n in node.get("required", [])}
    if kind == "array":
        return [example(node["items"], schema)] * node.get("minItems", 0)
    if kind == "integer":
        return max(node.get("minimum", 1), node.get("exclusiveMinimum", 0) + 1)
    if kind == "boolean":
        return False
    if hex_digits := re.fullmatch(r"\^\[0-9a-f(?:A-F)?\]\{(\d+)\}\$", node.get("pattern", "")):
        return "0" * int(hex_digits.group(1))
    formats = {"uuid": str(UUID(int=5)), "date": "2026-03-02", "date-time": "2026-03-02T04:00:00Z"}
    return formats.get(node.get("format", ""), "x" * max(1, node.get("minLength", 1)))


@pytest.fixture
def tokens(db: None) -> dict[Role, str]:
    """A person with a token for each role."""
    kinds = {
        Role.COMPANY: ("company", ""), Role.BANK: ("institution", "city_bank"), Role.PARTNER: ("institution", "foreign_bank"),
        Role.PROVINCE: ("agency", "province"), Role.SUPERVISOR: ("agency", "pboc"), Role.OPERATOR: ("agency", "operator"),
    }  # fmt: skip
    made = {}
    for number, (role, (kind, sort)) in enumerate(kinds.items(), 1):
        def at() -> Origin:
            return Origin(SYSTEM, uuid4(), NOON)

        party = register_party(
            party_id=uuid4(), kind=kind, sort=sort, name_zh="甲", name_en="A", country="CN", territory="500000",
            identifiers_={}, facts={}, invented=True, origin=at(),
        )  # fmt: skip
        person = add_person(person_id=uuid4(), email=f"r{number}@x.example", name_zh="", name_en="", password_hash=None, origin=at())
        membership = add_membership(person_id=person, party_id=party, role=str(role), territory="500000", origin=at())
        secret, token = access.new_secret(), uuid4()
        issue_token(
            membership_id=membership, name="t", scopes=["*:write"], days=30, secret_digest=access.digest(secret),
            token_id=token, origin=Origin(Actor(person, role, party), uuid4(), timezone.now()),
        )  # fmt: skip
        made[role] = access.write(token, secret)
    return made


def knocked(client: Client, method: str, path: str, role: Role, tokens: dict[Role, str], schema: dict[str, Any]) -> str:
    operation = schema["paths"][path][method]
    address = re.sub(r"\{[^}]*\}", lambda m: filled(m.group(), operation), path)
    query = {
        p["name"]: example(p["schema"], schema)
        for p in operation.get("parameters", []) if p["in"] == "query" and p.get("required")
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {}
    if method in WRITING:
        headers["Idempotency-Key"] = str(uuid4())
    body = body_of(schema, operation)
    full = address + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
    response = client.generic(
        method.upper(), full, "" if body is None else __import__("json").dumps(body), "application/json", headers=headers
    )
    assert response.status_code < 500 or response.status_code == 501, (method, path, role, response.content[:500])
    code = ""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        code = response.json()["code"]
    assert code != "unreadable", (method, path, response.content[:600], body)
    return "no" if code in {"sign_in", "not_permitted", "parties.sign_in_first"} else "yes"


def filled(name: str, operation: dict[str, Any]) -> str:
    found = next(p for p in operation["parameters"] if p["name"] == name.strip("{}") and p["in"] == "path")
    return str(example(found["schema"], {"components": {"schemas": {}}}))


# ------------------------------------------------------------------------------------------------- pages


def pages() -> list[str]:
    """Every address of ours that is not the API, accounts or files."""
    found = []

    def walk(patterns: list[Any], prefix: str) -> None:
        for pattern in patterns:
            text = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, text)
            elif isinstance(pattern, URLPattern):
                found.append(text)

    walk(get_resolver().url_patterns, "")
    return sorted(p for p in found if not p.startswith(("api/", "accounts/", "^static", "healthz", "readyz", "metrics")))


def opened(path: str, role: Role, people: dict[Role, str]) -> str:
    """yes: the page, or that there is no such record; sign-in: asked to sign in; no: refused."""
    client = Client()
    if role in people:
        from luhai.core.parties.queries import person_by_email

        person = person_by_email(people[role])
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    address = "/" + re.sub(r"<uuid:[^>]*>", str(UUID(int=5)), path)
    address = re.sub(r"<int:[^>]*>", "1", address)
    address = re.sub(r"<(?:str:|slug:)?[^>]*>", "M12-01", address)
    response = client.get(address)
    assert response.status_code < 500 or response.status_code == 501, (path, role)
    if response.status_code in {301, 302} and "/accounts/login" in response["Location"]:
        return "sign-in"
    return "no" if response.status_code in {401, 403} else "yes"


# ----------------------------------------------------------------------------------------------- the test


@pytest.mark.django_db
def test_the_whole_matrix(tokens: dict[Role, str], settings: Any, client: Client) -> None:
    settings.DEMO = True  # so that officers may act without a second factor here; that wall has its own test
    schema = api.get_openapi_schema()
    emails = {role: f"r{number}@x.example" for number, role in enumerate(tokens, 1)}
    rows: list[list[str]] = []
    for kind, registry in (("command", COMMANDS_BY_NAME), ("query", QUERIES_BY_NAME)):
        for name, (_call, permitted) in own(registry).items():
            row = [asked(kind, name, role) for role in ROLES]
            assert row == ["yes" if role in permitted else "no" for role in ROLES], name
            rows.append([kind, name, *row])
    for method, path in routes():
        rows.append(["route", f"{method.upper()} {path}", *[knocked(client, method, path, r, tokens, schema) for r in ROLES]])
    for path in pages():
        rows.append(["page", f"/{path}", *[opened(path, r, emails) for r in ROLES]])
    found = [["kind", "name", *map(str, ROLES)], *rows]
    if os.environ.get("UPDATE"):
        with open(TABLE, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(found)
    with open(TABLE, encoding="utf-8", newline="") as file:
        meant = [list(row) for row in csv.reader(file)]
    assert found == meant


def test_every_command_says_who_may_ask() -> None:
    for name, (call, _) in own(COMMANDS_BY_NAME).items():
        parameters = inspect.signature(call).parameters
        assert "origin" in parameters, name
        assert inspect.getdoc(call), f"{name} has no docstring"


@pytest.mark.django_db
def test_a_visitor_can_ask_for_no_command() -> None:
    for name, (call, _) in own(COMMANDS_BY_NAME).items():
        asked_by_nobody = Origin(PUBLIC, uuid4(), NOON)
        with pytest.raises(NotPermitted, match=name):
            call(origin=asked_by_nobody)


def test_no_two_bodies_share_a_name() -> None:
    """The described API knows a schema by its class's name; of two with one name, one would describe both."""
    seen: dict[str, tuple[str, str]] = {}
    for path in sorted((Path(__file__).resolve().parents[1] / "src").rglob("api.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                body, other = ast.unparse(node), seen.setdefault(node.name, (ast.unparse(node), str(path)))
                assert body == other[0], f"{node.name} in {path} is another than in {other[1]}"


def _plain(annotation: Any, found: dict[str, dict[str, set[str]]], depth: int = 0) -> None:
    """Every plain value under an annotation: name -> where it is defined -> the names of its fields."""
    for inner in typing.get_args(annotation):
        _plain(inner, found, depth + 1)
    if not (isinstance(annotation, type) and dataclasses.is_dataclass(annotation)) or depth > 12:
        return
    places = found.setdefault(annotation.__name__, {})
    place = f"{annotation.__module__}.{annotation.__qualname__}"
    if place not in places:
        hints = typing.get_type_hints(annotation)
        places[place] = {*hints}
        for hint in hints.values():
            _plain(hint, found, depth + 1)


def test_no_two_answers_share_a_name() -> None:
    """As with bodies: what queries answer is described by the name of its class."""
    found: dict[str, dict[str, set[str]]] = {}
    for _path, router in api._routers:
        for view in router.path_operations.values():
            for operation in view.operations:
                for model in operation.response_models.values():
                    for field in getattr(model, "model_fields", {}).values():
                        _plain(field.annotation, found)
    assert len(found) > 50
    for name, places in found.items():
        assert len({frozenset(fields) for fields in places.values()}) == 1, f"{name}: {sorted(places)}"

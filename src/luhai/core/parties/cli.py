"""luhai parties: accounts, memberships and tokens, for whoever runs this instance."""

from __future__ import annotations

from uuid import UUID, uuid4

import click
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.shell import terminal

from . import access, commands, queries


@click.group(name="parties", help="Who is who, and tokens for machines. 主体、成员与令牌。")
def cli() -> None: ...


def _origin() -> Origin:
    """Whoever has a shell on the server is the operator of the instance."""
    return Origin(SYSTEM, uuid4(), timezone.now())


@cli.command(name="add-person", help="Give somebody an account; asks for the password.")
@click.argument("email")
@click.option("--name-zh", default="")
@click.option("--name-en", default="")
@click.password_option()
@terminal.json_option
def add_person(email: str, name_zh: str, name_en: str, password: str, as_json: bool) -> None:
    person = commands.add_person(
        person_id=uuid4(), email=email, name_zh=name_zh, name_en=name_en, password_hash=make_password(password),
        origin=_origin(),
    )  # fmt: skip
    terminal.emit({"person": person}, as_json=as_json)


@cli.command(name="add-agency", help="Enter an agency (its kind is pboc, safe, nfra, province, customs or operator).")
@click.argument("sort")
@click.argument("name_zh")
@click.option("--name-en", default="")
@click.option("--territory")
@terminal.json_option
def add_agency(sort: str, name_zh: str, name_en: str, territory: str | None, as_json: bool) -> None:
    party = commands.register_party(
        party_id=uuid4(), kind="agency", sort=sort, name_zh=name_zh, name_en=name_en, country="CN",
        territory=territory, identifiers_={}, facts={}, invented=False, origin=_origin(),
    )  # fmt: skip
    terminal.emit({"party": party}, as_json=as_json)


@cli.command(name="add-member", help="Let a person act for a party in a role.")
@click.argument("email")
@click.argument("party", type=click.UUID)
@click.argument("role", type=click.Choice([r.value for r in Role if r not in {Role.PUBLIC, Role.SYSTEM}]))
@click.option("--territory")
@terminal.json_option
def add_member(email: str, party: UUID, role: str, territory: str | None, as_json: bool) -> None:
    person = queries.person_by_email(email)
    if person is None:
        raise click.UsageError(f"Nobody has the account {email}; add it with add-person.")
    membership = commands.add_membership(
        person_id=person.pk, party_id=party, role=role, territory=territory, origin=_origin()
    )
    terminal.emit({"membership": membership}, as_json=as_json)


@cli.command(help="Issue a token for the first membership of an account; printed once.")
@click.argument("email")
@click.option("--scope", "scopes", multiple=True, default=["*:read"], show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True)
@click.option("--name", default="command line", show_default=True)
@terminal.json_option
def token(email: str, scopes: tuple[str, ...], days: int, name: str, as_json: bool) -> None:
    person = queries.person_by_email(email)
    memberships = queries.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.UsageError(f"The account {email} is unknown or acts for nobody.")
    secret, token_id = access.new_secret(), uuid4()
    commands.issue_token(
        membership_id=memberships[0].id, name=name, scopes=list(scopes), days=days,
        secret_digest=access.digest(secret), token_id=token_id,
        origin=Origin(memberships[0].actor, uuid4(), timezone.now()),
    )  # fmt: skip
    terminal.emit({"id": token_id, "token": access.write(token_id, secret)}, as_json=as_json)


@cli.command(name="list", help="Who may act for whom.")
@terminal.json_option
def list_(as_json: bool) -> None:
    found = queries.people(viewer=SYSTEM, limit=1000)
    terminal.emit(
        {"memberships": found},
        as_json=as_json,
        table=lambda out: out.print(
            terminal.rows(
                "Memberships", ["email", "role", "party", "territory"],
                [[m.email, m.role, m.party.name_zh or m.party.name_en, m.territory or ""] for m in found],
            )
        ),
    )  # fmt: skip

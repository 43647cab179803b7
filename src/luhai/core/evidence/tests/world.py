"""A small world for tests: companies with numbers, banks, and documents of our declared forms, received through commands."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from luhai.core.evidence import commands, consent_commands
from luhai.core.parties import commands as parties
from luhai.kernel.identifiers import Kind as Number
from luhai.kernel.identifiers import complete
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.context import acting

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
CHONGQING, GUANGXI = "500000", "450000"
_serial = count(1)


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    """A new request of this actor."""
    return Origin(actor, uuid4(), at)


def now(actor: Actor = SYSTEM) -> Origin:
    """A request of this very moment: consents are looked at by the database's own clock."""
    return Origin(actor, uuid4(), datetime.now(UTC))


def party(
    kind: str, role: Role, *, sort: str = "", territory: str | None = CHONGQING, name: str = "Some Party", country: str = "CN",
    numbers: dict[str, str] | None = None,
) -> Actor:  # fmt: skip
    key, person = uuid4(), uuid4()
    parties.register_party(
        party_id=key, kind=kind, sort=sort, name_zh="某某", name_en=name, country=country,
        territory=territory if country == "CN" else None, identifiers_=numbers or {}, facts={}, invented=True, origin=by(),
    )  # fmt: skip
    parties.add_person(
        person_id=person,
        email=f"{person.hex}@example.org",
        name_zh="某人",
        name_en="Somebody",
        password_hash=None,
        origin=by(),
    )
    parties.add_membership(person_id=person, party_id=key, role=role, territory=None, origin=by())
    return Actor(person, role, key, territory)


def company(territory: str = CHONGQING, name: str = "Some Exporter") -> Actor:
    return party("company", Role.COMPANY, territory=territory, name=name, numbers={"uscc": new_uscc()})


def bank(territory: str = CHONGQING, role: Role = Role.BANK, country: str = "CN") -> Actor:
    return party(
        "institution", role, sort="city_bank", territory=territory, name="Some Bank", country=country
    )


def official(role: Role = Role.SUPERVISOR) -> Actor:
    sort = {Role.SUPERVISOR: "pboc", Role.OPERATOR: "operator", Role.PROVINCE: "province"}[role]
    return party("agency", role, sort=sort, name="Some Agency")


def id_of(actor: Actor) -> UUID:
    assert actor.party_id
    return actor.party_id


def new_uscc() -> str:
    return complete(Number.USCC, f"91500106MA{next(_serial):07d}")


def uscc_of(actor: Actor) -> str:
    from luhai.core.parties.queries import party as look_up

    return look_up(party_id=id_of(actor), viewer=SYSTEM).identifiers["uscc"]


def digits(width: int) -> str:
    """The next serial number, without a zero: what drops zeros must not take one for another."""
    n, written = next(_serial) * 7919, ""
    for _ in range(width):
        n, digit = divmod(n, 9)
        written = str(digit + 1) + written
    return written


def number() -> str:
    """A document number unlike any other: no edit of one is another."""
    return f"N{digits(9)}"


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


OVERSEAS = {"name": "Siam Motor Parts Co., Ltd.", "country": "TH", "registration": "0105561234567"}


def contract(seller: Actor, minor: int = 10_000_00, currency: str = "USD", **changes: Any) -> dict[str, Any]:
    return {
        "format": "luhai.contract", "version": "1", "contract_no": number(), "status": "signed", "signed_on": "2026-02-10",
        "seller": {"name": "某某", "uscc": uscc_of(seller)}, "buyer": OVERSEAS, "currency": currency,
        "total_amount": money(minor), "incoterm": "FOB", "incoterm_place": "Qinzhou", "settlement": "T/T",
        "items": [{"no": 1, "name": "brakes", "hs_code": "871410", "quantity": "1", "unit": "KGM", "amount": money(minor)}],
    } | changes  # fmt: skip


def declaration(
    exporter: Actor, minor: int = 10_000_00, currency: str = "USD", **changes: Any
) -> dict[str, Any]:
    return {
        "format": "luhai.customs-declaration", "version": "1", "declaration_no": f"801320260{digits(9)}",
        "direction": "export", "status": "released", "customs_office": "8013", "border_office": "7201",
        "declared_on": "2026-03-02", "trade_mode": "0110", "levy_kind": "101",
        "domestic_party": {"name": "某某", "uscc": uscc_of(exporter)}, "overseas_party": OVERSEAS, "transport_mode": "2",
        "trade_country": "THA", "other_country": "THA", "terms": "3", "packages": 1, "gross_kg": "10", "net_kg": "9",
        "currency": currency, "total_amount": money(minor),
        "items": [
            {
                "no": 1, "name": "制动", "hs_code": "8714100090", "quantity": "1", "unit": "千克", "amount": money(minor),
                "currency": currency, "origin": "CHN", "destination": "THA", "levy": "1",
            }
        ],
    } | changes  # fmt: skip


def invoice(seller: Actor, minor: int = 10_000_00, **changes: Any) -> dict[str, Any]:
    """A VAT invoice of the seller, without tax, to another company of this country. Negative with kind red_general."""
    sign, minor = ("-" if minor < 0 else ""), abs(minor)
    amount = sign + money(minor)
    return {
        "format": "luhai.vat-invoice", "version": "1", "invoice_no": f"26502{digits(15)}",
        "kind": "general", "status": "issued", "issued_at": "2026-03-01T10:05:00+08:00",
        "seller": {"name": "某某", "uscc": uscc_of(seller)}, "buyer": {"name": "另一家", "uscc": "91500112MA5U00038A"},
        "net_amount": amount, "tax_amount": "0.00", "gross_amount": amount,
        "items": [{"no": 1, "name": "制动", "net_amount": amount, "tax_rate": "0", "tax_amount": "0.00"}],
    } | changes  # fmt: skip


def packed(document: Any) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return base64.b64encode(data).decode()


def received(document: Any, subject: Actor, source: Actor | None = None, at: datetime = NOON) -> UUID:
    """The evidence that a document has become."""
    ids = commands.receive_evidence(
        evidence_id=uuid4(),
        subject_id=id_of(subject),
        content=packed(document),
        origin=by(source or subject, at),
    )
    return UUID(ids[0])


def consented(
    grantor: Actor, grantee: Actor, purpose: str = "financing", *, kinds: list[str] | None = None,
    pieces: list[UUID] | None = None, days: float = 30, one_off: bool = False, abroad: bool = False,
) -> UUID:  # fmt: skip
    """A consent of this moment, given without being asked."""
    origin = now(grantor)
    return consent_commands.grant_consent(
        consent_id=uuid4(), grantee_id=id_of(grantee), purpose=purpose, kinds=kinds or [], pieces=pieces or [],
        until=origin.at + timedelta(days=days), one_off=one_off, abroad=abroad, origin=origin,
    )  # fmt: skip


def used(
    bank_: Actor, evidence_id: UUID, amount: int, purpose: str = "financing", currency: str = "USD"
) -> UUID:
    return commands.use_evidence(
        use_id=uuid4(),
        evidence_id=evidence_id,
        purpose=purpose,
        amount=amount,
        currency=currency,
        origin=now(bank_),
    )


DAY = date(2026, 3, 2)


def sql(actor: Actor, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database itself answers to the application's role in the sight of `actor`, past all of Python."""
    with acting(actor), connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


@contextmanager
def undone() -> Iterator[None]:
    """Do something, see that the constraints at commit hold too, and take it back."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT undone")
        try:
            yield
            connection.check_constraints()
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT undone")


def answer(run: Callable[[], Any]) -> str:
    """Say "done", or the code of the refusal; whatever it wrote is undone."""
    with undone():
        try:
            run()
        except Refusal as refusal:
            return refusal.code
    return "done"

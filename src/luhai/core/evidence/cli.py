"""luhai evidence: documents of trade and their uses on the command line, and the attack that they must withstand.

`--as EMAIL` chooses who looks or acts: the first membership of the person with that address. Without it, the system looks.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import click
from django.utils import timezone
from django.utils.translation import gettext
from rich.console import Console

from luhai.core.evidence.formats.document import Kind
from luhai.core.parties import queries as parties
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import ALERT_NAMES, CONSENT_STATE_NAMES, KIND_NAMES, PURPOSE_NAMES, STATE_NAMES, Alert, State


@click.group(name="evidence", help="Documents of trade: what they prove, used once. 单证与用途。")
def cli() -> None: ...


as_option = click.option("--as", "email", help="Look or act as the person with this address. 以此人身份。")
cursor_option = click.option("--cursor", default="", help="`next` of the page before.")
limit_option = click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


@cli.command(help="Deliver a document, or a file of facts, about a company.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--for", "subject", type=click.UUID, default=None, help="The company it is about; one's own unless named."
)
@click.option(
    "--kind", type=click.Choice([k.value for k in Kind]), default=None, help="Refuse it if it is another."
)
@click.option("--as", "email", required=True, help="Act as the person with this address. 以此人身份。")
@click.option(
    "--key",
    type=click.UUID,
    help="Idempotency key; a new one if left out. Repeated, the same file is the same request.",
)
@terminal.json_option
def receive(
    file: Path, subject: UUID | None, kind: str | None, email: str, key: UUID | None, as_json: bool
) -> None:
    actor, key = _actor(email), key or uuid4()
    about = subject or actor.party_id
    if about is None:
        raise click.BadParameter("the company that the document is about", param_hint="--for")
    made = commands.receive_evidence(
        evidence_id=uuid5(key, "evidence"), subject_id=about, content=base64.b64encode(file.read_bytes()).decode(), kind=kind,
        origin=Origin(actor, key, timezone.now()),
    )  # fmt: skip
    terminal.emit({"ids": made, "key": key}, as_json=as_json)


@cli.command(name="list", help="Documents that one may see, newest change first.")
@click.option("--kind", type=click.Choice([k.value for k in Kind]), default=None)
@click.option("--state", type=click.Choice([s.value for s in State]), default=None)
@click.option("--text", default="", help="A number, as written or folded.")
@cursor_option
@limit_option
@as_option
@terminal.json_option
def list_(
    kind: str | None, state: str | None, text: str, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.evidences(
        kind=kind or "", state=state or "", text=text, cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = [
            "单证 document",
            "号码 number",
            "状态 state",
            "企业 company",
            "金额 amount",
            "版本",
            "id",
        ]
        out.print(terminal.rows(f"{len(page.items)}", head, [_line(e) for e in page.items]))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One document: what stands, what is left of it, its versions and its uses.")
@click.argument("evidence_id", type=click.UUID)
@as_option
@terminal.json_option
def show(evidence_id: UUID, email: str | None, as_json: bool) -> None:
    viewer = _actor(email)
    found = queries.evidence(evidence_id=evidence_id, viewer=viewer)
    left = queries.remaining(evidence_id=evidence_id, viewer=viewer)
    facts = queries.facts(evidence_id=evidence_id, viewer=viewer)
    used = queries.uses(evidence_id=evidence_id, limit=200, viewer=viewer)

    def table(out: Console) -> None:
        lines: list[list[Any]] = [
            ["单证 document", _named(found.kind, KIND_NAMES)],
            ["号码 number", found.external_ref],
            ["状态 state", f"{_named(found.state, STATE_NAMES)} {found.status}"],
            ["企业 company", f"{found.subject.zh} / {found.subject.en}"],
            ["来源 source", f"{found.source.zh} / {found.source.en}"],
            ["金额 amount", _money(found.amount_minor, found.currency)],
            [
                "结算 settlement",
                f"可用 left {_money(left.settlement_left, left.currency)} · 已用 used {_money(left.settlement_used, left.currency)}",
            ],
            [
                "融资 financing",
                f"可用 left {_money(left.financing_left, left.currency)} · 已用 used {_money(left.financing_used, left.currency)}",
            ],
            ["批次 lot", found.lot_id or ""],
            ["版本 version", found.version],
        ]
        out.print(terminal.rows(str(found.id), ["", ""], lines))
        if facts.references:
            out.print(terminal.rows("提及 mentions", ["", ""], [[*r] for r in facts.references]))
        if used.items:
            _uses_table(out, used.items)

    terminal.emit(
        {"evidence": found, "remaining": left, "facts": facts, "uses": used.items},
        as_json=as_json,
        table=table,
    )


@cli.command(help="Payments and loans that stand on documents, newest first.")
@click.option("--evidence", "evidence_id", type=click.UUID, default=None, help="Of this document only.")
@click.option("--open", "only_open", is_flag=True, help="Only those of which something is left.")
@cursor_option
@limit_option
@as_option
@terminal.json_option
def uses(
    evidence_id: UUID | None, only_open: bool, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.uses(
        evidence_id=evidence_id, only_open=only_open, cursor=cursor, limit=limit, viewer=_actor(email)
    )
    terminal.emit(
        {"items": page.items, "next": page.next},
        as_json=as_json,
        table=lambda out: _uses_table(out, page.items),
    )


@cli.command(help="Goods in all their forms, and how far they are financed, newest first.")
@cursor_option
@limit_option
@as_option
@terminal.json_option
def lots(cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.lots(cursor=cursor, limit=limit, viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["企业 company", "形态 forms", "可融资 left", "已融资 used", "id"]
        lines = [
            [
                lot.subject.zh, ", ".join(_named(kind, KIND_NAMES) for kind in lot.by_kind), _money(lot.left, lot.currency),
                _money(lot.used, lot.currency), lot.id,
            ]
            for lot in page.items
        ]  # fmt: skip
        out.print(terminal.rows(f"{len(page.items)}", head, lines))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="Consents from one and to one, as they stand now.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are asked for or in force.")
@cursor_option
@limit_option
@as_option
@terminal.json_option
def consents(only_open: bool, cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.consents(
        moment=timezone.now(), only_open=only_open, cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = ["授权方 from", "被授权方 to", "用途 purpose", "状态 state", "至 until", "id"]
        lines = [
            [
                c.grantor.zh, c.grantee.zh, _named(c.purpose, PURPOSE_NAMES), _named(c.state, CONSENT_STATE_NAMES),
                c.until.isoformat(" ", "minutes"), c.id,
            ]
            for c in page.items
        ]  # fmt: skip
        out.print(terminal.rows(f"{len(page.items)}", head, lines))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="Who read which document, or was refused, newest first.")
@click.option("--evidence", "evidence_id", type=click.UUID, default=None, help="Of this document only.")
@click.option("--about-me", is_flag=True, help="Only what others read about one's own party.")
@cursor_option
@limit_option
@as_option
@terminal.json_option
def receipts(
    evidence_id: UUID | None, about_me: bool, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.receipts(
        evidence_id=evidence_id, about_me=about_me, cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = [
            "时间 at",
            "查询人 reader",
            "单证 document",
            "号码 number",
            "用途 purpose",
            "结果 result",
            "依据 ground",
        ]
        lines = [
            [
                r.at.isoformat(" ", "seconds"), r.reader.zh if r.reader else "", _named(r.kind, KIND_NAMES), r.external_ref,
                _named(r.purpose, PURPOSE_NAMES), "准予 granted" if r.granted else "拒绝 refused", r.why,
            ]
            for r in page.items
        ]  # fmt: skip
        out.print(terminal.rows(f"{len(page.items)}", head, lines))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(
    help="Try to finance the same goods twice in every way known, on a database of its own; count what got through."
)
@click.option("--seconds", type=click.IntRange(1, 86_400), default=60, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Repeat a run's choices.")
@terminal.json_option
def attack(seconds: int, seed: int, as_json: bool) -> None:
    from .attack import run

    result: dict[str, Any] = run(seed=seed, seconds=seconds, tell=terminal.note)
    terminal.emit(result, as_json=as_json)
    if result["financed_beyond"] or result["differing"]:
        raise SystemExit(1)


def _uses_table(out: Console, found: list[queries.UseView]) -> None:
    head = ["用途 purpose", "使用人 by", "金额 amount", "剩余 left", "提示 alert", "id"]
    lines = [
        [
            _named(u.purpose, PURPOSE_NAMES), u.user.zh, _money(u.amount, u.currency), _money(u.left, u.currency),
            gettext(ALERT_NAMES[Alert(u.alert)]) if u.alert else "", u.id,
        ]
        for u in found
    ]  # fmt: skip
    out.print(terminal.rows("使用 uses", head, lines))


def _line(e: queries.EvidenceView) -> list[object]:
    return [
        _named(e.kind, KIND_NAMES), e.external_ref, _named(e.state, STATE_NAMES), e.subject.zh,
        _money(e.amount_minor, e.currency), e.version, e.id,
    ]  # fmt: skip


def _money(minor: int | None, currency: str) -> str:
    """An amount as people write it; --json gives smallest units."""
    if minor is None:
        return ""
    if currency not in set(Currency):
        return f"{minor:,}"
    return f"{Money(minor, Currency(currency)).major:,} {currency}"


def _named(code: str, names: Any) -> str:
    """A code, which options take, with its name where it has one."""
    return f"{code} {gettext(names[code])}" if code in names else code

"""Every pair of state and act, written out a second time: what is absent here must be refused and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence.tests.world import answer
from luhai.financing.lending import commands, lifecycle, line_commands, queries
from luhai.financing.lending.lifecycle import DRAW_NEXT, LENT, LINE_NEXT, DrawState, LineState
from luhai.financing.lending.tests.world import MILLION, NOON, TODAY, Desk, by, limit, on, state
from luhai.kernel.origin import SYSTEM, Actor

PAGE = Path(__file__).resolve().parents[5] / "docs" / "algorithms" / "lending.md"
OVER = on(date(2027, 3, 2))

LINE: dict[str, dict[str, str]] = {
    "DRAFT": {"approve": "APPROVED", "cancel": "CANCELLED"},
    "APPROVED": {"sign": "SIGNED", "cancel": "CANCELLED"},
    "SIGNED": {"start": "EFFECTIVE", "cancel": "CANCELLED"},
    "EFFECTIVE": {"reduce": "REDUCED", "freeze": "FROZEN", "expire": "EXPIRED", "cancel": "CANCELLED"},
    "REDUCED": {"reduce": "REDUCED", "freeze": "FROZEN", "expire": "EXPIRED", "cancel": "CANCELLED"},
    "FROZEN": {"thaw": "EFFECTIVE", "expire": "EXPIRED", "cancel": "CANCELLED"},
    "EXPIRED": {}, "CANCELLED": {},
}  # fmt: skip
DRAW: dict[str, dict[str, str]] = {
    "REQUESTED": {"approve": "RESERVED", "refuse": "REFUSED", "close_day": "REQUESTED"},  # nothing is lent, nothing closes
    "RESERVED": {"refuse": "REFUSED", "disburse": "DISBURSED", "close_day": "RESERVED"},
    "DISBURSED": {"repay": "REPAID", "repay_part": "PART_REPAID", "close_day": "DISBURSED"},
    "PART_REPAID": {"repay": "REPAID", "repay_part": "PART_REPAID", "close_day": "PART_REPAID"},
    "OVERDUE": {"repay": "REPAID", "repay_part": "OVERDUE", "close_day": "OVERDUE"},
    "REPAID": {"close_day": "REPAID"},
    "REFUSED": {"close_day": "REFUSED"},
}  # fmt: skip


def line_in(wanted: str) -> Desk:
    desk = Desk(started=False)
    if wanted == "DRAFT":
        return desk
    line_commands.approve_line(line_id=desk.line, origin=by(desk.second))
    if wanted == "APPROVED":
        return desk
    digest = queries.line(line_id=desk.line, viewer=desk.company).digest
    line_commands.sign_line(line_id=desk.line, digest=digest, origin=by(desk.company))
    if wanted == "SIGNED":
        return desk
    line_commands.start_line(line_id=desk.line, origin=by(desk.bank))
    act = {"REDUCED": "reduce", "FROZEN": "freeze", "EXPIRED": "expire", "CANCELLED": "cancel"}.get(wanted)
    if act:
        line_acts(desk)[act]()
    return desk


def line_acts(desk: Desk) -> dict[str, Callable[[], Any]]:
    digest = queries.line(line_id=desk.line, viewer=SYSTEM).digest
    line, bank = {"line_id": desk.line}, by(desk.bank)
    return {
        "approve": lambda: line_commands.approve_line(**line, origin=by(desk.second)),
        "sign": lambda: line_commands.sign_line(**line, digest=digest, origin=by(desk.company)),
        "start": lambda: line_commands.start_line(**line, origin=bank),
        "reduce": lambda: line_commands.reduce_limit(
            **line, name="whole", by=1, reason="r", origin=by(desk.bank)
        ),
        "freeze": lambda: line_commands.freeze_line(**line, reason="r", origin=by(desk.bank)),
        "thaw": lambda: line_commands.thaw_line(**line, reason="r", origin=by(desk.bank)),
        "expire": lambda: line_commands.expire_line(**line, origin=by(desk.bank, OVER)),
        "cancel": lambda: line_commands.cancel_line(**line, reason="r", origin=by(desk.company)),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", LINE)
def test_every_act_on_a_line_in_every_state(wanted: str) -> None:
    desk = line_in(wanted)
    for act, run in line_acts(desk).items():
        before = queries.line(line_id=desk.line, viewer=SYSTEM)
        assert str(before.state) == wanted
        got: list[str] = []

        def tried(run: Callable[[], Any] = run, got: list[str] = got) -> None:
            run()
            got.append(str(queries.line(line_id=desk.line, viewer=SYSTEM).state))

        said = answer(tried)
        assert (got[0] if got else said) == LINE[wanted].get(act, "lending.act_not_allowed"), (wanted, act)
        assert queries.line(line_id=desk.line, viewer=SYSTEM) == before, "undone"


def draw_in(desk: Desk, wanted: str) -> UUID:
    if wanted == "REQUESTED":
        return desk.asked()
    draw = desk.reserved()
    if wanted == "RESERVED":
        return draw
    if wanted == "REFUSED":
        return commands.refuse_draw(draw_id=draw, reason="r", origin=by(desk.bank))
    commands.disburse(draw_id=draw, origin=by(desk.second))
    desk.pay_in(2 * MILLION)
    if wanted == "PART_REPAID":
        desk.repay(draw, 1_000)
    if wanted == "REPAID":
        desk.repay(draw)
    if wanted == "OVERDUE":
        desk.close(draw, desk.loan(draw).instalments[-1].due)
    return draw


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", DRAW)
def test_every_act_on_a_draw_in_every_state(wanted: str) -> None:
    desk = Desk()
    draw = draw_in(desk, wanted)
    at = on(date(2026, 6, 3)) if wanted == "OVERDUE" else NOON
    acts: dict[str, Callable[[], Any]] = {
        "approve": lambda: commands.approve_draw(draw_id=draw, origin=by(desk.bank, at)),
        "refuse": lambda: commands.refuse_draw(draw_id=draw, reason="r", origin=by(desk.company, at)),
        "disburse": lambda: commands.disburse(draw_id=draw, origin=by(desk.second, at)),
        "repay": lambda: desk.repay(draw, at=at),
        "repay_part": lambda: desk.repay(draw, 500, at=at),
        "close_day": lambda: desk.close(draw, at.date()),
    }
    for act, run in acts.items():
        before = queries.loan(draw_id=draw, viewer=SYSTEM)
        assert str(before.state) == wanted
        got: list[str] = []

        def tried(run: Callable[[], Any] = run, got: list[str] = got) -> None:
            run()
            got.append(state(draw))

        said = answer(tried)
        assert (got[0] if got else said) == DRAW[wanted].get(act, "lending.draw_act_not_allowed"), (
            wanted,
            act,
        )
        assert queries.loan(draw_id=draw, viewer=SYSTEM) == before, "undone"


def test_the_tables_above_are_the_tables() -> None:
    said = {(s, a): to for s, acts in LINE.items() for a, to in acts.items()}
    assert said == {(str(s), str(a)): str(to) for (s, a), to in LINE_NEXT.items() if s is not None}
    drawn = {
        (s, a.removesuffix("_part"))
        for s, acts in DRAW.items()
        for a in acts
        if a != "close_day" or s in LENT
    }
    assert drawn == {(str(s), str(a)) for s, a in DRAW_NEXT if s is not None}
    assert set(LINE) == {s.value for s in LineState}
    assert set(DRAW) == {s.value for s in DrawState}


def test_the_page_shows_both_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for table in (LINE_NEXT, DRAW_NEXT):
        assert f"```mermaid\n{lifecycle.diagram(table)}\n```" in text


# --- who ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_the_two_sides_may_act_and_each_its_own() -> None:
    desk, other = Desk(limits=[limit("whole", 10 * MILLION, None)]), Desk()
    draw = desk.lent()

    def tried(who: Actor) -> dict[str, str]:
        o = lambda: by(who, on(TODAY + timedelta(1)))  # noqa: E731
        return {
            "freeze": answer(lambda: line_commands.freeze_line(line_id=desk.line, reason="r", origin=o())),
            "cancel": answer(lambda: line_commands.cancel_line(line_id=desk.line, reason="r", origin=o())),
            "draw": answer(
                lambda: commands.request_draw(
                    draw_id=uuid4(), line_id=desk.line, limit="whole", amount=5, purpose="p",
                    repayment={"method": "principal_at_end", "number": 1}, origin=o(),
                )
            ),
            "repay": answer(lambda: commands.repay(draw_id=draw, amount=5, origin=o())),
            "fee": answer(lambda: commands.charge_fee(fee_id=uuid4(), draw_id=draw, amount=5, reason="r", origin=o())),
            "deposit": answer(
                lambda: commands.receive_deposit(line_id=desk.line, amount=5, reference="r", origin=o())
            ),
            "close": answer(lambda: commands.close_day(draw_id=draw, day=TODAY, origin=o())),
        }  # fmt: skip

    assert tried(desk.bank) == {
        "freeze": "done", "cancel": "done", "draw": "not_permitted", "repay": "done", "fee": "done", "deposit": "done",
        "close": "not_permitted",
    }  # fmt: skip
    assert tried(desk.company) == {
        "freeze": "not_permitted", "cancel": "done", "draw": "done", "repay": "done", "fee": "not_permitted",
        "deposit": "not_permitted", "close": "not_permitted",
    }  # fmt: skip
    assert tried(other.bank) == {
        "freeze": "absent", "cancel": "absent", "draw": "not_permitted", "repay": "absent", "fee": "absent",
        "deposit": "absent", "close": "not_permitted",
    }  # fmt: skip
    assert set(tried(other.company).values()) == {"absent", "not_permitted"}

"""Attacks on the payment: for goods it does not fit, twice, by one person alone, half; in several threads; in processes that are killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from threading import Thread
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, connections

from luhai.core.evidence import commands as evidence
from luhai.core.evidence import consent_commands as consents
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as chains
from luhai.financing.lending import commands as lending
from luhai.kernel.origin import SYSTEM
from luhai.records.transport import commands as transport
from luhai.settlement.payments import commands as payments
from luhai.settlement.payments import queries as money

from . import papers, story
from . import play as lane
from .attack_scene import Again, Counted, Scene, killed, rows, state
from .cast import Cast
from .shipment import Shipment
from .stage import Stage

BEYOND: Final = 10**9
LATE: Final = ("payments.act_not_allowed",)


def _settle(s: Scene) -> Callable[[], UUID]:
    origin = s.by(s.cast.second)
    return lambda: payments.settle(payment_id=s.stage.payment, origin=origin)


def _check(s: Scene) -> str:
    payments.check(payment_id=s.stage.payment, situation="goods_after_shipment", origin=s.by(s.cast.officer))
    verdict = s.payment.verdict
    assert verdict is not None
    return verdict.verdict


def _give_back(s: Scene, code: str) -> None:
    payments.return_payment(payment_id=s.stage.payment, reason_code=code, reason="See the agreement", origin=s.by(s.cast.officer))
    s.must(s.payment.state == "RETURNED", f"the payment is {s.payment.state}")


def _order(s: Scene, stage: Stage | None = None, cast: Cast | None = None) -> str:
    one = stage or s.stage
    return papers.order(cast or s.cast, one.shipment, one.uetr, one.at(story.PAID, 9))


def _receive(s: Scene, content: str) -> dict[str, str | None]:
    return payments.receive_message(content=content, origin=s.by(s.cast.sender))


# --- papers that are used, taken back, or changed ---------------------------------------------------------------------------


def declaration_used_by_other_payment(s: Scene) -> None:
    """Between check and settlement another bank settles something on the declaration; when it gives it back, the payment is checked anew."""
    s.play("check")
    rival, declaration = s.world.rival.officer, s.stage.id("declaration")
    consents.grant_consent(
        consent_id=s.id("consent"), grantee_id=rival.id, purpose="settlement", kinds=[], pieces=[declaration], until=s.stage.at(300, 9),
        origin=s.by(s.cast.exporter),
    )  # fmt: skip
    use = s.id("use")
    evidence.use_evidence(
        use_id=use, evidence_id=declaration, purpose="settlement", amount=s.stage.shipment.worth, currency="USD", origin=s.by(rival)
    )
    s.refused(("evidence.used_up", "payments.changed_since"), _settle(s))
    s.still_pledged()
    s.must(_check(s) == "blocked", "a used declaration was found clear")
    s.refused(LATE, _settle(s))
    evidence.free_evidence(use_id=use, reason="given up", origin=s.by(rival))
    s.must(_check(s) == "clear", "it is not clear although the declaration is free")
    s.again()
    s.finish()


def payment_on_used_declaration(s: Scene) -> None:
    """A second payment for goods that were paid, to the repaid loan and to another account: not taken, blocked, not let pass by two persons."""
    s.finish()
    s.stage = Again(s.stage.cast, s.stage.shipment, s.stage.deal_day, s.stage.attempt + 1)
    content, number = _order(s), s.stage.shipment.digits("own account", 14)
    answer = _receive(s, content)
    s.must((answer["status"], answer["reason"]) == ("RJCT", "AC04"), f"a repaid loan's account answers {answer['status']}")
    s.codes.append("AC04")
    payments.open_account(
        account_id=s.id("account"), company_id=s.cast.exporter.id, number=number, currency="USD", origin=s.by(s.cast.officer)
    )
    again = _another_uetr(s)
    s.stage = again
    answer = _receive(s, _order(s).replace(again.shipment.account_no, number))
    s.must(answer["status"] == "ACSP", f"answered {answer['status']} {answer['reason']}")
    _attach(s)
    s.must(_check(s) == "blocked", "a used declaration was found clear")
    s.refused(LATE, _settle(s))
    payments.propose_override(payment_id=again.payment, reason_code="other_documented", reason="trust us", origin=s.by(s.cast.officer))
    payments.approve_override(payment_id=again.payment, origin=s.by(s.cast.second))
    s.refused("evidence.used_up", _settle(s))
    _give_back(s, "AM05")


class _Third(Again):
    """… and once more."""

    @property
    def uetr(self) -> UUID:
        return UUID(bytes=self.id("uetr third").bytes, version=4)


def _another_uetr(s: Scene) -> Stage:
    return _Third(s.stage.cast, s.stage.shipment, s.stage.deal_day, s.stage.attempt + 1)


def _attach(s: Scene) -> None:
    for name in story.CHECKED:
        payments.attach(payment_id=s.stage.payment, evidence_id=s.stage.id(name), origin=s.by(s.cast.exporter))


def declaration_cancelled_before_settle(s: Scene) -> None:
    """Customs takes the declaration back after the check: the payment rests, goes back, and the loan stays owed and secured."""
    s.play("check")
    evidence.cancel_evidence(evidence_id=s.stage.id("declaration"), reason="declared twice", origin=s.by(s.cast.customs))
    s.refused(("payments.changed_since", "evidence.cancelled"), _settle(s))
    s.must(_check(s) == "blocked", "a cancelled declaration was found clear")
    s.refused(LATE, _settle(s))
    s.still_pledged()
    _give_back(s, "CUST")
    s.pay_back_and_finish()


def declaration_amended_after_check(s: Scene) -> None:
    """Customs corrects the declaration after the check: nothing is credited before somebody has looked again."""
    s.play("check")
    paper = papers.declaration(s.cast, s.stage.shipment, s.stage.at(5, 16))
    paper["packages"] += 1
    evidence.correct_evidence(evidence_id=s.stage.id("declaration"), content=papers.packed(paper), origin=s.by(s.cast.customs))
    s.refused("payments.changed_since", _settle(s))
    s.must(_check(s) == "clear", "the corrected declaration is not found clear")
    s.again()
    s.finish()


def declaration_left_out(s: Scene) -> None:
    """The exporter takes the declaration off the payment after all was attached: blocked until it is back."""
    s.play("attach")
    payments.detach(payment_id=s.stage.payment, evidence_id=s.stage.id("declaration"), origin=s.by(s.cast.exporter))
    s.must(_check(s) == "blocked", "clear without a declaration")
    s.refused(LATE, _settle(s))
    payments.attach(payment_id=s.stage.payment, evidence_id=s.stage.id("declaration"), origin=s.by(s.cast.exporter))
    s.finish()


def declaration_of_another_shipment(s: Scene) -> None:
    """In place of the declaration of these goods the exporter attaches one of others, under another contract, to settle on both: that blocks the payment."""
    s.play("attach")
    other = Shipment(s.cast.space, 70_000 + 4 * s.number + s.stage.shipment.number % 4, s.stage.shipment.day, s.stage.shipment.destination)
    key = s.id("declaration")
    evidence.receive_evidence(
        evidence_id=key, subject_id=s.cast.exporter.id, content=papers.packed(papers.declaration(s.cast, other, s.stage.at(5, 16))),
        origin=s.by(s.cast.customs),
    )  # fmt: skip
    payments.detach(payment_id=s.stage.payment, evidence_id=s.stage.id("declaration"), origin=s.by(s.cast.exporter))
    payments.attach(payment_id=s.stage.payment, evidence_id=key, origin=s.by(s.cast.exporter))
    _check(s)
    verdict = s.payment.verdict
    found = {f["name"]: f["status"] for f in verdict.findings} if verdict else {}
    s.must(found.get("same_goods") == "mismatch", f"that it is about other goods was not named: {found.get('same_goods')}")
    s.codes.append("checks.same_goods")
    s.refused(LATE, _settle(s))
    payments.detach(payment_id=s.stage.payment, evidence_id=key, origin=s.by(s.cast.exporter))
    payments.attach(payment_id=s.stage.payment, evidence_id=s.stage.id("declaration"), origin=s.by(s.cast.exporter))
    _check(s)
    s.finish()


# --- who pays whom ------------------------------------------------------------------------------------------------------------


def _wrongly_addressed(s: Scene, cast: Cast, finding: str) -> None:
    s.play("nights")
    answer = _receive(s, _order(s, cast=cast))
    s.must(answer["status"] == "ACSP", f"answered {answer['status']}: {answer['reason']}")
    _attach(s)
    s.must(_check(s) == "blocked", "it was found clear")
    verdict = s.payment.verdict
    found = {f["name"]: f["status"] for f in verdict.findings} if verdict else {}
    s.must(found.get(finding) == "mismatch", f"{finding} is {found.get(finding)}")
    s.codes.append(f"checks.{finding}")
    s.refused(LATE, _settle(s))
    s.still_pledged()
    _give_back(s, "BE01")
    s.pay_anew_and_finish()


def wrong_payee(s: Scene) -> None:
    """The order names another company as creditor than the seller, with the seller's account number."""
    _wrongly_addressed(s, replace(s.cast, exporter=s.world.rival.exporter), "payee")


def payer_not_the_buyer(s: Scene) -> None:
    """The money comes from somebody who is on none of the papers."""
    _wrongly_addressed(s, replace(s.cast, importer=s.world.rival.importer), "payer")


def payment_short_of_debt(s: Scene) -> None:
    """Half of it comes: the escrow does not open, the pledge stays, the money rests until it goes back."""
    s.play("nights")
    content = _order(s)
    worth = f"{s.stage.shipment.worth // 100}.{s.stage.shipment.worth % 100:02d}"
    half = s.stage.shipment.worth // 2
    s.must(worth in content, "the order does not say what it is worth")
    _receive(s, content.replace(worth, f"{half // 100}.{half % 100:02d}"))
    _attach(s)
    s.must(_check(s) == "clear", "half of it is not found clear")
    s.refused("escrow.not_met", _settle(s))
    s.still_pledged()
    _give_back(s, "AM09")
    s.pay_anew_and_finish()


# --- messages -----------------------------------------------------------------------------------------------------------------


def duplicate_message_same_uetr(s: Scene) -> None:
    """The same order comes again, from the same bank, three times and at once: the first answer, and nothing is booked."""
    s.play("receive")
    content = _order(s)
    first = next(m for m in money.messages_of(payment_id=s.stage.payment, viewer=SYSTEM) if m.way == "out").content
    for _ in range(2):
        answer = s.changes_nothing(lambda: _receive(s, content))
        s.must((answer["status"], answer["answer"]) == ("ACSP", first), "the same order was answered otherwise")
    s.codes.append("ACSP")
    s.finish()
    answer = s.changes_nothing(lambda: _receive(s, content))
    s.must(answer["answer"] == first, "the same order was answered otherwise after it was credited")


def duplicate_uetr_other_amount(s: Scene) -> None:
    """Another order under the UETR of the first."""
    s.play("receive")
    worth = f"{s.stage.shipment.worth // 100}.{s.stage.shipment.worth % 100:02d}"
    answer = _receive(s, _order(s).replace(worth, "1" + worth))
    s.must((answer["status"], answer["reason"]) == ("RJCT", "DUPL"), f"answered {answer['status']} {answer['reason']}")
    s.codes.append("DUPL")
    s.must(s.payment.amount == s.stage.shipment.worth, "the payment has another amount")
    s.finish()


def message_of_another_bank(s: Scene) -> None:
    """A bank that neither sends nor receives it brings in an order; so does a company."""
    s.play("nights")
    content = _order(s)
    s.refused(("not_entitled", "absent"), lambda: payments.receive_message(content=content, origin=s.by(s.world.rival.sender)))
    s.refused("not_permitted", lambda: payments.receive_message(content=content, origin=s.by(s.cast.importer)))
    s.finish()


def replayed_command_key_with_other_arguments(s: Scene) -> None:
    """A key that paid out one thing is used for another one; used again for the same, it is answered and does nothing."""
    s.play("approve")
    origin = s.by(s.cast.second)
    lending.disburse(draw_id=s.stage.draw, origin=origin)
    s.refused("key_reused", lambda: lending.disburse(draw_id=s.id("other"), origin=origin))
    s.refused("key_reused", lambda: lending.approve_draw(draw_id=s.stage.draw, origin=origin))
    s.changes_nothing(lambda: lending.disburse(draw_id=s.stage.draw, origin=origin))
    s.refused("lending.draw_act_not_allowed", lambda: lending.disburse(draw_id=s.stage.draw, origin=s.by(s.cast.second)))
    s.played = "disburse"
    s.finish()


# --- one person, no check, twice ------------------------------------------------------------------------------------------------


def override_by_same_person(s: Scene) -> None:
    """A blocked payment is let pass by the one who proposed it; by nobody; and credited before anybody approved."""
    s.play("receive")
    s.must(_check(s) == "blocked", "clear without papers")
    s.refused("payments.nothing_proposed", lambda: payments.approve_override(payment_id=s.stage.payment, origin=s.by(s.cast.second)))
    payments.propose_override(payment_id=s.stage.payment, reason_code="document_follows", reason="later", origin=s.by(s.cast.officer))
    s.refused("payments.same_person", lambda: payments.approve_override(payment_id=s.stage.payment, origin=s.by(s.cast.officer)))
    s.refused(("not_entitled", "absent"), lambda: payments.approve_override(payment_id=s.stage.payment, origin=s.by(s.world.rival.second)))
    s.refused(LATE, _settle(s))
    s.finish()


def settle_without_check(s: Scene) -> None:
    """The money is credited before anybody looked; by another bank; and by the company itself."""
    s.play("attach")
    s.refused(LATE, _settle(s))
    s.refused(("not_entitled", "absent"), lambda: payments.settle(payment_id=s.stage.payment, origin=s.by(s.world.rival.officer)))
    s.refused("not_permitted", lambda: payments.settle(payment_id=s.stage.payment, origin=s.by(s.cast.exporter)))
    s.still_pledged()
    s.finish()


def settle_twice_at_once(s: Scene) -> None:
    """Two officers credit it in the same moment."""
    s.play("check")
    s.once([_settle(s), _settle(s), lambda: story.by_name("settle").run(s.stage)], LATE)
    s.refused(LATE, _settle(s))
    _credited_once(s)
    s.played = "settle"
    lane.play(s.stage, "repaid", after="notice")
    s.played = "repaid"
    s.finish()


def settle_against_return_at_once(s: Scene) -> None:
    """One officer credits it, another one sends it back."""
    s.play("check")
    back = s.by(s.cast.officer)
    won = s.once(
        [_settle(s), lambda: payments.return_payment(payment_id=s.stage.payment, reason_code="CUST", reason="wish", origin=back)], LATE
    )
    if won == 1:
        s.still_pledged()
        s.pay_anew_and_finish()
    else:
        s.played = "notice"
        s.finish()


def _credited_once(s: Scene) -> None:
    ((count,),) = rows(
        "SELECT count(*) FROM ledger_transfer WHERE subject = %s AND code = 'payments.credit' AND refused IS NULL", s.stage.payment
    )
    s.must(count == 1, f"the payment was credited {count} times")


# --- clocks -----------------------------------------------------------------------------------------------------------------------


def clock_skew(s: Scene) -> None:
    """An event of tomorrow; a close before the day is over, and once more; a repayment and a transfer dated before what was done last."""
    s.play("nights")
    at = s.at()
    s.refused("invalid", lambda: transport.record_event(
        title_id=s.stage.title, event_id=s.id("future"), code="GTOT", place=s.stage.shipment.destination.place,
        happened_at=at + timedelta(days=1), container=s.stage.shipment.container, origin=s.by(s.cast.carrier, at),
    ))  # fmt: skip
    s.refused("invalid", lambda: lending.close_day(draw_id=s.stage.draw, day=at.date() + timedelta(days=3), origin=s.by(SYSTEM, at)))
    early = s.stage.at(story.LENT, 20)
    s.changes_nothing(lambda: lending.close_day(draw_id=s.stage.draw, day=early.date(), origin=s.by(SYSTEM, early)))
    # A clock that went back makes no interest go away: what is paid counts from the day after the last close.
    owed, closed = s.loan.owed.interest, s.loan.closed_on
    lending.repay(draw_id=s.stage.draw, amount=1_000, origin=s.by(s.cast.exporter, early))
    loan = s.loan
    s.must((loan.owed.interest, loan.closed_on) == (owed - 1_000, closed), f"{loan.owed.interest} of {owed} is owed after 1000 was paid")
    s.play("repaid")
    titles.transfer_title(
        title_id=s.stage.title, to=s.cast.importer.id, beneficiary=s.cast.importer.id, origin=s.by(s.cast.exporter, s.stage.at(0, 10))
    )
    acts = [(e.n, e.act) for e in chains.events(title_id=s.stage.title, viewer=SYSTEM)]
    s.must(acts[-1] == (len(acts), "transfer"), "the order of the chain is that of the clocks")
    s.played = "transfer"
    s.finish()


def late_interest(s: Scene) -> None:
    """Evenings are not closed, and the money comes: what grew meanwhile stays owed, to the last fen, until it is paid."""
    s.play("arrive")
    for day in range(story.LENT, story.PAID - 4):
        at = s.stage.at(day, 23)
        lending.close_day(draw_id=s.stage.draw, day=at.date(), origin=s.by(SYSTEM, at))
    booked = s.loan.owed.interest
    s.played = "nights"
    s.play("repaid")
    loan = s.loan
    # ACT/360 on the whole principal: every night from the first, missed or not.
    nights = story.PAID - story.LENT
    night = loan.amount * _rate(s) / 3_600_000
    s.must(abs(booked - night * (nights - 4)) <= 1, f"{booked} was booked before")
    s.must(abs(loan.owed.interest - night * 4) <= 1, f"{loan.owed.interest} of interest is owed of the missed nights, not {night * 4:.0f}")
    s.must(loan.state != "REPAID", "the loan counts as repaid although interest is owed")
    s.codes.append("lending.released_short")
    lending.repay(draw_id=s.stage.draw, origin=s.by(s.cast.exporter, s.stage.at(story.PAID + 1, 8)))
    lending.check_arrival(draw_id=s.stage.draw, origin=s.by(s.cast.officer, s.stage.at(story.PAID + 1, 8, 30)))
    s.finish()


def _rate(s: Scene) -> int:
    ((bp,),) = rows("SELECT bp FROM lending_fixing WHERE draw_id = %s ORDER BY since LIMIT 1", s.stage.draw)
    return int(bp)


# --- killed --------------------------------------------------------------------------------------------------------------------------


#: So many statements a step takes, a few less.
_STATEMENTS: Final = {"disburse": 105, "settle": 130, "deliver": 115}


def _killed_in(s: Scene, step: str, before: str) -> None:
    """A process that plays the step is killed, again and again: early, in its midst, late, and right after its commit."""
    s.play(before)
    run = story.by_name(step).run
    chance = Random(f"{s.cast.space} {step}")
    for statements in (1, *sorted(chance.randrange(2, _STATEMENTS[step]) for _ in range(4)), BEYOND):
        was = state()
        s.must(killed(lambda: run(s.stage), statements), "the process was not killed")
        now = state()
        if statements == BEYOND:
            s.must(now != was, "a commit was lost")
        elif now != was and step != "deliver":
            s.must(_whole(s, step), f"killed after {statements} statements, the step is half done")
    s.changes_nothing(lambda: run(s.stage))  # with the same keys: answered as it was, and nothing happens
    s.codes.append("SIGKILL")
    s.played = step
    s.finish()


def _whole(s: Scene, step: str) -> bool:
    """The step's commit came before the kill: then all of it is there."""
    if step == "settle":
        return s.payment.state == "CREDITED" and s.payment.credit is not None and not s.pledges
    return s.loan.state == "DISBURSED"


def crash_in_disburse(s: Scene) -> None:
    """The process that pays out is killed (SIGKILL) between its statements, and after its commit."""
    _killed_in(s, "disburse", "approve")


def crash_in_settle(s: Scene) -> None:
    """The process that settles is killed between its statements, and after its commit."""
    _killed_in(s, "settle", "check")
    _credited_once(s)


def crash_in_deliver(s: Scene) -> None:
    """The process that gives the goods out is killed between its statements, between its commands, and after its commit."""
    _killed_in(s, "deliver", "surrender")


def crash_between_steps(s: Scene) -> None:
    """Every step is begun by a process that is killed somewhere in it, and done by another one that is killed when it has committed."""
    chance = Random(f"{s.cast.space} between")
    for step in story.STEPS:
        for statements in (chance.randrange(2, 60), BEYOND):
            s.must(killed(partial(step.run, s.stage), statements), "the process was not killed")
    s.codes.append("SIGKILL")
    s.changes_nothing(lambda: lane.play(s.stage))  # the whole story once more, with the same keys
    s.must(s.payment.state == "CREDITED", f"the payment is {s.payment.state} in the end")
    s.ended()
    _credited_once(s)


def worker_crash(s: Scene) -> None:
    """The database's own process behind a settlement is ended in its midst, three times."""
    s.play("check")
    run = story.by_name("settle").run
    for statements in (9, 23, 41):
        was = state()
        s.must(_terminated(lambda: run(s.stage), statements), f"it ended before {statements} statements")
        s.must(state() == was, f"ended after {statements} statements, it left something behind")
    s.codes.append("57P01")
    s.finish()
    _credited_once(s)


def _terminated(act: Callable[[], Any], after: int) -> bool:
    """Do an act in a thread whose backend is ended after so many statements; whether the act noticed."""
    noticed: list[bool] = []

    class Ending(Counted):
        def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if self.count == after:
                pid = connection.connection.info.backend_pid
                other = connection.get_new_connection(connection.get_connection_params())
                try:
                    other.execute("SET ROLE NONE")  # whoever logged in may end what he began
                    other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
                finally:
                    other.close()
            return super().__call__(execute, sql, params, many, context)

    def run() -> None:
        try:
            with connection.execute_wrapper(Ending()):
                act()
            noticed.append(False)
        except OperationalError:
            noticed.append(True)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return bool(noticed and noticed[0])


ATTACKS: Final = (
    declaration_used_by_other_payment, payment_on_used_declaration, declaration_cancelled_before_settle, declaration_amended_after_check,
    declaration_left_out, declaration_of_another_shipment, wrong_payee, payer_not_the_buyer, payment_short_of_debt, duplicate_message_same_uetr,
    duplicate_uetr_other_amount, message_of_another_bank, replayed_command_key_with_other_arguments, override_by_same_person,
    settle_without_check, settle_twice_at_once, settle_against_return_at_once, clock_skew, late_interest, crash_in_disburse,
    crash_in_settle, crash_in_deliver, crash_between_steps, worker_crash,
)  # fmt: skip

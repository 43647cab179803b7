"""Attacks on the document and on what is lent against it: pledged twice, issued twice, amended by others, delivered without, read by others."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from luhai.core.evidence import commands as evidence
from luhai.core.evidence import consent_commands as consents
from luhai.core.evidence import queries as papers_of
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.financing.lending import commands as lending
from luhai.financing.lending import line_commands as lines
from luhai.financing.lending import queries as loans
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.records.transport import commands as transport
from luhai.records.transport import pint, pint_commands, pint_queries
from luhai.records.transport import queries as documents
from luhai.records.transport.pint import Signer
from luhai.settlement.payments import queries as payments

from . import papers, story
from .attack_scene import Scene, tried
from .cast import CHONGQING, GUANGXI, Cast, Part
from .shipment import Shipment

J = dict[str, Any]
KEPT: Final = ("titles.not_free", "titles.kept", "titles.act_not_allowed")
#: A refused issue or document that looks like another opens a review, which a person closes.
_REVIEW: Final = ("titles_review", "evidence_review")


# --- pledged twice ------------------------------------------------------------------------------------------------------


def _pledge(s: Scene, to: Part, by: Part | None = None) -> UUID:
    return titles.pledge_title(title_id=s.stage.title, pledgee=to.id, origin=s.by(by or s.cast.exporter))


def second_pledge_same_bank(s: Scene) -> None:
    """The exporter pledges again to the bank that holds the pledge: before the loan, and after."""
    s.play("pledge")
    s.refused(KEPT, lambda: _pledge(s, s.cast.officer))
    s.play("disburse")
    s.refused(KEPT, lambda: _pledge(s, s.cast.officer))
    s.still_pledged()
    s.finish()


def second_pledge_other_bank(s: Scene) -> None:
    """… and to another bank in its city."""
    s.play("pledge")
    s.refused(KEPT, lambda: _pledge(s, s.world.rival.officer))
    s.play("disburse")
    s.refused(KEPT, lambda: _pledge(s, s.world.rival.officer))
    s.still_pledged()
    s.finish()


def second_pledge_other_province(s: Scene) -> None:
    """… and to a bank of another province; both at once, too."""
    s.play("consent")
    first = s.once([lambda: story.by_name("pledge").run(s.stage), lambda: _pledge(s, s.world.far.officer)], KEPT)
    if first == 1:  # the other bank was first: it does not want it, and the exporter pledges where it meant to
        (pledge,) = s.pledges
        titles.refuse_pledge(title_id=s.stage.title, pledge=pledge.id, origin=s.by(s.world.far.officer))
        s.again()
        s.play("pledge")
    s.played = "pledge"
    s.play("disburse")
    s.refused(KEPT, lambda: _pledge(s, s.world.far.officer))
    s.still_pledged()
    s.finish()


def second_draw_on_same_pledge(s: Scene) -> None:
    """One pledge carries one loan: another draw on it, of the same line and the same papers, is none."""
    s.play("disburse")
    s.refused(("invalid", "lending.not_pledged"), lambda: lending.request_draw(
        draw_id=s.id("draw"), line_id=s.stage.line, limit="rail_bills", amount=100_000, purpose="twice", repayment=story.REPAYMENT,
        title_id=s.stage.title, evidence_=[{"evidence_id": str(s.stage.id("declaration")), "amount": 1_000_000}],
        insurance_id=s.stage.id("insurance"), origin=s.by(s.cast.exporter),
    ))  # fmt: skip
    s.still_pledged()
    s.finish()


def pledge_after_surrender(s: Scene) -> None:
    """Who has given the document up for the goods cannot pledge it any more; nor can who had it before."""
    s.play("surrender")
    s.refused("titles.act_not_allowed", lambda: _pledge(s, s.world.rival.officer, s.cast.importer))
    s.refused(("not_entitled", "titles.act_not_allowed", "absent"), lambda: _pledge(s, s.cast.officer))
    s.finish()


def transfer_while_pledged(s: Scene) -> None:
    """The exporter sells the pledged document, keeps it from the bank by surrender, or releases the pledge itself."""
    s.play("pledge")
    importer = s.cast.importer.id
    s.refused(KEPT, lambda: titles.transfer_title(title_id=s.stage.title, to=importer, beneficiary=importer, origin=s.by(s.cast.exporter)))
    s.refused(KEPT, lambda: titles.surrender_title(title_id=s.stage.title, origin=s.by(s.cast.exporter)))
    s.play("disburse")
    s.refused(KEPT, lambda: titles.transfer_title(title_id=s.stage.title, to=importer, beneficiary=importer, origin=s.by(s.cast.exporter)))
    s.refused(KEPT, lambda: titles.surrender_title(title_id=s.stage.title, origin=s.by(s.cast.exporter)))
    s.still_pledged()
    s.finish()


def release_pledge_by_company(s: Scene) -> None:
    """The pledgor, another bank, and (once the loan stands on it) even the pledgee by hand: nobody releases it past the escrow."""
    s.play("pledge")
    (pledge,) = s.pledges

    def release(by: Part) -> Any:
        return titles.release_pledge(title_id=s.stage.title, pledge=pledge.id, origin=s.by(by))

    s.refused(("not_entitled", "absent"), lambda: release(s.cast.exporter))
    s.refused("absent", lambda: release(s.world.rival.officer))
    s.play("disburse")
    s.refused(("not_entitled", "titles.kept"), lambda: release(s.cast.exporter))
    s.refused("titles.kept", lambda: release(s.cast.officer))
    s.refused("not_entitled", lambda: titles.refuse_pledge(title_id=s.stage.title, pledge=pledge.id, origin=s.by(s.cast.officer)))
    s.still_pledged()
    s.finish()


# --- lent twice -----------------------------------------------------------------------------------------------------------


def _line_at(s: Scene, bank: Cast, what: str, limits: list[J], **contract: Any) -> UUID:
    """A line of the exporter, of a bank's own making."""
    key, day = s.id(f"line {what}"), s.stage.shipment.day
    terms = {
        "currency": "CNY", "starts_on": day.isoformat(), "ends_on": (day + timedelta(days=300)).isoformat(), "spread_bp": 60,
        "haircut_percent": 10, "needs_pledge": False, "needs_evidence": True, "needs_insurance": False,
    }  # fmt: skip
    lines.open_line(
        line_id=key, company_id=s.cast.exporter.id, number=f"ATK-{str(key)[:8].upper()}", contract=terms | contract, limits=limits,
        origin=s.by(bank.officer),
    )  # fmt: skip
    lines.approve_line(line_id=key, origin=s.by(bank.second))
    lines.sign_line(line_id=key, digest=loans.line(line_id=key, viewer=SYSTEM).digest, origin=s.by(s.cast.exporter))
    lines.start_line(line_id=key, origin=s.by(bank.officer))
    return key


def same_declaration_two_loans(s: Scene) -> None:
    """Other banks, in this province and in another one, lend on the declaration that the first loan stands on, in all that is left and more."""
    s.play("disburse")
    for bank, what in ((s.world.rival, "rival"), (s.world.far, "far")):
        line = _line_at(s, bank, what, [{"name": "whole", "parent": None, "amount": 10_000_000_000}])
        draw = s.id(f"draw {what}")
        lending.request_draw(
            draw_id=draw, line_id=line, limit="whole", amount=1_000_000, purpose="the same goods", repayment=story.REPAYMENT,
            evidence_=[{"evidence_id": str(s.stage.id("declaration")), "amount": s.stage.shipment.worth}], origin=s.by(s.cast.exporter),
        )  # fmt: skip
        s.refused("evidence.used_up", partial(lending.approve_draw, draw_id=draw, origin=s.by(bank.officer)))
        lending.refuse_draw(draw_id=draw, reason="lent on already", origin=s.by(bank.officer))
    s.finish()


def same_goods_other_declaration(s: Scene) -> None:
    """The goods are declared again under another number, and lent on at another bank: one lot of goods, one limit."""
    s.play("disburse")
    paper = papers.declaration(s.cast, s.stage.shipment)
    paper["declaration_no"] = paper["declaration_no"][:9] + s.stage.shipment.digits("declared again", 9)
    key = s.id("declaration")

    def deliver() -> Any:
        return evidence.receive_evidence(
            evidence_id=key, subject_id=s.cast.exporter.id, content=papers.packed(paper), origin=s.by(s.cast.exporter)
        )

    first = tried(deliver)
    if first.code:  # it looks like the other one: a person finds that these are other papers of the same goods
        s.codes.append(first.code)
        s.must(first.code == "evidence.near_duplicate", f"refused with {first.words}")
        (review,) = [r for r in papers_of.reviews(viewer=SYSTEM) if r.external_ref == paper["declaration_no"]]
        evidence.clear_review(review_id=review.id, outcome="same_goods", why="the same containers and bill", origin=s.by(SYSTEM))
        deliver()
    line = _line_at(s, s.world.far, "goods", [{"name": "whole", "parent": None, "amount": 10_000_000_000}])
    lending.request_draw(
        draw_id=s.id("draw"), line_id=line, limit="whole", amount=1_000_000, purpose="the same goods", repayment=story.REPAYMENT,
        evidence_=[{"evidence_id": str(key), "amount": s.stage.shipment.worth}], origin=s.by(s.cast.exporter),
    )  # fmt: skip
    s.refused("evidence.used_up", lambda: lending.approve_draw(draw_id=s.id("draw"), origin=s.by(s.world.far.officer)))
    lending.refuse_draw(draw_id=s.id("draw"), reason="lent on already", origin=s.by(s.world.far.officer))
    s.finish()


def disburse_by_same_person(s: Scene) -> None:
    """Who approved the loan pays it out alone."""
    s.play("approve")
    s.refused("lending.same_person", lambda: lending.disburse(draw_id=s.stage.draw, origin=s.by(s.cast.officer)))
    s.refused(("not_entitled", "absent"), lambda: lending.disburse(draw_id=s.stage.draw, origin=s.by(s.world.rival.officer)))
    s.finish()


def draw_beyond_line_from_two_provinces_at_once(s: Scene) -> None:
    """Two branches of one bank approve, in the same moment, draws that the line has room for but one of."""
    s.play("consent")
    limits: list[J] = [
        {"name": "whole", "parent": None, "amount": 150_000_000},
        {"name": "chongqing", "parent": "whole", "amount": 100_000_000, "territory": CHONGQING, "shared": True},
        {"name": "guangxi", "parent": "whole", "amount": 100_000_000, "territory": GUANGXI, "shared": True},
    ]
    limits[0]["shared"] = True
    line = _line_at(s, s.cast, "provinces", limits, needs_evidence=False)
    draws = {place: s.id(f"draw {place}") for place in ("chongqing", "guangxi")}
    for place, draw in draws.items():
        lending.request_draw(
            draw_id=draw, line_id=line, limit=place, amount=90_000_000, purpose="stock", repayment=story.REPAYMENT, origin=s.by(s.cast.exporter),
        )  # fmt: skip
    there = Actor(s.cast.second.person_id, Role.BANK, s.cast.bank.id, GUANGXI)
    here, far = s.by(s.cast.officer), s.by(there)
    won = s.once(
        [
            lambda: lending.approve_draw(draw_id=draws["chongqing"], origin=here),
            lambda: lending.approve_draw(draw_id=draws["guangxi"], origin=far),
        ],
        "ledger.exceeds_credits",
    )
    whole = next(x for x in loans.line(line_id=line, viewer=SYSTEM).limits if x.name == "whole")
    s.must(whole.free == 60_000_000, f"{whole.free} is free of the line, not what one draw leaves")
    lending.refuse_draw(draw_id=list(draws.values())[won], reason="not needed", origin=s.by(s.cast.exporter))
    s.finish()


# --- issued twice -----------------------------------------------------------------------------------------------------------


def _issue(s: Scene, content: J, key: str, *, by: Part | None = None, agreement: UUID | None = None) -> UUID:
    return transport.issue_document(
        title_id=s.id(key), content=content, holder_id=s.cast.exporter.id, beneficiary_id=s.cast.exporter.id,
        agreement_id=agreement or s.stage.agreement, origin=s.by(by or s.cast.carrier),
    )  # fmt: skip


def same_bill_rekeyed_same_issuer(s: Scene) -> None:
    """The carrier issues for the same goods once more: under the same number, and under another one."""
    s.play("issue")
    content = papers.bill(s.cast, s.stage.shipment, s.stage.agreement_no)
    s.refused("titles.already_live", lambda: _issue(s, content, "same"))
    other = f"LHRS{s.stage.shipment.digits('re-keyed', 9)}"
    s.refused("titles.already_live", lambda: _issue(s, content | {"number": other}, "other number"))
    alone = content | {"number": other, "booking": "", "legs": [leg | {"waybill": ""} for leg in content["legs"]]}
    for leg in alone["legs"]:
        leg.pop("waybill")
    alone.pop("booking")
    s.refused("titles.already_live", lambda: _issue(s, alone, "only the container"))
    s.finish()


def same_bill_rekeyed_other_issuer(s: Scene) -> None:
    """Another carrier, under an agreement of its own, issues for the same container and waybill."""
    s.play("pledge")
    carrier, key = s.world.rival.carrier, s.id("agreement")
    number = f"LHAG-{str(key)[:8].upper()}"
    sides = {"carrier": carrier, "consignor": s.cast.exporter, "consignee": s.cast.importer, "bank": s.world.rival.officer}
    transport.propose_agreement(
        agreement_id=key, number=number, text=papers.AGREEMENT, parties_={str(p.id): role for role, p in sides.items()},
        starts_on=s.stage.shipment.day, origin=s.by(carrier),
    )  # fmt: skip
    digest = documents.agreement(agreement_id=key, viewer=SYSTEM).digest
    for part in list(sides.values())[1:]:
        transport.sign_agreement(agreement_id=key, digest=digest, origin=s.by(part))
    content = papers.bill(s.cast, s.stage.shipment, number)
    content["number"] = f"RVAL{s.stage.shipment.digits('other issuer', 9)}"
    content["booking"] = f"RV{s.stage.shipment.digits('other booking', 8)}"
    content["parties"]["issuer"] |= {"name": carrier.party.name_en, "numbers": dict(carrier.party.numbers)}
    s.refused("titles.already_live", lambda: _issue(s, content, "other issuer", by=carrier, agreement=key))
    s.finish()


def near_duplicate_number(s: Scene) -> None:
    """A number with two figures swapped, for as much of the same in another container: it waits for a person, who tells the two apart."""
    s.play("pledge")
    number, other = s.stage.shipment.bill_no, Shipment(s.cast.space, 90_000 + s.number, s.stage.shipment.day, s.stage.shipment.destination)
    swap = next(n for n in range(4, len(number) - 1) if number[n] != number[n + 1])
    near = number[:swap] + number[swap + 1] + number[swap] + number[swap + 2 :]
    content = _renamed(papers.bill(s.cast, s.stage.shipment, s.stage.agreement_no), s.stage.shipment, other) | {"number": near}
    s.refused("titles.near_duplicate", lambda: _issue(s, content, "near"), writes=_REVIEW)
    s.refused("titles.near_duplicate", lambda: _issue(s, content, "near"))  # asked again, it still waits
    (review,) = [r for r in title_queries.reviews(viewer=SYSTEM) if r.number == near]
    titles.clear_review(review_id=review.id, why="other goods, in another container", origin=s.by(SYSTEM))
    _issue(s, content, "near")
    s.finish()


def forged_amendment(s: Scene) -> None:
    """Another carrier, the exporter and the importer write a new version; so does the issuer, while the document is pledged."""
    s.play("pledge")
    content = papers.bill(s.cast, s.stage.shipment, s.stage.agreement_no)
    content["goods"][0]["packages"] += 1

    def amend(by: Part) -> Any:
        return transport.amend_document(title_id=s.stage.title, content=content, statement="more packages", origin=s.by(by))

    for by in (s.world.rival.carrier, s.cast.exporter, s.cast.importer):
        s.refused(("absent", "invalid"), partial(amend, by))
    s.refused(("titles.act_not_allowed", "titles.not_free"), lambda: amend(s.cast.carrier))
    s.play("disburse")
    s.refused(("titles.kept", "titles.act_not_allowed"), lambda: amend(s.cast.carrier))
    s.must(len(title_queries.versions(title_id=s.stage.title, viewer=SYSTEM)) == 1, "there is a second version")
    s.finish()


# --- delivered without ------------------------------------------------------------------------------------------------------


def two_importers(s: Scene) -> None:
    """The exporter sells the document to two buyers at once; then the one who has it not gives it up, and sells it on."""
    s.play("repaid")
    buyers = (s.cast.importer, s.world.rival.importer)
    origins = [s.by(s.cast.exporter) for _ in buyers]

    def sell(n: int) -> Any:
        return titles.transfer_title(title_id=s.stage.title, to=buyers[n].id, beneficiary=buyers[n].id, origin=origins[n])

    won = s.once([lambda: sell(0), lambda: sell(1)], ("not_entitled", "absent", "titles.stale", "titles.act_not_allowed"))
    lost = buyers[1 - won]
    s.refused(("absent", "not_entitled"), lambda: titles.surrender_title(title_id=s.stage.title, origin=s.by(lost)))
    s.refused(("absent", "not_entitled"), lambda: titles.transfer_title(title_id=s.stage.title, to=s.cast.exporter.id, origin=s.by(lost)))
    if won == 1:  # sold to the wrong one: it gives it back, and the seller hands it to the right one
        titles.reject_transfer(title_id=s.stage.title, origin=s.by(buyers[1]))
        s.again()
        s.play("transfer")
    s.must(s.title.holder_id == s.cast.importer.id, "the document is not with the importer in the end")
    s.played = "transfer"
    s.finish()


def goods_delivered_without_surrender(s: Scene) -> None:
    """The carrier lets the goods go before anybody gave the document up: no order is given, and what left is signalled."""
    s.play("arrive")
    s.refused("transport.not_surrendered", lambda: transport.deliver(title_id=s.stage.title, release_id=s.id("release"), origin=s.by(s.cast.carrier)))
    told = _gate_out(s, [s.stage.shipment.seal])
    s.must("unauthorised_release" in told, "goods left without surrender, and no signal was raised")
    s.codes.append("unauthorised_release")
    s.must(any(c.contradicts for c in title_queries.custody(title_id=s.stage.title, viewer=SYSTEM)), "the register does not contradict")
    s.still_pledged()
    s.finish()


def gate_out_with_wrong_seal(s: Scene) -> None:
    """The container is found with another seal than the document says: on the way, and at the gate."""
    s.play("arrive")
    told = _gate_out(s, ["XX00000000"])
    s.must("seals_differ" in told, "another seal was found, and no signal was raised")
    s.codes.append("seals_differ")
    s.finish()


def _gate_out(s: Scene, seals: list[str]) -> list[str]:
    at = s.at()
    return transport.record_event(
        title_id=s.stage.title, event_id=s.id("gate out"), code="GTOT", place=s.stage.shipment.destination.place, happened_at=at,
        container=s.stage.shipment.container, seals=seals, origin=s.by(s.cast.carrier, at + timedelta(seconds=5)),
    )  # fmt: skip


def event_of_a_stranger(s: Scene) -> None:
    """Somebody who neither issued the document nor has the goods reports where they are."""
    s.play("rail")
    at = s.at()

    def report(by: Part) -> Any:
        return transport.record_event(
            title_id=s.stage.title, event_id=s.id("event"), code="GTOT", place=s.stage.shipment.destination.place, happened_at=at,
            container=s.stage.shipment.container, origin=s.by(by, at + timedelta(seconds=s.acts)),
        )  # fmt: skip

    s.refused("absent", lambda: report(s.world.rival.carrier))
    s.refused("not_entitled", lambda: report(s.cast.exporter))
    s.finish()


# --- other platforms --------------------------------------------------------------------------------------------------------


def _platform(s: Scene, stands: Part) -> tuple[Signer, str]:
    """A platform that we exchange documents with, for which `stands` stands here, and our own code."""
    own = next((p.code for p in pint_queries.platforms(viewer=SYSTEM) if p.own), "")
    if not own:
        own = "LHUA"
        pint_commands.name_platform(code=own, name="Luhai", url="https://luhai.example", origin=s.by(SYSTEM))
    signer = Signer(f"X{s.number % 1000:03d}", Ed25519PrivateKey.generate())
    pint_commands.register_platform(
        code=signer.code, name=f"Platform {s.number}", url="https://platform.example", public=signer.public, party_id=stands.id,
        origin=s.by(SYSTEM),
    )  # fmt: skip
    return signer, own


def _act(code: str, at: Any, actor: tuple[str, Part], recipient: tuple[str, Part]) -> J:
    def side(where: str, part: Part) -> J:
        return {
            "partyName": part.party.name_en[:70], "eblPlatform": where,
            "identifyingCodes": [{"codeListProvider": "ZZZ", "codeListName": "UUID", "partyCode": str(part.id)}],
        }  # fmt: skip

    when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"actionCode": code, "actionDateTime": when, "actor": side(*actor), "recipient": side(*recipient)}


@dataclass
class _Arrivals:
    """Envelopes that come from another platform: a document of a shipment of theirs, to somebody here."""

    scene: Scene
    stands: Part

    def __post_init__(self) -> None:
        s = self.scene
        self.signer, self.own = _platform(s, self.stands)
        other = Shipment(s.cast.space, 80_000 + s.number, s.stage.shipment.day, s.stage.shipment.destination)
        ours = documents.form(title_id=s.stage.title, which="dcsa", viewer=SYSTEM)["document"]
        self.document, self.at = _renamed(ours, s.stage.shipment, other), s.at()

    def sealed(self, to: Part, by: Signer | None = None) -> J:
        by, seller = by or self.signer, self.scene.world.rival.exporter
        acts = [
            _act("ISSUE", self.at, (by.code, self.stands), (by.code, seller)),
            _act("ENDORSE_TO_ORDER", self.at, (by.code, seller), (self.own, to)),
            _act("TRANSFER", self.at, (by.code, seller), (self.own, to)),
        ]
        return pint.sealed(self.document, [pint.entry(self.document, acts, None, by)], [], by)

    def receive(self, envelope: J, code: str) -> None:
        """It is answered with `code`, and the answer is signed."""
        s = self.scene
        answer = pint_commands.receive_envelope(envelope=envelope, origin=s.by(self.stands))
        s.codes.append(str(answer.get("code", "started")))
        s.must(answer.get("code") == code, f"answered {answer.get('code')}, not {code}")
        signed = pint.opened(answer["answer"], pint_commands.known_keys())[0]["responseCode"]
        s.must(signed == code, f"{signed} was signed, not {code}")


def replayed_envelope(s: Scene) -> None:
    """A document comes from another platform; its envelope comes once more, and then the same document for another receiver."""
    s.play("issue")
    there = _Arrivals(s, s.world.rival.carrier)
    envelope = there.sealed(s.cast.importer)
    there.receive(envelope, "RECE")
    s.changes_nothing(lambda: there.receive(envelope, "DUPE"))
    s.changes_nothing(lambda: there.receive(there.sealed(s.world.rival.importer), "DISE"))
    s.finish()


def tampered_envelope(s: Scene) -> None:
    """An envelope whose document was altered, whose signature was spoilt, or which nobody known has signed; then the true one."""
    s.play("issue")
    there = _Arrivals(s, s.world.rival.railway)
    envelope = there.sealed(s.cast.importer)
    altered = copy.deepcopy(envelope)
    altered["transportDocument"]["termsAndConditions"] = "free of charge"
    s.changes_nothing(lambda: there.receive(altered, "BENV"))
    head, body, mark = envelope["envelopeManifestSignedContent"].split(".")
    spoilt = f"{head}.{body}.{'A' if mark[0] != 'A' else 'B'}{mark[1:]}"
    s.changes_nothing(lambda: there.receive(envelope | {"envelopeManifestSignedContent": spoilt}, "BSIG"))
    s.changes_nothing(lambda: there.receive(there.sealed(s.cast.importer, Signer("ZZZZ", Ed25519PrivateKey.generate())), "BSIG"))
    there.receive(envelope, "RECE")
    s.finish()


def _renamed(document: J, mine: Shipment, other: Shipment) -> J:
    """The document of another shipment: its numbers in place of ours."""
    text = json.dumps(document, ensure_ascii=False)
    for name in ("bill_no", "booking", "waybill", "container", "seal", "policy_no"):
        text = text.replace(getattr(mine, name), getattr(other, name))
    made: J = json.loads(text)
    return made


def sent_document_spent_here(s: Scene) -> None:
    """A document that was sent to another platform is sold, surrendered and sent once more; only a signed answer brings it back."""
    s.play("repaid")
    signer, _own = _platform(s, s.world.far.carrier)
    exporter, title = s.cast.exporter, s.stage.title

    def send(key: str) -> UUID:
        return pint_commands.send_document(
            title_id=title, envelope_id=s.id(key), platform=signer.code,
            receiver={"name": "Buyer There", "codes": {"uuid": str(s.id("buyer"))}}, origin=s.by(exporter),
        )  # fmt: skip

    envelope = send("first")
    importer = s.cast.importer.id
    s.refused("titles.kept", lambda: titles.transfer_title(title_id=title, to=importer, beneficiary=importer, origin=s.by(exporter)))
    s.refused("titles.kept", lambda: titles.surrender_title(title_id=title, origin=s.by(exporter)))
    s.refused("titles.kept", lambda: send("second"))
    _, content, _ = pint_queries.to_send(envelope_id=envelope, viewer=exporter.actor)
    last = pint.last_of(content)
    forger = Signer(signer.code, Ed25519PrivateKey.generate())

    def settle(answer: str) -> str:
        return pint_commands.settle_envelope(envelope_id=envelope, answer=answer, origin=s.by(exporter))

    s.refused("transport.no_answer", lambda: settle(pint.answer("BENV", last, forger)))
    s.refused("transport.no_answer", lambda: settle(pint.answer("BENV", "0" * 64, signer)))
    s.must(settle(pint.answer("BENV", last, signer)) == "refused", "the receiver's signed refusal was not taken")
    s.finish()


# --- read by others -----------------------------------------------------------------------------------------------------------


def stranger_reads(s: Scene) -> None:
    """A company that is no party to any of it asks for document, loan, payment and papers."""
    s.play("check")
    for stranger in (s.world.rival.exporter.actor, s.world.far.officer.actor):
        asked = (
            lambda v=stranger: title_queries.title(title_id=s.stage.title, viewer=v),
            lambda v=stranger: documents.document(title_id=s.stage.title, viewer=v),
            lambda v=stranger: loans.loan(draw_id=s.stage.draw, viewer=v),
            lambda v=stranger: loans.line(line_id=s.stage.line, viewer=v),
            lambda v=stranger: payments.payment(payment_id=s.stage.payment, viewer=v),
            lambda v=stranger: payments.messages_of(payment_id=s.stage.payment, viewer=v),
            lambda v=stranger: papers_of.evidence(evidence_id=s.stage.id("declaration"), viewer=v),
            lambda v=stranger: papers_of.pieces(evidence_id=s.stage.id("contract"), viewer=v),
        )
        for ask in asked:
            s.refused("absent", ask)
        for name in ("declaration", "contract"):
            answer = consents.read_evidence(evidence_id=s.stage.id(name), purpose="financing", origin=s.by(stranger))
            s.must(not answer["granted"], f"a stranger was let to read the {name}")
    s.finish()


def partner_bank_reads_documents(s: Scene) -> None:
    """The bank that sends the money sees its own messages, and none of the papers, of the loan and of the document."""
    s.play("check")
    sender = s.cast.sender.actor
    s.must(len(payments.messages_of(payment_id=s.stage.payment, viewer=sender)) > 0, "the sender does not see its own messages")
    for ask in (
        lambda: papers_of.evidence(evidence_id=s.stage.id("declaration"), viewer=sender),
        lambda: papers_of.pieces(evidence_id=s.stage.id("contract"), viewer=sender),
        lambda: loans.loan(draw_id=s.stage.draw, viewer=sender),
        lambda: title_queries.title(title_id=s.stage.title, viewer=sender),
    ):
        s.refused("absent", ask)
    for name in ("declaration", "contract"):
        answer = consents.read_evidence(evidence_id=s.stage.id(name), purpose="settlement", origin=s.by(s.cast.sender))
        s.must(not answer["granted"], f"the sender was let to read the {name}")
    s.finish()


ATTACKS: Final = (
    second_pledge_same_bank, second_pledge_other_bank, second_pledge_other_province, second_draw_on_same_pledge, pledge_after_surrender,
    transfer_while_pledged, release_pledge_by_company, same_declaration_two_loans, same_goods_other_declaration, disburse_by_same_person,
    draw_beyond_line_from_two_provinces_at_once, same_bill_rekeyed_same_issuer, same_bill_rekeyed_other_issuer, near_duplicate_number,
    forged_amendment, two_importers, goods_delivered_without_surrender, gate_out_with_wrong_seal, event_of_a_stranger, replayed_envelope,
    tampered_envelope, sent_document_spent_here, stranger_reads, partner_bank_reads_documents,
)  # fmt: skip

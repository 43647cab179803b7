"""Whole files, received as evidence: third-party ones, our own examples, and what no file may be."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from luhai.core.evidence import commands, queries
from luhai.core.evidence.formats import schemas
from luhai.core.evidence.formats.read import read
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import (
    NOON,
    by,
    company,
    contract,
    declaration,
    id_of,
    packed,
    received,
    sql,
)
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal

pytestmark = pytest.mark.django_db

with open(Path(__file__).parent / "formats_expected.tsv", encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t"))
FOLDERS = sorted({row["path"].split("/")[0] for row in ROWS})
EXAMPLES = schemas.SHIPPED / "examples"

#: What can be read and is not received. An event of EPCIS that declares another one, or itself, an error takes it back.
TAKEN_BACK = {
    "AssociationEvent-g.jsonld", "ErrorDeclarationAndCorrectiveEvent.jsonld", "SensorDataExample12.jsonld",
    "Example_9.6.1-ObjectEvent-with-error-declaration.jsonld", "aggregation_event_all_possible_fields.jsonld",
    "association_event_all_possible_fields.jsonld", "SensorDataExamples.xml",
}  # fmt: skip
#: One event in several representations: the file says the same twice.
TWICE = {
    "differentRepresentationsOfAggregationEvent.xml", "differentRepresentationsOfObjectEvent.xml", "ignoreEmptyEpcList.xml",
    "differentRepresentationsOfTransactionEvent.xml", "numberPrecision.xml", "timestampTimeZone.xml", "timestampTimeZone2.xml",
    "epcisDocHavingEventWithIgnoreFields.jsonld", "ReferenceEventHashAlgorithm.json",
}  # fmt: skip


def receive(data: bytes | str, subject: Actor, source: Actor | None = None, **more: Any) -> list[UUID]:
    said: dict[str, Any] = {
        "evidence_id": uuid4(), "subject_id": id_of(subject), "origin": by(source or subject),
        "content": data if isinstance(data, str) else base64.b64encode(data).decode(),
    }  # fmt: skip
    return [UUID(key) for key in commands.receive_evidence(**said | more)]


def stored() -> tuple[int, ...]:
    tables = ("evidence", "piece", "mention", "lot", "use")
    return tuple(sql(SYSTEM, f"SELECT count(*) FROM evidence_{table}")[0][0] for table in tables)


# --- files of others ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_third_party_file_is_received_or_refused(folder: str, shared: Path) -> None:
    """An agency delivers each of them about one company. None names a registered party, none ends in an error."""
    subject, office = company(), world.official(Role.PROVINCE)
    done = 0
    for row in ROWS:
        if row["path"].split("/")[0] != folder:
            continue
        data = (shared / "data" / "2-title-docs" / row["path"]).read_bytes()
        before = stored()
        with world.undone():
            key = uuid4()
            answer, ids = attempt(data, subject, office, key)
            assert answer == wanted(row), row["path"]
            if ids:
                as_expected(row, data, key, ids, subject, office)
                done += 1
            else:
                assert stored() == before, row["path"]
    assert done > 0


def wanted(row: dict[str, str]) -> tuple[str, str]:
    """The answer that a file must get: a code, and a field where one is at fault."""
    name = Path(row["path"]).name
    if row["outcome"] == "refused":
        return "invalid", row["format_or_field"]
    if name in TAKEN_BACK:
        return "invalid", "status"
    return ("evidence.already_received", "") if name in TWICE else ("done", "")


def attempt(data: bytes, subject: Actor, source: Actor, key: UUID) -> tuple[tuple[str, str], list[UUID]]:
    try:
        return ("done", ""), receive(data, subject, source, evidence_id=key)
    except Refusal as refusal:
        return (refusal.code, str(refusal.facts.get("field", ""))), []


def as_expected(
    row: dict[str, str], data: bytes, key: UUID, ids: list[UUID], subject: Actor, source: Actor
) -> None:
    facts = read(data).facts
    assert ids == [key, *(uuid5(key, str(n)) for n in range(1, len(facts)))], row["path"]
    assert len(ids) == int(row["facts"])
    for one, fact in zip(ids, facts, strict=True):
        view = queries.evidence(evidence_id=one, viewer=subject)
        assert (view.kind, view.state, view.status, view.external_ref, view.format) == (
            fact.kind, "live", fact.status, fact.external_ref, fact.format,
        ), row["path"]  # fmt: skip
        assert (view.source.id, view.subject.id, view.version) == (id_of(source), id_of(subject), 1)
        (piece,) = queries.pieces(evidence_id=one, viewer=subject)
        assert piece.payload == json.loads(json.dumps(fact.payload)), row["path"]
        assert piece.digest == hashlib.sha256(data).hexdigest()
        assert piece.observed_at == (fact.observed_at or NOON)
        left = queries.remaining(evidence_id=one, viewer=subject)
        goods = view.kind in {"customs_declaration", "transport_document"}
        worth = fact.amount_minor or 0 if goods else 0
        assert (left.settlement_left, left.financing_left) == (worth, worth * 4 // 5), row["path"]
        assert (view.lot_id is not None) is goods
    if len(ids) == 1:
        amount = "" if view.amount_minor is None else f"{view.amount_minor} {view.currency}"
        assert (view.kind, view.status, view.external_ref, amount) == (
            row["kind"], row["status"], row["external_ref"], row["amount"]
        )  # fmt: skip
    with pytest.raises(commands.AlreadyReceived) as refused:
        receive(data, subject, source)
    assert UUID(str(refused.value.facts["evidence"])) in ids
    stranger = company()
    with pytest.raises(Refusal) as hidden:
        receive(
            data,
            stranger,
            stranger if facts[0].kind in {"transport_document", "transport_event"} else world.bank(),
        )
    assert (hidden.value.code, hidden.value.facts["evidence"]) == ("evidence.already_received", None)


def test_files_of_one_declaration_follow_each_other(shared: Path) -> None:
    """A British import declaration, the answers of customs, and an amendment: one collateral, the rest is about it."""
    subject, office = company(), world.official(Role.PROVINCE)
    folder = shared / "data" / "2-title-docs" / "wco-customs" / "TT_IM008b"
    ids = [
        one for path in sorted(folder.rglob("*.xml")) for one in receive(path.read_bytes(), subject, office)
    ]
    kinds = [queries.evidence(evidence_id=one, viewer=subject).kind for one in ids]
    assert (kinds.count("customs_declaration"), kinds.count("customs_notice")) == (1, 9)
    (lot,) = queries.lots(viewer=subject).items
    assert (lot.left, lot.by_kind) == (8000_00, {"customs_declaration": 8000_00})


def test_an_event_of_epcis_is_taken_back_by_its_error_declaration(shared: Path) -> None:
    data = (
        shared / "data/2-title-docs/epcis-examples/AssociationEvent/AssociationEvent-g.jsonld"
    ).read_bytes()
    subject, office = company(), world.official(Role.PROVINCE)
    document = json.loads(data)
    del document["epcisBody"]["eventList"][0]["errorDeclaration"]
    (one,) = receive(json.dumps(document).encode(), subject, office)
    commands.correct_evidence(evidence_id=one, content=packed(data), origin=by(office))
    view = queries.evidence(evidence_id=one, viewer=subject)
    assert (view.state, view.status, view.version) == ("cancelled", "incorrect_data", 2)


# --- our own examples ---------------------------------------------------------------------------------------------------


def example(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return read


def named(uscc: str) -> Actor:
    return world.party("company", Role.COMPANY, numbers={"uscc": uscc})


def test_the_examples_are_received_and_join_each_other() -> None:
    """The contract and the declaration that names it are one lot, each form worth the same; the rail note names its own papers."""
    exporter, supplier, kitchen = (
        named("91500106MA5U00011W"),
        named("91500112MA5U00038A"),
        named("91510106MA5U0002XQ"),
    )
    owners = {
        "contract.json": exporter, "customs-declaration.json": exporter, "vat-invoice.json": supplier,
        "smgs-chengdu-almaty.json": kitchen, "cim-smgs-chongqing-duisburg.json": exporter,
    }  # fmt: skip
    assert set(owners) == {p.name for p in EXAMPLES.glob("*.json")}
    views = {
        n: queries.evidence(evidence_id=received(example(n), o), viewer=SYSTEM) for n, o in owners.items()
    }
    assert {n: (v.kind, v.amount_minor, v.currency) for n, v in views.items()} == {
        "contract.json": ("contract", 96480_00, "USD"),
        "customs-declaration.json": ("customs_declaration", 96480_00, "USD"),
        "vat-invoice.json": ("invoice", 640000_00, "CNY"),
        "smgs-chengdu-almaty.json": ("transport_document", 1264000_00, "CNY"),
        "cim-smgs-chongqing-duisburg.json": ("transport_document", 812500_00, "EUR"),
    }
    lot_id = views["contract.json"].lot_id
    assert lot_id is not None
    lot = queries.lot(lot_id=lot_id, viewer=exporter)
    assert {f.id for f in lot.forms} == {views[n].id for n in ("contract.json", "customs-declaration.json")}
    assert (lot.left, lot.by_kind) == (77184_00, {"contract": 77184_00, "customs_declaration": 77184_00})
    assert len({v.lot_id for v in views.values()}) == 4
    # The invoice is about its buyer too, and the declaration about the broker, who is the invoice's seller.
    assert queries.evidence(evidence_id=views["vat-invoice.json"].id, viewer=exporter).subject.id == id_of(
        supplier
    )
    assert queries.evidence(
        evidence_id=views["customs-declaration.json"].id, viewer=supplier
    ).source.id == id_of(exporter)
    with pytest.raises(Absent):
        queries.evidence(evidence_id=views["contract.json"].id, viewer=supplier)
    # What the rail note calls "916 801320260987654321" turns out to be a declaration: its goods are the note's.
    shipped = declaration(exporter, 812500_00, "EUR", declaration_no="801320260987654321")
    joined = queries.evidence(evidence_id=received(shipped, exporter), viewer=exporter)
    assert joined.lot_id == views["cim-smgs-chongqing-duisburg.json"].lot_id
    assert queries.remaining(evidence_id=joined.id, viewer=exporter).financing_left == 650000_00


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.json")))
def test_an_example_is_read_by_its_company_as_it_was_written(name: str) -> None:
    document = example(name)
    uscc = {
        "smgs-chengdu-almaty.json": "91510106MA5U0002XQ", "vat-invoice.json": "91500112MA5U00038A"
    }.get(name, "91500106MA5U00011W")  # fmt: skip
    owner = named(uscc)
    one = received(document, owner)
    (piece,) = queries.pieces(evidence_id=one, viewer=owner)
    assert piece.payload == document
    assert piece.warnings == []
    facts = queries.facts(evidence_id=one, viewer=owner)
    assert uscc in {number for _role, _name, numbers in facts.parties for number in numbers.values()}
    assert (facts.external_ref, facts.state, facts.version) == (piece.external_ref, "live", 1)
    assert facts.references == tuple((kind, value) for kind, value in piece.references)
    if name in {"contract.json", "customs-declaration.json"}:
        with pytest.raises(commands.NotNamed):
            received(document, company())


# --- files of several facts ---------------------------------------------------------------------------------------------


def events(*numbers: int) -> dict[str, Any]:
    """A file of EPCIS: one loading for each number, at its minute."""
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
        "schemaVersion": "2.0", "creationDate": "2026-03-02T04:00:00Z",
        "epcisBody": {
            "eventList": [
                {
                    "type": "ObjectEvent", "eventTime": (NOON + timedelta(minutes=n)).isoformat(), "eventTimeZoneOffset": "+08:00",
                    "epcList": [f"urn:epc:id:sscc:4012345.{n:010d}"], "action": "OBSERVE", "bizStep": "loading",
                }
                for n in numbers
            ]
        },
    }  # fmt: skip


def test_each_fact_of_a_file_is_evidence_of_its_own() -> None:
    carrier, subject = company(), company()
    ids = receive(json.dumps(events(1, 2, 3)).encode(), subject, carrier)
    assert ids == [ids[0], uuid5(ids[0], "1"), uuid5(ids[0], "2")]
    views = [queries.evidence(evidence_id=one, viewer=subject) for one in ids]
    assert {(v.kind, v.status, v.amount_minor, v.lot_id) for v in views} == {
        ("transport_event", "loading", None, None)
    }
    pieces = [queries.pieces(evidence_id=one, viewer=subject)[0] for one in ids]
    assert [p.observed_at for p in pieces] == [NOON + timedelta(minutes=n) for n in (1, 2, 3)]
    assert len({p.digest for p in pieces}) == 1, "of one file"
    assert len({p.own_digest for p in pieces}) == 3, "and three events"
    assert [queries.remaining(evidence_id=one, viewer=subject).settlement_left for one in ids] == [0, 0, 0]
    lender = world.bank()
    world.consented(subject, lender)
    assert world.answer(lambda: world.used(lender, ids[0], 1)) == "evidence.not_usable"


def test_a_file_is_received_whole_or_not_at_all() -> None:
    carrier, subject = company(), company()
    (known,) = receive(json.dumps(events(2)).encode(), subject, carrier)
    before = stored()
    with pytest.raises(commands.AlreadyReceived) as refused:
        receive(json.dumps(events(1, 2, 3)).encode(), subject, carrier)
    assert refused.value.facts["evidence"] == str(known)
    assert stored() == before
    assert len(receive(json.dumps(events(1, 3)).encode(), subject, carrier)) == 2


def test_a_file_holds_five_hundred_facts_at_most() -> None:
    carrier = company()
    with pytest.raises(Invalid) as refused:
        receive(json.dumps(events(*range(501))).encode(), carrier)
    assert refused.value.facts["field"] == "content"
    assert stored() == (0, 0, 0, 0, 0)


def test_a_correction_is_of_one_document() -> None:
    carrier, subject = company(), company()
    (one, _) = receive(json.dumps(events(1, 2)).encode(), subject, carrier)
    with pytest.raises(Invalid) as refused:
        commands.correct_evidence(evidence_id=one, content=packed(events(1, 2)), origin=by(carrier))
    assert refused.value.facts["field"] == "content"
    with pytest.raises(commands.OtherDocument):
        commands.correct_evidence(evidence_id=one, content=packed(events(2)), origin=by(carrier))


# --- what is no document ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "content"),
        ("***", "content"),
        ("YWJj!", "content"),
        ("YWI", "content"),  # cut off
        ("YWJj\nYWJj", "content"),  # wrapped: another digest of what is meant to be one
        ("文件", "content"),
        ("\x00", "content"),
        (base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(), "content"),  # the other alphabet
        (base64.b64encode(b" " * (8 * 2**20 + 1)).decode(), "content"),
        (base64.b64encode(b"hello").decode(), "document"),
        (base64.b64encode(b"{}").decode(), "document"),
        (base64.b64encode(b"<a/>").decode(), "document"),
        (base64.b64encode(b"\x00\x01").decode(), "document"),
        (base64.b64encode(b'{"format": "luhai.contract"}').decode(), "version"),
    ],
)  # fmt: skip
def test_what_is_no_document(content: str, field: str) -> None:
    subject = company()
    for run in (
        lambda: receive(content, subject),
        lambda: commands.correct_evidence(evidence_id=uuid4(), content=content, origin=by(subject)),
    ):
        with pytest.raises(Invalid) as refused:
            run()
        assert refused.value.facts["field"] == field
        assert refused.value.facts["problem"]


def test_a_document_is_of_the_kind_that_was_said() -> None:
    subject = company()
    paper = contract(subject)
    for kind in ("invoice", "diary", ""):
        with pytest.raises(Invalid) as refused:
            receive(packed(paper), subject, kind=kind)
        assert refused.value.facts["field"] == "kind"
    receive(packed(paper), subject, kind="contract")


def test_ids_and_subjects() -> None:
    subject = company()
    one = received(contract(subject, 1_00), subject)
    with pytest.raises(Invalid) as refused:
        receive(packed(contract(subject, 2_00)), subject, evidence_id=one)
    assert refused.value.facts["field"] == "evidence_id"
    office = world.official(Role.OPERATOR)
    with pytest.raises(Absent):
        receive(packed(contract(subject, 3_00)), subject, office, subject_id=uuid4())
    for nobody in (SYSTEM, Actor(uuid4(), Role.OPERATOR)):
        with pytest.raises(NotEntitled):
            receive(packed(contract(subject, 3_00)), subject, nobody)


def test_what_was_taken_back_is_not_received_anew() -> None:
    subject = company()
    paper = contract(subject)
    with pytest.raises(Invalid) as refused:
        received(paper | {"status": "terminated"}, subject)
    assert refused.value.facts["field"] == "status"
    one = received(paper, subject)
    commands.cancel_evidence(evidence_id=one, reason="a mistake", origin=by(subject))
    with pytest.raises(commands.AlreadyReceived):
        received(paper, subject)
    for again in (
        lambda: commands.correct_evidence(evidence_id=one, content=packed(paper), origin=by(subject)),
        lambda: commands.cancel_evidence(evidence_id=one, reason="again", origin=by(subject)),
    ):
        with pytest.raises(commands.Cancelled):
            again()


def test_the_instant_is_the_documents_own_or_the_callers() -> None:
    subject, seen = company(), datetime(2026, 2, 28, tzinfo=UTC)
    with_its_own = declaration(subject, 5_00, released_at="2026-03-02T15:20:00+08:00")
    for document, told, expected in (
        (contract(subject, 1_00), seen, seen), (contract(subject, 2_00), None, NOON),
        (with_its_own, seen, datetime(2026, 3, 2, 7, 20, tzinfo=UTC)),
    ):  # fmt: skip
        (one,) = receive(packed(document), subject, observed_at=told)
        assert queries.facts(evidence_id=one, viewer=subject).observed_at == expected


# --- who may tell -------------------------------------------------------------------------------------------------------


def test_who_may_deliver_what_about_whom() -> None:
    subject, partner = named("91510106MA5U0002XQ"), world.bank(role=Role.PARTNER, country="TH")
    note = example("smgs-chengdu-almaty.json")
    sources: dict[str, tuple[Actor, str, str]] = {
        "itself": (subject, "done", "done"),
        "another company": (company(), "not_entitled", "done"),  # a carrier, of what it carries
        "a bank": (world.bank(), "done", "done"),
        "a bank abroad": (partner, "done", "done"),
        "a province": (world.official(Role.PROVINCE), "done", "done"),
        "a supervisor": (world.official(), "done", "done"),
        "the operator": (world.official(Role.OPERATOR), "done", "done"),
    }
    for who, (source, of_paper, of_note) in sources.items():
        for document, expected in ((contract(subject), of_paper), (note, of_note)):
            assert world.answer(lambda d=document, s=source: received(d, subject, s)) == expected, who
    public = Actor(uuid4(), Role.PUBLIC)
    assert world.answer(lambda: received(contract(subject), subject, public)) == "not_permitted"


def test_nobody_speaks_of_a_company_that_is_not_named() -> None:
    subject, other = company(), company()
    for source in (other, world.bank(), world.official(Role.PROVINCE)):
        with pytest.raises(commands.NotNamed) as refused:
            received(contract(subject), other, source)
        assert refused.value.facts["numbers"] == world.uscc_of(other)


def test_a_company_does_not_take_anothers_papers_for_its_own() -> None:
    """Neither a carrier's note that names another company, nor a contract of others where it has no number itself."""
    owner, other = named("91510106MA5U0002XQ"), company()
    note = example("smgs-chengdu-almaty.json")
    with pytest.raises(commands.NotNamed):
        received(note, other)
    nameless = world.party("company", Role.COMPANY, name="Nobody Ltd", country="TH")
    theirs = contract(owner) | {"seller": {"name": "别家", "uscc": world.uscc_of(owner)}}
    with pytest.raises(commands.NotNamed):
        received(theirs, nameless)
    for document in (note, theirs):
        received(document, owner)


def test_a_buyer_does_not_take_back_the_sellers_invoice() -> None:
    seller, buyer = company(), company()
    other = {"name": "买方", "uscc": world.uscc_of(buyer)}
    blue = world.invoice(seller, 1000_00, buyer=other)
    one = received(blue, seller)
    red = world.invoice(seller, -1000_00, kind="red_general", corrects=blue["invoice_no"], buyer=other)
    with pytest.raises(commands.CorrectedUnknown):
        received(red, buyer)
    with pytest.raises(Invalid) as refused:
        received(
            world.invoice(seller, -1000_01, kind="red_general", corrects=blue["invoice_no"], buyer=other),
            seller,
        )
    assert refused.value.facts["field"] == "gross_amount", "no more than it is worth"
    received(red, seller)
    assert queries.evidence(evidence_id=one, viewer=buyer).state == "cancelled"


def test_who_may_correct_and_take_back() -> None:
    subject, source, buyer = company(), world.bank(), company()
    paper = contract(subject, buyer={"name": "买方", "uscc": world.uscc_of(buyer)})
    one = received(paper, subject, source)
    amended = packed(paper | {"status": "amended"})
    acts: dict[str, Callable[[Actor], object]] = {
        "correct": lambda a: commands.correct_evidence(evidence_id=one, content=amended, origin=by(a)),
        "cancel": lambda a: commands.cancel_evidence(evidence_id=one, reason="r", origin=by(a)),
    }
    whom = {
        "source": (source, "done"), "subject": (subject, "not_entitled"), "buyer": (buyer, "not_entitled"),
        "stranger": (company(), "absent"), "bank": (world.bank(), "absent"),
        "province": (world.official(Role.PROVINCE), "done"), "operator": (world.official(Role.OPERATOR), "done"),
    }  # fmt: skip
    for name, act in acts.items():
        for who, (actor, expected) in whom.items():
            assert world.answer(lambda act=act, actor=actor: act(actor)) == expected, (name, who)
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(Invalid) as refused:
            commands.cancel_evidence(evidence_id=one, reason=reason, origin=by(source))
        assert refused.value.facts["field"] == "reason"


def test_a_correction_is_of_the_same_document() -> None:
    subject = company()
    paper = contract(subject, 1000_00)
    one = received(paper, subject)
    for change in (
        {"contract_no": world.number()}, {"buyer": {"name": "Somebody Else", "country": "LA"}},
    ):  # fmt: skip
        with pytest.raises(commands.OtherDocument):
            commands.correct_evidence(evidence_id=one, content=packed(paper | change), origin=by(subject))
    with pytest.raises(commands.CurrencyDiffers):
        commands.correct_evidence(
            evidence_id=one, content=packed(paper | {"currency": "CNY"}), origin=by(subject)
        )
    assert queries.evidence(evidence_id=one, viewer=subject).version == 1
    commands.correct_evidence(
        evidence_id=one, content=packed(deepcopy(paper) | {"contract_no": f" {paper['contract_no'].lower()}"}), origin=by(subject)
    )  # fmt: skip
    assert [p.version for p in queries.pieces(evidence_id=one, viewer=subject)] == [2, 1]


# --- signatures ---------------------------------------------------------------------------------------------------------


def test_a_signature_is_kept_when_it_is_right() -> None:
    subject, key = company(), Ed25519PrivateKey.generate()
    data = base64.b64decode(packed(contract(subject)))
    right = {
        "profile": "ed25519", "public": key.public_key().public_bytes_raw().hex(), "signature": key.sign(data).hex()
    }  # fmt: skip
    other = Ed25519PrivateKey.generate()
    shapes: list[Any] = [
        {}, {"profile": "ed25519"}, right | {"profile": "rsa"}, right | {"more": "1"}, {**right, "profile": None},
    ]  # fmt: skip
    for shape in shapes:
        with pytest.raises(Invalid) as refused:
            receive(data, subject, signature=shape)
        assert refused.value.facts["field"] == "signature"
    for wrong in (
        right | {"public": other.public_key().public_bytes_raw().hex()}, right | {"signature": other.sign(data).hex()},
        right | {"signature": key.sign(data + b" ").hex()}, right | {"signature": "zz"}, right | {"public": "zz"},
        right | {"public": ""}, right | {"signature": ""}, right | {"public": right["public"][:-2]}, right | {"public": 7},
    ):  # fmt: skip
        with pytest.raises(commands.WrongSignature):
            receive(data, subject, signature=wrong)
    (one,) = receive(data, subject, signature=right)
    with pytest.raises(commands.WrongSignature):
        commands.correct_evidence(
            evidence_id=one,
            content=base64.b64encode(data).decode(),
            signature=right | {"signature": "00"},
            origin=by(subject),
        )
    commands.correct_evidence(evidence_id=one, content=base64.b64encode(data).decode(), origin=by(subject))
    assert [p.signed for p in queries.pieces(evidence_id=one, viewer=subject)] == [False, True]

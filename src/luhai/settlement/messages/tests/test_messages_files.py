"""Every third-party sample, one by one: read as expected, or refused for the reason expected."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import envelope, schemas
from luhai.settlement.messages.message import Transaction
from luhai.settlement.messages.read import read
from luhai.settlement.messages.tests.world import FOLDER, why

with open(Path(__file__).parent / "messages_expected.tsv", encoding="utf-8", newline="") as file:
    EXPECTED = list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["path"])
def test_file(row: dict[str, str], shared: Path) -> None:
    data = (shared / FOLDER / row["path"]).read_bytes()
    if row["outcome"] == "refused":
        with pytest.raises(Invalid) as refused:
            read(data)
        assert (refused.value.facts["field"], why(refused.value)) == (row["type_or_field"], row["id_or_why"])
        return
    message = read(data)
    transactions = list(message.every_transaction())
    entries = [entry for statement in message.statements for entry in statement.entries]
    quoted = [t.original.amount for t in transactions if t.original and t.original.amount]
    amounts = (
        [a for t in transactions if (a := t.amount or t.instructed)] or quoted or [e.amount for e in entries]
    )
    amount = f"{amounts[0].value} {amounts[0].currency}" if amounts else ""
    uetrs = [u for t in transactions for u in (t.uetr, t.original.uetr if t.original else "") if u]
    assert (message.type, message.id, str(len(transactions)), str(len(entries)), amount, (uetrs or [""])[0]) == (
        row["type_or_field"], row["id_or_why"], row["transactions"], row["entries"], row["amount"], row["uetr"],
    )  # fmt: skip


def test_no_file_is_left_out(shared: Path) -> None:
    folder = shared / FOLDER
    there = {
        p.relative_to(folder).as_posix()
        for s in folder.glob("samples-*")
        for p in s.rglob("*")
        if p.is_file()
    }
    assert there == {row["path"] for row in EXPECTED}
    assert len(there) == 191


def test_outcomes_are_those_of_the_collections_own_check(shared: Path) -> None:
    """FILES.tsv says for each part of each file whether its schema allows it; it was made with another program."""
    with open(shared / "data" / "FILES.tsv", encoding="utf-8", newline="") as file:
        notes = {
            row["path"].removeprefix("1-iso20022/"): row["note"]
            for row in csv.DictReader(file, delimiter="\t")
            if row["path"].startswith("1-iso20022/samples-")
        }
    counted = dict.fromkeys(("valid", "schema", "national namespace", "absent type"), 0)
    for row in EXPECTED:
        note = notes[row["path"]]
        ours = [name for name in envelope.types() if f"{name} XSD-" in note]
        if "XSD-invalid" in note:
            expected = "schema"
        elif "national-variant" in note:
            expected = "national namespace"
        elif "no XSD here" in note:
            expected = "absent type"
        elif ours:
            expected = "valid"
        else:  # nothing was checked: no XML, no Document in it, or a header alone
            continue
        counted[expected] += 1
        assert (row["id_or_why"] if row["outcome"] == "refused" else "valid") == expected, row["path"]
    assert counted == {"valid": 78, "schema": 26, "national namespace": 9, "absent type": 8}


GENKGO = "samples-genkgo-camt"


@pytest.mark.parametrize(
    "name", [row["path"] for row in EXPECTED if row["path"].startswith(GENKGO) and row["outcome"] == "read"]
)
def test_reports_read_as_another_program_reads_them(name: str, shared: Path) -> None:
    """genkgo/camt publishes what its own reader makes of each of these files."""
    path = shared / FOLDER / name
    theirs = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    message = read(path.read_bytes())
    assert message.id == theirs["getGroupHeader"]["getMessageId"]
    assert len(message.statements) == len(theirs["getRecords"])
    # Their dump keys entries by their number in the statement: of several statements the last one's are left.
    entries = message.statements[-1].entries
    assert len(entries) == len(theirs["getEntries"])
    for ours, other in zip(entries, theirs["getEntries"], strict=True):
        assert _money(ours.amount.minor, ours.direction, ours.amount.currency) == _their_money(
            other["getAmount"]
        )
        assert ours.direction == other["getCreditDebitIndicator"]
        assert ours.servicer_reference == (other["getAccountServicerReference"] or "")
        booked = other["getBookingDate"]
        assert (str(ours.booked_on) if ours.booked_on else None) == (booked["0"][:10] if booked else None)
        assert len(ours.transactions) == len(other["getTransactionDetails"])
        if ours.transactions:
            _same_transaction(ours.transactions[0], other["getTransactionDetail"])


def _same_transaction(ours: Transaction, theirs: dict[str, Any]) -> None:
    reference = theirs["getReference"] or {}
    for mine, name in (
        (ours.end_to_end_id, "getEndToEndId"), (ours.uetr, "getUuidEndToEndReference"),
        (ours.instruction_id, "getInstructionId"), (ours.transaction_id, "getTransactionId"),
        (ours.batch_id, "getPaymentInformationId"), (ours.clearing_reference, "getClearingSystemReference"),
    ):  # fmt: skip
        assert mine == (reference.get(name) or ""), name
    roles = {
        "Debtor": "debtor",
        "Creditor": "creditor",
        "UltimateDebtor": "ultimate_debtor",
        "UltimateCreditor": "ultimate_creditor",
    }
    for related in theirs["getRelatedParties"]:
        who = related["getRelatedPartyType"]
        party = ours.party(roles[who["__CLASS__"].rpartition("\\")[2]])
        assert party is not None
        assert party.name == (who["getName"] or "")
        address = who["getAddress"] or {}
        assert list(party.address.lines if party.address else ()) == (address.get("getAddressLines") or [])
        assert (party.address.country if party.address else "") == (address.get("getCountry") or "")
        account = related["getAccount"]
        held = party.account.iban or party.account.number if party.account else ""
        assert held == ((account or {}).get("getIdentification") or "")
    told = theirs["getRemittanceInformation"] or {}
    lines = [b["getMessage"] for b in told.get("getUnstructuredBlocks", []) if isinstance(b, dict)]
    if lines:
        assert ours.remittance is not None
        assert list(ours.remittance.lines) == lines
    creditor = told.get("getCreditorReferenceInformation")
    if isinstance(creditor, dict) and creditor["getRef"]:
        assert ours.remittance is not None
        assert ours.remittance.structured[0].reference == creditor["getRef"]


def _money(minor: int | None, direction: str, currency: str) -> tuple[Decimal, str]:
    assert minor is not None
    return Decimal(minor if direction == "CRDT" else -minor), currency


def _their_money(value: dict[str, Any]) -> tuple[Decimal, str]:
    return Decimal(value["getAmount"]), value["getCurrency"]["getCode"]


def test_shipped_schemas_are_those_of_their_source(shared: Path) -> None:
    source = {p.name: p for p in (shared / FOLDER / "xsd-pyiso20022").rglob("*.xsd")}
    with zipfile.ZipFile(schemas.SHIPPED / "iso20022.zip") as archive:
        names = archive.namelist()
        assert {n for n in source if not n.startswith("pain.002")} == set(names)
        for name in names:
            assert archive.read(name) == source[name].read_bytes(), name


def test_the_archive_is_that_of_the_paper() -> None:
    paper = (schemas.SHIPPED / "SOURCES.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((schemas.SHIPPED / "iso20022.zip").read_bytes()).hexdigest()
    assert f"{digest}  iso20022.zip" in paper


def test_every_shipped_schema_can_be_used() -> None:
    for name in schemas.types():
        assert schemas.schema(name), name
    assert len(envelope.types()) == 45

"""Our own forms: the examples are read, and each way of spoiling one is refused at its field."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from luhai.core.evidence.formats import schemas
from luhai.core.evidence.formats.read import read
from luhai.kernel.refusal import Invalid

EXAMPLES = schemas.SHIPPED / "examples"
MISSING = "<missing>"  # a text, so that the names of cases are the same in every process


def example(name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def spoiled(name: str, changes: dict[str, Any]) -> bytes:
    """The example with values put at dotted paths; MISSING takes one away."""
    document = copy.deepcopy(example(name))
    for path, value in changes.items():
        *way, last = [int(s) if s.isdigit() else s for s in path.split(".")]
        here: Any = document
        for step in way:
            here = here[step]
        if value is MISSING:
            del here[last]
        else:
            here[last] = value
    return json.dumps(document).encode()


def test_customs_declaration() -> None:
    document = read(spoiled("customs-declaration", {}), kind="customs_declaration")
    assert (document.external_ref, document.amount_minor, document.currency) == (
        "801320260000123456",
        9_648_000,
        "USD",
    )
    assert document.observed_at == datetime(2026, 3, 2, 7, 20, tzinfo=UTC)
    assert document.dated == date(2026, 3, 2)
    assert document.status == "released"
    assert not document.cancelled
    assert document.party("shipper").identifier("uscc") == "91500106MA5U00011W"  # type: ignore[union-attr]
    assert {(r.kind, r.value) for r in document.references} == {
        ("contract", "CQ-BKK-2026-018"), ("invoice", "26502000000000412345"), ("transport_document", "LHRB2603050017"),
        ("container", "LHAU3003557"), ("seal", "QZ260305077"),
    }  # fmt: skip
    assert [(line.hs, line.quantity, line.amount_minor) for line in document.goods] == [
        ("8714100090", Decimal(2400), 5_796_000), ("4011400000", Decimal(3600), 3_852_000),
    ]  # fmt: skip
    assert dict(document.keys[0].parts) == {"country": "CN", "number": "801320260000123456"}


def test_a_cancelled_declaration_replaces_what_was_received() -> None:
    document = read(spoiled("customs-declaration", {"status": "cancelled"}))
    assert document.cancelled
    assert document.corrects == document.external_ref
    assert read(spoiled("customs-declaration", {"status": "amended"})).corrects == document.external_ref


def test_vat_invoice() -> None:
    document = read(spoiled("vat-invoice", {}), kind="invoice")
    assert (document.amount_minor, document.currency) == (64_000_000, "CNY")
    assert document.observed_at == datetime(2026, 3, 1, 2, 5, tzinfo=UTC)
    assert dict(document.keys[0].parts) == {
        "seller": "91500112MA5U00038A", "number": "26502000000000412345", "date": "2026-03-01", "amount": "64000000",
    }  # fmt: skip


def test_a_red_letter_invoice() -> None:
    red: dict[str, Any] = {
        "kind": "red_special",
        "invoice_no": "26502000000000499999",
        "corrects": "26502000000000412345",
    }
    red |= {"net_amount": "-566371.68", "tax_amount": "-73628.32", "gross_amount": "-640000.00"}
    for n, (net, tax, quantity) in enumerate(
        [("-396460.18", "-51539.82", "-4000"), ("-169911.50", "-22088.50", "-3600")]
    ):
        red |= {f"items.{n}.net_amount": net, f"items.{n}.tax_amount": tax, f"items.{n}.quantity": quantity}
    document = read(spoiled("vat-invoice", red))
    assert document.amount_minor == -64_000_000
    assert document.corrects == "26502000000000412345"
    assert document.keys[0].parts[-1] == ("amount", "64000000")
    with pytest.raises(Invalid) as refused:
        read(spoiled("vat-invoice", {name: value for name, value in red.items() if name != "corrects"}))
    assert refused.value.facts["field"] == "corrects"


def test_the_day_of_an_invoice_is_the_day_in_china() -> None:
    late = read(spoiled("vat-invoice", {"issued_at": "2026-02-28T17:05:00Z"}))
    assert late.dated == date(2026, 3, 1)
    new_year = spoiled("vat-invoice", {"issued_at": "2025-12-31T16:30:00Z"})
    assert read(new_year).dated == date(2026, 1, 1)


def test_contract() -> None:
    document = read(spoiled("contract", {}), kind="contract")
    assert (document.external_ref, document.amount_minor, document.currency) == (
        "CQ-BKK-2026-018",
        9_648_000,
        "USD",
    )
    assert document.dated == date(2026, 2, 10)
    assert document.observed_at is None
    assert [(k.object, dict(k.parts)["number"]) for k in document.keys] == [
        ("contract", "CQ-BKK-2026-018"),
        ("order", "PO-TH-88120"),
    ]
    assert read(spoiled("contract", {"status": "terminated"})).cancelled


SPOILED = [
    ("customs-declaration", {"format": "luhai.passport"}, "document"),
    ("customs-declaration", {"version": "2"}, "version"),
    ("customs-declaration", {"extra": 1}, "extra"),
    ("customs-declaration", {"declaration_no": MISSING}, "declaration_no"),
    ("customs-declaration", {"declaration_no": "80132026000012345"}, "declaration_no"),
    ("customs-declaration", {"declaration_no": 801320260000123456}, "declaration_no"),
    ("customs-declaration", {"declaration_no": "801320261000123456"}, "declaration_no"),  # an import's number
    ("customs-declaration", {"direction": "import"}, "declaration_no"),
    ("customs-declaration", {"declared_on": "2025-03-02"}, "declaration_no"),
    ("customs-declaration", {"customs_office": "8014"}, "declaration_no"),
    ("customs-declaration", {"declared_on": "2026-02-30"}, "declared_on"),
    ("customs-declaration", {"moved_on": "2026-03-01"}, "moved_on"),
    ("customs-declaration", {"released_at": "2026-03-01T15:20:00+08:00"}, "released_at"),
    ("customs-declaration", {"released_at": "2026-03-02T15:20:00"}, "released_at"),
    ("customs-declaration", {"status": "lost"}, "status"),
    ("customs-declaration", {"trade_mode": "general"}, "trade_mode"),
    ("customs-declaration", {"domestic_party.uscc": MISSING}, "domestic_party.uscc"),
    ("customs-declaration", {"domestic_party.uscc": "91500106MA5U00012W"}, "domestic_party.uscc"),
    ("customs-declaration", {"containers.0": "LHAU3003558"}, "containers[0]"),
    ("customs-declaration", {"total_amount": "96480.01"}, "total_amount"),
    ("customs-declaration", {"total_amount": 96480}, "total_amount"),
    ("customs-declaration", {"total_amount": "96480.001"}, "total_amount"),
    ("customs-declaration", {"total_amount": "0.00"}, "total_amount"),
    ("customs-declaration", {"total_amount": "999999999999999"}, "total_amount"),
    ("customs-declaration", {"currency": "XAU"}, "currency"),
    ("customs-declaration", {"currency": "VND"}, "items[0].currency"),
    ("customs-declaration", {"items": []}, "items"),
    ("customs-declaration", {"items.1.no": 1}, "items[1].no"),
    ("customs-declaration", {"items.0.hs_code": "87141"}, "items[0].hs_code"),
    ("customs-declaration", {"items.0.unit_price": "24.16"}, "items[0].amount"),
    ("customs-declaration", {"items.0.currency": "EUR"}, "items[0].currency"),
    ("vat-invoice", {"invoice_no": "2650200000000041234"}, "invoice_no"),
    ("vat-invoice", {"invoice_no": "25502000000000412345"}, "invoice_no"),
    ("vat-invoice", {"seller.uscc": MISSING}, "seller.uscc"),
    ("vat-invoice", {"buyer.uscc": MISSING}, "buyer.uscc"),
    ("vat-invoice", {"buyer.uscc": "91500112MA5U00038A"}, "buyer.uscc"),
    ("vat-invoice", {"net_amount": "566371.69"}, "net_amount"),
    ("vat-invoice", {"tax_amount": "73628.33"}, "tax_amount"),
    ("vat-invoice", {"gross_amount": "640000.01"}, "gross_amount"),
    ("vat-invoice", {"items.0.tax_amount": "51539.84"}, "items[0].tax_amount"),
    ("vat-invoice", {"items.0.tax_rate": "0.06"}, "items[0].tax_amount"),
    ("vat-invoice", {"items.0.unit_price": "100"}, "items[0].net_amount"),
    ("vat-invoice", {"items.1.no": 1}, "items[1].no"),
    ("vat-invoice", {"corrects": "26502000000000400000"}, "corrects"),
    ("vat-invoice", {"kind": "red_special", "corrects": "26502000000000400000"}, "gross_amount"),
    ("vat-invoice", {"issued_at": "2026-03-01"}, "issued_at"),
    ("contract", {"contract_no": "  "}, "contract_no"),
    ("contract", {"contract_no": "{{number}}"}, "contract_no"),
    ("contract", {"buyer": {"name": "x", "uscc": "91500106MA5U00011W"}}, "buyer"),
    ("contract", {"seller.uscc": "91500106MA5U00012W"}, "seller.uscc"),
    ("contract", {"ship_by": "2026-01-31"}, "ship_by"),
    ("contract", {"valid_until": "2026-01-31"}, "valid_until"),
    ("contract", {"total_amount": "96480.10"}, "total_amount"),
    ("contract", {"incoterm": "FOT"}, "incoterm"),
    ("contract", {"currency": "VND", "total_amount": "96480", "items.0.amount": "57960.50", "items.0.unit_price": MISSING}, "items[0].amount"),
    ("contract", {"tolerance_percent": "50"}, "tolerance_percent"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "field"), SPOILED, ids=lambda v: str(v)[:60])
def test_refused_at_its_field(name: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(spoiled(name, changes))
    assert refused.value.facts["field"] == field
    assert refused.value.facts["problem"]


@pytest.mark.parametrize("path", sorted((schemas.SHIPPED / "luhai").glob("*.json")), ids=lambda p: p.name)
def test_schema_is_sound_and_speaks_both_languages(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def walk(node: Any, where: str) -> None:
        for name, field in node.get("properties", {}).items():
            described = (
                field
                if "title" in field
                else schema["$defs"].get(str(field.get("$ref", "")).rpartition("/")[2], {})
            )
            english, _, chinese = described["title"].partition(" / ")
            assert english.isascii(), where + name
            assert any("\u4e00" <= c <= "\u9fff" for c in chinese), where + name
            walk(field, f"{where}{name}.")
        for name, field in node.get("$defs", {}).items():
            walk(field, f"{name}.")

    walk(schema, "")


def test_an_example_for_every_form() -> None:
    forms = {p.name.removesuffix(".schema.json") for p in (schemas.SHIPPED / "luhai").iterdir()}
    assert {f"luhai.{name}" for name in forms} == {
        read(p.read_bytes()).format for p in EXAMPLES.iterdir()
    } - {"rail.smgs", "rail.cim_smgs"}

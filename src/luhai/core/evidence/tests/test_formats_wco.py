"""WCO declarations and notices: what the required set asks for, one fault at a time, on a real declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from luhai.core.evidence.formats.read import read
from luhai.kernel.refusal import Invalid

D = "/MetaData/Declaration"
ITEM = f"{D}/GoodsShipment/GovernmentAgencyGoodsItem"
FAULTS = [
    ("<FunctionCode>9</FunctionCode>", "", f"{D}/FunctionCode"),
    ("<FunctionCode>9</FunctionCode>", "<FunctionCode>4</FunctionCode>", f"{D}/FunctionCode"),
    ("<md:WCOTypeName>DEC<", "<md:WCOTypeName>XYZ<", "/MetaData/WCOTypeName"),
    ("<FunctionalReferenceID>7847767E1WB6</FunctionalReferenceID>", "<FunctionalReferenceID/>", f"{D}/FunctionalReferenceID"),
    ("<TypeCode>IMA</TypeCode>", "<TypeCode>XX</TypeCode>", f"{D}/TypeCode"),
    ("<GoodsItemQuantity>1<", "<GoodsItemQuantity>2<", f"{D}/GoodsItemQuantity"),
    ("<ID>85109000</ID>", "<ID>8510900A</ID>", f"{ITEM}/Commodity/Classification[1]/ID"),
    ("<Description>Parts for electric shavers, hair clippers and hair-removing appliances</Description>", "", f"{ITEM}/Commodity/Description"),
    ("<GrossMassMeasure>150<", "<GrossMassMeasure>heavy<", f"{ITEM}/Commodity/GoodsMeasure/GrossMassMeasure"),
    ('<ItemChargeAmount currencyID="GBP">1000<', '<ItemChargeAmount currencyID="GBP">1000.005<', f"{ITEM}/Commodity/InvoiceLine/ItemChargeAmount"),
    ('<ItemChargeAmount currencyID="GBP">', '<ItemChargeAmount currencyID="pounds">', f"{ITEM}/Commodity/InvoiceLine/ItemChargeAmount/@currencyID"),
    ('<ItemChargeAmount currencyID="GBP">', "<ItemChargeAmount>", f"{ITEM}/Commodity/InvoiceLine/ItemChargeAmount/@currencyID"),
]  # fmt: skip


@pytest.fixture
def folder(shared: Path) -> Path:
    return shared / "data" / "2-title-docs" / "wco-customs"


@pytest.mark.parametrize(
    ("old", "new", "field"), FAULTS, ids=[f"{f}-{n}" for n, (_, _, f) in enumerate(FAULTS)]
)
def test_declaration_with_a_fault(old: str, new: str, field: str, folder: Path) -> None:
    text = (folder / "TT_IM001a/Step1_TT_IM001a.xml").read_text("utf-8")
    assert old in text
    with pytest.raises(Invalid) as refused:
        read(text.replace(old, new, 1).encode())
    assert refused.value.facts["field"] == field


def test_a_declaration(folder: Path) -> None:
    document = read((folder / "TT_IM017a/Step1_TT_IM017a.xml").read_bytes(), kind="customs_declaration")
    assert (document.amount_minor, document.currency) == (120_000, "GBP")
    assert [line.number for line in document.goods] == [1, 2, 3]
    assert all(line.hs.isdigit() for line in document.goods)
    assert document.party("declarant").identifier("eori")  # type: ignore[union-attr]
    assert "invoice" in {r.kind for r in document.references}
    # The containers of these cases are no ISO 6346 numbers: said, and kept as written.
    assert [r.value for r in document.references if r.kind == "container"]
    assert document.warnings[0].field.endswith("/TransportEquipment/ID")


def test_a_foreign_currency_is_remarked_and_not_counted(folder: Path) -> None:
    text = (
        (folder / "TT_IM001a/Step1_TT_IM001a.xml")
        .read_text("utf-8")
        .replace('currencyID="GBP"', 'currencyID="SEK"')
    )
    document = read(text.encode())
    assert document.amount_minor is None
    assert any(r.field.endswith("@currencyID") for r in document.warnings)


def test_notices_follow_their_declaration(folder: Path) -> None:
    """The notices of one case name its reference, one number, and states in the order of their times."""
    case = folder / "TT_IM008b"
    declaration = read((case / "TT_IM008b.xml").read_bytes())
    notices = [read(p.read_bytes()) for p in sorted((case / "Example_Notifications").iterdir())]
    assert [n.status for n in notices] == [
        "accepted",
        "taxed",
        "received",
        "request_answered",
        "amended",
        "taxed",
        "taxed",
        "cleared",
    ]
    assert len({n.references[0].value for n in notices}) == 1
    assert declaration.external_ref in {n.references[1].value for n in notices}
    assert all(n.observed_at for n in notices)


NOTICE = [
    ("<FunctionCode>01<", "<FunctionCode>99<", "/MetaData/Response/FunctionCode"),
    ("20240222100938Z", "20240222100938", "/MetaData/Response/IssueDateTime/DateTimeString"),
    ("20240222100938Z", "20240231100938Z", "/MetaData/Response/IssueDateTime/DateTimeString"),
    ('formatCode="304"', 'formatCode="999"', "/MetaData/Response/IssueDateTime/DateTimeString/@formatCode"),
    ("<ID>24GB22WOA1EV2P6AR5</ID>", "", "/MetaData/Response/Declaration/ID"),
]


@pytest.mark.parametrize(("old", "new", "field"), NOTICE)
def test_notice_with_a_fault(old: str, new: str, field: str, folder: Path) -> None:
    text = (folder / "TT_IM001a/Example_Notifications/01_DMSACC.xml").read_text("utf-8")
    assert old in text
    with pytest.raises(Invalid) as refused:
        read(text.replace(old, new, 1).encode())
    assert refused.value.facts["field"] == field


def test_an_invalidation_cancels(folder: Path) -> None:
    text = (folder / "TT_IM001a/Example_Notifications/01_DMSACC.xml").read_text("utf-8")
    document = read(text.replace("<FunctionCode>01<", "<FunctionCode>10<").encode())
    assert document.cancelled
    assert document.status == "cancelled"


def test_a_rejection_and_an_amendment_say_why(folder: Path) -> None:
    text = (folder / "TT_IM001b/Example_Notifications/01_DMSREJ.xml").read_text("utf-8")
    with pytest.raises(Invalid) as refused:
        read(text.replace("<Error>", "<X>").replace("</Error>", "</X>").encode())
    assert refused.value.facts["field"] == "/MetaData/Response/Error"
    text = (folder / "TT_IM002b/TT_IM002b_Amendment.xml").read_text("utf-8")
    for old, field in (
        ("ChangeReasonCode", "Amendment/ChangeReasonCode"),
        ("StatementDescription", "AdditionalInformation/StatementDescription"),
    ):
        with pytest.raises(Invalid) as refused:
            read(text.replace(old, "X").encode())
        assert refused.value.facts["field"] == f"{D}/{field}"

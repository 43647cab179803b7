"""The data set and its forms: read strictly, written and read back without loss, held against the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from luhai.core.evidence.formats import schemas, tree
from luhai.kernel.refusal import Invalid
from luhai.records.transport.bill import OneBill, read
from luhai.records.transport.forms import dcsa, foreign, uncefact
from luhai.records.transport.tests.bills import bills, box, content, sayable


def there(document: Any) -> tree.JsonPlace:
    """As if it had come over the wire."""
    place = tree.parse(json.dumps(document, ensure_ascii=False).encode())
    assert isinstance(place, tree.JsonPlace)
    return place


@given(bills())
def test_what_is_read_is_what_was_written(bill: OneBill) -> None:
    assert read(bill.content()) == bill
    assert json.loads(json.dumps(bill.content())) == bill.content()


@settings(max_examples=40)
@given(bills())
def test_the_un_message_carries_everything(bill: OneBill) -> None:
    made = uncefact.write(bill)
    schemas.check(there(made), schemas.uncefact(uncefact.SCHEMA))
    assert uncefact.parse(there(made)) == bill


def put(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The document with one field changed; None takes it away."""
    here: Any = document
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    for step in steps:
        here = here[step]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("document", "bill", "document"), ("number", None, "number"), ("number", "", "number"), ("form", "ORDER", "form"),
        ("issued_on", "2026-02-30", "issued_on"), ("issued_at", "CNXX", "issued_at"), ("colour", "red", "colour"),
        ("parties", [], "parties"), ("parties.issuer", None, "parties.issuer"), ("parties.consignor.country", "XX", "parties.consignor.country"),
        ("parties.consignor.numbers", {"uscc": "91500106MA5U00011X"}, "parties.consignor.numbers.uscc"),
        ("parties.consignor.numbers", {"vat": "1"}, "parties.consignor.numbers.vat"), ("parties.issuer.email", "me", "parties.issuer.email"),
        ("legs", [], "legs"), ("legs.0.mode", "ship", "legs.0.mode"), ("legs.1.origin", "SGSIN", "legs.1.origin"),
        ("legs.0.waybill", None, None), ("legs.0.arrives_on", "2026-02-01", "legs.0.arrives_on"),
        ("legs.0.departs_on", None, "legs.0.departs_on"), ("containers.0.number", "TLLU0000011", "containers.0.number"),
        ("containers.0.seals", [], "containers.0.seals"), ("containers.0.seals.0.by", "me", "containers.0.seals.0.by"),
        ("goods.0.container", "LHAU3002400", "goods.0.container"), ("goods.0.gross_kg", "0.000", "goods.0.gross_kg"),
        ("goods.0.gross_kg", 12.5, "goods.0.gross_kg"), ("goods.0.gross_kg", "1.2345", "goods.0.gross_kg"),
        ("goods.0.packages", True, "goods.0.packages"), ("goods.0.hs", "87", "goods.0.hs"), ("value.minor", 0, "value.minor"),
        ("value.currency", "XAU", "value.currency"), ("incoterm.code", "CNF", "incoterm.code"), ("taken_on", "2026-03-03", "taken_on"),
        ("form", "BLANK", "parties.consignee"), ("parties.consignee", None, "parties.consignee"), ("basis", "agreement", "agreement"),
        ("insurance.amount.currency", "USD", "insurance.amount.currency"), ("document", "rail_bill", "document"),
        ("document", "waybill", "form"), ("terms", "a\x00b", "terms"), ("freight", None, "freight"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_by_its_field(path: str, value: Any, named: str | None) -> None:
    document = put(content(), path, value)
    if named is None:
        read(document)
        return
    with pytest.raises(Invalid) as refused:
        read(document)
    assert refused.value.facts["field"] == named


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_only_an_object_is_read(document: Any) -> None:
    with pytest.raises(Invalid):
        read(document)


@pytest.mark.parametrize("name", ["cim-smgs-chongqing-duisburg", "smgs-chengdu-almaty"])
def test_rail_notes_become_waybills(name: str) -> None:
    place = tree.parse((schemas.SHIPPED / "examples" / f"{name}.json").read_bytes())
    assert isinstance(place, tree.JsonPlace)
    bill = uncefact.parse(place)
    assert (bill.document, bill.form) == ("waybill", "STRAIGHT")
    assert bill.legs[0].waybill == bill.number
    assert bill.seals
    assert uncefact.parse(there(uncefact.write(bill))) == bill


def test_the_un_message_uses_only_names_of_the_schema() -> None:
    """The schema allows what it does not know, so a name of our own would pass unseen."""
    import zipfile

    with zipfile.ZipFile(schemas.SHIPPED / "uncefact-d23b.zip") as archive:
        known = b"".join(archive.read(n) for n in archive.namelist() if "codelists" not in n).decode(
            "utf-8-sig", "ignore"
        )

    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {n for v in value.values() for n in names(v)}
        return {n for v in value for n in names(v)} if isinstance(value, list) else set()

    assert {n for n in names(uncefact.write(read(content()))) if f'"{n}"' not in known} == set()


# --- DCSA -----------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(sayable())
def test_dcsa_carries_all_but_what_its_notes_name(bill: OneBill) -> None:
    made = dcsa.write(bill)
    assert dcsa.parse(there(made.document)) == dcsa.carried(bill)
    assert bool(made.notes) == (dcsa.carried(bill) != bill)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("legs.1", None, "legs"), ("legs.1.voyage", None, "legs.1.voyage"), ("booking", None, "booking"), ("number", "N" * 21, "number"),
        ("parties.issuer.numbers", None, "parties.issuer.numbers"), ("parties.issuer.contact", None, "parties.issuer.contact"),
        ("parties.consignee.numbers", None, "parties.consignee.numbers"), ("goods.0.hs", "8708990000000", "goods.0.hs"),
        ("goods.0.description", "x" * 36, "goods.0.description"), ("parties.consignor.name", "x" * 71, "parties.consignor.name"),
        ("value.minor", 9_007_199_254_740_991, "value"), ("parties.issuer.street", None, "parties.issuer.street"),
    ],
)  # fmt: skip
def test_what_dcsa_cannot_say_is_refused_by_its_field(path: str, value: Any, named: str) -> None:
    document = content()
    put(document, path, value)
    if path == "legs.1":
        document["document"] = "rail_bill"
    with pytest.raises(dcsa.NoSuchForm) as refused:
        dcsa.write(read(document))
    assert refused.value.facts["field"] == named


def test_the_days_of_a_document_shipped_on_board() -> None:
    bill = read(content("ocean_bill", boarded_on="2026-03-02"))
    said = dcsa.write(bill).document
    assert (said["shippedOnBoardDate"], "receivedForShipmentDate" in said, said["isShippedOnBoardType"]) == (
        "2026-03-02",
        False,
        True,
    )


# --- third-party cases ----------------------------------------------------------------------------------------------


def filled(text: str) -> bytes:
    """A template of DCSA's with its placeholders filled in."""
    for name, value in {
        "TRANSPORT_DOCUMENT_REFERENCE_PLACEHOLDER": "HHL71800000",
        "SHIPPING_INSTRUCTION_REFERENCE_PLACEHOLDER": "SI-1",
        "BOOKING_REFERENCE_PLACEHOLDER": "CBR-1",
        "CARRIER_BOOKING_REFERENCE_PLACEHOLDER": "CBR-1",
    }.items():
        text = text.replace(name, value)
    import re

    return re.sub(r"[A-Z_]+_PLACEHOLDER", "FILLED", text).encode()


def test_dcsas_own_documents_are_imported(shared: Path) -> None:
    folder = shared / "data" / "2-title-docs" / "dcsa-messages"
    pint = (folder / "pint" / "messages" / "pint-3.0.0-transport-document.json").read_text()
    bill = dcsa.parse_pint(there(json.loads(filled(pint))))
    assert (bill.document, bill.form, bill.number) == ("ocean_bill", "STRAIGHT", "HHL71800000")
    assert bill.seals == {"NARU3472484": ("DCSA-CTK-1234",)}
    assert dcsa.parse(there(dcsa.write(bill).document)) == dcsa.carried(bill)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("dcsa-messages/pint/messages/pint-3.0.0-transport-document.json", "transportDocumentReference"),  # not filled in
        ("dcsa-messages/ebl/messages/ebl-api-3.0.0-straight-bl.json", ""),  # instructions, not a document
        ("fiata-efbl/examples/first_cargo.json", "exchanged_document.id"),  # a preview
        ("efti/examples/consignment-common.xml", "document"), ("efti/examples/consignment-identifiers-two-legs.xml", "document"),
    ],
)  # fmt: skip
def test_what_carries_no_title_is_refused(shared: Path, path: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        foreign.parse((shared / "data" / "2-title-docs" / path).read_bytes())
    assert named in str(refused.value.facts["field"])


def test_any_form_of_ours_is_recognised() -> None:
    bill = read(content())
    for which in foreign.FORMS:
        made = foreign.write(which, bill)
        form, found = foreign.parse(json.dumps(made["document"]).encode())
        assert form == which
        assert found == (dcsa.carried(bill) if which == "dcsa" else bill)


def efbl() -> dict[str, Any]:
    """An invented eFBL with all that a title needs."""
    party = {
        "name": {"value": "Some Forwarder"},
        "id": [{"value": "F1", "identificationSchemeAgency": "FIATA"}],
        "postalAddress": {"countryCode": "CN"},
    }
    return {
        "exchanged_document": {
            "id": "EFBL-1", "issueDateTime": {"value": "2026-03-02T10:00:00+08:00"}, "originalIssuedQuantity": "one",
            "documentStatus": {"value": "original"}, "issueLocation": {"id": "CNCKG"}, "firstSignatoryAuthentication": {"id": "x"},
        },
        "supply_chain_consignment": {
            "cto": party, "consignor": party, "consignee": {"name": {"value": "To order of Some Bank"}},
            "carrierAcceptanceLocation": {"id": "CNCKG"}, "loadingBaseportLocation": {"id": "CNQZH"},
            "unloadingBaseportLocation": {"id": "VNSGN"},
            "includedConsignmentItem": [
                {
                    "goodsTypeCode": {"value": "870899"}, "grossWeight": {"value": 19120, "unit": "kg"},
                    "cargoNatureIdentification": {"identificationText": [{"value": "Car parts"}]},
                    "associatedTransportEquipment": [{"id": {"value": box(1)}, "affixedSeal": [{"value": "S1"}]}],
                    "transportPackage": [{"itemQuantity": 40, "typeCode": {"value": "PX"}}],
                }
            ],
        },
    }  # fmt: skip


def test_a_fiata_bill_becomes_a_document_to_order() -> None:
    document = efbl()
    _form, bill = foreign.parse(json.dumps(document).encode())
    assert (bill.form, bill.parties.consignee and bill.parties.consignee.name) == ("TO_ORDER", "Some Bank")
    assert [(leg.mode, leg.origin, leg.destination) for leg in bill.legs] == [
        ("road", "CNCKG", "CNQZH"),
        ("sea", "CNQZH", "VNSGN"),
    ]
    assert uncefact.parse(there(uncefact.write(bill))) == bill
    document["supply_chain_consignment"]["consignee"]["name"]["value"] = "to order"
    assert foreign.parse(json.dumps(document).encode())[1].form == "BLANK"
    document["supply_chain_consignment"]["consignee"]["name"]["value"] = "Order Logistics GmbH"
    assert foreign.parse(json.dumps(document).encode())[1].form == "STRAIGHT"

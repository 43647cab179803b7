"""Rail notes, DCSA messages and eFTI: samples of our own, templates filled in, published query cases, and what is refused."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from luhai.core.evidence.formats import efti, schemas, tree
from luhai.core.evidence.formats.read import read
from luhai.core.evidence.formats.tree import XmlPlace
from luhai.kernel.refusal import Invalid

MISSING = "<missing>"  # a text, so that the names of cases are the same in every process


def changed(document: Any, changes: dict[str, Any]) -> bytes:
    document = copy.deepcopy(document)
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


def refused(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.facts["problem"]
    return str(caught.value.facts["field"])


# Rail -----------------------------------------------------------------------------------------------------------------


def note(name: str) -> Any:
    return json.loads((schemas.SHIPPED / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def test_smgs_note() -> None:
    document = read(changed(note("smgs-chengdu-almaty"), {}), kind="transport_document")
    assert (document.format, document.external_ref) == ("rail.smgs", "33-20260302-004711")
    assert document.observed_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert (document.amount_minor, document.currency) == (126_400_000, "CNY")
    assert [
        (line.hs, line.gross_kg, line.packages, line.containers, line.seals) for line in document.goods
    ] == [
        ("732393", Decimal(22800), 950, ("LHAU3001127",), ("CDQ260302101",)),
        ("851660", Decimal(18500), 620, ("LHAU3001132",), ("CDQ260302102",)),
    ]
    assert [(p.role, p.country) for p in document.parties] == [
        ("shipper", "CN"),
        ("consignee", "KZ"),
        ("carrier", ""),
    ]
    assert dict(document.keys[0].parts) == {"issuer": "0033", "kind": "smgs", "number": "33-20260302-004711"}
    assert dict(document.keys[1].parts) == {
        "container": "LHAU3001127",
        "carrier": "0033",
        "departed": "2026-03-02",
    }


def test_cim_smgs_note() -> None:
    document = read(changed(note("cim-smgs-chongqing-duisburg"), {}))
    assert document.format == "rail.cim_smgs"
    assert (document.amount_minor, document.currency) == (81_250_000, "EUR")
    assert document.party("consignee").identifier("lei") == "529900LUHAIEXAMPLE64"  # type: ignore[union-attr]
    kinds = {
        kind: [r.value for r in document.references if r.kind == kind]
        for kind in ("container", "wagon", "station")
    }
    assert kinds == {
        "container": ["LHAU3002400", "LHAU3002416"],
        "wagon": ["54271010", "54271028"],
        "station": ["CNCKG", "DEDUI"],
    }


C = "specifiedConsignment.0"
SPOILED_NOTES = [
    ({"exchangedDocumentContext": MISSING}, "exchangedDocumentContext"),
    ({"exchangedDocumentContext.guidelineSpecifiedDocumentContextParameter.0.id.content": "CIM"},
     "exchangedDocumentContext.guidelineSpecifiedDocumentContextParameter[0].id.content"),
    ({"exchangedDocument": {}}, "exchangedDocument"),
    ({"exchangedDocument.id": MISSING}, "exchangedDocument.id"),
    ({"exchangedDocument.id.content": "{number}"}, "exchangedDocument.id.content"),
    ({"exchangedDocument.typeCode.content": "705"}, "exchangedDocument.typeCode.content"),
    ({"exchangedDocument.issueDateTime": "2026-03-02"}, "exchangedDocument.issueDateTime"),
    ({"exchangedDocument.name": {"content": "x"}}, "exchangedDocument.name"),
    ({"specifiedConsignment": []}, "specifiedConsignment"),
    ({f"{C}.consignor": MISSING}, "specifiedConsignment[0].consignor"),
    ({f"{C}.consignee.name": MISSING}, "specifiedConsignment[0].consignee.name"),
    ({f"{C}.consignee.postalTradeAddress.countryId": MISSING}, "specifiedConsignment[0].consignee.postalTradeAddress.countryId"),
    ({f"{C}.carrier.id": MISSING}, "specifiedConsignment[0].carrier.id"),
    ({f"{C}.surprise": 1}, "specifiedConsignment[0].surprise"),
    ({f"{C}.grossWeight.0.content": "41299"}, "specifiedConsignment[0].grossWeight[0]"),
    ({f"{C}.grossWeight.0.content": 41300}, "specifiedConsignment[0].grossWeight[0].content"),
    ({f"{C}.grossWeight.0.unitCode": "LBR"}, "specifiedConsignment[0].grossWeight[0].unitCode"),
    ({f"{C}.includedConsignmentItem": []}, "specifiedConsignment[0].includedConsignmentItem"),
    ({f"{C}.includedConsignmentItem.0.natureIdCargo": MISSING}, "specifiedConsignment[0].includedConsignmentItem[0].natureIdCargo"),
    ({f"{C}.includedConsignmentItem.0.natureIdCargo.0.id.0.content": "pots"},
     "specifiedConsignment[0].includedConsignmentItem[0].natureIdCargo[0].id[0].content"),
    ({f"{C}.includedConsignmentItem.1.transportLogisticsPackage": MISSING},
     "specifiedConsignment[0].includedConsignmentItem[1].transportLogisticsPackage"),
    ({f"{C}.includedConsignmentItem.1.associatedReferencedLogisticsTransportEquipment.0.id.content": "LHAU3009999"},
     "specifiedConsignment[0].includedConsignmentItem[1].associatedReferencedLogisticsTransportEquipment[0].id.content"),
    ({f"{C}.utilizedLogisticsTransportEquipment.0.id.content": "LHAU3001128"},
     "specifiedConsignment[0].utilizedLogisticsTransportEquipment[0].id.content"),
    ({f"{C}.utilizedLogisticsTransportEquipment.1.id.content": "LHAU3001127"},
     "specifiedConsignment[0].utilizedLogisticsTransportEquipment[1].id.content"),
    ({f"{C}.utilizedLogisticsTransportEquipment.1.affixedLogisticsSeal.0.id.0.content": "CDQ260302101"},
     "specifiedConsignment[0].utilizedLogisticsTransportEquipment[1].affixedLogisticsSeal[0].id[0].content"),
    ({f"{C}.mainCarriageLogisticsTransportMovement.0.arrivalEvent": MISSING},
     "specifiedConsignment[0].mainCarriageLogisticsTransportMovement[0].arrivalEvent"),
    ({f"{C}.declaredValueForCarriageAmount.content": "1264000.001"},
     "specifiedConsignment[0].declaredValueForCarriageAmount.content"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), SPOILED_NOTES, ids=[str(c)[:70] for c, _ in SPOILED_NOTES])
def test_spoiled_note(changes: dict[str, Any], field: str) -> None:
    assert refused(changed(note("smgs-chengdu-almaty"), changes)) == field


def test_wagon_numbers() -> None:
    number = f"{C}.utilizedLogisticsTransportEquipment.0.id.content"
    cim = note("cim-smgs-chongqing-duisburg")
    field = "specifiedConsignment[0].utilizedLogisticsTransportEquipment[0].id.content"
    assert refused(changed(cim, {number: "54271011"})) == field
    assert refused(changed(cim, {number: "5427101"})) == field
    # Twelve digits, as UIC 438-2 is usually explained with.
    assert read(changed(cim, {number: "21 81 2471 217-3"})).references


def test_the_published_schema_alone_accepts_nothing_at_all() -> None:
    """Which is why the required set is there."""
    assert schemas.uncefact("UNECE-SMGSConsignmentNote.json").is_valid({})
    assert refused(b'{"exchangedDocumentContext": {}, "exchangedDocument": {}}') == "exchangedDocumentContext"


# DCSA -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def dcsa(shared: Path) -> Path:
    return shared / "data" / "2-title-docs" / "dcsa-messages"


VALUES = {
    "{CBR}": "CBR20260301",
    "TRANSPORT_DOCUMENT_REFERENCE_PLACEHOLDER": "LHSHA26030001",
    "SHIPPING_INSTRUCTION_REFERENCE_PLACEHOLDER": "SI-2603",
    "BOOKING_REFERENCE_PLACEHOLDER": "CBR20260301",
    "SEND_TO_PLATFORM_PLACEHOLDER": "WAVE",
    "SURRENDER_REQUEST_REFERENCE_PLACEHOLDER": "Z12345",
    "SURRENDER_REQUEST_CODE_PLACEHOLDER": "SREQ",
    "SURRENDER_ACTION_CODE_PLACEHOLDER": "SURRENDER_FOR_DELIVERY",
    "REASON_CODE": "SWTP",
}


def filled(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    for name, value in VALUES.items():
        text = text.replace(f'"{name}"', f'"{value}"')
    return re.sub(r'"([A-Z_]+)_PLACEHOLDER"', r'"\1"', text).replace("CODE_LIST_PROVIDER", "ZZZ")


@pytest.mark.parametrize(
    "name", ["2c2u", "amf", "dg", "negotiable-bl", "no-commodity-subreference", "straight-bl"]
)
def test_filled_shipping_instructions(name: str, dcsa: Path) -> None:
    document = read(filled(dcsa / f"ebl/messages/ebl-api-3.0.0-{name}.json").encode())
    assert document.format == "dcsa.shipping_instructions"
    assert document.external_ref == "CBR20260301"
    assert document.goods
    assert document.goods[0].containers


def bill(dcsa: Path) -> Any:
    return json.loads(filled(dcsa / "pint/messages/pint-3.0.0-transport-document.json"))


def test_filled_transport_document(dcsa: Path) -> None:
    document = read(changed(bill(dcsa), {}), kind="transport_document")
    assert (document.format, document.external_ref) == ("dcsa.transport_document", "LHSHA26030001")
    assert document.goods[0].containers == ("NARU3472484",)
    assert document.goods[0].hs == "640510"
    assert document.party("issuer").name == "Hyundai"  # type: ignore[union-attr]
    assert document.keys[0].parts[-1] == ("number", "LHSHA26030001")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"transportDocumentReference": MISSING}, "isCargoDeliveredInICS2Zone"),  # then it can only be instructions
        ({"transportDocumentReference": "X" * 21}, "transportDocumentReference"),
        ({"transportDocumentTypeCode": "AWB"}, "transportDocumentTypeCode"),
        ({"transportDocumentStatus": "SUNK"}, "transportDocumentStatus"),
        ({"transportDocumentTypeCode": "SWB", "isToOrder": True}, "isToOrder"),
        ({"receivedForShipmentDate": "2026-03-01", "shippedOnBoardDate": "2026-03-02"}, "shippedOnBoardDate"),
        ({"numberOfOriginalsWithoutCharges": 2}, "numberOfOriginalsWithoutCharges"),
        ({"declaredValue": 100.5, "declaredValueCurrency": MISSING}, "declaredValueCurrency"),
        ({"declaredValue": 100.505, "declaredValueCurrency": "USD"}, "declaredValue"),
        ({"consignmentItems.0.cargoItems.0.equipmentReference": "MSCU5285725"}, "consignmentItems[0].cargoItems[0].equipmentReference"),
        ({"consignmentItems": []}, "consignmentItems"),
        ({"isElectronic": "yes"}, "isElectronic"),
        ({"carrierCode": "[carrier]"}, "carrierCode"),
    ],
    ids=lambda v: str(v)[:50],
)  # fmt: skip
def test_spoiled_transport_document(changes: dict[str, Any], field: str, dcsa: Path) -> None:
    whole = {"declaredValueCurrency": "USD", **bill(dcsa)}
    assert refused(changed(whole, changes)) == field


def test_a_voided_document_is_cancelled(dcsa: Path) -> None:
    assert read(changed(bill(dcsa), {"transportDocumentStatus": "VOIDED"})).cancelled
    value = read(changed(bill(dcsa), {"declaredValue": 100.5, "declaredValueCurrency": "USD"}))
    assert (value.amount_minor, value.currency) == (10050, "USD")


def test_filled_issuance_request(dcsa: Path) -> None:
    request = json.loads(filled(dcsa / "eblissuance/messages/eblissuance-v3.0.0-request.json"))
    assert refused(changed(request, {})) == "issuanceManifestSignedContent"
    document = read(changed(request, {"issuanceManifestSignedContent": "eyJhbGciOiJFZERTQSJ9.e30.c2ln"}))
    assert (document.format, document.status) == ("dcsa.issuance_request", "issued")
    assert document.external_ref == "LHSHA26030001"
    assert [r.problem for r in document.warnings] == [tree.NOT_HANDLED]  # Danish kroner
    assert document.amount_minor is None


def test_filled_surrender_request(dcsa: Path) -> None:
    text = filled(dcsa / "eblsurrender/messages/eblsurrender-api-v3.0.0-request.json")
    party = '{"partyName": "Carrier", "eblPlatform": "WAVE", "identifyingCodes": [{"codeListProvider": "SMDG", "partyCode": "HMM"}]}'
    document = read(re.sub(r"\b(CARRIER|ISSUE_TO|SURRENDEREE)_PARTY\b", party, text).encode())
    assert document.status == "surrender_for_delivery_requested"
    assert (document.references[0].kind, document.references[0].value) == (
        "transport_document",
        "LHSHA26030001",
    )
    assert document.observed_at == datetime(2024, 6, 12, 14, 54, tzinfo=UTC)


EVENT = {
    "eventID": "3cecb101-7a1a-43a4-9d62-e88a131651e2", "eventCreatedDateTime": "2026-03-02T04:00:00Z",
    "eventType": "EQUIPMENT", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-02T11:30:00+08:00",
    "equipmentEventTypeCode": "GTOT", "equipmentReference": "LHAU3001127", "eventLocation": {"UNLocationCode": "CNQZH"},
}  # fmt: skip


def test_an_event_of_track_and_trace() -> None:
    document = read(json.dumps([EVENT]).encode(), kind="transport_event")
    assert document.status == "ACT.GTOT"
    assert document.observed_at == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    assert [(r.kind, r.value) for r in document.references] == [("container", "LHAU3001127")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"0.eventID": MISSING}, "[0].eventID"),
        ({"0.eventID": "evt-1"}, "[0].eventID"),
        ({"0.eventCreatedDateTime": "2021 01 01 14:12:56"}, "[0].eventCreatedDateTime"),
        ({"0.eventDateTime": MISSING}, "[0].eventDateTime"),
        ({"0.eventDateTime": "2026-03-02T11:30:00"}, "[0].eventDateTime"),
        ({"0.eventType": "BIRTH"}, "[0].eventType"),
        ({"0.eventClassifierCode": "MAYBE"}, "[0].eventClassifierCode"),
        ({"0.equipmentEventTypeCode": "ARRI"}, "[0].equipmentEventTypeCode"),
        ({"0.eventLocation": {"UNLocationCode": "XYABC"}}, "[0].eventLocation.UNLocationCode"),
    ],
    ids=lambda v: str(v)[:50],
)
def test_spoiled_event(changes: dict[str, Any], field: str) -> None:
    assert refused(changed([EVENT], changes)) == field


def test_a_retracted_event_is_cancelled(dcsa: Path) -> None:
    message = json.loads((dcsa / "tnt/messages/tnt-300-request-equipment.json").read_text("utf-8"))
    document = read(changed(message, {"events.0.isRetracted": True}))
    assert document.cancelled
    assert document.corrects == document.external_ref


# eFTI -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def efti_folder(shared: Path) -> Path:
    return shared / "data" / "2-title-docs" / "efti"


def test_published_identifier_queries(efti_folder: Path) -> None:
    cases = tree.parse((efti_folder / "testing/identifier-query-test-cases.xml").read_bytes())
    assert isinstance(cases, XmlPlace)
    run = 0
    for group in cases.some("dataGroup"):
        datasets = [(d.need("id").text(), d.need("consignment")) for d in group.some("dataset")]
        for case in group.some("testCase"):
            query = case.need("query")
            found = {name for name, consignment in datasets if efti.matches(query, consignment)}
            assert found == {r.text() for r in case.each("result")}, (
                group.word("description"),
                query.payload(),
            )
            run += 1
    assert run == 64


def test_efti_consignment(efti_folder: Path) -> None:
    text = (efti_folder / "examples/consignment-identifiers-four-legs.xml").read_text("utf-8")
    document = read(text.encode())
    assert document.status == "delivered"
    assert document.dated is not None
    assert document.dated.isoformat() == "2024-10-22"
    assert document.observed_at is None  # the published time has no zone
    zoned = read(text.replace(">202410220000<", ">202410220000+0200<").encode())
    assert zoned.observed_at == datetime(2024, 10, 21, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (
            "<modeCode>3</modeCode>",
            "<modeCode>77</modeCode>",
            "/consignment/mainCarriageTransportMovement[1]/modeCode",
        ),
        (
            "<dangerousGoodsIndicator>false</dangerousGoodsIndicator>",
            "",
            "/consignment/mainCarriageTransportMovement[1]/modeCode",
        ),
        (
            "<categoryCode>AE</categoryCode>",
            "<categoryCode>lorry</categoryCode>",
            "/consignment/usedTransportEquipment/categoryCode",
        ),
        ("202410220000", "20241022", "/consignment/carrierAcceptanceDateTime"),
        ("202410220000", "202413220000", "/consignment/carrierAcceptanceDateTime"),
        ("<consignment", "<shipment", "document"),
    ],
)
def test_spoiled_efti(old: str, new: str, field: str, efti_folder: Path) -> None:
    text = (efti_folder / "examples/consignment-identifiers-two-legs.xml").read_text("utf-8")
    assert old in text
    if old == "<consignment":
        text = text.replace("</consignment>", "</shipment>")
        field = "/shipment"
    assert refused(text.replace(old, new, 1).encode()) == field

"""The event hash against every published vector, and what an event says about itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from luhai.core.evidence.formats import epcis_hash, gs1, tree
from luhai.core.evidence.formats.read import read
from luhai.kernel.refusal import Invalid

VECTORS = {
    "CertificationInfoAndSensorReportWithCRS": "xml jsonld", "ReferenceEventHashAlgorithm": "xml jsonld",
    "ReferenceEventHashAlgorithm2": "xml jsonld", "ReferenceEventHashAlgorithm3": "xml jsonld",
    "SensorDataExamples": "xml", "epcisDocHavingEventWithIgnoreFields": "jsonld",
    "epcisDocWith2DifferentTransformationEvents": "xml", "epcisDocWithAllGS1Keys": "jsonld",
    "epcisDocWithSensorDataObjectEvent": "jsonld", "epcisDocWithShippingAndTransportingEvent": "xml jsonld",
    "epcisDocWithTransformationEventWithExtension": "xml", "epcisDocWithVariousEventTypes": "xml jsonld",
    "epcisEventWithCURIEs": "xml jsonld", "epcisQueryDocument": "xml jsonld",
    "epcisXmlQueryDocHavingEventWithIgnoreFields": "xml", "epclist_normalisation": "jsonld",
    "persistentDisposition": "xml jsonld", "ralfsChaosExample": "jsonld",
}  # fmt: skip
FILES = [f"{name}.{ending}" for name, endings in VECTORS.items() for ending in endings.split()]
#: This one's published prehash text is damaged at the source (its own digest is not the published hash); its hash is not.
DAMAGED = "epcisDocWithAllGS1Keys"
EQUAL = {
    "ReferenceEventHashAlgorithm.json": 2, "differentRepresentationsOfAggregationEvent.xml": 3,
    "differentRepresentationsOfObjectEvent.xml": 3, "differentRepresentationsOfTransactionEvent.xml": 2,
    "ignoreEmptyEpcList.xml": 3, "numberPrecision.xml": 2, "timestampTimeZone.xml": 3, "timestampTimeZone2.xml": 2,
}  # fmt: skip


@pytest.fixture
def folder(shared: Path) -> Path:
    return shared / "data" / "2-title-docs" / "epcis-hash"


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def events(path: Path) -> list[epcis_hash.Event]:
    return epcis_hash.events_of(tree.parse(path.read_bytes()))


@pytest.mark.parametrize("file", FILES)
def test_published_vector(file: str, folder: Path) -> None:
    path = folder / "examples" / file
    found = events(path)
    assert [epcis_hash.event_hash(e) for e in found] == lines(path.with_suffix(".hashes"))
    if path.stem != DAMAGED:
        assert [epcis_hash.prehash(e) for e in found] == lines(path.with_suffix(".prehashes"))


def test_every_vector_is_run(folder: Path) -> None:
    there = {p.name for p in (folder / "examples").iterdir() if p.suffix in {".xml", ".jsonld"}}
    assert there == set(FILES)
    assert {p.name for p in (folder / "expected_equal").iterdir()} == set(EQUAL)
    assert sum(len(lines((folder / "examples" / f).with_suffix(".hashes"))) for f in FILES) == 71


def test_the_damaged_prehash_is_damaged(folder: Path) -> None:
    (text,) = lines(folder / "examples" / f"{DAMAGED}.prehashes")
    (name,) = lines(folder / "examples" / f"{DAMAGED}.hashes")
    assert hashlib.sha256(text.encode()).hexdigest() not in name


@pytest.mark.parametrize(("file", "count"), EQUAL.items())
def test_published_equals(file: str, count: int, folder: Path) -> None:
    found = events(folder / "expected_equal" / file)
    assert len(found) == count
    assert len({epcis_hash.event_hash(e) for e in found}) == 1


# Each of these breaks one rule; the vectors must notice. The value is an attribute and what to put in its place.
FAULTS: dict[str, tuple[str, Any]] = {
    "no order of fields": ("_ORDER", dict(sorted(epcis_hash._ORDER.items()))),
    "record time counts": ("_IGNORED", epcis_hash._IGNORED - {"recordTime"}),
    "event ID counts": ("_IGNORED", epcis_hash._IGNORED - {"eventID"}),
    "error declaration counts": ("_IGNORED", epcis_hash._IGNORED - {"errorDeclaration"}),
    "numbers as written": ("_number", lambda text: text),
    "numbers as decimals": (
        "_number",
        lambda text: (
            text.rstrip("0").rstrip(".") if epcis_hash._NUMBER.fullmatch(text) and "." in text else text
        ),
    ),
    "times as written": ("_moment", lambda text, path: text),
    "bare words stay bare": ("_bare", lambda name, text: text),
    "CURIEs stay short": ("_CURIES", {}),
    "CBV URNs stay": ("_CBV", {}),
    "version": ("VERSION", "CBV2.1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_vectors_find_a_planted_fault(fault: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value = FAULTS[fault]
    monkeypatch.setattr(epcis_hash, name, value)
    wrong = 0
    for file in FILES:
        path = folder / "examples" / file
        wrong += [epcis_hash.event_hash(e) for e in events(path)] != lines(path.with_suffix(".hashes"))
    assert wrong > 0


def test_vectors_find_transactions_written_before_sensors(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the text of the standard has it; the vectors have it the other way round."""
    order = dict(epcis_hash._ORDER)
    sensors = order.pop("sensorElementList")
    monkeypatch.setattr(epcis_hash, "_ORDER", {**order, **epcis_hash._END, "sensorElementList": sensors})
    monkeypatch.setattr(epcis_hash, "_END", {})
    path = folder / "examples" / "SensorDataExamples.xml"
    assert [epcis_hash.event_hash(e) for e in events(path)] != lines(path.with_suffix(".hashes"))


@pytest.mark.parametrize(
    "fault",
    [
        ("canonical", lambda uri: None),
        ("check_digit", lambda digits: "0"),
        ("_RESERVED", {}),
        ("_SHORT", {}),
        ("_KEYS", {}),
    ],
    ids=lambda f: f[0],
)
def test_vectors_find_a_planted_fault_in_gs1_keys(
    fault: tuple[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gs1, *fault)
    wrong = 0
    for file in FILES:
        path = folder / "examples" / file
        wrong += [epcis_hash.event_hash(e) for e in events(path)] != lines(path.with_suffix(".hashes"))
    assert wrong > 0


# Rules that no vector reaches, from the text of the standard -----------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("2023-02-02T11:04:03.1415Z", "2023-02-02T11:04:03.142Z"),
        ("2023-02-02T11:04:03.1414Z", "2023-02-02T11:04:03.141Z"),
        ("2023-02-02T11:04:59.9995Z", "2023-02-02T11:05:00.000Z"),
        ("2023-02-02T11:04Z", "2023-02-02T11:04:00.000Z"),
        ("2023-12-31T20:00:00-06:00", "2024-01-01T02:00:00.000Z"),
    ],
)
def test_times(written: str, canonical: str) -> None:
    assert epcis_hash._moment(written, "eventTime") == canonical


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-30T00:00:00Z",
        "2023-02-02T11:04:03",
        "0001-01-01T00:00:00+14:00",
        "yesterday",
        "9999-12-31T23:59:59.9999-14:00",
    ],
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        epcis_hash._moment(text, "eventTime")
    assert refused.value.facts["field"] == "eventTime"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("1.0", "1"), ("0.3430", "0.343"), ("-0", "0"), ("+5", "5"), ("007", "7"), ("1e3", "1000"), (".5", "0.5"), ("0.00001", "1e-05"),
     ("9" * 401, "9" * 401), ("1e999", "1e999"), ("12a", "12a"), ("１２", "１２"), ("nan", "nan"), ("", "")],
)  # fmt: skip
def test_numbers(written: str, canonical: str) -> None:
    assert epcis_hash._number(written) == canonical


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("http://shop.example/01/97803111", "/01/00000097803111"),
        (
            "https://ean.example/path/gtin/4012345123456/cpv/2A/lot/7/ser/ABC?x=1#y",
            "/01/04012345123456/21/ABC",
        ),
        ("https://id.gs1.org/01/04012345123456/22/2A", "/01/04012345123456"),
        ("https://id.gs1.org/itip/040123451234560102/lot/L", "/8006/040123451234560102/10/L"),
        ("https://id.gs1.org/8018/385888700111111111/8019/1", "/8018/385888700111111111"),
        ("urn:epc:id:sgln:4012345.00005.0", "/414/4012345000054"),
        ("urn:epc:id:giai:4012345.A.B", "/8004/4012345A.B"),
        ("urn:epc:idpat:upui:4012345.012345.*", "/01/04012345123456"),
        ("https://id.gs1.org/01/9780345418913/99/x", None),
        ("https://id.gs1.org/01/123", None),
        ("https://example.org/customers/42", None),
        ("http://[broken", None),
        ("urn:epc:id:sgtin:4012345.01234.1", None),
        ("urn:epc:idpat:sgtin:4012345.*.*", None),
        ("urn:epc:id:bic:LHAU3001127", None),
        ("urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8", None),
    ],
)
def test_gs1_keys(uri: str, canonical: str | None) -> None:
    assert gs1.canonical(uri) == (canonical and f"https://id.gs1.org{canonical}")


def test_check_digit() -> None:
    assert gs1.check_digit("400638133393") == "1"  # the example of the GS1 General Specifications


# What an event says ---------------------------------------------------------------------------------------------------


def event(**changed: object) -> bytes:
    body = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"luhai": "urn:luhai:epcis:"},
        ],
        "type": "ObjectEvent",
        "eventTime": "2026-03-02T20:15:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "epcList": ["urn:epc:id:bic:LHAU3001127", "urn:epc:id:sscc:4012345.0000000333"],
        "action": "OBSERVE",
        "bizStep": "departing",
        "bizTransactionList": [{"type": "bol", "bizTransaction": "urn:luhai:bill:33-20260302-004711"}],
        "sourceList": [{"type": "possessing_party", "source": "urn:epc:id:pgln:4012345.00000"}],
        **changed,
    }
    return json.dumps({k: v for k, v in body.items() if v is not None}).encode()


def test_an_event() -> None:
    document = read(event(), kind="transport_event")
    assert document.status == "departing"
    assert document.observed_at is not None
    assert document.observed_at.isoformat() == "2026-03-02T12:15:00+00:00"
    assert document.external_ref == document.digest
    assert [(r.kind, r.value) for r in document.references] == [
        ("transport_document", "urn:luhai:bill:33-20260302-004711"),
        ("container", "LHAU3001127"),
        ("item", "https://id.gs1.org/00/040123450000003338"),
    ]
    assert document.party("source_possessing_party").identifier("gln") == "4012345000009"  # type: ignore[union-attr]
    assert not document.cancelled
    assert document.keys[0].object == "container"


def test_an_error_declaration_takes_the_event_back() -> None:
    first = read(event())
    error = {
        "declarationTime": "2026-03-03T09:00:00+08:00",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:1f7a"],
    }
    second = read(event(errorDeclaration=error))
    assert second.cancelled
    assert second.corrects == second.external_ref == first.external_ref
    assert second.status == "incorrect_data"
    assert ("event", "urn:uuid:1f7a") in [(r.kind, r.value) for r in second.references]


def test_a_hash_that_is_of_another_event_is_remarked() -> None:
    document = read(event(eventID=f"ni:///sha-256;{'0' * 64}?ver=CBV2.0"))
    assert document.external_ref.endswith(f"{'0' * 64}?ver=CBV2.0")
    assert [r.field for r in document.warnings if r.field == "eventID"] == ["eventID"]
    right = read(event(eventID=read(event()).digest))
    assert not [r for r in right.warnings if r.field == "eventID"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"eventTime": None}, "eventTime"),
        ({"eventTime": "2026-03-02T20:15:00"}, "eventTime"),
        ({"eventTimeZoneOffset": None}, "eventTimeZoneOffset"),
        ({"eventTimeZoneOffset": "Asia/Shanghai"}, "eventTimeZoneOffset"),
        ({"action": None}, "action"),
        ({"action": "SHIP"}, "action"),
        ({"epcList": None}, "epcList"),
        ({"type": "AggregationEvent", "epcList": None, "action": "ADD"}, "parentID"),
        ({"type": "AssociationEvent", "epcList": None}, "parentID"),
        ({"type": "TransactionEvent", "bizTransactionList": None}, "bizTransactionList"),
        ({"type": "TransformationEvent", "epcList": None, "action": None, "inputEPCList": ["urn:epc:id:sscc:4012345.0000000333"]}, "inputEPCList"),
        ({"undeclared:field": "1"}, "undeclared:field"),
        ({"errorDeclaration": {"reason": "incorrect_data"}}, "errorDeclaration.declarationTime"),
    ],
)  # fmt: skip
def test_required_set_alone(
    changed: dict[str, object], field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LUHAI_SHARED", str(tmp_path))
    with pytest.raises(Invalid) as refused:
        read(event(**changed))
    assert refused.value.facts["field"] == field


def test_the_published_schema_refuses_what_our_set_lets_pass(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    odd = event(bizStep="sailing away")
    with pytest.raises(Invalid) as refused:
        read(odd)
    assert str(refused.value.facts["field"]) == "bizStep"
    monkeypatch.setenv("LUHAI_SHARED", str(tmp_path))
    assert read(odd).kind == "transport_event"

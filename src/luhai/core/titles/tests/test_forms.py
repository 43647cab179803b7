"""Titles in the forms of other systems, against third-party schemas and samples that nobody here wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
import yaml

from luhai.core.titles import commands, forms, queries
from luhai.core.titles.tests import world
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.refusal import Refusal


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def docs(shared: Path) -> Path:
    return shared / "data" / "2-title-docs"


def dcsa_schema(docs: Path, name: str) -> Any:
    """A component of DCSA's endorsement chain API, as JSON schema."""
    described = yaml.safe_load((docs / "dcsa-openapi/ebl/v3/endorsement/EBL_END_v3.0.4.yaml").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"#/components/schemas/{name}"}
        | {"components": described["components"]}
    )


def enum_of_actions(docs: Path) -> set[str]:
    """The action codes that DCSA's description lists."""
    described = yaml.safe_load((docs / "dcsa-openapi/ebl/v3/endorsement/EBL_END_v3.0.4.yaml").read_text(encoding="utf-8"))
    text = described["components"]["schemas"]["EndorsementChainLink"]["properties"]["actionCode"]["description"]
    return set(re.findall(r"- `([A-Z_]+)`", text))


def test_the_schemas_accept_their_own_samples_and_refuse_a_wrong_one(docs: Path) -> None:
    """So that passing them means something."""
    described = yaml.safe_load((docs / "dcsa-openapi/ebl/v3/endorsement/EBL_END_v3.0.4.yaml").read_text(encoding="utf-8"))
    chain = dcsa_schema(docs, "EndorsementChain")
    content = described["paths"]["/endorsement-chains/{transportDocumentReference}"]["get"]["responses"]["200"]["content"]
    samples = [e["value"] for e in content["application/json"]["examples"].values()]
    assert len(samples) >= 3
    for sample in samples:
        for one in sample:
            one = json.loads(json.dumps(one, default=str))
            assert chain.is_valid(one)
            for link in one["endorsementChain"]:
                assert dcsa_schema(docs, "EndorsementChainLink").is_valid(link)
    assert not chain.is_valid({"endorsementChain": []})
    attestation = jsonschema_rs.validator_for(read(docs / "open-attestation/src/3.0/schema/schema.json"))
    assert attestation.is_valid(read(docs / "tradetrust-website/src/test/fixture/local/v3/ebl.json"))
    assert not attestation.is_valid(read(docs / "open-attestation/src/2.0/schema/sample-token.json"))


@pytest.fixture
def cast(db: None) -> Any:
    carrier = world.company(name="Corridor Carrier", lei="529900T8BM49AURSDO55")
    return carrier, world.company(name="Shipper"), world.company(name="Buyer"), world.bank(name="Bank of the Corridor")


def both(title: UUID, viewer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        queries.form(title_id=title, which="tradetrust", platform="LUHA", viewer=viewer),
        queries.form(title_id=title, which="dcsa", platform="LUHA", viewer=viewer),
    )


def test_a_whole_life_in_both_forms(cast: Any, docs: Path) -> None:
    carrier, shipper, buyer, bank = cast
    attestation = jsonschema_rs.validator_for(read(docs / "open-attestation/src/3.0/schema/schema.json"))
    lading = jsonschema_rs.validator_for(read(docs / "tradetrust-forms/bill_of_lading.json")["schema"])
    chain, link = dcsa_schema(docs, "EndorsementChain"), dcsa_schema(docs, "EndorsementChainLink")
    sample = read(docs / "tradetrust-website/tests/e2e/fixtures/OA/ebl-endorse-owner.json")
    title = world.title(carrier, shipper, "transport_document")

    def look() -> tuple[dict[str, Any], list[str]]:
        trust, dcsa = both(title, carrier)
        document = trust["document"]
        assert attestation.is_valid(document), next(attestation.iter_errors(document))
        assert lading.is_valid(document["credentialSubject"])
        assert set(document["openAttestationMetadata"]) == set(sample["openAttestationMetadata"])
        assert len(document["openAttestationMetadata"]["proof"]["value"]) == len(sample["openAttestationMetadata"]["proof"]["value"])
        assert document["openAttestationMetadata"]["template"] == sample["openAttestationMetadata"]["template"]
        made = dcsa["document"]
        assert chain.is_valid(made), next(chain.iter_errors(made))
        for one in made["endorsementChain"]:
            assert link.is_valid(one), next(link.iter_errors(one))
        codes = [one["actionCode"] for one in made["endorsementChain"]][::-1]
        assert set(codes) <= enum_of_actions(docs)
        return trust, codes

    trust, codes = look()
    assert codes == ["ISSUE"]
    assert trust["titleEscrow"]["holder"] == trust["titleEscrow"]["beneficiary"]
    commands.transfer_title(title_id=title, to=id_of(buyer), beneficiary=id_of(buyer), origin=by(shipper))
    pledge = commands.pledge_title(title_id=title, pledgee=id_of(bank), origin=by(buyer))
    trust, codes = look()
    assert codes == ["ISSUE", "ENDORSE_TO_ORDER", "TRANSFER", "TRANSFER"]
    escrow = trust["titleEscrow"]
    assert (escrow["holder"], escrow["beneficiary"]) == (forms._address(id_of(bank)), forms._address(id_of(buyer)))
    for form in both(title, carrier):
        assert any("pledged" in note and str(id_of(bank)) in note for note in form["notes"]), "it says so in the file"
    commands.release_pledge(title_id=title, pledge=pledge, origin=by(bank))
    commands.surrender_title(title_id=title, origin=by(buyer))
    trust, codes = look()
    assert codes[-2:] == ["TRANSFER", "SURRENDER_FOR_DELIVERY"]
    assert trust["titleEscrow"]["token"] == "with the registry"
    assert both(title, carrier)[1]["transportDocumentStatus"] == "PENDING_SURRENDER_FOR_DELIVERY"
    commands.accept_surrender(title_id=title, origin=by(carrier))
    trust, codes = look()
    assert codes[-1] == "SURRENDERED"
    assert (trust["titleEscrow"]["token"], trust["titleEscrow"]["active"]) == ("burnt", False)
    first = both(title, carrier)[1]["document"]["endorsementChain"][-1]
    assert first["actor"]["identifyingCodes"] == [
        {"codeListProvider": "GLEIF", "codeListName": "LEI", "partyCode": "529900T8BM49AURSDO55"}
    ]


def test_an_amended_document_begins_a_chain_of_its_own(cast: Any, docs: Path) -> None:
    carrier, shipper, _buyer, _bank = cast
    title = world.title(carrier, shipper, "transport_document")
    commands.surrender_title_for_amendment(title_id=title, origin=by(shipper))
    assert both(title, carrier)[1]["transportDocumentStatus"] == "PENDING_SURRENDER_FOR_AMENDMENT"
    commands.accept_surrender(title_id=title, origin=by(carrier))
    commands.amend_title(title_id=title, content={"scac": "ABCD"}, statement="carrier named", origin=by(carrier))
    trust, dcsa = both(title, shipper)
    assert [one["actionCode"] for one in dcsa["document"]["endorsementChain"]] == ["ISSUE"]
    assert dcsa["document"]["transportDocumentSubReference"] == "v2"
    assert trust["document"]["credentialSubject"]["scac"] == "ABCD"


def test_a_receipt_in_the_form_of_tradetrust(cast: Any, docs: Path) -> None:
    carrier, shipper, _buyer, _bank = cast
    title = world.title(carrier, shipper)
    receipt = jsonschema_rs.validator_for(read(docs / "tradetrust-forms/warehouse_receipt.json")["schema"])
    made = queries.form(title_id=title, which="tradetrust", platform="LUHA", viewer=shipper)
    assert receipt.is_valid(made["document"]["credentialSubject"])
    assert made["document"]["openAttestationMetadata"]["template"]["name"] == "WAREHOUSE_RECEIPT"


@pytest.mark.django_db
def test_what_a_form_cannot_say_is_refused() -> None:
    issuer, owner, banks = world.company(), world.company(), [world.bank(), world.bank()]

    def refusal(title: UUID, which: str, platform: str = "LUHA") -> str:
        with pytest.raises(Refusal) as refused:
            queries.form(title_id=title, which=which, platform=platform, viewer=owner)
        return refused.value.code

    voucher = world.title(issuer, owner, "receivable_voucher")
    assert refusal(voucher, "tradetrust") == refusal(voucher, "dcsa") == "titles.no_such_form"
    title = world.title(issuer, owner, "transport_document")
    assert refusal(title, "paper") == "invalid"
    assert refusal(title, "dcsa", "TOO LONG") == "invalid"
    for bank in banks:
        commands.pledge_title(title_id=title, pledgee=id_of(bank), quantity=400, origin=by(owner))
    assert refusal(title, "tradetrust") == refusal(title, "dcsa") == "titles.no_such_form"
    parts = commands.split_title(title_id=title, parts=[800, 200], origin=by(owner))
    assert refusal(title, "tradetrust") == refusal(title, "dcsa") == refusal(UUID(parts[1]), "dcsa") == "titles.no_such_form"

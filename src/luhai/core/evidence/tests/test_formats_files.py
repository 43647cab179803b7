"""Every third-party file of the collection, one by one: read as expected, or refused at the field expected."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from luhai.core.evidence.formats import schemas
from luhai.core.evidence.formats.read import read
from luhai.kernel.refusal import Invalid

with open(Path(__file__).parent / "formats_expected.tsv", encoding="utf-8", newline="") as file:
    EXPECTED = list(csv.DictReader(file, delimiter="\t"))

FOLDERS = {
    "wco-customs": "*.xml",
    "epcis-examples": "*.jsonld",
    "epcis-hash": "*.[xj][ms]*",
    "epcis-schema/test": "*.json",
    "dcsa-messages": "*.json",
    "fiata-efbl/examples": "*.json",
    "efti/examples": "*.xml",
    "efti/testing": "*.xml",
}


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["path"])
def test_file(row: dict[str, str], shared: Path) -> None:
    data = (shared / "data" / "2-title-docs" / row["path"]).read_bytes()
    if row["outcome"] == "refused":
        with pytest.raises(Invalid) as refused:
            read(data)
        assert refused.value.facts["field"] == row["format_or_field"]
        assert refused.value.facts["problem"]
        return
    document = read(data)
    amount = "" if document.amount_minor is None else f"{document.amount_minor} {document.currency}"
    assert (document.format, document.kind, document.status, document.external_ref, amount, str(len(document.facts))) == (
        row["format_or_field"], row["kind"], row["status"], row["external_ref"], row["amount"], row["facts"],
    )  # fmt: skip
    # Whatever is kept must fit into JSON, with an instant that everybody understands.
    json.dumps(document.payload, allow_nan=False)
    for fact in document.facts:
        assert fact.external_ref
        assert fact.observed_at is None or fact.observed_at.utcoffset() is not None


def test_no_file_is_left_out(shared: Path) -> None:
    folder = shared / "data" / "2-title-docs"
    there = {
        p.relative_to(folder).as_posix()
        for name, glob in FOLDERS.items()
        for p in (folder / name).rglob(glob)
    }
    there = {path for path in there if "/schemas/" not in path}  # two schemas lie among the EPCIS events
    assert there == {row["path"] for row in EXPECTED}
    assert sum(path.startswith("wco-customs/") for path in there) == 66


def test_the_bills_inside_fiatas_collection(shared: Path) -> None:
    """The third example file holds requests: a preview, a registration, and an amendment whose id is not filled in."""
    path = shared / "data/2-title-docs/fiata-efbl/examples/FIATA eFBL samples.postman_collection.json"
    bodies = [
        item["request"]["body"]["raw"]
        for item in json.loads(path.read_text("utf-8"))["item"]
        if "raw" in item["request"].get("body", {})
    ]
    bodies = [body for body in bodies if "exchanged_document" in body]
    assert len(bodies) == 3
    assert read(bodies[0].encode()).status == "preview"
    fields = []
    for body in bodies[1:]:
        with pytest.raises(Invalid) as refused:
            read(body.encode())
        fields.append(refused.value.facts["field"])
    assert fields == ["supply_chain_consignment.cto.id[0].value", "exchanged_document.id"]
    amended = read(bodies[2].replace("{{existing_document_id}}", "FBL-2026-0007").encode())
    assert amended.external_ref == "FBL-2026-0007"
    assert amended.status != "preview"
    registered = read(re.sub(r"\{\{\w+\}\}", "CN0042", bodies[1]).encode())
    assert dict(registered.keys[0].parts)["issuer"] == "CN0042"


@pytest.mark.parametrize(
    "name", ["epcis-examples/PersistentDisposition-example.jsonld", "fiata-efbl/examples/first_cargo.json"]
)
def test_without_the_schema_the_required_set_still_holds(
    name: str, shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = (shared / "data" / "2-title-docs" / name).read_bytes()
    with_schema = read(data)
    monkeypatch.setenv("LUHAI_SHARED", str(tmp_path))
    without = read(data)
    assert without.external_ref == with_schema.external_ref
    remarks = [r.problem for fact in without.facts for r in fact.warnings] + [
        r.problem for r in without.warnings
    ]
    assert schemas.SCHEMA_ABSENT in remarks
    assert schemas.SCHEMA_ABSENT not in [r.problem for r in with_schema.warnings]


@pytest.mark.parametrize(
    ("archive", "folders"),
    [
        ("uncefact-d23b.zip", ["uncefact-d23b/D23B"]),
        ("efti.zip", ["efti"]),
        ("dcsa.zip", ["dcsa-openapi/ebl/v3", "dcsa-pint-openapi"]),
    ],
)
def test_shipped_schemas_are_those_of_their_sources(archive: str, folders: list[str], shared: Path) -> None:
    there = {}
    for folder in folders:
        for path in (shared / "data" / "2-title-docs" / folder).rglob("*.*"):
            name = (
                path.name
                if archive == "dcsa.zip"
                else path.relative_to(shared / "data" / "2-title-docs" / folder).as_posix()
            )
            there[name.removesuffix(".gz")] = (
                gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            )
    with zipfile.ZipFile(schemas.SHIPPED / archive) as opened:
        assert opened.namelist()
        for name in opened.namelist():
            assert opened.read(name) == there[name], name


def test_archives_are_those_of_the_paper() -> None:
    paper = (schemas.SHIPPED / "SOURCES.md").read_text(encoding="utf-8")
    for path in schemas.SHIPPED.glob("*.zip"):
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" in paper

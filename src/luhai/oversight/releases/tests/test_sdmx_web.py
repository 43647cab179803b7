"""The registry, asked as its clients ask: by Django's client, and over HTTP by two programs that are not ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen
from uuid import UUID
from wsgiref.simple_server import make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client
from lxml import etree

from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.kernel.origin import SYSTEM
from luhai.oversight.releases.lifecycle import Kind, State
from luhai.oversight.releases.models import Cell, Release
from luhai.shell.context import acting

AT = datetime(2026, 4, 9, 8, tzinfo=UTC)
FLOW = "/sdmx/v2/data/dataflow/LUHAI/CORRIDOR_FIN/1.0.0"


def key(**codes: str) -> list[str]:
    all_ = {d.name: "_T" for d in DIMENSIONS} | {"currency": "CNY"} | codes
    return [all_[d.name] for d in DIMENSIONS]


def release(month: date, vintage: int, state: State, cells: dict[tuple[str, ...], int | None], at: datetime = AT) -> Release:
    row = Release.objects.create(
        month=month, vintage=vintage, kind=Kind.PROVISIONAL if vintage == 1 else Kind.FINAL, state=State.PLANNED, due=at.date(),
        embargo_until=at, planned_at=at, planned_by=UUID(int=1),
    )  # fmt: skip
    Cell.objects.bulk_create(
        Cell(
            release=row, indicator="loans_drawn", key=[*k], value=value, why="F" if value is not None else "A", method="a" * 64, unit="CNY", decimals=2
        )
        for k, value in cells.items()
    )
    out = {} if state is State.COMPUTED else {"published_at": at, "published_by": UUID(int=2)}
    Release.objects.filter(pk=row.pk).update(
        state=state, position=10, engine="duckdb", definitions="d" * 64, parameters="e" * 64, digest="f" * 64, cells=len(cells),
        computed_at=at, computed_by=UUID(int=1), **out,
    )  # fmt: skip
    return row


@pytest.fixture
def figures(db: None) -> None:
    with acting(SYSTEM):
        release(date(2026, 2, 1), 1, State.SUPERSEDED, {tuple(key()): 100})
        release(date(2026, 2, 1), 2, State.PUBLISHED, {tuple(key()): 12345, tuple(key(territory="500000")): None}, AT + timedelta(days=30))
        release(date(2026, 3, 1), 1, State.PUBLISHED, {tuple(key()): 50, tuple(key(size="S")): 7})
        release(date(2026, 4, 1), 1, State.COMPUTED, {tuple(key()): 99})


def told(path: str, accept: str = "application/vnd.sdmx.data+json;version=2.0.0", **get: str) -> Any:
    return Client().get(path, get, headers={"accept": accept})


def values(response: Any) -> list[str | None]:
    assert response.status_code == 200, response.content
    message = json.loads(response.content)
    return sorted(
        (row[0] for one in message["data"]["dataSets"] for series in one["series"].values() for row in series["observations"].values()),
        key=lambda v: (v is None, v),
    )


def test_what_is_out_is_answered_and_nothing_else(figures: None) -> None:
    assert values(told(FLOW)) == ["0.07", "0.50", "123.45", None]
    assert values(told(f"{FLOW}/M._T.loans_drawn._T._T._T.CNY._T._T._T._T")) == ["0.50", "123.45"]
    assert values(told(FLOW, **{"c[TIME_PERIOD]": "ge:2026-03"})) == ["0.07", "0.50"]
    assert values(told(FLOW, **{"c[REF_AREA]": "500000"})) == [None]
    assert values(told(FLOW, **{"c[ENT_SIZE]": "S", "c[INDICATOR]": "loans_drawn"})) == ["0.07"]


def test_an_earlier_vintage_is_found_by_its_time(figures: None) -> None:
    assert values(told(FLOW, asOf="2026-04-10T00:00:00Z", **{"c[TIME_PERIOD]": "2026-02"})) == ["1.00"]
    assert values(told(FLOW, includeHistory="true", **{"c[TIME_PERIOD]": "2026-02"})) == ["1.00", "123.45", None]
    assert values(told(FLOW, updatedAfter="2026-05-01T00:00:00Z")) == ["123.45", None]


def test_nothing_found_and_mistakes_have_the_numbers_of_the_standard(figures: None) -> None:
    nothing = told(FLOW, **{"c[CURRENCY]": "USD"})
    assert (nothing.status_code, nothing.json()["errors"][0]["code"]) == (404, 100)
    assert told("/sdmx/v2/data/dataflow/LUHAI/OTHER/1.0").status_code == 404
    bad = told(f"{FLOW}/M.CNY", accept="application/xml")
    assert bad.status_code == 400
    assert b'code="140"' in bad.content
    assert b"REF_AREA" in bad.content
    assert told(FLOW, accept="image/png").status_code == 406
    assert told(FLOW, format="pdf").status_code == 406
    assert told("/sdmx/v2/availability/dataflow/LUHAI/CORRIDOR_FIN").status_code == 501
    assert told("/sdmx/v2/structure/metadataflow", accept="*/*").status_code == 501
    assert told(FLOW, **{"c[TIME_PERIOD]": "ge:2026-01", "startPeriod": "2026"}).status_code == 400
    assert Client().post(FLOW).status_code == 405


@pytest.mark.parametrize(
    ("accept", "starts"),
    [
        ("*/*", b"<?xml"), ("text/html", b"<?xml"), ("application/vnd.sdmx.data+csv;version=2.0.0", b"STRUCTURE,"), ("text/csv", b"STRUCTURE,"),
        ("application/json", b"{"), ("application/vnd.sdmx.data+xml;version=3.0.0, */*;q=0.1", b"<?xml"),
    ],
)  # fmt: skip
def test_the_form_follows_accept(figures: None, accept: str, starts: bytes) -> None:
    response = told(FLOW, accept=accept)
    assert response.content.startswith(starts)
    assert response["Vary"].startswith("Accept")


@pytest.mark.parametrize(
    ("path", "references", "wanted"),
    [
        ("dataflow/LUHAI/CORRIDOR_FIN/+", "none", {"Dataflow"}), ("dataflow/LUHAI/CORRIDOR_FIN/1.0.0", "children", {"Dataflow", "DataStructure"}),
        ("dataflow", "descendants", {"Dataflow", "DataStructure", "Codelist", "ConceptScheme"}), ("codelist/LUHAI/CL_GREEN", "parents", {"Codelist", "DataStructure"}),
        ("*/*/*/*", "none", {"Dataflow", "DataStructure", "Codelist", "ConceptScheme", "AgencyScheme"}), ("agencyscheme/SDMX/AGENCIES/+", "none", {"AgencyScheme"}),
        ("datastructure/*/CORRIDOR_FIN", "all", {"Dataflow", "DataStructure", "Codelist", "ConceptScheme"}),
    ],
)  # fmt: skip
def test_structures_come_with_what_they_refer_to(path: str, references: str, wanted: set[str]) -> None:
    response = Client().get(f"/sdmx/v2/structure/{path}", {"references": references})
    assert response.status_code == 200
    tree = etree.fromstring(response.content)
    assert {etree.QName(e).localname for e in tree.iterfind(".//*[@agencyID]")} == wanted


@pytest.fixture
def served(fresh_db: str) -> Iterator[str]:
    """The site over HTTP, on a database of this test's own; its address."""
    server = make_server("127.0.0.1", 0, get_wsgi_application())
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_two_clients_read_the_registry_over_http(served: str, tmp_path: Path) -> None:
    import pysdmx.io
    import sdmx
    from pysdmx.api.qb import ApiVersion, DataContext, DataFormat, DataQuery, RestService

    with acting(SYSTEM):
        release(date(2026, 3, 1), 1, State.PUBLISHED, {tuple(key()): 9_007_199_254_740_993, tuple(key(territory="500000")): None})
    service = RestService(f"{served}/sdmx/v2", ApiVersion.V2_1_0, data_format=DataFormat.SDMX_ML_3_0)
    body = service.data(DataQuery(DataContext.DATAFLOW, "LUHAI", "CORRIDOR_FIN", "1.0.0"))
    (tmp_path / "d.xml").write_bytes(body)
    frame = pysdmx.io.read_sdmx(tmp_path / "d.xml").data[0].data.astype(str)
    assert set(frame["OBS_VALUE"]) - {"<NA>", "", "nan"} == {"90071992547409.93"}
    source = {"id": "LUHAI", "name": "Luhai", "url": f"{served}/sdmx/v2", "versions": ["3.0.0"]}
    sdmx.add_source(json.dumps(source), override=True)
    client = sdmx.Client("LUHAI")
    flow = client.get("dataflow", "CORRIDOR_FIN", params={"references": "descendants"}, agency_id="LUHAI", version="+")
    dsd = flow.structure["CORRIDOR_FIN"]
    assert len(dsd.dimensions.components) == 12
    with urlopen(f"{served}{FLOW}?format=xml") as answer:
        (tmp_path / "again.xml").write_bytes(answer.read())
    message = sdmx.read_sdmx(tmp_path / "again.xml", structure=dsd)
    assert sum(len(d.obs) for d in message.data) == 2

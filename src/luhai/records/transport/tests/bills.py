"""Transport documents for tests: one of each kind, and any that Hypothesis may think of."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from hypothesis import strategies as st

from luhai.kernel.identifiers import Kind, complete
from luhai.records.transport.bill import OneBill, read

_serial = count(1)


def box(n: int) -> str:
    return complete(Kind.CONTAINER, f"TLLU{n % 1_000_000:06d}")


def content(document: str = "rail_sea_bill", **changes: Any) -> dict[str, Any]:
    """Car parts from Chongqing to Ho Chi Minh City: by rail to Qinzhou, by sea to Vietnam."""
    n = next(_serial)
    rail = {
        "mode": "rail", "origin": "CNCKG", "destination": "CNQZH", "carrier": "China State Railway", "vehicle": "X9560",
        "waybill": f"SMGS {n:08d}", "departs_on": "2026-03-01", "arrives_on": "2026-03-03",
    }  # fmt: skip
    sea = {
        "mode": "sea", "origin": "CNQZH", "destination": "VNSGN", "vehicle": "Beibu Gulf 7", "voyage": "026S",
        "departs_on": "2026-03-04", "arrives_on": "2026-03-08",
    }  # fmt: skip
    road = {"mode": "road", "origin": "CNCKG", "destination": "VNHAN", "departs_on": "2026-03-01"}
    legs = {
        "rail_bill": [rail | {"destination": "VNHAN"}], "waybill": [rail], "ocean_bill": [sea], "rail_sea_bill": [rail, sea],
        "multimodal_bill": [rail, sea], "cargo_document": [road],
    }  # fmt: skip
    boarded = {"boarded_on": "2026-03-02"} if document == "ocean_bill" else {}
    made = {
        "document": document, "number": f"LB{n * 7919:06d}X{n:05d}"[:20],
        "form": "STRAIGHT" if document == "waybill" else "TO_ORDER", "basis": "civil_code_840",
        "issued_on": "2026-03-02", "issued_at": "CNCKG", "taken_on": "2026-03-01", "terms": "As agreed.\nSecond line.",
        "freight": "prepaid", "booking": f"BK{n:05d}",
        "parties": {
            "issuer": {
                "name": "Luhai Multimodal Co., Ltd.", "country": "CN", "street": "1 Port Road", "city": "Chongqing",
                "numbers": {"smdg": "LHM"}, "contact": "Documents", "email": "documents@example.org",
            },
            "consignor": {"name": "Chongqing Car Parts Co., Ltd.", "country": "CN", "street": "2 Mill Road", "city": "Chongqing"},
            "consignee": {"name": "Sai Gon Motors", "country": "VN", "numbers": {"national": "0301234567"}},
            "notify": [{"name": "Sai Gon Brokers"}],
        },
        "legs": legs[document],
        "containers": [{"number": box(n), "type": "22G1", "seals": [{"number": f"S{n:07d}", "by": "carrier"}]}],
        "goods": [
            {
                "description": "Car parts, new", "hs": "870899", "packages": 40, "package_type": "PX", "gross_kg": "19120.5",
                "container": box(n), "marks": ["LUHAI 1/40"],
            }
        ],
        "value": {"minor": 81_250_000, "currency": "CNY"}, "incoterm": {"code": "CIP", "place": "Ho Chi Minh City"},
        "charges": [{"name": "Ocean freight", "amount": {"minor": 120_000, "currency": "USD"}, "payable": "prepaid"}],
        "insurance": {
            "policy": f"PICC{n:06d}", "insurer": "Some Insurer", "amount": {"minor": 89_375_000, "currency": "CNY"},
            "clauses": "ICC (A)",
        },
    } | boarded | changes  # fmt: skip
    return {k: v for k, v in made.items() if v is not None}


_WORDS = st.lists(
    st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1, max_size=20),
    min_size=1,
    max_size=4,
).map(" ".join)
_DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 31))
_PLACES = st.sampled_from(["CNCKG", "CNQZH", "VNSGN", "VNHAN", "SGSIN", "KZALA", "DEDUI"])
_PLAIN = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=1, max_size=12)


def _maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_PARTY = st.builds(
    lambda must, may: must | may,
    st.fixed_dictionaries({"name": _WORDS.filter(lambda t: len(t) <= 70)}),
    _maybe(
        country=st.sampled_from(["CN", "VN", "SG", "KZ"]), street=_PLAIN, city=_PLAIN, contact=_PLAIN, phone=_PLAIN,
        email=st.just("a@example.org"), numbers=_maybe(other=_PLAIN, national=_PLAIN, smdg=_PLAIN.map(lambda t: t[:4])),
    ),
)  # fmt: skip
_AMOUNT = st.fixed_dictionaries(
    {"minor": st.integers(1, 10**13), "currency": st.sampled_from(["CNY", "USD", "VND", "EUR"])}
)
_KG = st.integers(1, 10**11).map(lambda g: f"{g // 1000}.{g % 1000:03d}".rstrip("0").rstrip("."))


@st.composite
def bills(draw: st.DrawFn, document: str = "") -> OneBill:
    """Any document that `bill.read` accepts, as far as the draws reach."""
    kind = document or draw(
        st.sampled_from(
            ["rail_bill", "rail_sea_bill", "multimodal_bill", "ocean_bill", "cargo_document", "waybill"]
        )
    )
    made = content(kind)
    made["number"] = draw(_PLAIN)
    made["form"] = (
        "STRAIGHT" if kind == "waybill" else draw(st.sampled_from(["STRAIGHT", "TO_ORDER", "BLANK"]))
    )
    made["parties"] = {
        "issuer": draw(_PARTY), "consignor": draw(_PARTY), "notify": draw(st.lists(_PARTY, max_size=3)),
        "consignee": None if made["form"] == "BLANK" else draw(_PARTY), "agent": draw(st.none() | _PARTY),
    }  # fmt: skip
    made |= draw(
        _maybe(
            value=_AMOUNT, receipt=st.sampled_from(["CY", "CFS", "SD"]), delivery=st.sampled_from(["CY", "CFS"]),
            freight=st.sampled_from(["prepaid", "collect"]), terms=_WORDS, agreement=_PLAIN, booking=_PLAIN,
            basis=st.sampled_from(["maritime_law", "foreign_law", "cargo_document_convention"]),
            charges=st.lists(
                st.fixed_dictionaries({"name": _WORDS.map(lambda t: t[:50].strip()), "amount": _AMOUNT, "payable": st.just("collect")}),
                max_size=2,
            ),
        )
    )  # fmt: skip
    if draw(st.booleans()):
        for name in ("insurance", "incoterm", "charges"):
            made.pop(name, None)
    elif "insurance" in made:
        made["insurance"]["amount"]["currency"] = made["value"]["currency"]
    count_ = draw(st.integers(0, 3))
    numbers = draw(st.lists(st.integers(0, 999_999).map(box), min_size=count_, max_size=count_, unique=True))
    made["containers"] = [
        {"number": c, "shipper_owned": draw(st.booleans()), "seals": [{"number": f"S{i}", "by": draw(st.sampled_from(["carrier", "customs"]))}]}
        for i, c in enumerate(numbers)
    ]  # fmt: skip
    made["goods"] = [
        {"description": draw(_WORDS), "hs": draw(st.from_regex(r"[0-9]{6,10}", fullmatch=True)), "packages": draw(st.integers(1, 999)),
         "gross_kg": draw(_KG), "container": c, "marks": draw(st.lists(_PLAIN, max_size=2))}
        for c in (numbers or [None])
    ]  # fmt: skip
    made["legs"][0] |= draw(_maybe(carrier=_WORDS, consignee=_WORDS, waybill=_PLAIN)) | {
        "waybill": draw(_PLAIN)
    }
    if draw(st.booleans()) and not numbers:
        made["legs"][0].pop("departs_on")
    return read({k: v for k, v in made.items() if v is not None})


@st.composite
def sayable(draw: st.DrawFn) -> OneBill:
    """Any document that DCSA has words for."""
    made = draw(bills(draw(st.sampled_from(["rail_sea_bill", "multimodal_bill", "ocean_bill"])))).content()
    made["parties"]["issuer"] = content()["parties"]["issuer"]
    if "consignee" in made["parties"]:
        made["parties"]["consignee"].setdefault("numbers", {})["other"] = draw(_PLAIN)
    if "agent" in made["parties"]:
        made["parties"].pop("agent")
    if "containers" not in made:
        made["containers"] = [{"number": box(7), "seals": [{"number": "S7"}]}]
        made["goods"] = [g | {"container": box(7)} for g in made["goods"]]
        made["legs"][0].setdefault("departs_on", "2026-03-01")
    made["booking"] = made.get("booking") or "BK1"
    return read(made)

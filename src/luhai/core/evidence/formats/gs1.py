"""GS1 identifiers as canonical Digital Link addresses: one spelling for the same thing.

    canonical("urn:epc:id:sscc:4012345.0000000333")               -> "https://id.gs1.org/00/040123450000003338"
    canonical("https://shop.example/gtin/4012345123456/lot/A?x")  -> "https://id.gs1.org/01/04012345123456/10/A"
    canonical("urn:uuid:…")                                       -> None: not a GS1 key, leave it as it is

Sources: GS1 EPC Tag Data Standard 1.13 §6 and §7 (URNs), GS1 Digital Link URI syntax 1.2 §4, CBV 2.0 §8.9.2 rule 18
(which keys and qualifiers the event hash keeps).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

_HOME: Final = "https://id.gs1.org"

#: Digits of company prefix and reference together, before any check digit.
_LENGTH: Final = MappingProxyType(
    {
        "sgtin": 13, "lgtin": 13, "upui": 13, "itip": 13, "sscc": 17, "gsrn": 17, "gsrnp": 17, "gsin": 16,
        "sgln": 12, "pgln": 12, "grai": 12, "gdti": 12, "sgcn": 12,
    }
)  # fmt: skip

_URN: Final = re.compile(r"urn:epc:(id|class|idpat):([a-z]+):(.+)", re.ASCII | re.DOTALL)
#: Reserved in a Digital Link though plain in a URN; published vectors keep the apostrophe plain.
_RESERVED: Final = str.maketrans({c: f"%{ord(c):02X}" for c in "!()*+,:"})


def check_digit(digits: str) -> str:
    """GS1 modulo 10: weights 3, 1, 3 … from the right."""
    return str(-sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(reversed(digits))) % 10)


def canonical(uri: str) -> str | None:
    """The canonical Digital Link of an EPC URN or of any Digital Link; None if it is neither."""
    if uri.startswith("urn:epc:"):
        match = _URN.fullmatch(uri)
        path = _from_urn(*match.groups()) if match else None
    elif uri.startswith(("https://", "http://")):
        path = _from_link(uri)
    else:
        path = None
    return None if path is None else _HOME + path


def _from_urn(form: str, scheme: str, rest: str) -> str | None:
    parts = rest.split(".")
    if form == "idpat":
        if parts[-1] != "*":
            return None
        parts = parts[:-1]
    elif form == "class" and scheme != "lgtin":
        return None
    if len(parts) < 2:
        return None
    company, reference, tail = parts[0], parts[1], ".".join(parts[2:]).translate(_RESERVED)
    if not re.fullmatch(r"\d{6,12}", company, re.ASCII):
        return None
    if scheme in {"giai", "ginc"} and form == "id":
        key = {"giai": "8004", "ginc": "401"}[scheme]
        # The dots of the reference itself were split off above.
        return f"/{key}/{company}{'.'.join(parts[1:]).translate(_RESERVED)}"
    if scheme == "cpi":
        part = f"/8010/{company}{reference.translate(_RESERVED)}"
        return part if form == "idpat" else f"{part}/8011/{tail}" if tail else None
    if scheme not in _LENGTH or not re.fullmatch(r"\d*", reference, re.ASCII):
        return None
    if len(company) + len(reference) != _LENGTH[scheme]:
        return None
    return _numbered(form, scheme, company, reference, tail)


def _numbered(form: str, scheme: str, company: str, reference: str, tail: str) -> str | None:
    """The schemes whose key ends in a check digit."""
    # Indicator and extension digits stand first in the key, though second in the URN.
    body = (
        reference[:1] + company + reference[1:]
        if _LENGTH[scheme] in (13, 17) and scheme[:4] != "gsrn"
        else company + reference
    )
    key = body + check_digit(body)
    pattern = form == "idpat"
    if scheme in {"sgtin", "lgtin", "upui"}:
        qualifier = {"sgtin": "21", "lgtin": "10", "upui": "235"}[scheme]
        return f"/01/{key}" if pattern else f"/01/{key}/{qualifier}/{tail}" if tail else None
    if scheme == "itip":
        match = re.fullmatch(r"(\d{2})\.(\d{2})(?:\.(.+))?", tail, re.ASCII | re.DOTALL)
        if match is None or (match[3] is None) != pattern:
            return None
        return f"/8006/{key}{match[1]}{match[2]}" + (f"/21/{match[3]}" if match[3] else "")
    if scheme == "sgln":
        return f"/414/{key}" + ("" if tail in ("", "0") else f"/254/{tail}")
    if scheme in {"grai", "gdti", "sgcn"}:
        prefix = {"grai": "/8003/0", "gdti": "/253/", "sgcn": "/255/"}[scheme]
        return f"{prefix}{key}{tail}" if tail or pattern else None
    prefix = {"sscc": "/00/", "pgln": "/417/", "gsrn": "/8018/", "gsrnp": "/8017/", "gsin": "/402/"}[scheme]
    return f"{prefix}{key}"


#: Key: what its value looks like, and the qualifiers it may have, the finest first. Those in brackets are allowed
#: in an address and dropped in the canonical one.
_KEYS: Final = MappingProxyType(
    {
        "00": (r"\d{18}", ()),
        "01": (r"\d{8}|\d{12,14}", ("21", "10", "235", "(22)")),
        "253": (r"\d{13}.{0,17}", ()),
        "255": (r"\d{13,25}", ()),
        "401": (r".{1,30}", ()),
        "402": (r"\d{17}", ()),
        "414": (r"\d{13}", ("254",)),
        "417": (r"\d{13}", ()),
        "8003": (r"\d{14}.{0,16}", ()),
        "8004": (r".{1,30}", ()),
        "8006": (r"\d{18}", ("21", "10", "(22)")),
        "8010": (r".{1,30}", ("8011",)),
        "8017": (r"\d{18}", ()),
        "8018": (r"\d{18}", ("(8019)",)),
    }
)
_SHORT: Final = MappingProxyType(
    {
        "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414",
        "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gsrnp": "8017", "gsrn": "8018",
        "ser": "21", "lot": "10", "cpv": "22", "tpx": "235", "glnx": "254", "cpsn": "8011", "srin": "8019",
    }
)  # fmt: skip


def _from_link(uri: str) -> str | None:
    try:
        segments = urlsplit(uri).path.strip("/").split("/")
    except ValueError:
        return None
    named = [_SHORT.get(segment, segment) for segment in segments]
    for start in range(
        len(segments) - 1
    ):  # whatever stands before the key belongs to the address of the shop
        key, value = named[start], segments[start + 1]
        if key not in _KEYS or (len(segments) - start) % 2:
            continue
        shape, qualifiers = _KEYS[key]
        given = dict(zip(named[start + 2 :: 2], segments[start + 3 :: 2], strict=True))
        if not re.fullmatch(shape, value, re.ASCII) or not given.keys() <= {
            q.strip("()") for q in qualifiers
        }:
            continue
        if key == "01":
            value = value.zfill(14)
        finest = next((q for q in qualifiers if given.get(q)), None)
        return f"/{key}/{value}" + (f"/{finest}/{given[finest]}" if finest else "")
    return None

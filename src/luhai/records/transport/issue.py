"""From the fields of the issue form to the data set of bill.py and back. Pure: who a party is comes in as a function.

Fields are named by their path in the data set (`legs.0.origin`), so that what `bill.read` finds wrong is said at its field.
Rows that are left empty are skipped; `Made.name_of` says which row an error is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import Invalid, gettext_noop

#: Who somebody means by a number or name, as the data set has it. Refuses: Invalid (names the field).
PartyOf = Callable[[str, str], dict[str, Any]]

PLAIN: Final = (
    "document", "number", "form", "basis", "issued_on", "issued_at", "taken_on", "boarded_on", "freight", "receipt", "delivery", "booking",
)  # fmt: skip
ROWS: Final = MappingProxyType({
    "legs": ("mode", "origin", "destination", "carrier", "vehicle", "voyage", "waybill", "consignee", "departs_on", "arrives_on"),
    "goods": ("description", "hs", "packages", "package_type", "gross_kg", "container", "marks"),
    "containers": ("number", "type", "seals"),
})  # fmt: skip
ROLES: Final = ("consignor", "consignee", "notify")
MOST: Final = MappingProxyType({"legs": 12, "goods": 100, "containers": 50})
LEAST: Final = MappingProxyType({"legs": 2, "goods": 2, "containers": 2})


@dataclass(frozen=True, slots=True)
class Made:
    content: dict[str, Any]
    rows: Mapping[str, tuple[int, ...]]  # which rows of the form the rows of the content are

    def name_of(self, field: str) -> str:
        """The field of the form that an error is about, or the nearest that is drawn; "" when none is."""
        parts = field.removeprefix("content.").split(".")
        if len(parts) > 1 and parts[0] in self.rows and parts[1].isdigit() and int(parts[1]) < len(self.rows[parts[0]]):
            parts[1] = str(self.rows[parts[0]][int(parts[1])])
        while parts:
            name = ".".join(parts)
            if is_drawn(name):
                return name
            parts.pop()
        return ""


def is_drawn(name: str) -> bool:
    parts = name.split(".")
    if len(parts) == 3 and parts[1].isdigit():
        return parts[2] in ROWS.get(parts[0], ())
    return name in _SINGLE


_SINGLE: Final = frozenset({
    *PLAIN, "terms", "agreement", "holder_id", "beneficiary_id", "parties.issuer", *(f"parties.{r}" for r in ROLES), "value.minor",
    "value.currency", "incoterm.code", "incoterm.place", "insurance.policy", "insurance.insurer", "insurance.amount.minor",
    "insurance.amount.currency", "insurance.clauses",
})  # fmt: skip


def counts(given: Mapping[str, str]) -> dict[str, int]:
    """How many rows of each kind the form has."""
    made = {}
    for kind, least in LEAST.items():
        named = [int(n.split(".")[1]) + 1 for n in given if n.startswith(f"{kind}.") and n.split(".")[1].isdecimal() and len(n) < 40]
        made[kind] = min(max([least, *named]), MOST[kind])
    return made


def made_of(given: Mapping[str, str], base: Mapping[str, Any], issuer: dict[str, Any], party: PartyOf) -> Made:
    """The data set that the fields say. What a file said and the form does not show is kept from `base`. Refuses: Invalid."""
    said = {name: str(value).replace("\r\n", "\n").strip() for name, value in given.items()}
    content: dict[str, Any] = {name: said[name] for name in PLAIN if said.get(name)}
    content |= {name: said[name] for name in ("terms", "agreement") if said.get(name)}
    content |= {name: base[name] for name in ("charges",) if name in base}
    rows: dict[str, tuple[int, ...]] = {}
    for kind, n in counts(given).items():
        filled = [(at, row) for at in range(n) if (row := _row(kind, at, said, base))]
        rows[kind] = tuple(at for at, _ in filled)
        if filled:
            content[kind] = [row for _, row in filled]
    content["parties"] = _parties(said, base.get("parties", {}), issuer, party)
    for name, made in (("value", _amount("value", said)), ("incoterm", _some("incoterm", ("code", "place"), said)), ("insurance", _insurance(said, base))):
        if made:
            content[name] = made
    return Made(content, MappingProxyType(rows))


def _row(kind: str, at: int, said: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    typed = {f: v for f in ROWS[kind] if (v := said.get(f"{kind}.{at}.{f}", ""))}
    if not set(typed) - {"mode"}:
        return {}
    if kind == "goods":
        if "packages" in typed:
            typed["packages"] = whole(typed["packages"], f"goods.{at}.packages")  # type: ignore[assignment]
        if "marks" in typed:
            typed["marks"] = listed(typed["marks"])  # type: ignore[assignment]
        if "container" in typed:
            typed["container"] = typed["container"].replace(" ", "").upper()
    if kind == "containers":
        before: dict[str, Any] = next((c for c in base.get("containers", []) if c.get("number") == typed.get("number")), {})
        by = {s["number"]: s.get("by", "carrier") for s in before.get("seals", [])}
        typed["seals"] = [{"number": s, "by": by.get(s, "carrier")} for s in listed(typed.get("seals", ""))]  # type: ignore[assignment]
        if before.get("shipper_owned"):
            typed["shipper_owned"] = True  # type: ignore[assignment]
        if "number" in typed:
            typed["number"] = typed["number"].replace(" ", "").upper()
    return dict(typed)


def _parties(said: Mapping[str, str], base: Mapping[str, Any], issuer: dict[str, Any], party: PartyOf) -> dict[str, Any]:
    made: dict[str, Any] = {"issuer": base.get("issuer") or issuer}
    for role in ROLES:
        typed = said.get(f"parties.{role}", "")
        if not typed:
            continue
        first = base.get("notify", [{}])[0] if role == "notify" else base.get(role, {})
        if first and typed == first.get("name"):
            found = first
        elif role == "notify":  # whoever is told need not be registered
            found = {"name": typed}
        else:
            found = party(typed, f"parties.{role}")
        made[role] = [found, *base.get("notify", [])[1:]] if role == "notify" else found
    if base.get("agent"):
        made["agent"] = base["agent"]
    return made


def _some(name: str, fields: tuple[str, ...], said: Mapping[str, str]) -> dict[str, Any]:
    return {f: said[f"{name}.{f}"] for f in fields if said.get(f"{name}.{f}")}


def _insurance(said: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    made = _some("insurance", ("policy", "insurer", "clauses"), said)
    amount = _amount("insurance.amount", said)
    if amount:
        made["amount"] = amount
    to = base.get("insurance", {}).get("payable_to")
    return made | {"payable_to": to} if made and to else made


def _amount(name: str, said: Mapping[str, str]) -> dict[str, Any]:
    typed, currency = said.get(f"{name}.minor", ""), said.get(f"{name}.currency", "")
    return {"minor": minor(typed, currency, f"{name}.minor"), "currency": currency} if typed else {}


def minor(text: str, currency: str, field: str) -> int:
    """An amount as people write it, in whole smallest units: 1,250.50 CNY -> 125050."""
    exponent = EXPONENT[Currency(currency)] if currency in set(Currency) else 2
    whole_, point, part = text.replace(",", "").replace(" ", "").partition(".")
    digits = (whole_ + part).isascii() and whole_.isdigit() and (part.isdigit() or not point)
    if not digits or len(part) > exponent or len(whole_) > 14:
        raise Invalid(field=field, problem=gettext_noop("an amount such as 1250.50, with no more decimals than the currency has"))
    return int(whole_ + part.ljust(exponent, "0"))


def whole(text: str, field: str) -> int:
    cleaned = text.replace(",", "").replace(" ", "")
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 16:
        raise Invalid(field=field, problem=gettext_noop("a whole number"))
    return int(cleaned)


def listed(text: str) -> list[str]:
    """What stands between commas of either kind."""
    return [t for part in text.replace("，", ",").replace("、", ",").split(",") if (t := part.strip())]


def fields_of(content: Mapping[str, Any]) -> dict[str, str]:
    """A data set as the fields of the form."""
    made = {name: str(content[name]) for name in (*PLAIN, "terms", "agreement") if name in content}
    for kind, names in ROWS.items():
        for at, row in enumerate(content.get(kind, [])):
            for name in names:
                if name in row:
                    made[f"{kind}.{at}.{name}"] = _typed(row[name])
    for role in ROLES:
        who = content["parties"].get(role)
        first = who[0] if isinstance(who, list) and who else who
        if first:
            made[f"parties.{role}"] = first["name"]
    for name in ("value", "insurance.amount"):
        first_, _, rest = name.partition(".")
        amount = content.get(first_, {}).get(rest, {}) if rest else content.get(name, {})
        if amount:
            made[f"{name}.minor"] = major(amount["minor"], amount["currency"])
            made[f"{name}.currency"] = amount["currency"]
    for name in ("incoterm", "insurance"):
        made |= {f"{name}.{k}": v for k, v in content.get(name, {}).items() if isinstance(v, str) and is_drawn(f"{name}.{k}")}
    return made


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(v["number"] if isinstance(v, dict) else str(v) for v in value)
    return str(value)


def major(amount: int, currency: str) -> str:
    exponent = EXPONENT[Currency(currency)]
    text = str(amount).rjust(exponent + 1, "0")
    return f"{text[:-exponent]}.{text[-exponent:]}" if exponent else text

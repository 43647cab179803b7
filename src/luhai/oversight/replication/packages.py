"""Packages as data: what a territory made, written down so that another one can take it over.

Who: everybody reads them. Refuses: `BadPackage`, naming the file and the place; it is our own mistake, not a caller's.
Units: parameters are decimals in their own unit; limits are whole minor units of their currency.
Source: data/packages/*.yaml, each with its own. A file is one version and never changes once it was adopted; a new version is a new file.

A package names the measure that its origin was granted, the scene of checks that it puts in force (settlement/checks), the parameters with
the range in which a territory may set them, the product that it opens, vectors (cases with the verdict that is expected), limits, the data
that must be connected, and the market and risk conditions of article 23.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import rfc8785
import yaml

from luhai.core.parties.territories import territories
from luhai.core.rules.parameters import UNITS, Parameters
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid
from luhai.records.products.policy import read_terms

from .policy import DATA, Condition, parameter_keys, parse

#: The fields of the product in which an institution may be narrower than the template; the others stay as they are.
NARROWED: Final = (
    "amount_min_minor", "amount_max_minor", "tenor_min_days", "tenor_max_days", "price_min_bp", "price_max_bp",
)  # fmt: skip
#: Fields that an institution writes itself.
OWN: Final = ("name_zh", "name_en", "summary_zh", "summary_en", "promise_hours")


class BadPackage(Exception):
    """A package that may not be shipped."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(f"{file}: {place}: {problem}")
        self.file, self.place, self.problem = file, place, problem


@dataclass(frozen=True, slots=True)
class Text:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter of the package: what its origin uses, and from where to where another territory may set it."""

    key: str
    default: Decimal
    least: Decimal
    most: Decimal
    unit: str
    title: Text


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the risk. `monthly_minor`: credited under the scene in a month, all currencies in that of the limit; when it is passed
    the adoption stops from the next day. The product's amounts bound a single loan."""

    monthly_minor: int
    currency: Currency
    blocked_share_bp: int  # of the payments checked under the scene in a month; above it the board shows a signal


@dataclass(frozen=True, slots=True)
class Vector:
    """A case for the scene, and what must come of it: the verdict, and the checks that stand in the way."""

    name: str
    title: Text
    case: Mapping[str, Any]
    verdict: str
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    id: str
    version: str
    valid_from: date
    origin: str  # GB/T 2260
    measure: str  # that the origin was granted, and that is copied
    basis: tuple[str, ...]  # under which it may be copied
    scene: str  # a version of settlement/checks: key@day
    title: Text
    text: Text
    document: str
    article: str
    ours: Text  # what of it is this platform's own proposal
    authority: Text
    authority_sorts: tuple[str, ...]  # which agencies of the register grant it
    settings: tuple[Setting, ...]
    market: Condition
    risk: Condition
    data: tuple[str, ...]
    limits: Limits
    product: Mapping[str, Any]  # records.products.policy.Terms as JSON, without territories
    vectors: tuple[Vector, ...]
    file: str
    digest: str  # SHA-256 of the content in canonical JSON

    @property
    def key(self) -> str:
        return f"{self.id}@{self.version}"

    @property
    def scene_key(self) -> str:
        return self.scene.partition("@")[0]

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(sorted({self.measure, *self.basis}))

    def setting(self, key: str) -> Setting | None:
        return next((s for s in self.settings if s.key == key), None)

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.version.split("."))


def load(folder: Path, parameters: Parameters) -> tuple[Package, ...]:
    """Every package of the folder, each id's newest version last. Refuses two files of one version."""
    found = [read(path.read_text(encoding="utf-8"), path.name, parameters) for path in sorted(folder.glob("*.yaml"))]
    seen: dict[str, str] = {}
    for p in found:
        if p.key in seen:
            raise BadPackage(p.file, "version", f"{p.key} stands in {seen[p.key]} already")
        seen[p.key] = p.file
    return tuple(sorted(found, key=lambda p: (p.id, p.order)))


def newest(packages: Iterable[Package], on: date | None = None) -> dict[str, Package]:
    """The newest version of each package, of those that are valid on the day if one is given."""
    return {p.id: p for p in packages if on is None or p.valid_from <= on}


def read(text: str, file: str, parameters: Parameters) -> Package:
    """One file, strictly."""
    document = yaml.safe_load(text)
    wanted = {
        "id", "version", "valid_from", "origin", "measure", "basis", "scene", "title", "text", "source", "ours", "authority",
        "conditions", "data", "limits", "product", "vectors",
    }  # fmt: skip
    d = _shape(document, file, "(file)", wanted, ("parameters",))
    _match(d, "id", r"[a-z]+(-[a-z]+)*", file)
    _match(d, "version", r"\d{1,4}(\.\d{1,4}){0,2}", file)
    _match(d, "measure", r"M\d\d-\d\d", file)
    _match(d, "scene", r"[a-z]+(-[a-z]+)*@\d{4}-\d\d-\d\d", file)
    if d["origin"] not in territories():
        raise BadPackage(file, "origin", "a code of the corridor in quotes")
    if type(d["valid_from"]) is not date:
        raise BadPackage(file, "valid_from", "a day such as 2026-01-01")
    basis = d["basis"]
    if not isinstance(basis, list) or not all(isinstance(m, str) and re.fullmatch(r"M\d\d-\d\d", m) for m in basis):
        raise BadPackage(file, "basis", "a list of measures such as M14-06")
    source = _shape(d["source"], file, "source", {"document"}, ("article",))
    authority = _shape(d["authority"], file, "authority", {"zh", "en", "sorts"})
    if not isinstance(authority["sorts"], list) or not authority["sorts"]:
        raise BadPackage(file, "authority.sorts", "a list of the register's words for agencies")
    conditions = _shape(d["conditions"], file, "conditions", {"market", "risk"})
    market, risk = (_condition(conditions[n], f"conditions.{n}", file, parameters) for n in ("market", "risk"))
    known = [code for code, _, _ in DATA]
    if not isinstance(d["data"], list) or not all(kind in known for kind in d["data"]):
        raise BadPackage(file, "data", f"a list of {', '.join(known)}")
    settings = tuple(_setting(k, v, file, parameters) for k, v in (d.get("parameters") or {}).items())
    product = dict(d["product"])
    try:
        terms = read_terms(product | {"territories": []})
    except Invalid as no:
        raise BadPackage(file, f"product.{no.facts['field']}", str(no.facts["problem"])) from None
    if d["measure"] not in terms.requires:
        raise BadPackage(file, "product.requires", f"{d['measure']}, so that the product opens only where it is in force")
    vectors = tuple(_vector(v, n, file) for n, v in enumerate(d["vectors"]))
    if len({v.name for v in vectors}) < len(vectors) or not vectors:
        raise BadPackage(file, "vectors", "at least one, each with a name of its own")
    plain = _plain(d)
    return Package(
        d["id"], str(d["version"]), d["valid_from"], d["origin"], d["measure"], tuple(basis), str(d["scene"]),
        _text(d["title"], file, "title"), _text(d["text"], file, "text"), str(source["document"]), str(source.get("article", "")),
        _text(d["ours"], file, "ours"), Text(authority["zh"], authority["en"]), tuple(map(str, authority["sorts"])), settings,
        market, risk, tuple(d["data"]), _limits(d["limits"], file), {k: v for k, v in product.items() if k != "territories"},
        vectors, file, hashlib.sha256(rfc8785.dumps(plain)).hexdigest(),
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def _condition(document: object, place: str, file: str, parameters: Parameters) -> Condition:
    try:
        read_ = parse(document, place)
    except Invalid as no:
        raise BadPackage(file, str(no.facts["field"]), str(no.facts["problem"])) from None
    for key in parameter_keys(read_):
        if key not in parameters or UNITS[parameters.of(key).unit][0] != "count":
            raise BadPackage(file, place, f"{key} is no parameter that counts")
    return read_


def _setting(key: object, entry: object, file: str, parameters: Parameters) -> Setting:
    place = f"parameters.{key}"
    e = _shape(entry, file, place, {"default", "min", "max"})
    if not isinstance(key, str) or key not in parameters:
        raise BadPackage(file, place, "no such parameter")
    default, least, most = (decimal(e[n]) for n in ("default", "min", "max"))
    if default is None or least is None or most is None or not least <= default <= most:
        raise BadPackage(file, place, "numbers in quotes, the default from min to max")
    declared = parameters.of(key)
    if declared.least is None or declared.most is None or not declared.least <= least <= most <= declared.most:
        raise BadPackage(file, place, f"the parameter itself may be set from {declared.least} to {declared.most}")
    return Setting(key, default, least, most, declared.unit, Text(declared.title_zh, declared.title_en))


def _limits(entry: object, file: str) -> Limits:
    e = _shape(entry, file, "limits", {"monthly_minor", "currency", "blocked_share_bp"})
    for name, most in (("monthly_minor", MAX_MINOR), ("blocked_share_bp", 10_000)):
        if type(e[name]) is not int or not 0 < e[name] <= most:
            raise BadPackage(file, f"limits.{name}", f"a whole number from 1 to {most}")
    if e["currency"] not in list(Currency):
        raise BadPackage(file, "limits.currency", f"one of {', '.join(Currency)}")
    return Limits(e["monthly_minor"], Currency(e["currency"]), e["blocked_share_bp"])


def _vector(entry: object, number: int, file: str) -> Vector:
    place = f"vectors[{number}]"
    e = _shape(entry, file, place, {"name", "title", "case", "verdict"}, ("against",))
    against = e.get("against", [])
    if e["verdict"] not in ("clear", "blocked") or not isinstance(against, list) or bool(against) is not (e["verdict"] == "blocked"):
        raise BadPackage(file, place, "verdict clear, or blocked with the checks it is against")
    if not isinstance(e["case"], dict):
        raise BadPackage(file, f"{place}.case", "a case of the scene")
    return Vector(str(e["name"]), _text(e["title"], file, f"{place}.title"), e["case"], e["verdict"], tuple(sorted(against)))


def _text(entry: object, file: str, place: str) -> Text:
    e = _shape(entry, file, place, {"zh", "en"})
    return Text(str(e["zh"]).strip(), str(e["en"]).strip())


def _match(document: Mapping[str, Any], field: str, pattern: str, file: str) -> None:
    if not isinstance(document[field], str) or not re.fullmatch(pattern, document[field]):
        raise BadPackage(file, field, f"text like {pattern}, in quotes")


def decimal(value: object) -> Decimal | None:
    """A decimal from text, as people and files write it; None when it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _shape(entry: object, file: str, place: str, wanted: set[str], also: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadPackage(file, place, f"a mapping of {', '.join(sorted(wanted))} is wanted")
    if unknown := set(map(str, entry)) - wanted - set(also):
        raise BadPackage(file, place, f"unknown key {', '.join(sorted(unknown))}")
    if missing := {k for k in wanted if entry.get(k) in (None, "")}:
        raise BadPackage(file, place, f"missing {', '.join(sorted(missing))}")
    return entry


# --- what is different --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which an adoption, its origin and the newest version may differ. Empty where there is none."""

    kind: str  # parameter | limit | product | condition | data | vector | text
    name: str
    zh: str
    en: str
    origin: str
    here: str
    newest: str

    @property
    def ours(self) -> bool:
        """The territory set it differently."""
        return self.here != self.origin

    @property
    def newer(self) -> bool:
        """The newest version has it otherwise than the version that was adopted."""
        return self.newest != self.origin


def differences(adopted: Package, overrides: Mapping[str, str], latest: Package) -> tuple[Difference, ...]:
    """Every parameter, and whatever else is different from the origin's version or in the newest one."""
    found = []
    for key in sorted({s.key for s in (*adopted.settings, *latest.settings)}):
        mine, new = adopted.setting(key), latest.setting(key)
        titled = mine or new
        assert titled is not None
        origin = str(mine.default) if mine else ""
        found.append(
            Difference(
                "parameter", key, titled.title.zh, titled.title.en, origin, overrides.get(key, origin), str(new.default) if new else ""
            )
        )
    for kind, name, zh, en, was, new_ in _others(adopted, latest):
        if was != new_:
            found.append(Difference(kind, name, zh, en, was, was, new_))
    return tuple(found)


def _others(a: Package, b: Package) -> list[tuple[str, str, str, str, str, str]]:
    rows = [
        ("text", "title", "名称", "title", a.title.zh, b.title.zh), ("text", "text", "内容", "text", a.text.zh, b.text.zh),
        ("limit", "monthly_minor", "月度限额", "monthly limit", f"{a.limits.monthly_minor} {a.limits.currency}",
         f"{b.limits.monthly_minor} {b.limits.currency}"),
        ("limit", "blocked_share_bp", "拦截率预警线", "signal of blocked share", str(a.limits.blocked_share_bp), str(b.limits.blocked_share_bp)),
        ("condition", "market", "市场条件", "market conditions", _short(a.market), _short(b.market)),
        ("condition", "risk", "风险控制条件", "risk conditions", _short(a.risk), _short(b.risk)),
        ("data", "data", "所需数据", "data needed", ", ".join(a.data), ", ".join(b.data)),
    ]  # fmt: skip
    for field in sorted({*a.product, *b.product}):
        rows.append((
            "product", field, f"产品 {field}", f"product {field}", _written(a.product.get(field)), _written(b.product.get(field)),
        ))
    old, new = ({v.name: v for v in p.vectors} for p in (a, b))
    for name in sorted({*old, *new}):
        title = (new.get(name) or old[name]).title
        rows.append(("vector", name, title.zh, title.en, _vector_short(old.get(name)), _vector_short(new.get(name))))
    return rows


def _short(condition: Condition) -> str:
    if condition.kind == "fact":
        return f"{condition.fact} {condition.op} {condition.parameter or condition.value}"
    return f"{condition.kind}({'; '.join(_short(p) for p in condition.parts)})"


def _written(value: object) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _vector_short(vector: Vector | None) -> str:
    if vector is None:
        return ""
    return f"{vector.verdict} {' '.join(vector.against)}".strip() + f" #{hashlib.sha256(rfc8785.dumps(_plain(dict(vector.case)))).hexdigest()[:8]}"

"""Who plays: the parties of a lane and the people who act for them, of the demo's corridor where it is loaded, or of a set of their own.

    cast = of_corridor(corridor, seed)    # real parties of the demo, so that its visitors play these parts; what it lacks is added
    cast = invented("lane", 4)            # a set of its own, for tests, attacks and benches
    enroll(cast, at=…)                    # register whoever is not there yet; again: nothing

All of them are invented and marked so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.parties import commands as parties
from luhai.kernel.identifiers import Kind, complete, complete_uscc
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.lane")
CHONGQING: Final = "500000"
GUANGXI: Final = "450000"
#: Countries in which a lane ends.
ENDS: Final = ("TH", "SG")
#: Companies that carry: multimodal transport and forwarding, railways, road (GB/T 4754).
_CARRIERS: Final = ("G58", "G53", "G54", "G55")
#: Companies that sell abroad: wholesale, then whoever makes something.
_TRADERS: Final = ("F51", "C")
#: Banks that lend where they are, and come last for a lane across provinces.
_LOCAL: Final = ("rural_bank", "city_bank")


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the register. `numbers` are those it is registered with."""

    id: UUID
    kind: str
    sort: str
    name_zh: str
    name_en: str
    country: str
    territory: str | None
    numbers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As a Chinese paper writes it."""
        return self.name_zh or self.name_en


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody who acts for a party, under one membership."""

    party: Party
    role: Role
    person_id: UUID
    username: str
    name_zh: str
    name_en: str
    territory: str | None = None

    @property
    def id(self) -> UUID:
        return self.party.id

    @property
    def actor(self) -> Actor:
        return Actor(self.person_id, self.role, self.party.id, self.territory or self.party.territory)


@dataclass(frozen=True, slots=True)
class Cast:
    """The parts, each under its name. `officer` and `second` are two people of one bank; `space` keeps the keys of casts apart."""

    space: str
    exporter: Part
    carrier: Part
    railway: Part
    importer: Part
    officer: Part
    second: Part
    sender: Part
    customs: Part
    insurer: Part
    supervisor: Part

    @property
    def parts(self) -> dict[str, Part]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "space"}

    @property
    def bank(self) -> Party:
        return self.officer.party


#: The part, whom it stands for: (kind, sort, role, Chinese, English, country, territory, number).
_SET: Final[dict[str, tuple[str, str, Role, str, str, str, str | None, str]]] = {
    "exporter": ("company", "", Role.COMPANY, "重庆渝行机电制造有限公司", "Chongqing Yuxing Machinery Co., Ltd.", "CN", CHONGQING, "uscc"),
    "carrier": ("company", "", Role.COMPANY, "重庆渝桂联程多式联运有限公司", "Yugui Through Multimodal Co., Ltd.", "CN", CHONGQING, "uscc"),
    "railway": ("company", "", Role.COMPANY, "渝桂铁路货运有限公司", "Yugui Rail Freight Co., Ltd.", "CN", GUANGXI, "uscc"),
    "importer": ("company", "", Role.COMPANY, "", "Siam Suwan Machinery Co., Ltd.", "TH", None, "lei"),
    "officer": ("institution", "joint_stock_bank", Role.BANK, "渝江银行股份有限公司", "Yujiang Bank Co., Ltd.", "CN", CHONGQING, "bic"),
    "sender": ("institution", "foreign_bank", Role.PARTNER, "", "Siam Chao Phraya Bank", "TH", None, "bic"),
    "customs": ("agency", "customs", Role.PROVINCE, "通道海关（虚构）", "Corridor Customs (invented)", "CN", CHONGQING, ""),
    "insurer": ("institution", "insurer", Role.BANK, "渝江财产保险股份有限公司", "Yujiang Property Insurance Co., Ltd.", "CN", CHONGQING, "uscc"),
    "supervisor": ("agency", "pboc", Role.SUPERVISOR, "通道金融监管部门（虚构）", "Corridor Supervisor (invented)", "CN", CHONGQING, ""),
}  # fmt: skip
_PEOPLE: Final = {
    "exporter": ("何渝生", "He Yusheng"), "carrier": ("秦远航", "Qin Yuanhang"), "railway": ("覃铁山", "Qin Tieshan"),
    "importer": ("", "Somchai Suwan"), "officer": ("江明溪", "Jiang Mingxi"), "second": ("江照临", "Jiang Zhaolin"),
    "sender": ("", "Malee Chaiyo"), "customs": ("关清和", "Guan Qinghe"), "insurer": ("保予安", "Bao Yuan"),
    "supervisor": ("鉴长明", "Jian Changming"),
}  # fmt: skip


def invented(name: str = "lane", seed: int = 4, number: int = 0) -> Cast:
    """A set of its own: the same for the same arguments, unlike any other in every number."""
    space = f"{name}:{seed}:{number}"
    made = {part: _of_set(space, part, f"{part}-{_letters(space, part, 6).lower()}") for part in _SET}
    return Cast(space=space, second=_colleague(made["officer"], space), **made)


def of_corridor(corridor: Any, seed: int) -> Cast:
    """Parties of a loaded corridor, the first that fits each part; those with an account before those without.

    Carrier and exporter are companies with an account where there is one; the importer and its bank are of one country. What the
    corridor lacks is added: a railway, an agency for customs, a second officer, the importer's and the insurer's people, and where it has
    no buyer or bank where a lane ends, these.
    """
    space = f"corridor:{seed}"
    people = {p.party_id: p for p in corridor.people}
    companies = [c for c in corridor.companies if c.country == "CN"]
    with_account = [c for c in companies if c.id in people]
    carrier = _first(with_account, companies, fits=lambda c: str(c.facts.get("industry") or "").startswith(_CARRIERS))
    sellers = [c for c in with_account if c.id != carrier.id] or [c for c in companies if c.id != carrier.id]
    exporter = min(sellers, key=lambda c: (_rank(str(c.facts.get("industry") or "")), c.territory != CHONGQING))
    banks = [i for i in corridor.institutions if i.country == "CN" and i.bic and i.id in people]
    bank = min(banks, key=lambda i: (exporter.territory not in i.territories, i.kind in _LOCAL, i.number))
    # The lane ends in Thailand or Singapore: so do buyer and bank, if need be added ones.
    sender = next((i for i in corridor.institutions if i.kind == "partner_bank" and i.id in people and i.country in ENDS), None)
    ends_in = sender.country if sender else ENDS[0]
    buyer = next((c for c in corridor.companies if c.country == ends_in), None)
    insurer = next(i for i in corridor.institutions if i.kind == "insurer")
    supervisor = next(a for a in corridor.agencies if a.kind == "supervisor")
    officer = _known(_institution(bank), people[bank.id], space, "officer")
    return Cast(
        space=space,
        exporter=_known(_company(exporter), people.get(exporter.id), space, "exporter"),
        carrier=_known(_company(carrier), people.get(carrier.id), space, "carrier"),
        railway=_of_set(space, "railway", "railway1"),
        importer=_known(_company(buyer), None, space, "importer", "importer1") if buyer else _of_set(space, "importer", "importer1", ends_in),
        officer=officer,
        second=_colleague(officer, space, f"{officer.username}b"),
        sender=_known(_institution(sender), people[sender.id], space, "sender") if sender else _of_set(space, "sender", "sender1"),
        customs=_of_set(space, "customs", "customs1"),
        insurer=_known(_institution(insurer), None, space, "insurer", "insurer1"),
        supervisor=_known(_agency(supervisor), people.get(supervisor.id), space, "supervisor"),
    )  # fmt: skip


def enroll(cast: Cast, *, at: datetime) -> None:
    """Register the parties and people of a cast that a corridor did not bring; asked again, nothing happens."""
    registered: set[UUID] = set()
    for name, part in cast.parts.items():
        if part.id == uuid5(_SPACE, f"{cast.space} party {name}") and part.id not in registered:
            party = part.party
            registered.add(party.id)
            parties.register_party(
                party_id=party.id, kind=party.kind, sort=party.sort, name_zh=party.name_zh, name_en=party.name_en, country=party.country,
                territory=party.territory, identifiers_=party.numbers, facts={}, invented=True, origin=_origin(cast, f"party {name}", at),
            )  # fmt: skip
        if part.person_id == uuid5(_SPACE, f"{cast.space} person {name}"):
            parties.add_person(
                person_id=part.person_id, email=f"{part.username}@demo.luhai.example", name_zh=part.name_zh, name_en=part.name_en,
                password_hash=None, origin=_origin(cast, f"person {name}", at),
            )  # fmt: skip
            parties.add_membership(
                person_id=part.person_id, party_id=part.id, role=str(part.role), territory=part.territory,
                origin=_origin(cast, f"member {name}", at),
            )  # fmt: skip


def _origin(cast: Cast, step: str, at: datetime) -> Origin:
    return Origin(SYSTEM, uuid5(_SPACE, f"{cast.space} {step}"), at)


def _of_set(space: str, part: str, username: str, where: str = "") -> Part:
    kind, sort, role, zh, en, country, territory, scheme = _SET[part]
    if where and where != country:
        country, en = where, "Straits Machinery Pte. Ltd."
    mark = _letters(space, part, 3)
    if kind != "agency" and not space.startswith("corridor"):  # casts side by side are told apart on pages
        zh, en = zh and f"{zh}（{mark}）", f"{en} ({mark})"
    number = ""
    if scheme == "uscc":
        number = complete_uscc("91", territory or CHONGQING, complete(Kind.ORG_CODE, f"XL{_numeral(space, part, 6)}"))
    elif scheme == "lei":
        number = complete(Kind.LEI, f"LHZR{_numeral(space, part, 14)}")
    elif scheme == "bic":
        number = f"Q{mark}{country}X0"  # the eighth character 0 marks a BIC for tests
    party = Party(
        uuid5(_SPACE, f"{space} party {part}"), kind, sort, zh, en, country, territory, {scheme: number} if number else {}
    )
    return Part(party, role, uuid5(_SPACE, f"{space} person {part}"), username, *_PEOPLE[part])


def _colleague(officer: Part, space: str, username: str = "") -> Part:
    return Part(
        officer.party, officer.role, uuid5(_SPACE, f"{space} person second"), username or f"{officer.username}b", *_PEOPLE["second"],
        officer.territory,
    )  # fmt: skip


def _known(party: Party, person: Any | None, space: str, part: str, username: str = "") -> Part:
    """A party of the corridor, and its person there; a person of ours where it has none."""
    role = _SET[part][2]
    if person is not None:
        return Part(party, Role(str(person.role)), person.id, person.username, person.name_zh, person.name_en, person.territory)
    return Part(party, role, uuid5(_SPACE, f"{space} person {part}"), username or f"{part}1", *_PEOPLE[part])


def _company(row: Any) -> Party:
    numbers = {"uscc": row.uscc, "lei": row.lei, "national": row.registration_no}
    return Party(
        row.id, "company", "", row.name_zh or "", row.name_en, row.country, row.territory, {k: str(v) for k, v in numbers.items() if v}
    )


def _institution(row: Any) -> Party:
    return Party(
        row.id, "institution", row.kind, row.name_zh or "", row.name_en, row.country, row.home, {"bic": row.bic} if row.bic else {}
    )


def _agency(row: Any) -> Party:
    return Party(row.id, "agency", row.kind, row.name_zh, row.name_en, "CN", row.territory)


def _first(*lists: Iterable[Any], fits: Any) -> Any:
    return next(row for rows in lists for row in rows if fits(row))


def _rank(industry: str) -> int:
    return next((n for n, start in enumerate(_TRADERS) if industry.startswith(start)), len(_TRADERS))


def _numeral(space: str, part: str, width: int) -> str:
    """Digits from 1 to 9, from the names."""
    n = int.from_bytes(hashlib.sha256(f"{space} {part} number".encode()).digest()[:12])
    written = ""
    for _ in range(width):
        n, digit = divmod(n, 9)
        written += str(digit + 1)
    return written


def _letters(space: str, part: str, width: int) -> str:
    n = int.from_bytes(hashlib.sha256(f"{space} {part} letters".encode()).digest()[:8])
    return "".join("ABCDEFGHJKMNPQRTUVWXY"[n // 21**k % 21] for k in range(width))

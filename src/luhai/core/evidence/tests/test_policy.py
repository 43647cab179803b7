"""What makes two documents one, what joins goods, and how far a document may be used: tables, without a database."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from luhai.core.evidence import policy
from luhai.core.evidence.formats.document import Document, Key, Kind, Party, Reference
from luhai.core.evidence.policy import Look, Room

ME, OTHER = UUID(int=1), UUID(int=2)
USCC, LEI = "91500106MA5U00011W", "529900LUHAIEXAMPLE64"
SELLER = Party(role="seller", name="Seller", identifiers=(("uscc", USCC),))
BUYER = Party(role="buyer", name="Buyer GmbH", identifiers=(("lei", LEI),))
MARCH = date(2026, 3, 2)


def paper(kind: Kind = Kind.CONTRACT, ref: str = "CQ-0017", **changes: Any) -> Document:
    """A document as a format reads it. `key` are the parts of its own key, `also` keys of other things."""
    key, also = changes.pop("key", None), changes.pop("also", ())
    own = [Key.of(policy._OWN_KEY[kind], **key)] if key else []
    said: dict[str, Any] = {
        "format": "test", "version": "1", "kind": kind, "external_ref": ref, "payload": {}, "keys": (*own, *also),
        "parties": (SELLER, BUYER),
    }  # fmt: skip
    return Document(**said | changes)


def one(a: Document, b: Document, a_bytes: str = "a", b_bytes: str = "b") -> bool:
    """Are these one document, though their bytes differ?"""
    first, second = policy.identity(a, a_bytes), policy.identity(b, b_bytes)
    assert (first.text == second.text) == (first.digest == second.digest)
    return first.digest == second.digest


# --- identity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        ("CQ-0017", True),
        ("cq-0017", True),
        ("CQ 0017", True),
        ("CQ17", True),
        (" CQ–0017 ", True),  # an en dash
        ("CQ−0017", True),  # a minus sign
        ("CQ-0017\u200b", True),  # a mark that nobody sees
        ("CQ\u00ad-0017", True),  # a soft hyphen
        ("ＣＱ－００１７", True),  # full width
        ("CQ-٠٠١٧", True),  # Arabic digits
        ("CQ-0018", False),
        ("CQ-00170", False),
        ("CQ-0O17", False),  # a letter is another number, however alike: that goes to a person
        ("СQ-0017", False),  # a Cyrillic letter, the same
        ("CQ/0017", False),
        ("CQ-0017A", False),
    ],
)
def test_which_spellings_are_one_number(spelling: str, same: bool) -> None:
    def contract(number: str) -> Document:
        return paper(ref=number, key={"seller": USCC, "buyer": LEI, "number": number})

    assert one(contract("CQ-0017"), contract(spelling)) is same
    # So it is where the format states no key, and the reference is all there is.
    assert one(paper(Kind.WAREHOUSE_RECEIPT), paper(Kind.WAREHOUSE_RECEIPT, spelling)) is same


INVOICE = {"seller": USCC, "number": "26502000000000412345", "date": "2026-03-01", "amount": "100000"}
BILL = {"issuer": "0033", "kind": "SMGS", "number": "33-4711"}


@pytest.mark.parametrize(
    ("kind", "key", "changes", "same"),
    [
        (Kind.INVOICE, INVOICE, {}, True),
        (Kind.INVOICE, INVOICE, {"amount": "999"}, True),
        (Kind.INVOICE, INVOICE, {"date": "2026-03-02"}, True),
        (Kind.INVOICE, INVOICE, {"amount": "999", "date": "2025-01-01"}, True),
        (Kind.INVOICE, INVOICE, {"number": "26502000000000412346"}, False),
        (Kind.INVOICE, INVOICE, {"seller": LEI}, False),
        (Kind.TRANSPORT_DOCUMENT, BILL, {"kind": "CIM"}, True),  # a note renamed is the same note
        (Kind.TRANSPORT_DOCUMENT, BILL, {"issuer": "0055"}, False),
        (Kind.TRANSPORT_DOCUMENT, BILL, {"number": "33-4712"}, False),
        (Kind.CUSTOMS_DECLARATION, {"country": "CN", "number": "801320260000123456"}, {"country": "KZ"}, False),
    ],
)  # fmt: skip
def test_amount_and_day_are_no_part_of_an_identity(
    kind: Kind, key: dict[str, str], changes: dict[str, str], same: bool
) -> None:
    there = paper(kind, key["number"], key=key, amount_minor=100_000, dated=MARCH)
    edited = key | changes
    assert (
        one(there, paper(kind, edited["number"], key=edited, amount_minor=1, dated=date(2020, 1, 1))) is same
    )


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (paper(key=None), paper(key=None), True),
        (paper(key=None), paper(Kind.ORDER, key=None), False),  # one number, two kinds
        (paper(), paper(parties=(Party(role="seller", name="Somebody else"),)), False),
        (paper(), paper(parties=()), False),
        (paper(), paper(external_ref="  -- "), False),
        # The keys of what a document is about are not its own.
        (paper(also=(Key.of("order", number="1"),)), paper(also=(Key.of("order", number="2"),)), True),
        # The format's own digest, such as that of an EPCIS event, counts before the reference.
        (paper(Kind.TRANSPORT_EVENT, "e1", digest="ni:1"), paper(Kind.TRANSPORT_EVENT, "e2", digest="ni:1"), True),
        (paper(Kind.TRANSPORT_EVENT, "e1", digest="ni:1"), paper(Kind.TRANSPORT_EVENT, "e1", digest="ni:2"), False),
        (paper(Kind.TRANSPORT_EVENT, "e1", digest="ni:1"), paper(Kind.TRANSPORT_EVENT, "e1"), False),
    ],
)  # fmt: skip
def test_documents_without_a_key_of_their_own(a: Document, b: Document, same: bool) -> None:
    assert one(a, b) is same


def test_what_states_no_number_is_identified_by_its_bytes() -> None:
    nameless = paper(ref=" - ")
    assert one(nameless, nameless, "same", "same")
    assert not one(nameless, nameless, "these", "those")


def test_the_parts_of_an_identity_do_not_run_into_each_other() -> None:
    def contract(seller: str, buyer: str) -> str:
        return policy.identity(paper(key={"seller": seller, "buyer": buyer, "number": "1"}), "").digest

    assert contract("A / B", "C") != contract("A", "B / C")
    assert policy.digest_of("a", "b") != policy.digest_of("ab")
    assert policy.digest_of("identity", "x") != policy.digest_of("mention", "x")


@pytest.mark.parametrize(
    ("parties", "code"),
    [
        ((SELLER, BUYER), USCC),
        ((BUYER,), "test"),  # a buyer issues nothing: the format stands in
        ((Party(role="seller", name="Some  Seller Ltd."),), "SOMESELLERLTD."),
        (
            (Party(role="carrier", identifiers=(("eori", "GB1"), ("lei", LEI))), SELLER),
            LEI,
        ),  # a register first
        ((Party(role="carrier", identifiers=(("eori", "GB1"),)), SELLER), "GB1"),
        ((SELLER, Party(role="issuer", name="Yard")), "YARD"),
        ((), "test"),
    ],
)
def test_who_issued_a_document(parties: tuple[Party, ...], code: str) -> None:
    assert policy.issuer_code(paper(parties=parties)) == code


def test_only_register_numbers_name_a_company() -> None:
    agent = Party(
        role="agent", identifiers=(("customs_code", "5001960123"), ("registration", "0105561234567"))
    )
    assert policy.numbers_of(paper(parties=(SELLER, BUYER, agent))) == {USCC, LEI}


# --- what joins -------------------------------------------------------------------------------------------------------


def joined(a: Document, b: Document, subject: UUID = ME, days: int = 7) -> bool:
    """Do these share a mention? As the command reads it: a thing that is used again joins near days only."""
    return any(
        m.digest == n.digest and (m.on is None or n.on is None or abs((m.on - n.on).days) <= days)
        for m in policy.mentions(a, ME)
        for n in policy.mentions(b, subject)
    )


def naming(
    kind: str, value: str, of: Kind = Kind.CUSTOMS_DECLARATION, ref: str = "D1", **changes: Any
) -> Document:
    return paper(of, ref, references=(Reference(kind=kind, value=value),), **changes)


ROUTE = Key.of("container", container="LHAU3003557", carrier="0033", departed="2026-03-05")


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (paper(), naming("contract", "cq 17"), True),  # a document and what names it
        (paper(), naming("order", "CQ-0017"), False),  # an order of that number is no contract
        (paper(), naming("contract", "CQ-0018"), False),
        (naming("contract", "CQ-0017"), naming("contract", "ＣＱ１７", Kind.INVOICE, "I1"), True),  # a third in common
        (naming("booking", "B 7"), naming("booking", "B7", Kind.TRANSPORT_DOCUMENT, "T1"), True),
        (naming("consignment", "B7"), naming("consignment", "B7", Kind.INVOICE, "I1"), True),
        (naming("letter_of_credit", "LC1"), naming("letter_of_credit", "LC1", Kind.INVOICE, "I1"), True),
        (naming("packing_list", "P1"), naming("packing_list", "P1", Kind.INVOICE, "I1"), True),
        (naming("letter_of_credit", "1"), naming("packing_list", "1", Kind.INVOICE, "I1"), False),
        # What is used again and again, or shared by everybody, joins nothing.
        (naming("seal", "S1"), naming("seal", "S1", Kind.INVOICE, "I1"), False),
        (naming("wagon", "W1"), naming("wagon", "W1", Kind.INVOICE, "I1"), False),
        (naming("station", "Tuanjiecun"), naming("station", "Tuanjiecun", Kind.INVOICE, "I1"), False),
        (naming("customer", "C1"), naming("customer", "C1", Kind.INVOICE, "I1"), False),
        (naming("contract", " - "), naming("contract", "–", Kind.INVOICE, "I1"), False),  # nothing is named
        # A rail note says "document 4711" and not which kind: it may be each of them.
        (naming("document", "CQ-0017", Kind.TRANSPORT_DOCUMENT, "T1"), paper(), True),
        (naming("document", "I-9", Kind.TRANSPORT_DOCUMENT, "T1"), paper(Kind.INVOICE, "I-9"), True),
        (naming("document", "D9", Kind.TRANSPORT_DOCUMENT, "T1"), naming("invoice", "D9"), True),
        (naming("document", "B9", Kind.TRANSPORT_DOCUMENT, "T1"), naming("booking", "B9"), False),
        # Only collateral joins: an answer of customs is no goods.
        (paper(Kind.CUSTOMS_NOTICE, "N1"), naming("customs_declaration", "N1"), False),
        (naming("contract", "CQ-0017", Kind.TRANSPORT_EVENT, "E1"), paper(), False),
        (naming("contract", "CQ-0017", Kind.SHIPPING_INSTRUCTIONS, "E1"), paper(), False),
        # An order is named by its key, too.
        (paper(also=(Key.of("order", buyer=LEI, number="PO-1"),)), naming("order", "PO 1"), True),
        (paper(also=(Key.of("order", buyer=LEI),)), paper(Kind.ORDER, "", also=(Key.of("order", buyer=LEI),)), False),
    ],
)  # fmt: skip
def test_what_joins_documents_of_one_company(a: Document, b: Document, same: bool) -> None:
    assert joined(a, b) is same
    assert joined(b, a) is same
    assert not joined(a, b, subject=OTHER), "another company's reference joins nothing of this one"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2026-03-05", "2026-03-05", True),
        ("2026-03-05", "2026-03-12", True),
        ("2026-03-05", "2026-03-13", False),  # eight days: another voyage
        ("2026-03-12T23:59:00+08:00", "2026-03-05", True),
        ("2026-02-26", "2026-03-05", True),
        ("2025-03-05", "2026-03-05", False),
    ],
)
def test_a_container_joins_near_days_only(first: str, second: str, same: bool) -> None:
    def loaded(day: str, kind: Kind, ref: str) -> Document:
        return paper(kind, ref, also=(Key.of("container", container="LHAU 3003557", departed=day),))

    assert (
        joined(loaded(first, Kind.CUSTOMS_DECLARATION, "D1"), loaded(second, Kind.TRANSPORT_DOCUMENT, "T1"))
        is same
    )


def test_a_container_takes_the_day_of_its_document_where_it_states_none() -> None:
    by_key = paper(
        Kind.TRANSPORT_DOCUMENT, "T1", also=(Key.of("container", container="LHAU3003557"),), dated=MARCH
    )
    by_reference = naming("container", "lhau 3003557", dated=MARCH)
    for document in (by_key, by_reference):
        (mention,) = [m for m in policy.mentions(document, ME) if m.kind == "container"]
        assert mention.on == MARCH
    assert joined(by_key, by_reference)
    assert not joined(by_key, naming("container", "LHAU3003557", dated=date(2026, 4, 2)))


def test_the_day_of_departure_counts_before_the_day_of_the_document() -> None:
    both = paper(
        Kind.TRANSPORT_DOCUMENT, "T1", also=(ROUTE,), dated=date(2026, 1, 1),
        references=(Reference(kind="container", value="LHAU3003557"),),
    )  # fmt: skip
    found = [m.on for m in policy.mentions(both, ME) if m.kind == "container"]
    assert found == [date(2026, 3, 5)], "named twice, mentioned once"


def test_goods_told_in_their_buyers_name_are_their_sellers_still() -> None:
    """The seller's contract, and the buyer's invoice about it, which names the seller: the buyer's paper joins under both names."""
    sellers, buyers = paper(), naming("contract", "CQ-0017", Kind.INVOICE, "I1")
    mine = {m.digest for m in policy.mentions(sellers, ME)}
    assert not mine & {m.digest for m in policy.mentions(buyers, OTHER)}
    assert mine & {m.digest for m in policy.mentions(buyers, OTHER, ME)}
    assert {m.digest for m in policy.mentions(buyers, OTHER)} < {
        m.digest for m in policy.mentions(buyers, OTHER, ME)
    }


@pytest.mark.parametrize(
    ("parties", "numbers"),
    [
        ((SELLER, BUYER), {USCC}),
        ((BUYER,), set()),
        ((BUYER, Party(role="exporter", identifiers=(("uscc", "X"),)), SELLER), {USCC}),
        ((Party(role="seller", name="nameless"), Party(role="shipper", identifiers=(("lei", LEI),))), {LEI}),
        ((Party(role="carrier", identifiers=(("uscc", USCC),)),), set()),
    ],
)
def test_who_sells_the_goods(parties: tuple[Party, ...], numbers: set[str]) -> None:
    assert policy.seller_numbers(paper(parties=parties)) == numbers


def test_mentions_are_digests_and_say_their_kind() -> None:
    found = policy.mentions(naming("contract", "CQ-0017"), ME)
    assert {m.kind for m in found} == {"customs_declaration", "contract"}
    assert all(len(m.digest) == 64 and m.on is None for m in found)
    assert policy.mentions(paper(Kind.QUERY), ME) == []


# --- what looks alike -------------------------------------------------------------------------------------------------

SEEN = Look("contract", "CQ17", "SIAM", 1000_00, "USD", MARCH)


def other(**changes: Any) -> Look:
    said = {
        "kind": "contract",
        "number": "X1",
        "other": "SIAM",
        "amount_minor": 1000_00,
        "currency": "USD",
        "on": MARCH,
    }
    return Look(**said | changes)


@pytest.mark.parametrize(
    ("new", "joined", "why"),
    [
        # A number that a hurried eye takes for the other, and the same worth: whatever the day and the counterparty.
        (other(number="CQ17", on=date(2020, 1, 1)), False, "edited"),
        (other(number="CQ17", other="ELSE"), False, "edited"),
        (other(number="CQ17", on=date(2020, 1, 1)), True, "edited"),
        (other(number="CQ17", amount_minor=9), False, None),  # papers that are numbered in turn
        (other(number="CQ17", currency="CNY"), False, None),
        (other(number="CQ17", kind="invoice", other="ELSE"), False, None),
        (other(number="", amount_minor=9), False, None),
        # One worth within three days.
        (other(), False, "same_worth"),
        (other(), True, "same_worth"),  # of one kind an edited copy, though it names the same goods
        (other(on=date(2026, 3, 5)), False, "same_worth"),
        (other(on=date(2026, 2, 27)), False, "same_worth"),
        (other(on=date(2026, 3, 6)), False, None),
        (other(on=date(2026, 2, 26)), False, None),
        (other(amount_minor=1000_01), False, None),
        (other(currency="CNY"), False, None),
        (other(amount_minor=None, currency=""), False, None),
        (other(other="ELSE"), False, None),  # another deal
        (other(other=""), False, "same_worth"),  # a document that says no counterparty may be of any
        # Of two kinds, only where no reference joins them: else it is the next form of the goods.
        (other(kind="invoice"), False, "same_worth"),
        (other(kind="invoice"), True, None),
        (other(kind="invoice", other="ELSE"), False, None),
    ],
)
def test_what_goes_to_a_person(new: Look, joined: bool, why: str | None) -> None:
    assert policy.near(new, SEEN, joined=joined, days=3) == why
    assert policy.near(SEEN, new, joined=joined, days=3) == why, "whichever came first"


def test_a_letter_for_a_digit_is_seen_at_any_worth_and_numbers_in_turn_are_not() -> None:
    def numbered(ref: str, minor: int) -> Look:
        return policy.look(paper(ref=ref, amount_minor=minor, currency="USD"), set(), MARCH)

    assert (
        policy.near(numbered("CQ-2O26-O18", 999), numbered("CQ-2026-018", 1000), joined=True, days=3)
        == "edited"
    )
    assert (
        policy.near(numbered("CQ-2026-010", 999), numbered("CQ-2026-001", 1000), joined=True, days=3) is None
    )


def test_documents_that_state_no_worth_are_told_by_number_and_counterparty() -> None:
    def blank(**changes: Any) -> Look:
        return other(amount_minor=None, currency="", **changes)

    assert policy.near(blank(), blank(), joined=False, days=3) == "edited"
    assert policy.near(blank(other="A"), blank(other="B"), joined=False, days=3) is None
    assert policy.near(blank(number=""), blank(number=""), joined=False, days=3) is None


@pytest.mark.parametrize(
    ("numbers", "counterparty"),
    [({USCC}, LEI), ({LEI}, "91500106MA5U11W"), (set(), LEI), ({USCC, LEI}, "")],
)
def test_the_counterparty_is_whoever_is_not_the_company(numbers: set[str], counterparty: str) -> None:
    found = policy.look(paper(ref="1NV/2O26/0017", amount_minor=5, currency="USD"), numbers, MARCH)
    assert found == Look(
        "contract", policy.likeness("INV/2026/17"), counterparty, 5, "USD", MARCH, policy.confusable("INV/2026/17")
    )  # fmt: skip


# --- how far ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "amount", "tolerance", "ratio", "expected"),
    [
        (Kind.CONTRACT, 100_00, 0, 8000, (100_00, 80_00)),
        (Kind.CONTRACT, 100_00, 500, 8000, (105_00, 80_00)),
        (Kind.INVOICE, 99, 0, 8000, (99, 79)),  # 79.2, never rounded up
        (Kind.INVOICE, 19, 500, 10000, (19, 19)),  # 19.95
        (Kind.INVOICE, 1, 0, 8000, (1, 0)),
        (Kind.WAREHOUSE_RECEIPT, 2**53 - 1, 1000, 10000, ((2**53 - 1) * 11 // 10, 2**53 - 1)),
        (Kind.CONTRACT, 0, 0, 8000, (0, 0)),
        (Kind.CONTRACT, -5, 0, 8000, (0, 0)),
        (Kind.CONTRACT, None, 0, 8000, (0, 0)),
        (Kind.CUSTOMS_NOTICE, 100, 0, 8000, (0, 0)),
        (Kind.TRANSPORT_EVENT, 100, 0, 8000, (0, 0)),
        (Kind.SHIPPING_INSTRUCTIONS, 100, 0, 8000, (0, 0)),
        (Kind.QUERY, 100, 0, 8000, (0, 0)),
    ],
)  # fmt: skip
def test_how_much_may_be_settled_and_financed(
    kind: Kind, amount: int | None, tolerance: int, ratio: int, expected: tuple[int, int]
) -> None:
    for word in (kind, str(kind)):
        found = policy.limits(word, amount, tolerance_bp=tolerance, ratio_bp=ratio)
        assert (found.settlement, found.financing) == expected


def test_a_room_is_fitted_to_its_limit_and_never_below_what_is_used() -> None:
    for left in range(6):
        for used in range(6):
            for limit in range(8):
                room = Room(left, used)
                after = room.left + policy.fit(room, limit)
                assert after >= 0
                assert after + used == max(limit, used)
                assert policy.fit(Room(after, used), limit) == 0, "fitted is fitted"


@pytest.mark.parametrize(
    ("by_kind", "expected"),
    [
        ({}, 0),
        ({"contract": 80}, 80),
        ({"contract": 80, "invoice": 72}, 80),  # the forms are one worth: the largest counts, not the sum
        ({"contract": 0, "invoice": 72, "customs_declaration": 64}, 72),
    ],
)
def test_goods_are_worth_their_largest_form(by_kind: dict[str, int], expected: int) -> None:
    assert policy.capacity(by_kind) == expected


A, B, C, D = (UUID(int=n) for n in range(10, 14))


@pytest.mark.parametrize(
    ("forms", "same", "expected"),
    [
        ([], [], {}),
        ([(A, "invoice", 50), (B, "invoice", 30)], [], {A: 50, B: 30}),  # part shipments add up
        ([(A, "contract", 50), (B, "invoice", 30)], [], {A: 50, B: 30}),  # the kinds are weighed against each other elsewhere
        ([(A, "invoice", 50), (B, "invoice", 60)], [(A, B)], {A: 0, B: 60}),  # a person found them to be one
        ([(A, "invoice", 50), (B, "invoice", 50)], [(B, A)], {A: 50, B: 0}),  # the older, where they are equal
        ([(A, "invoice", 5), (B, "invoice", 6), (C, "invoice", 4), (D, "invoice", 1)], [(A, B), (B, C)], {A: 0, B: 6, C: 0, D: 1}),
        ([(A, "invoice", 5), (B, "contract", 6)], [(A, B)], {A: 5, B: 6}),  # two kinds are two forms anyway
        ([(A, "invoice", 5)], [(A, D)], {A: 5}),  # of another lot
        # What is handed on with the goods is written anew by everybody who carries or keeps them.
        ([(A, "transport_document", 50), (B, "transport_document", 60)], [], {A: 0, B: 60}),
        ([(A, "transport_document", 50), (B, "warehouse_receipt", 60), (C, "warehouse_receipt", 60)], [], {A: 50, B: 60, C: 0}),
    ],
)  # fmt: skip
def test_what_each_document_adds_to_its_lot(forms: Any, same: Any, expected: dict[UUID, int]) -> None:
    assert policy.adds(forms, same) == expected


@pytest.mark.parametrize(
    ("purpose", "whom"),
    [
        ("financing", [ME]),
        ("settlement", [ME, OTHER]),
        ("assessment", [ME, OTHER]),
        ("supervision", [ME, OTHER]),
    ],
)
def test_whose_business_a_use_is(purpose: str, whom: list[UUID]) -> None:
    assert policy.concerned(purpose, ME, [ME, OTHER]) == whom


def test_the_accounts_of_two_owners_and_of_two_names_are_two() -> None:
    assert (
        len({policy.account(o, n) for o in (ME, OTHER) for n in ("face", "financing", "financing_used")}) == 6
    )
    assert policy.account(ME, "lot") == policy.account(UUID(int=1), "lot")

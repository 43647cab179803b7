"""What every message is read into: frozen records of what it says, the same for all types and versions.

Nothing here is an opinion. Texts stand as the message gives them, without the blanks around them; what a message leaves
out is empty or None. Names follow the business (docs/algorithms/iso20022.md has the element of each); ISO's own code
words (DEBT, RJCT, AC04, GDDS, CRDT …) are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from luhai.kernel.money import MAX_MINOR, Currency, Money
from luhai.settlement.messages.currencies import exponent


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as written. ISO 20022 allows five decimal places and any three letters, so `minor` may be None."""

    value: Decimal
    currency: str

    @property
    def minor(self) -> int | None:
        """Whole minor units; None if the currency has none (XAU), is not in our list, or `value` is finer than it."""
        digits = exponent(self.currency)
        if digits is None:
            return None
        units = self.value.scaleb(digits)
        return int(units) if units == units.to_integral_value() else None

    @property
    def money(self) -> Money | None:
        """As the kernel counts it; None for what the kernel does not count."""
        minor = self.minor
        if minor is None or abs(minor) > MAX_MINOR or self.currency not in Currency.__members__:
            return None
        return Money(minor, Currency(self.currency))

    @classmethod
    def of(cls, money: Money) -> Amount:
        return cls(money.major, money.currency.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address: in fields of its own, in free lines, or both."""

    department: str = ""
    sub_department: str = ""
    street: str = ""
    building: str = ""  # its number
    building_name: str = ""
    floor: str = ""
    post_box: str = ""
    room: str = ""
    postcode: str = ""
    town: str = ""
    town_location: str = ""
    district: str = ""
    subdivision: str = ""
    country: str = ""
    care_of: str = ""  # since the versions of 2023
    unit: str = ""  # since the versions of 2023
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account: its IBAN, or its number and the scheme that number belongs to."""

    iban: str = ""
    number: str = ""
    scheme: str = ""
    kind: str = ""
    currency: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a part in it: a customer or an institution.

    `role` is one of: debtor, creditor, ultimate_debtor, ultimate_creditor, initiating, debtor_agent, creditor_agent,
    instructing_agent, instructed_agent, intermediary_agent_1 to _3, previous_agent_1 to _3, charges_agent,
    instructing_ / instructed_ / third_reimbursement_agent, forwarding_agent, assigner, assignee, case_creator,
    originator, account_owner, account_servicer, sender, receiver.
    """

    role: str
    name: str = ""
    address: Address | None = None
    residence: str = ""  # country
    institution: bool = False  # identified as an institution, in FinInstnId
    person: bool = False  # `identifiers` are those of a private person
    bic: str = ""
    lei: str = ""
    clearing_system: str = ""  # code of the list: CNAPS, USABA …
    clearing_member: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()  # (scheme, number)
    branch: str = ""
    account: Account | None = None

    @property
    def country(self) -> str:
        """The country it is in, from the address, the residence or the BIC, in this order; empty if none says."""
        stated = self.address.country if self.address else ""
        return stated or self.residence or self.bic[4:6]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    amount: Amount
    agent: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """A document that a payment is for. `kind`: CINV commercial invoice, CREN credit note, SOAC …"""

    kind: str = ""
    number: str = ""
    dated: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Structured:
    """One block of structured remittance information."""

    documents: tuple[Referred, ...] = ()
    due: Amount | None = None
    remitted: Amount | None = None
    amounts: tuple[tuple[str, Amount], ...] = ()  # (kind, amount), as the versions since 2023 give them
    reference_kind: str = ""  # SCOR: a creditor's reference
    reference_issuer: str = ""  # ISO, when the reference is that of ISO 11649
    reference: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remittance:
    """What the payment is for."""

    lines: tuple[str, ...] = ()  # unstructured
    structured: tuple[Structured, ...] = ()

    @property
    def invoices(self) -> tuple[str, ...]:
        """Numbers of the commercial invoices referred to."""
        return tuple(
            d.number for block in self.structured for d in block.documents if d.number and d.kind == "CINV"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was rejected, returned, asked back or refused."""

    code: str = ""
    proprietary: str = ""
    info: tuple[str, ...] = ()
    originator: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The payment that an answer is about, by the identifiers which the answer quotes."""

    message_id: str = ""
    message_type: str = ""
    batch_id: str = ""
    instruction_id: str = ""
    end_to_end_id: str = ""
    transaction_id: str = ""
    uetr: str = ""
    clearing_reference: str = ""
    amount: Amount | None = None
    settled_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One payment, or what is said about one.

    `amount` is what moves between the banks (or in and out of the account, in a notification); `instructed` is what the
    debtor asked for. `settled_on` is the day of settlement, for an order to a bank the day it is to be carried out.
    `whole_group` marks a status of the whole original message. `batch_id` is PmtInfId.
    `direction` (CRDT, DBIT) and `servicer_reference` come with account reports only.
    """

    id: str = ""  # of the answer itself: StsId, RtrId, CxlId, CxlStsId
    batch_id: str = ""
    instruction_id: str = ""
    end_to_end_id: str = ""
    transaction_id: str = ""
    uetr: str = ""
    clearing_reference: str = ""
    servicer_reference: str = ""
    amount: Amount | None = None
    instructed: Amount | None = None
    rate: Decimal | None = None
    settled_on: date | None = None
    accepted: datetime | None = None
    direction: str = ""
    priority: str = ""
    service_level: str = ""
    category_purpose: str = ""
    purpose: str = ""
    charge_bearer: str = ""
    charges: tuple[Charge, ...] = ()
    parties: tuple[Party, ...] = ()
    remittance: Remittance | None = None
    original: Original | None = None
    whole_group: bool = False
    case_id: str = ""
    status: str = ""
    reasons: tuple[Reason, ...] = ()
    cover_for: Transaction | None = None  # the customer transfer under a cover payment

    def party(self, role: str) -> Party | None:
        return next((p for p in self.parties if p.role == role), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """`code`: OPBD opening booked, CLBD closing booked, ITBD interim booked, CLAV closing available …"""

    code: str
    amount: Amount
    direction: str  # CRDT: the account holder's money; DBIT: overdrawn
    dated: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an account. `status`: BOOK, PDNG, INFO, FUTR."""

    amount: Amount
    direction: str
    status: str
    reference: str = ""
    reversal: bool = False
    booked_on: date | None = None
    valued_on: date | None = None
    servicer_reference: str = ""
    code: str = ""  # PMNT/RCDT/XBCT, or the bank's own
    info: str = ""
    transactions: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One report, statement or notification on one account."""

    id: str
    account: Account | None = None  # some name the account by a proxy only, and that is not read
    sequence: int | None = None
    created: datetime | None = None
    owner: Party | None = None
    servicer: Party | None = None
    balances: tuple[Balance, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The business application header that travels with a message."""

    sender: Party
    receiver: Party
    id: str  # BizMsgIdr
    type: str  # MsgDefIdr: what it says that the message is
    created: datetime | None = None
    service: str = ""
    priority: str = ""
    copy: str = ""  # CODU, COPY, DUPL
    possible_duplicate: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `type` is its definition: `pacs.008.001.08`.

    `created` is None when the message gives no offset; `dated` is the calendar day that it was made on where it was made.
    `status` and `reasons` are those of a whole investigation (camt.029); others stand on their transactions.
    """

    type: str
    id: str
    created: datetime | None
    dated: date
    header: Header | None = None
    count: int | None = None  # of transactions, as stated
    settlement_method: str = ""
    case_id: str = ""
    status: str = ""
    parties: tuple[Party, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    statements: tuple[Statement, ...] = ()

    @property
    def family(self) -> str:
        """pacs.008, whatever the version."""
        return self.type[:8]

    def party(self, role: str) -> Party | None:
        return next((p for p in self.parties if p.role == role), None)

    def every_transaction(self) -> Iterator[Transaction]:
        """The transactions of the message, and those inside the entries of its statements."""
        yield from self.transactions
        for statement in self.statements:
            for entry in statement.entries:
                yield from entry.transactions

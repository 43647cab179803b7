"""The business rules for messages between banks: what CBPR+ asks for beyond the schema, as one table.

    for finding in check(open_envelope(data), on=date(2026, 12, 1)):
        finding.rule, finding.field, finding.text

Findings are told, not raised: whether a message with findings is refused, repaired or let through is for who received it.
A rule applies to some families, from a day and to a day. Sources: `UG` with a number is the usage guideline of CBPR+ for
the standards release of that year, numbered as in phoughton/iso20022-cbpr-ur (MIT); `core` is what the message must hold
in CBPR+; ISO and SWIFT papers are named. Which published rules are not ours stands in docs/algorithms/iso20022.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from luhai.kernel.identifiers import Kind
from luhai.kernel.refusal import gettext_noop
from luhai.settlement.messages import checks
from luhai.settlement.messages.checks import Check
from luhai.settlement.messages.envelope import FAMILIES, Envelope

#: The last day of the unstructured address. Source: SWIFT, removal of the unstructured address, 2025.
STRUCTURED_FROM: Final = date(2026, 11, 14)
LAST_UNSTRUCTURED: Final = date(2026, 11, 13)

TRANSFERS: Final = ("pacs.008", "pacs.009")
PACS: Final = (*TRANSFERS, "pacs.002", "pacs.004")
RECALLS: Final = ("camt.056", "camt.029")
REPORTS: Final = ("camt.052", "camt.053", "camt.054")
BETWEEN_BANKS: Final = (*PACS, *RECALLS, *REPORTS)
#: Reports on accounts are exempt from the rules on addresses.
ADDRESSED: Final = (*PACS, *RECALLS, "pain.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `text` says what would be right, in English; its Chinese stands in locale/."""

    id: str
    families: tuple[str, ...]
    text: str
    source: str
    check: Check
    valid_from: date | None = None
    valid_to: date | None = None

    def applies(self, family: str, on: date) -> bool:
        early = self.valid_from is not None and on < self.valid_from
        late = self.valid_to is not None and on > self.valid_to
        return family in self.families and not early and not late


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that a message breaks, and the element in which it does."""

    rule: str
    field: str
    text: str


RULES: Final[tuple[Rule, ...]] = (
    # Header
    Rule(
        id="HDR-1", families=BETWEEN_BANKS, check=checks.header_absent, source="core: head.001.001.02",
        text=gettext_noop("A message between banks travels with a business application header."),
    ),
    Rule(
        id="HDR-2", families=FAMILIES, check=checks.header_of_another_type,
        source="UG 2025 pacs.002 R5, camt.052 R4, pacs.008 R6; UG 2026 pacs.002 R7",
        text=gettext_noop("The header names the message by its definition, exactly as its namespace does."),
    ),
    Rule(
        id="HDR-3", families=FAMILIES, check=checks.header_with_another_id, source="UG 2025 pacs.008 R5; UG 2026 pacs.008 R1",
        text=gettext_noop("The identifier in the header is the message's own."),
    ),
    Rule(
        id="HDR-4", families=BETWEEN_BANKS, check=checks.header_without_service, source="core: BizSvc; UG 2025 pacs.008 R8",
        text=gettext_noop("The header names the business service, swift.cbprplus and its version."),
    ),
    Rule(
        id="HDR-5", families=PACS, check=checks.header_between_others, source="UG 2025 pacs.008 R2, R3; UG 2026 pacs.008 R2, R3, R5",
        text=gettext_noop("The header goes from the instructing to the instructed agent, by their BICs, unless it is a copy."),
    ),
    Rule(
        id="HDR-6", families=TRANSFERS, check=checks.header_with_another_priority, source="UG 2025 pacs.008 R1",
        text=gettext_noop("The priority in the header is that of the instruction."),
    ),
    Rule(
        id="TIM-1", families=FAMILIES, check=checks.times_without_offset, source="core: CreDt, CreDtTm",
        text=gettext_noop("The time of creation carries its offset from UTC, such as +08:00."),
    ),
    # Identifiers
    Rule(
        id="UETR-1", families=TRANSFERS, check=checks.lacking("PmtId/UETR"), source="core: UETR",
        text=gettext_noop("A payment has a UETR, which stays the same through the whole chain."),
    ),
    Rule(
        id="UETR-2", families=("pacs.002", "pacs.004", "camt.056", "camt.029"),
        check=checks.lacking("OrgnlUETR", "UETR"), source="core: OrgnlUETR",
        text=gettext_noop("An answer quotes the UETR of the payment that it is about."),
    ),
    Rule(
        id="ID-1", families=FAMILIES, check=checks.slashes,
        source="UG 2025 pacs.008 R38, camt.054 R20, pacs.002 R15; UG 2026 camt.054 R13",
        text=gettext_noop("An instruction identifier neither begins nor ends with a slash, and holds no two in a row."),
    ),
    Rule(
        id="ID-2", families=FAMILIES, check=checks.blank_end_to_end, source="UG 2026 pacs.008 R29",
        text=gettext_noop("The end-to-end identifier is what the debtor gave, or NOTPROVIDED."),
    ),
    Rule(
        id="TXN-1", families=PACS, check=checks.more_than_one, source="core: NbOfTxs",
        text=gettext_noop("A message holds one payment."),
    ),
    Rule(
        id="DAT-1", families=TRANSFERS, check=checks.lacking("IntrBkSttlmDt"), source="core: IntrBkSttlmDt",
        text=gettext_noop("A payment states the day on which the banks settle it."),
    ),
    # Amounts and charges
    Rule(
        id="AMT-1", families=FAMILIES, check=checks.too_fine, source="ISO 4217",
        text=gettext_noop("An amount has no more decimal places than its currency."),
    ),
    Rule(
        id="AMT-2", families=FAMILIES, check=checks.no_currency, source="ISO 4217",
        text=gettext_noop("A currency is one of ISO 4217 that is in use; the renminbi is CNY offshore too."),
    ),
    Rule(
        id="AMT-3", families=(*PACS, *RECALLS), check=checks.commodities,
        source="UG 2025 pacs.008 R41, pacs.009 R20; UG 2026 pacs.008 R31, pacs.009 R16",
        text=gettext_noop("Banks settle in money; gold, silver, palladium and platinum are commodities."),
    ),
    Rule(
        id="AMT-4", families=("pacs.008", "pacs.004"), check=checks.no_rate, source="core: InstdAmt, XchgRate",
        text=gettext_noop("Instructed and settled in two currencies: both amounts and the rate are stated; in one, no rate."),
    ),
    Rule(
        id="AMT-5", families=("pacs.008", "pacs.004"), check=checks.unexplained, source="UG 2025 pacs.008 R42, R44",
        text=gettext_noop("In one currency, the settled amount is the instructed one less the charges that are listed."),
    ),
    Rule(
        id="CHG-1", families=("pacs.008", "pacs.004"), check=checks.uncharged, source="UG 2025 pacs.008 R35; UG 2026 pacs.008 R26",
        text=gettext_noop("Where the creditor bears the charges (CRED), they are listed, as zero if none were taken."),
    ),
    Rule(
        id="CHG-2", families=("pacs.008", "pacs.004"), check=checks.charged_twice, source="UG 2025 pacs.008 R37; UG 2026 pacs.008 R23",
        text=gettext_noop("Where the debtor bears the charges (DEBT), they are listed once at most."),
    ),
    # Parties
    Rule(
        id="ACC-1", families=("pacs.008", "pain.001"), check=checks.lacking("CdtrAcct"), source="core: CdtrAcct",
        text=gettext_noop("The creditor's account is stated; without it the payment cannot be credited."),
    ),
    Rule(
        id="ACC-2", families=FAMILIES, check=checks.unsound(Kind.IBAN, "IBAN"), source="ISO 13616",
        text=gettext_noop("An IBAN has the length of its country and check digits that hold."),
    ),
    Rule(
        id="LEI-1", families=FAMILIES, check=checks.unsound(Kind.LEI, "LEI"), source="ISO 17442",
        text=gettext_noop("An LEI has check digits that hold."),
    ),
    Rule(
        id="BIC-1", families=FAMILIES, check=checks.unsound(Kind.BIC, "BICFI", "BIC", "AnyBIC", "BICOrBEI"), source="ISO 9362",
        text=gettext_noop("A BIC names a country of ISO 3166."),
    ),
    Rule(
        id="PTY-1", families=("pacs.008",), check=checks.nameless, source="UG 2025 pacs.008 R81, R95; UG 2026 pacs.008 R50, R55",
        text=gettext_noop("Debtor and creditor are named, unless a BIC of their own stands for them."),
    ),
    Rule(
        id="PTY-2", families=ADDRESSED, check=checks.nameless_with_address, source="UG 2025 pacs.008 R82, R99; UG 2026 pacs.008 R48, R56",
        text=gettext_noop("Who has an address has a name."),
    ),
    Rule(
        id="AGT-1", families=PACS, check=checks.lacking("InstgAgt"), source="core: InstgAgt",
        text=gettext_noop("The instructing agent is stated for the payment."),
    ),
    Rule(
        id="AGT-2", families=PACS, check=checks.lacking("InstdAgt"), source="core: InstdAgt",
        text=gettext_noop("The instructed agent is stated for the payment."),
    ),
    Rule(
        id="AGT-3", families=ADDRESSED, check=checks.name_and_address_apart, source="UG 2025 pacs.008 R87, R91; UG 2026 pacs.008 R52, R53",
        text=gettext_noop("An institution has name and address together, or neither."),
    ),
    Rule(
        id="AGT-4", families=ADDRESSED, check=checks.unidentified, source="UG 2025 pacs.008 R16 to R18",
        text=gettext_noop("An institution is identified, best by its BIC."),
    ),
    # Addresses
    Rule(
        id="ADR-1", families=ADDRESSED, check=checks.unstructured, valid_from=STRUCTURED_FROM,
        source="SWIFT, removal of the unstructured address",
        text=gettext_noop("An address has town and country in elements of their own; lines alone are not accepted any more."),
    ),
    Rule(
        id="ADR-2", families=ADDRESSED, check=checks.long_lines, valid_to=LAST_UNSTRUCTURED, source="UG 2025 pacs.008 R86, R103",
        text=gettext_noop("A line of an address of lines alone has at most 35 characters."),
    ),
    Rule(
        id="ADR-3", families=ADDRESSED, check=checks.without_town_or_country,
        source="SWIFT, removal of the unstructured address; UG 2025 pacs.008 R84, R85",
        text=gettext_noop("An address with elements of its own has town and country among them."),
    ),
    Rule(
        id="ADR-4", families=ADDRESSED, check=checks.too_many_lines,
        source="SWIFT, removal of the unstructured address; UG 2025 pacs.008 R85",
        text=gettext_noop("Beside town and country, an address has at most two lines of 70 characters."),
    ),
    Rule(
        id="ADR-5", families=ADDRESSED, check=checks.repeated_in_lines, source="UG 2025 pacs.008 R23; UG 2026 pacs.008 R20",
        text=gettext_noop("A line of an address does not repeat the town or the country."),
    ),
    # What it is for, and answers
    Rule(
        id="RMT-1", families=TRANSFERS, check=checks.both_kinds_of_remittance, source="UG 2025 pacs.008 R34; UG 2026 pacs.008 R24",
        text=gettext_noop("Remittance information is structured or unstructured, not both."),
    ),
    Rule(
        id="RMT-2", families=FAMILIES, check=checks.unsound_creditor_reference, source="ISO 11649",
        text=gettext_noop("A creditor's reference that begins with RF has check digits that hold."),
    ),
    Rule(
        id="STS-1", families=("pacs.002",), check=checks.rejected_without_reason, source="UG 2025 pacs.002 R12",
        text=gettext_noop("A rejection (RJCT) says why."),
    ),
    Rule(
        id="STS-2", families=("pacs.002",), check=checks.rejected_and_settled, source="UG 2025 pacs.002 R11",
        text=gettext_noop("What is rejected has no day of settlement."),
    ),
    Rule(
        id="RTN-1", families=("pacs.004",), check=checks.lacking("RtrRsnInf/Rsn"), source="core: RtrRsnInf",
        text=gettext_noop("A return says why."),
    ),
    Rule(
        id="RTN-2", families=("pacs.004",), check=checks.returned_too_much, source="core: RtrdIntrBkSttlmAmt",
        text=gettext_noop("No more is returned than was settled."),
    ),
    Rule(
        id="RTN-3", families=("pacs.004",), check=checks.lacking("RtrChain"), source="core: RtrChain",
        text=gettext_noop("A return names the parties of its own way back."),
    ),
    Rule(
        id="RCL-1", families=("camt.056",), check=checks.lacking("CxlRsnInf/Rsn"), source="core: CxlRsnInf",
        text=gettext_noop("A recall says why."),
    ),
    Rule(
        id="RCL-2", families=("camt.029",), check=checks.refused_without_reason, source="core: CxlStsRsnInf",
        text=gettext_noop("A recall that is refused (RJCR) is told why."),
    ),
    Rule(
        id="RPT-1", families=REPORTS, check=checks.booked_without_day, source="UG 2026 camt.054 R10",
        text=gettext_noop("A line that is booked has a day of booking, a value date, or both."),
    ),
    Rule(
        id="RPT-2", families=("camt.053",), check=checks.balances_missing, source="core: Bal OPBD, CLBD",
        text=gettext_noop("A statement has its opening and its closing balance."),
    ),
    Rule(
        id="RPT-3", families=("camt.053",), check=checks.unnumbered, source="core: ElctrncSeqNb",
        text=gettext_noop("Statements are numbered."),
    ),
    Rule(
        id="CHR-1", families=(*PACS, *RECALLS), check=checks.odd_characters, source="UG 2025 pacs.008 R4: character set",
        text=gettext_noop("Texts between banks of different countries are Latin: the set X of SWIFT, and all that ASCII prints in names, addresses and remittance."),
    ),
)  # fmt: skip


def check(envelope: Envelope, *, on: date) -> tuple[Finding, ...]:
    """Every rule in force on a day that the message breaks, by element, in the order of the table."""
    return tuple(
        Finding(rule=rule.id, field=found if isinstance(found, str) else found.path, text=rule.text)
        for rule in RULES
        if rule.applies(envelope.family, on)
        for found in rule.check(envelope)
    )


_NAMES: Final = {
    FAMILIES: "all",
    BETWEEN_BANKS: "all but pain.001",
    ADDRESSED: "all but reports",
    PACS: "all pacs",
    (*PACS, *RECALLS): "all pacs, camt.056, camt.029",
}


def table() -> str:
    """The rules as Markdown."""
    lines = ["| rule | messages | in force | what is right | source |", "|---|---|---|---|---|"]
    for rule in RULES:
        days = (
            f"from {rule.valid_from}"
            if rule.valid_from
            else f"to {rule.valid_to}"
            if rule.valid_to
            else "always"
        )
        names = _NAMES.get(rule.families) or ", ".join(rule.families)
        lines.append(f"| {rule.id} | {names} | {days} | {rule.text} | {rule.source} |")
    return "\n".join(lines)

"""What the business rules look at. Each check yields the elements, or the paths of those that are missing, that break it.

A check is given a message that its schema has allowed, and never raises. `rules` says which check is which rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

from luhai.kernel import identifiers
from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import parts
from luhai.settlement.messages.currencies import COMMODITIES, exponent
from luhai.settlement.messages.envelope import Envelope
from luhai.settlement.messages.message import Address, Amount
from luhai.settlement.messages.tree import Place

Check = Callable[[Envelope], Iterable["Place | str"]]

#: The element of one payment, by family.
_TRANSACTION: Final = {
    "pacs.008": "CdtTrfTxInf", "pacs.009": "CdtTrfTxInf", "pacs.004": "TxInf", "pacs.002": "TxInfAndSts",
}  # fmt: skip
_CUSTOMERS: Final = ("Dbtr", "Cdtr", "UltmtDbtr", "UltmtCdtr", "InitgPty")
_SLASHES: Final = re.compile(r"/.*|.*/|.*//.*", re.DOTALL)


def transactions(envelope: Envelope) -> list[Place]:
    """The payments of a message, or what it says about each."""
    body = envelope.body
    match envelope.family:
        case "pain.001":
            return body.all("PmtInf", "CdtTrfTxInf")
        case "camt.056":
            return body.all("Undrlyg", "TxInf")
        case "camt.029":
            return [
                *body.all("CxlDtls", "TxInfAndSts"),
                *body.all("CxlDtls", "OrgnlPmtInfAndSts", "TxInfAndSts"),
            ]
        case "camt.052" | "camt.053" | "camt.054":
            return list(body.every("TxDtls"))
        case family:
            return body.each(_TRANSACTION[family])


def lacking(*ways: str) -> Check:
    """Each payment in which none of `ways` leads anywhere; the first is named."""

    def check(envelope: Envelope) -> Iterator[str]:
        for item in transactions(envelope):
            if item.first(*ways) is None:
                yield f"{item.path}/{ways[0]}"

    return check


# Header -----------------------------------------------------------------------------------------------------------


def header_absent(envelope: Envelope) -> Iterator[str]:
    if envelope.header is None:
        yield "AppHdr"


def header_of_another_type(envelope: Envelope) -> Iterator[Place]:
    for place in _header(envelope, "MsgDefIdr"):
        if place.text() != envelope.type:
            yield place


def header_with_another_id(envelope: Envelope) -> Iterator[Place]:
    own = envelope.body.first("GrpHdr/MsgId", "Assgnmt/Id")
    for place in _header(envelope, "BizMsgIdr"):
        if own is not None and place.text() != own.text():
            yield place


def header_without_service(envelope: Envelope) -> Iterator[Place | str]:
    if envelope.header is not None:
        place = envelope.header.at("BizSvc")
        if place is None:
            yield f"{envelope.header.path}/BizSvc"
        elif not place.text().startswith("swift.cbprplus."):
            yield place


def header_between_others(envelope: Envelope) -> Iterator[Place]:
    """From and To are who instructs and who is instructed, unless it is a copy for somebody else."""
    if envelope.header is None or envelope.header.word("CpyDplct") in {"COPY", "CODU"}:
        return
    for tag, agent in (("Fr", "InstgAgt"), ("To", "InstdAgt")):
        place = envelope.header.at(tag, "FIId", "FinInstnId", "BICFI")
        group = envelope.body.at("GrpHdr", agent, "FinInstnId", "BICFI")
        named = {
            found.text()
            for item in transactions(envelope)
            if (found := item.at(agent, "FinInstnId", "BICFI") or group) is not None
        }
        if place is not None and named and named != {place.text()}:
            yield place


def header_with_another_priority(envelope: Envelope) -> Iterator[Place]:
    for place in _header(envelope, "Prty"):
        asked = [p for item in transactions(envelope) if (p := item.at("PmtTpInf", "InstrPrty")) is not None]
        if asked and any(p.text() != place.text() for p in asked):
            yield place


def _header(envelope: Envelope, name: str) -> list[Place]:
    return [] if envelope.header is None else envelope.header.each(name)


def times_without_offset(envelope: Envelope) -> Iterator[Place]:
    places = [] if envelope.header is None else envelope.header.each("CreDt")
    for place in [*places, *envelope.body.every("CreDtTm")]:
        if not re.search(r"(?:Z|[+-]\d\d:\d\d)$", place.text()):
            yield place


# Identifiers ------------------------------------------------------------------------------------------------------


def slashes(envelope: Envelope) -> Iterator[Place]:
    for place in envelope.body.every("InstrId", "OrgnlInstrId"):
        if _SLASHES.fullmatch(place.text()):
            yield place


def blank_end_to_end(envelope: Envelope) -> Iterator[Place]:
    return (place for place in envelope.body.every("EndToEndId", "OrgnlEndToEndId") if not place.text())


def more_than_one(envelope: Envelope) -> Iterator[Place]:
    """Payments beyond the first, or a number of them that is not 1."""
    stated = envelope.body.at("GrpHdr", "NbOfTxs")
    if stated is not None and stated.text().lstrip("0") != "1":
        yield stated
    yield from transactions(envelope)[1:]


def unsound(kind: identifiers.Kind, *names: str) -> Check:
    """Identifiers whose own arithmetic does not hold."""

    def check(envelope: Envelope) -> Iterator[Place]:
        roots = [envelope.body] if envelope.header is None else [envelope.header, envelope.body]
        for root in roots:
            for place in root.every(*names):
                try:
                    identifiers.check(kind, place.text())
                except Invalid:
                    yield place

    return check


def unsound_creditor_reference(envelope: Envelope) -> Iterator[Place]:
    """ISO 11649: RF, two check digits, up to 21 characters; MOD 97-10 over the whole, its head moved to its end."""
    for place in envelope.body.every("CdtrRefInf"):
        own = place.at("Ref")
        if own is None or parts.code(place.at("Tp")) != "SCOR" or not own.text().startswith("RF"):
            continue
        text = own.text().replace(" ", "")
        digits = "".join(str(int(c, 36)) for c in text[4:] + text[:4] if c.isascii() and c.isalnum())
        if not re.fullmatch(r"RF\d\d[A-Z0-9]{1,21}", text, re.ASCII) or int(digits) % 97 != 1:
            yield own


# Amounts ----------------------------------------------------------------------------------------------------------


def _amounts(envelope: Envelope) -> Iterator[tuple[Place, Amount]]:
    for place in _every_with_currency(envelope.body):
        found = parts.amount(place)
        assert found is not None
        yield place, found


def _every_with_currency(place: Place) -> Iterator[Place]:
    waiting = [place]
    while waiting:
        here = waiting.pop()
        if here.attribute("Ccy"):
            yield here
        waiting.extend(reversed([p for p in here.children() if p.name != "SplmtryData"]))


def too_fine(envelope: Envelope) -> Iterator[Place]:
    for place, amount in _amounts(envelope):
        digits = exponent(amount.currency)
        if digits is not None and amount.minor is None:
            yield place


def no_currency(envelope: Envelope) -> Iterator[str]:
    for place, amount in _amounts(envelope):
        if exponent(amount.currency) is None and amount.currency not in COMMODITIES:
            yield f"{place.path}/@Ccy"


def commodities(envelope: Envelope) -> Iterator[str]:
    for place in envelope.body.every("IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt", "OrgnlIntrBkSttlmAmt"):
        if place.attribute("Ccy") in COMMODITIES:
            yield f"{place.path}/@Ccy"


def _instructed(item: Place) -> tuple[Amount | None, Amount | None]:
    """What is settled and what was asked for, of an order or of a return."""
    return (
        parts.amount(item.first("IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt")),
        parts.amount(item.first("InstdAmt", "RtrdInstdAmt")),
    )


def no_rate(envelope: Envelope) -> Iterator[Place | str]:
    """Two currencies need a rate, and a rate needs two currencies."""
    for item in transactions(envelope):
        settled, asked = _instructed(item)
        rate = item.at("XchgRate")
        if settled is None:
            continue
        two = asked is not None and asked.currency != settled.currency
        if two and rate is None:
            yield f"{item.path}/XchgRate"
        if rate is not None and not two:
            yield rate


def uncharged(envelope: Envelope) -> Iterator[str]:
    for item in transactions(envelope):
        if item.word("ChrgBr") == "CRED" and item.at("ChrgsInf") is None:
            yield f"{item.path}/ChrgsInf"


def charged_twice(envelope: Envelope) -> Iterator[Place]:
    for item in transactions(envelope):
        if item.word("ChrgBr") == "DEBT":
            yield from item.each("ChrgsInf")[1:]


def unexplained(envelope: Envelope) -> Iterator[Place | str]:
    """In one currency, what is settled is what was asked for, less the charges; with DEBT, and the charges."""
    for item in transactions(envelope):
        settled, asked = _instructed(item)
        if settled is None or asked is None or settled.currency != asked.currency:
            continue
        amounts = [charge.amount for charge in parts.charges(item)]
        difference = asked.value - settled.value
        if any(amount.currency != settled.currency for amount in amounts):
            continue  # charges in another currency cannot be added up here
        taken = sum((amount.value for amount in amounts), Decimal(0))
        expected = -taken if item.word("ChrgBr") == "DEBT" else taken
        if difference == expected or (difference == 0 and item.word("ChrgBr") == "DEBT"):
            continue
        yield f"{item.path}/ChrgsInf" if not amounts else f"{item.path}/{_settled_name(item)}"


def _settled_name(item: Place) -> str:
    return "IntrBkSttlmAmt" if item.at("IntrBkSttlmAmt") else "RtrdIntrBkSttlmAmt"


def returned_too_much(envelope: Envelope) -> Iterator[Place]:
    for item in transactions(envelope):
        back = item.at("RtrdIntrBkSttlmAmt")
        was = parts.amount(item.first("OrgnlIntrBkSttlmAmt", "OrgnlTxRef/IntrBkSttlmAmt"))
        amount = parts.amount(back)
        if back is None or was is None or amount is None:
            continue
        if amount.currency == was.currency and amount.value > was.value:
            yield back


# Parties ----------------------------------------------------------------------------------------------------------


def _customers(envelope: Envelope) -> Iterator[Place]:
    """Customers with a part in a payment, and those of what is quoted; not the institutions in their place."""
    for place in envelope.body.every(*_CUSTOMERS):
        chosen = place.at("Pty") or place
        if chosen.at("FinInstnId") is None and place.at("Agt") is None:
            yield chosen


def _institutions(envelope: Envelope) -> Iterator[Place]:
    yield from envelope.body.every("FinInstnId")


def nameless_with_address(envelope: Envelope) -> Iterator[str]:
    for place in _customers(envelope):
        if place.at("PstlAdr") is not None and place.at("Nm") is None:
            yield f"{place.path}/Nm"


def nameless(envelope: Envelope) -> Iterator[str]:
    for item in transactions(envelope):
        for tag in ("Dbtr", "Cdtr"):
            for place in item.each(tag):
                if place.at("Nm") is None and place.at("Id", "OrgId", "AnyBIC") is None:
                    yield f"{place.path}/Nm"


def name_and_address_apart(envelope: Envelope) -> Iterator[str]:
    for place in _institutions(envelope):
        name, where = place.at("Nm"), place.at("PstlAdr")
        if (name is None) != (where is None):
            yield f"{place.path}/{'Nm' if name is None else 'PstlAdr'}"


def unidentified(envelope: Envelope) -> Iterator[Place]:
    """An institution is known by its BIC, or else by its name and address with an LEI or a clearing code."""
    for place in _institutions(envelope):
        if place.first("BICFI", "BIC") is None and place.first("Nm", "ClrSysMmbId", "LEI", "Othr") is None:
            yield place


# Addresses --------------------------------------------------------------------------------------------------------


def address_kind(address: Address | None) -> str:
    """STRUCTURED, HYBRID, UNSTRUCTURED or INVALID. Source: SWIFT, removal of the unstructured address."""
    if address is None:
        return "INVALID"
    others = any(getattr(address, field) for field in parts.ADDRESS.values())
    if address.lines and not others:
        return "UNSTRUCTURED"
    if not (address.town and address.country):
        return "INVALID"
    if not address.lines:
        return "STRUCTURED"
    return (
        "HYBRID" if len(address.lines) <= 2 and all(len(line) <= 70 for line in address.lines) else "INVALID"
    )


def _addresses(envelope: Envelope) -> Iterator[tuple[Place, Address | None]]:
    """Addresses, but for those in what is quoted of an earlier payment."""
    for place in envelope.body.every("PstlAdr"):
        if "/OrgnlTxRef/" not in place.path and place.at("Adr") is None:
            yield place, parts.address(place)


def unstructured(envelope: Envelope) -> Iterator[Place]:
    return (place for place, address in _addresses(envelope) if address_kind(address) == "UNSTRUCTURED")


def long_lines(envelope: Envelope) -> Iterator[Place]:
    for place, address in _addresses(envelope):
        if address_kind(address) == "UNSTRUCTURED":
            yield from (line for line in place.each("AdrLine") if len(line.text()) > 35)


def without_town_or_country(envelope: Envelope) -> Iterator[str]:
    for place, address in _addresses(envelope):
        if address_kind(address) != "UNSTRUCTURED" and not (address and address.town and address.country):
            yield f"{place.path}/{'Ctry' if address and address.town else 'TwnNm'}"


def too_many_lines(envelope: Envelope) -> Iterator[Place]:
    for place, address in _addresses(envelope):
        if address is not None and address_kind(address) != "UNSTRUCTURED":
            yield from place.each("AdrLine")[2:]
            yield from (line for line in place.each("AdrLine")[:2] if len(line.text()) > 70)


def repeated_in_lines(envelope: Envelope) -> Iterator[Place]:
    """Town or country stands in a line once more, as a word of its own."""
    for place, address in _addresses(envelope):
        if address is None or address_kind(address) == "UNSTRUCTURED":
            continue
        told = [word for word in (address.town, address.country) if word]
        for line in place.each("AdrLine"):
            if any(
                re.search(rf"(?<!\w){re.escape(word)}(?!\w)", line.text(), re.IGNORECASE) for word in told
            ):
                yield line


# The rest ---------------------------------------------------------------------------------------------------------


def both_kinds_of_remittance(envelope: Envelope) -> Iterator[Place]:
    for place in envelope.body.every("RmtInf"):
        if place.at("Ustrd") is not None:
            yield from place.each("Strd")[:1]


def _rejected(envelope: Envelope) -> Iterator[Place]:
    return (item for item in transactions(envelope) if item.word("TxSts") == "RJCT")


def rejected_without_reason(envelope: Envelope) -> Iterator[str]:
    for item in _rejected(envelope):
        if not item.all("StsRsnInf", "Rsn"):
            yield f"{item.path}/StsRsnInf/Rsn"


def rejected_and_settled(envelope: Envelope) -> Iterator[Place]:
    for item in _rejected(envelope):
        yield from item.each("FctvIntrBkSttlmDt")


def refused_without_reason(envelope: Envelope) -> Iterator[str]:
    """An answer that refuses a recall says why."""
    whole = envelope.body.word("Sts", "Conf") == "RJCR"
    for item in transactions(envelope):
        if (whole or item.word("TxCxlSts") == "RJCR") and not item.all("CxlStsRsnInf", "Rsn"):
            yield f"{item.path}/CxlStsRsnInf/Rsn"
    if whole and not transactions(envelope):
        yield f"{envelope.body.path}/CxlDtls/TxInfAndSts/CxlStsRsnInf/Rsn"


def booked_without_day(envelope: Envelope) -> Iterator[str]:
    for item in envelope.body.every("Ntry"):
        if parts.code(item.at("Sts")) == "BOOK" and item.first("BookgDt", "ValDt") is None:
            yield f"{item.path}/BookgDt"


def balances_missing(envelope: Envelope) -> Iterator[str]:
    for statement in envelope.body.each("Stmt"):
        there = {parts.code(balance.at("Tp")) for balance in statement.each("Bal")}
        for wanted in ("OPBD", "CLBD"):
            if wanted not in there and not (wanted == "OPBD" and "PRCD" in there):
                yield f"{statement.path}/Bal/Tp"


def unnumbered(envelope: Envelope) -> Iterator[str]:
    for statement in envelope.body.each("Stmt"):
        if statement.at("ElctrncSeqNb") is None:
            yield f"{statement.path}/ElctrncSeqNb"


#: Names, addresses and remittance may hold all that ASCII prints; the rest is the set X of SWIFT.
_X: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ \r\n]*", re.ASCII)
_EXTENDED: Final = re.compile(r"[\x20-\x7E\r\n]*")
_WIDE: Final = frozenset({"Nm", "PstlAdr", "RmtInf", "RltdRmtInf", "CtctDtls", "Adr"})


def odd_characters(envelope: Envelope) -> Iterator[Place]:
    waiting = [(envelope.body, False)]
    while waiting:
        place, wide = waiting.pop()
        wide = wide or place.name in _WIDE
        below = place.children()
        if not below and not (_EXTENDED if wide else _X).fullmatch(place.text()):
            yield place
        waiting.extend((child, wide) for child in reversed(below) if child.name != "SplmtryData")

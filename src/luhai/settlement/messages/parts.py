"""The pieces that messages share: parties, agents, accounts, amounts, charges, remittance, reasons, originals.

Element names differ between versions (BIC, BICFI, BICOrBEI, AnyBIC); here they are read as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from types import MappingProxyType
from typing import Final

from luhai.settlement.messages.message import (
    Account,
    Address,
    Amount,
    Charge,
    Original,
    Party,
    Reason,
    Referred,
    Remittance,
    Structured,
)  # fmt: skip
from luhai.settlement.messages.tree import Place

#: Fields of an address by their element, in the order of the schema.
ADDRESS: Final = MappingProxyType(
    {
        "CareOf": "care_of", "Dept": "department", "SubDept": "sub_department", "StrtNm": "street", "BldgNb": "building",
        "BldgNm": "building_name", "Flr": "floor", "UnitNb": "unit", "PstBx": "post_box", "Room": "room",
        "PstCd": "postcode", "TwnNm": "town", "TwnLctnNm": "town_location", "DstrctNm": "district",
        "CtrySubDvsn": "subdivision", "Ctry": "country",
    }
)  # fmt: skip

#: Roles by their element, in the order of the schema of a credit transfer.
ROLES: Final = MappingProxyType(
    {
        "PrvsInstgAgt1": "previous_agent_1", "PrvsInstgAgt2": "previous_agent_2", "PrvsInstgAgt3": "previous_agent_3",
        "PrvsInstgAgt": "previous_agent_1",
        "InstgAgt": "instructing_agent", "InstdAgt": "instructed_agent",
        "IntrmyAgt1": "intermediary_agent_1", "IntrmyAgt2": "intermediary_agent_2", "IntrmyAgt3": "intermediary_agent_3",
        "UltmtDbtr": "ultimate_debtor", "InitgPty": "initiating", "Dbtr": "debtor", "DbtrAgt": "debtor_agent",
        "CdtrAgt": "creditor_agent", "Cdtr": "creditor", "UltmtCdtr": "ultimate_creditor",
        "InstgRmbrsmntAgt": "instructing_reimbursement_agent", "InstdRmbrsmntAgt": "instructed_reimbursement_agent",
        "ThrdRmbrsmntAgt": "third_reimbursement_agent", "FwdgAgt": "forwarding_agent",
        "Assgnr": "assigner", "Assgne": "assignee",
    }
)  # fmt: skip


def amount(place: Place | None) -> Amount | None:
    return None if place is None else Amount(place.decimal(), place.attribute("Ccy"))


def day(place: Place | None) -> date | None:
    return None if place is None else place.day()


def code(place: Place | None) -> str:
    """The word of a choice between a code of a list and one's own; of a plain code, that."""
    if place is None:
        return ""
    chosen = place.first("CdOrPrtry", "Cd", "Prtry")
    return place.text() if chosen is None else code(chosen)


def account(place: Place | None) -> Account | None:
    if place is None:
        return None
    own = place.first("Id/Othr/Id", "Id/BBAN", "Id/UPIC", "Id/PrtryAcct/Id")
    found = Account(
        iban=place.word("Id", "IBAN"),
        number="" if own is None else own.text(),
        scheme=code(place.at("Id", "Othr", "SchmeNm")),
        kind=code(place.at("Tp")),
        currency=place.word("Ccy"),
        name=place.word("Nm"),
    )
    return None if found == Account() else found


def address(place: Place | None) -> Address | None:
    if place is None:
        return None
    found = Address(lines=place.words("AdrLine"), **{name: place.word(tag) for tag, name in ADDRESS.items()})
    return None if found == Address() else found


def party(place: Place, role: str, held: Account | None = None) -> Party:
    """A customer or an institution; in a choice between them, what was chosen."""
    institution = place.at("FinInstnId")
    if institution is not None:
        return _institution(place, institution.first("CmbndId", "NmAndAdr") or institution, role, held)
    chosen = place.first("Pty", "Agt", "FIId", "OrgId")
    if chosen is not None:
        return party(chosen, role, held)
    organisation, person = place.at("Id", "OrgId"), place.at("Id", "PrvtId")
    bic = organisation.first("AnyBIC", "BICOrBEI", "BIC") if organisation else None
    return Party(
        role=role,
        name=place.word("Nm"),
        address=address(place.at("PstlAdr")),
        residence=place.word("CtryOfRes"),
        person=person is not None,
        bic="" if bic is None else bic.text(),
        lei="" if organisation is None else organisation.word("LEI"),
        identifiers=tuple(
            (code(other.first("SchmeNm", "IdTp")), other.word("Id"))
            for holder in (organisation, person)
            if holder is not None
            for other in [*holder.each("Othr"), *holder.each("OthrId")]
        ),
        account=held,
    )


def _institution(place: Place, institution: Place, role: str, held: Account | None) -> Party:
    bic, system = institution.first("BICFI", "BIC"), institution.at("ClrSysMmbId")
    other = institution.at("Othr")
    member = None if system is None else system.first("MmbId", "Id")
    return Party(
        role=role,
        institution=True,
        name=institution.word("Nm"),
        address=address(institution.at("PstlAdr")),
        bic="" if bic is None else bic.text(),
        lei=institution.word("LEI"),
        clearing_system="" if system is None else code(system.at("ClrSysId")),
        clearing_member="" if member is None else member.text(),
        identifiers=() if other is None else ((code(other.at("SchmeNm")), other.word("Id")),),
        branch=place.word("BrnchId", "Id"),
        account=held,
    )


#: One order of parties for all messages, so that two of them can be compared: that of a credit transfer.
_ORDER: Final = MappingProxyType({role: number for number, role in enumerate(dict.fromkeys(ROLES.values()))})


def in_order(parties: Iterable[Party]) -> tuple[Party, ...]:
    return tuple(sorted(parties, key=lambda party: _ORDER.get(party.role, len(_ORDER))))


def parties(*places: Place | None) -> tuple[Party, ...]:
    """Everybody who stands directly in one of `places`, each with the account that stands beside."""
    return in_order(
        party(who, ROLES[who.name], account(place.at(f"{who.name}Acct")))
        for place in places
        if place is not None
        for who in place.children()
        if who.name in ROLES
    )


def charges(place: Place) -> tuple[Charge, ...]:
    """Charges of a payment, or of a line of an account: a list of amounts, or records inside."""
    found = []
    for item in place.each("ChrgsInf") or place.each("Chrgs"):
        for record in item.each("Rcrd") or [item]:
            charged = amount(record.at("Amt"))
            who = record.first("Agt", "Pty")
            if charged is not None:
                found.append(
                    Charge(amount=charged, agent=None if who is None else party(who, "charges_agent"))
                )
    return tuple(found)


def remittance(place: Place | None) -> Remittance | None:
    if place is None:
        return None
    found = Remittance(
        lines=place.words("Ustrd"), structured=tuple(_structured(block) for block in place.each("Strd"))
    )
    return None if found == Remittance() else found


def _structured(block: Place) -> Structured:
    reference = block.first("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef")
    kind = block.first("CdtrRefInf/Tp", "CdtrRefInf/CdtrRefTp")
    return Structured(
        documents=tuple(
            Referred(
                kind=code(document.first("Tp", "RfrdDocTp")),
                number=document.word("Nb") or document.word("RfrdDocNb"),
                dated=day(document.at("RltdDt")),
            )
            for document in block.each("RfrdDocInf")
        ),
        due=amount(block.at("RfrdDocAmt", "DuePyblAmt")),
        remitted=amount(block.at("RfrdDocAmt", "RmtdAmt")),
        amounts=tuple(
            (code(item.at("Tp")), charged)
            for item in block.all("RfrdDocAmt", "RmtAmtAndTp")
            if (charged := amount(item.at("Amt"))) is not None
        ),
        reference_kind=code(kind),
        reference_issuer="" if kind is None else kind.word("Issr"),
        reference="" if reference is None else reference.text(),
        notes=block.words("AddtlRmtInf"),
    )


def reasons(place: Place, name: str) -> tuple[Reason, ...]:
    """The reasons given in elements `name`: StsRsnInf, RtrRsnInf, CxlRsnInf, CxlStsRsnInf, RtrInf."""
    found = []
    for item in place.each(name):
        who = item.at("Orgtr")
        found.append(
            Reason(
                code=item.word("Rsn", "Cd"),
                proprietary=item.word("Rsn", "Prtry"),
                info=item.words("AddtlInf"),
                originator=None if who is None else party(who, "originator"),
            )
        )
    return tuple(found)


def original(place: Place, group: Place | None = None) -> Original | None:
    """What an answer quotes of the payment it is about; `group` names the message when the transaction does not."""
    heading = place.at("OrgnlGrpInf") or group
    told = place.at("OrgnlTxRef")
    found = Original(
        message_id="" if heading is None else heading.word("OrgnlMsgId"),
        message_type="" if heading is None else heading.word("OrgnlMsgNmId"),
        batch_id=place.word("OrgnlPmtInfId"),
        instruction_id=place.word("OrgnlInstrId"),
        end_to_end_id=place.word("OrgnlEndToEndId"),
        transaction_id=place.word("OrgnlTxId"),
        uetr=place.word("OrgnlUETR"),
        clearing_reference=place.word("OrgnlClrSysRef"),
        amount=amount(
            place.first("OrgnlIntrBkSttlmAmt", "OrgnlInstdAmt")
            or (told.first("IntrBkSttlmAmt", "Amt/InstdAmt") if told else None)
        ),
        settled_on=day(place.at("OrgnlIntrBkSttlmDt") or (told.at("IntrBkSttlmDt") if told else None)),
    )
    return None if found == Original() else found

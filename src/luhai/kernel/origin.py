"""Who asks, in which role, under which key, and when: what every command and query needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5


class Role(StrEnum):
    """What a person is while acting; a person may hold several memberships but acts under one."""

    COMPANY = "company_member"  # for a company on the corridor
    BANK = "bank_officer"  # for a financial institution in China
    PARTNER = "partner_bank"  # for a bank abroad
    PROVINCE = "provincial_official"  # for a provincial agency
    SUPERVISOR = "supervisor"  # for PBoC, SAFE or NFRA
    OPERATOR = "operator"  # runs this instance
    PUBLIC = "public"  # nobody signed in
    SYSTEM = "system"  # jobs and set-up; never a person


NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting under one membership. `party_id` is for whom; `territory` is where (GB/T 2260)."""

    person_id: UUID
    role: Role
    party_id: UUID | None = None
    territory: str | None = None


PUBLIC: Final = Actor(NOBODY, Role.PUBLIC)
SYSTEM: Final = Actor(UUID(int=1), Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Origin:
    actor: Actor
    key: UUID  # chosen by the caller; the same key means the same request
    at: datetime  # aware; read once at the edge, never inside a command

    def __post_init__(self) -> None:
        assert self.at.tzinfo is not None, self.at

    def child(self, step: str) -> Origin:
        """Derive the origin of a command that this command calls."""
        return Origin(self.actor, uuid5(self.key, step), self.at)

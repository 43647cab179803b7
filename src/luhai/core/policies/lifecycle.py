"""The life of a measure in a territory: which status may follow which, and what each must be able to show.

This table is the only place that says so. A measure of the policy grants nothing by itself; only an adoption in
force, backed by an instrument, opens a business (`OPENING`).
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Status(StrEnum):
    CANDIDATE = "candidate"  # proposed for copying from another territory
    LISTED = "listed"  # the policy names it; nobody has begun
    UNDER_STUDY = "under_study"
    APPLIED = "applied"  # put before the authority that may grant it
    APPROVED = "approved"
    REFUSED = "refused"
    PILOTING = "piloting"  # within a trial; ends on a day
    IN_FORCE = "in_force"
    EVALUATED = "evaluated"  # in force, and its effect has been looked at
    EXTENDED = "extended"  # in force beyond its first term
    SUSPENDED = "suspended"  # contracts that exist go on; new ones are blocked
    ENDED = "ended"


S = Status

#: status -> the statuses that may follow. `None` is a measure that the territory has not yet listed.
NEXT: Final = MappingProxyType({
    None: (S.CANDIDATE, S.LISTED),
    S.CANDIDATE: (S.LISTED, S.UNDER_STUDY, S.ENDED),
    S.LISTED: (S.UNDER_STUDY, S.ENDED),
    S.UNDER_STUDY: (S.APPLIED, S.ENDED),
    S.APPLIED: (S.APPROVED, S.REFUSED),
    S.REFUSED: (S.UNDER_STUDY, S.ENDED),
    S.APPROVED: (S.PILOTING, S.IN_FORCE, S.ENDED),
    S.PILOTING: (S.IN_FORCE, S.SUSPENDED, S.ENDED),
    S.IN_FORCE: (S.EVALUATED, S.SUSPENDED, S.ENDED),
    S.EVALUATED: (S.EXTENDED, S.SUSPENDED, S.ENDED),
    S.EXTENDED: (S.EVALUATED, S.SUSPENDED, S.ENDED),
    S.SUSPENDED: (S.PILOTING, S.IN_FORCE, S.ENDED),
    S.ENDED: (S.CANDIDATE, S.LISTED),
})  # fmt: skip

#: In these a new business may begin under the measure. A pilot is not among them: its scope is narrower than the
#: territory, and whether a company is within it is not known here.
OPENING: Final = frozenset({S.IN_FORCE, S.EVALUATED, S.EXTENDED})
#: In these a contract that exists may go on.
CONTINUING: Final = OPENING | {S.PILOTING, S.SUSPENDED}
#: These need an approver, the number of the instrument, the day it takes effect, and its scope.
GRANTED: Final = OPENING | {S.PILOTING, S.APPROVED}

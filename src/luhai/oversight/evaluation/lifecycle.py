"""The life of a cycle, of a submission and of a rectification: what may be done in which state, and where it leads.

These tables are the only place that says so. Source: domain notes on oversight §1.7 (submissions) and §2.6 (cycles).
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    """Of a cycle."""

    PLANNED = "planned"  # system, period, units and seed are fixed
    COLLECTING = "collecting"  # units report; values are counted and may be counted again
    VALIDATED = "validated"  # the inputs are frozen
    SCORED = "scored"
    DRAFT_PUBLISHED = "draft_published"  # each unit sees its own card
    OBJECTION = "objection"  # open questions of units are being decided
    FINAL = "final"  # totals are told; a change is a new run
    FED_TO_ASSESSMENT = "fed_to_assessment"  # the rows went to the assessments
    RECTIFICATION_TRACKED = "rectification_tracked"
    CLOSED = "closed"


class Act(StrEnum):
    COLLECT = "collect"  # open for reports, count what can be counted, or count again
    VALIDATE = "validate"
    SCORE = "score"
    PUBLISH = "publish"
    OBJECT = "object"
    FINALISE = "finalise"
    FEED = "feed"
    TRACK = "track"
    CLOSE = "close"
    REOPEN = "reopen"  # a change after final: a new run


S, A = State, Act

#: (state, act) -> next state. A pair that is absent is refused.
NEXT: Final = MappingProxyType(
    {
        (S.PLANNED, A.COLLECT): S.COLLECTING,
        (S.COLLECTING, A.COLLECT): S.COLLECTING,
        (S.COLLECTING, A.VALIDATE): S.VALIDATED,
        (S.VALIDATED, A.SCORE): S.SCORED,
        (S.SCORED, A.PUBLISH): S.DRAFT_PUBLISHED,
        (S.DRAFT_PUBLISHED, A.OBJECT): S.OBJECTION,
        (S.OBJECTION, A.OBJECT): S.OBJECTION,
        (S.DRAFT_PUBLISHED, A.FINALISE): S.FINAL,
        (S.OBJECTION, A.FINALISE): S.FINAL,
        (S.FINAL, A.FEED): S.FED_TO_ASSESSMENT,
        (S.FED_TO_ASSESSMENT, A.TRACK): S.RECTIFICATION_TRACKED,
        (S.RECTIFICATION_TRACKED, A.TRACK): S.RECTIFICATION_TRACKED,
        (S.FED_TO_ASSESSMENT, A.CLOSE): S.CLOSED,
        (S.RECTIFICATION_TRACKED, A.CLOSE): S.CLOSED,
        (S.FINAL, A.REOPEN): S.COLLECTING,
        (S.FED_TO_ASSESSMENT, A.REOPEN): S.COLLECTING,
        (S.RECTIFICATION_TRACKED, A.REOPEN): S.COLLECTING,
    }
)

#: From here on nothing that scoring uses may change in the run.
FROZEN: Final = frozenset(State) - {S.PLANNED, S.COLLECTING}
#: The draft is told to the unit it is about.
TOLD: Final = frozenset({S.DRAFT_PUBLISHED, S.OBJECTION, S.FINAL, S.FED_TO_ASSESSMENT, S.RECTIFICATION_TRACKED, S.CLOSED})
#: The result stands.
SETTLED: Final = frozenset({S.FINAL, S.FED_TO_ASSESSMENT, S.RECTIFICATION_TRACKED, S.CLOSED})


class Report(StrEnum):
    """State of a submission."""

    SUBMITTED = "submitted"  # its checks were passed; it waits for another person
    ACCEPTED = "accepted"
    RETURNED = "returned"  # with a reason; the unit submits again
    REVISED = "revised"  # a later one of the same item was accepted


#: (state, decision) -> next state.
NEXT_REPORT: Final = MappingProxyType(
    {
        (Report.SUBMITTED, "accept"): Report.ACCEPTED,
        (Report.SUBMITTED, "return"): Report.RETURNED,
        (Report.ACCEPTED, "revise"): Report.REVISED,
    }
)


class Answer(StrEnum):
    """State of an objection."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class Repair(StrEnum):
    """State of a rectification."""

    OPEN = "open"
    REPORTED = "reported"  # the unit says it is done
    CONFIRMED = "confirmed"  # another person has looked
    LAPSED = "lapsed"  # closed without being done, with a reason


#: (state, act) -> next state.
NEXT_REPAIR: Final = MappingProxyType(
    {
        (Repair.OPEN, "report"): Repair.REPORTED,
        (Repair.REPORTED, "confirm"): Repair.CONFIRMED,
        (Repair.REPORTED, "reject"): Repair.OPEN,
        (Repair.OPEN, "lapse"): Repair.LAPSED,
    }
)

STATE_NAMES: Final = MappingProxyType(
    {
        S.PLANNED: gettext_noop("Planned"),
        S.COLLECTING: gettext_noop("Collecting"),
        S.VALIDATED: gettext_noop("Inputs frozen"),
        S.SCORED: gettext_noop("Scored"),
        S.DRAFT_PUBLISHED: gettext_noop("Draft told to the units"),
        S.OBJECTION: gettext_noop("Objections"),
        S.FINAL: gettext_noop("Final"),
        S.FED_TO_ASSESSMENT: gettext_noop("Passed on to the assessments"),
        S.RECTIFICATION_TRACKED: gettext_noop("Rectification"),
        S.CLOSED: gettext_noop("Closed"),
    }
)
ACT_NAMES: Final = MappingProxyType(
    {
        A.COLLECT: gettext_noop("Collect"),
        A.VALIDATE: gettext_noop("Freeze the inputs"),
        A.SCORE: gettext_noop("Score the frozen inputs"),
        A.PUBLISH: gettext_noop("Tell the units their drafts"),
        A.OBJECT: gettext_noop("Object"),
        A.FINALISE: gettext_noop("Make final"),
        A.FEED: gettext_noop("Pass on to the assessments"),
        A.TRACK: gettext_noop("Ask for rectification"),
        A.CLOSE: gettext_noop("Close"),
        A.REOPEN: gettext_noop("Begin a new run"),
    }
)
REPORT_NAMES: Final = MappingProxyType(
    {
        Report.SUBMITTED: gettext_noop("Waits for acceptance"),
        Report.ACCEPTED: gettext_noop("Accepted"),
        Report.RETURNED: gettext_noop("Returned"),
        Report.REVISED: gettext_noop("Replaced by a later one"),
    }
)
ANSWER_NAMES: Final = MappingProxyType(
    {
        Answer.OPEN: gettext_noop("Waits for a decision"),
        Answer.UPHELD: gettext_noop("Upheld"),
        Answer.REJECTED: gettext_noop("Not upheld"),
    }
)
REPAIR_NAMES: Final = MappingProxyType(
    {
        Repair.OPEN: gettext_noop("To be done"),
        Repair.REPORTED: gettext_noop("Reported as done"),
        Repair.CONFIRMED: gettext_noop("Confirmed"),
        Repair.LAPSED: gettext_noop("Given up, with a reason"),
    }
)

"""Every pair of state and action, written out a second time: what is absent here must be refused."""

from __future__ import annotations

import pytest

from luhai.market.matching.lifecycle import (
    DEMAND_ACTION_NAMES,
    DEMAND_STATE_NAMES,
    HELD,
    LIVE,
    MATCH_ACTION_NAMES,
    MATCH_STATE_NAMES,
    NEXT_DEMAND,
    NEXT_MATCH,
    OPEN,
    DemandAction,
    DemandState,
    MatchAction,
    MatchState,
)  # fmt: skip

# A row per state, a column per action; "-" is a refusal.
DEMANDS = """
            EDIT   PUBLISH    MATCH    OFFER    REOPEN   ACCEPT    DECLINE   WITHDRAW   EXPIRE
DRAFT       DRAFT  PUBLISHED  -        -        -        -         -         WITHDRAWN  -
PUBLISHED   -      -          MATCHED  -        -        -         -         WITHDRAWN  EXPIRED
MATCHED     -      -          MATCHED  OFFERED  -        -         DECLINED  WITHDRAWN  EXPIRED
OFFERED     -      -          -        OFFERED  MATCHED  ACCEPTED  -         WITHDRAWN  -
ACCEPTED    -      -          -        -        -        -         -         -          -
DECLINED    -      -          -        -        -        -         -         -          -
WITHDRAWN   -      -          -        -        -        -         -         -          -
EXPIRED     -      -          -        -        -        -         -         -          -
"""
MATCHES = """
            SEND  ASK    REPLY  OFFER    REFUSE   ACCEPT    WITHDRAW   LAPSE
PROPOSED    SENT  -      -      -        -        -         WITHDRAWN  LAPSED
SENT        -     ASKED  -      OFFERED  REFUSED  -         WITHDRAWN  LAPSED
ASKED       -     -      SENT   OFFERED  REFUSED  -         WITHDRAWN  LAPSED
OFFERED     -     -      -      -        -        ACCEPTED  WITHDRAWN  LAPSED
REFUSED     -     -      -      -        -        -         -          -
ACCEPTED    -     -      -      -        -        -         -          -
WITHDRAWN   -     -      -      -        -        -         -          -
LAPSED      -     -      -      -        -        -         -          -
"""


def pairs(table: str) -> list[tuple[str, str, str | None]]:
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return [
        (row[0], action, None if to == "-" else to)
        for row in rows
        for action, to in zip(head, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("state", "action", "to"), pairs(DEMANDS))
def test_a_demand(state: str, action: str, to: str | None) -> None:
    assert NEXT_DEMAND.get((DemandState(state), DemandAction(action))) == to


@pytest.mark.parametrize(("state", "action", "to"), pairs(MATCHES))
def test_a_match(state: str, action: str, to: str | None) -> None:
    assert NEXT_MATCH.get((MatchState(state), MatchAction(action))) == to


def test_the_tables_leave_nothing_out() -> None:
    assert len(pairs(DEMANDS)) == len(DemandState) * len(DemandAction)
    assert len(pairs(MATCHES)) == len(MatchState) * len(MatchAction)
    assert set(DEMAND_STATE_NAMES) == set(DemandState)
    assert set(DEMAND_ACTION_NAMES) == set(DemandAction)
    assert set(MATCH_STATE_NAMES) == set(MatchState)
    assert set(MATCH_ACTION_NAMES) == set(MatchAction)


def test_what_is_live_is_not_final() -> None:
    assert {s for s, _ in NEXT_DEMAND} - {DemandState.DRAFT} == LIVE
    assert {s for s, _ in NEXT_MATCH} - {MatchState.PROPOSED} == OPEN
    assert {MatchState.ACCEPTED} == HELD - OPEN

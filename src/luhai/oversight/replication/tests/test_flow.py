"""From a draft to the day on which it is live, and back: what changes, where, and from when; and who must have said so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.policies import commands as library
from luhai.core.policies import queries as policies
from luhai.core.rules import queries as parameters
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, NotPermitted
from luhai.oversight.replication import commands, live_commands, queries
from luhai.oversight.replication.lifecycle import (
    ACT_NAMES,
    FINAL,
    NEXT,
    OPEN,
    STANDING,
    STATE_NAMES,
    Act,
    State,
)
from luhai.oversight.replication.tests import world
from luhai.oversight.replication.tests.world import (
    CHONGQING,
    DAYS,
    GUANGXI,
    MEASURE,
    SICHUAN,
    TODAY,
    Exporter,
    approved,
    by,
    drafted,
    examined,
    granted,
    live,
    matches,
    official,
    product,
    state,
    status,
    supervisor,
    supported,
)
from luhai.records.products import commands as products
from luhai.records.products import queries as shelf
from luhai.settlement.checks import queries as checks

TABLE = """
             DRAFT   EXAMINE  PROPOSE  APPROVE  GRANT   REFUSE  DROP    GO_LIVE STOP    ASK_ROLL_BACK ROLL_BACK   END   ENTER
-            drafted -        -        -        -       -       -       -       -       -             -           -     live
drafted      drafted examined -        -        -       -       dropped -       -       -             -           -     -
examined     drafted examined proposed -        -       -       dropped -       -       -             -           -     -
proposed     -       -        -        approved -       -       dropped -       -       -             -           -     -
approved     -       -        -        -        granted refused -       -       -       -             -           -     -
granted      -       -        -        -        -       -       dropped live    -       -             -           -     -
live         -       -        -        -        -       -       -       -       stopped live          rolled_back ended -
stopped      -       -        -        -        -       -       -       -       -       stopped       rolled_back ended -
rolled_back  -       -        -        -        -       -       -       -       -       -             -           -     -
ended        -       -        -        -        -       -       -       -       -       -             -           -     -
refused      -       -        -        -        -       -       -       -       -       -             -           -     -
dropped      -       -        -        -        -       -       -       -       -       -             -           -     -
"""


def test_every_pair_of_state_and_act() -> None:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    for before, *cells in rows:
        for act, to in zip(head, cells, strict=True):
            found = NEXT.get((None if before == "-" else State(before), Act[act]))
            assert found == (None if to == "-" else State(to)), (before, act)
    assert {r[0] for r in rows} == {"-", *State}
    assert {Act[h] for h in head} == set(Act) == set(ACT_NAMES)
    assert set(STATE_NAMES) == set(State) == {*OPEN, *STANDING, *FINAL}


@pytest.fixture
def w(django_db_setup: Any, db: Any) -> world.World:
    return world.world()


def tomorrow(days: int = 1) -> date:
    return TODAY + timedelta(days=days)


# --- what going live changes -----------------------------------------------------------------------------------------------


def test_going_live_changes_a_verdict_there_and_from_that_day_only(w: world.World) -> None:
    supported(w)
    elsewhere = Exporter("520000")
    old, other = w.exporter.carried(10_000_00, 213), elsewhere.carried(20_000_00, 214)
    assert w.exporter.judged(old, 10_000_00, TODAY).verdict == "clear"
    live(w, start=2)
    assert w.exporter.judged(old, 10_000_00, tomorrow(1)).verdict == "clear", "the day before, nothing has changed"
    now = w.exporter.judged(old, 10_000_00, tomorrow(2))
    assert (now.verdict, [f.name for f in now.in_the_way]) == ("blocked", ["freight_recent"])
    assert now.scenes == ("corridor-logistics@2026-01-01",)
    assert elsewhere.judged(other, 20_000_00, tomorrow(2)).verdict == "clear", "another territory knows nothing of it"


def test_a_declared_override_is_in_force_there_only(w: world.World) -> None:
    supported(w)
    old = w.exporter.carried(10_000_00, 213)
    key = live(w, overrides={DAYS: "240"})
    assert w.exporter.judged(old, 10_000_00, tomorrow()).verdict == "clear"
    values = parameters.parameters(viewer=SYSTEM)
    days = [str(values.value(DAYS, tomorrow(), place).value) for place in (SICHUAN, CHONGQING)]
    assert days == ["240", "180"]
    assert str(values.value(DAYS, TODAY, SICHUAN).value) == "180"
    (line,) = [d for d in queries.adoption(adoption_id=key, viewer=PUBLIC).differences if d.kind == "parameter"]
    assert (line.origin, line.here, line.ours) == ("180", "240", True)


def test_going_live_opens_products_there_and_from_that_day_only(w: world.World) -> None:
    supported(w)
    resting, other = product([MEASURE]), product(["M14-04"])
    assert matches(resting, CHONGQING, TODAY) == "met"
    assert matches(resting, SICHUAN, tomorrow()) == ""
    live(w)
    assert [matches(resting, SICHUAN, tomorrow(n)) for n in (0, 1, 30)] == ["", "met", "met"]
    assert matches(resting, "520000", tomorrow()) == ""
    assert matches(other, SICHUAN, tomorrow()) == "", "a product that rests on another package's measure stays closed"


def test_rolling_back_restores_all_from_its_day(w: world.World) -> None:
    supported(w)
    old, resting = w.exporter.carried(10_000_00, 130), product([MEASURE])
    key = live(w, overrides={DAYS: "120"})
    assert w.exporter.judged(old, 10_000_00, tomorrow()).verdict == "blocked"
    live_commands.ask_roll_back(adoption_id=key, day=tomorrow(5), reason="too strict", origin=by(w.first, 2))
    assert w.exporter.judged(old, 10_000_00, tomorrow(5)).verdict == "blocked", "asking alone changes nothing"
    with pytest.raises(commands.SamePerson):
        live_commands.roll_back(adoption_id=key, origin=by(w.first, 2))
    live_commands.roll_back(adoption_id=key, origin=by(w.second, 3))
    assert [w.exporter.judged(old, 10_000_00, tomorrow(n)).verdict for n in (4, 5)] == ["blocked", "clear"]
    assert [matches(resting, SICHUAN, tomorrow(n)) for n in (4, 5)] == ["met", ""]
    values = parameters.parameters(viewer=SYSTEM)
    assert [str(values.value(DAYS, tomorrow(n), SICHUAN).value) for n in (4, 5)] == ["120", "180"]
    (line,) = policies.adoptions(measure=MEASURE, territory=SICHUAN, viewer=PUBLIC)
    assert line.status == "suspended", "contracts that exist go on"
    assert status(key) == "rolled_back"
    with pytest.raises(commands.ActNotAllowed):
        live_commands.roll_back(adoption_id=key, origin=by(w.supervisor, 4))
    again = live(w, start=8, at=7)
    assert w.exporter.judged(old, 10_000_00, tomorrow(8)).verdict == "clear"
    assert status(again) == "live", "what was rolled back may be adopted anew"


def test_a_last_day_ends_it_by_itself(w: world.World) -> None:
    supported(w)
    old, resting = w.exporter.carried(10_000_00, 130), product([MEASURE])
    key = live(w, overrides={DAYS: "120"}, end=10)
    assert [w.exporter.judged(old, 10_000_00, tomorrow(n)).verdict for n in (10, 11)] == ["blocked", "clear"]
    assert [matches(resting, SICHUAN, tomorrow(n)) for n in (10, 11)] == ["met", ""]
    assert live_commands.keep(by(days=10).at) == 0
    assert live_commands.keep(by(days=11).at) == 1
    assert status(key) == "ended"
    assert [a.status for a in policies.adoptions(measure=MEASURE, territory=SICHUAN, viewer=PUBLIC)] == ["ended"]


def test_the_system_goes_live_on_the_day_and_not_before(w: world.World) -> None:
    supported(w)
    key = granted(w, start=3)
    assert live_commands.keep(by(days=2).at) == 0
    with pytest.raises(live_commands.TooSoon):
        live_commands.go_live(adoption_id=key, origin=by(w.first, 2))
    assert status(key) == "granted"
    assert live_commands.keep(by(days=3).at) == 1
    assert live_commands.keep(by(days=3).at) == 0
    assert status(key) == "live"


def test_a_condition_that_no_longer_holds_keeps_it_from_going_live(w: world.World) -> None:
    supported(w)
    key = granted(w)
    state(w.supervisor, "red_warnings", 1)
    with pytest.raises(commands.NotEligible) as no:
        live_commands.go_live(adoption_id=key, origin=by(w.first, 1))
    assert "open red warnings" in str(no.value.facts["failing"])
    assert live_commands.keep(by(days=1).at) == 0
    assert status(key) == "granted"
    assert checks.scenes_in_force(territory=SICHUAN, viewer=SYSTEM) == []
    assert policies.measures_in_force(SICHUAN, tomorrow()) == frozenset()


# --- two people, and an authority ------------------------------------------------------------------------------------------


def test_whoever_proposed_does_not_approve_and_the_territory_never_grants(w: world.World) -> None:
    supported(w)
    key = examined(w)
    commands.propose(adoption_id=key, origin=by(w.first))
    with pytest.raises(commands.SamePerson):
        commands.approve(adoption_id=key, origin=by(w.first))
    with pytest.raises(NotEntitled):
        commands.approve(adoption_id=key, origin=by(official(GUANGXI)))
    commands.approve(adoption_id=key, origin=by(w.second))
    given = {"adoption_id": key, "instrument_no": "1号", "scope": "全省"}
    with pytest.raises(NotPermitted):
        commands.grant(**given, origin=by(w.first))
    with pytest.raises(NotEntitled):
        commands.grant(**given, origin=by(supervisor(SICHUAN)))
    with pytest.raises(NotEntitled):
        commands.grant(**given, origin=by(supervisor(sort="nfra")))
    with pytest.raises(commands.SamePerson):
        commands.grant(**given, origin=by(Actor(w.second.person_id, Role.SUPERVISOR, w.supervisor.party_id, CHONGQING)))
    with pytest.raises(NotEntitled):  # the way around, through the register of policies
        library.change_adoption(
            measure=MEASURE, territory=SICHUAN, status="approved", since=TODAY, until=None, instrument_no="1号", approver="我省",
            scope="全省", reason="", evidence_digest="", origin=by(w.first),
        )  # fmt: skip
    commands.grant(**given, origin=by(w.supervisor))
    assert status(key) == "granted"
    (line,) = policies.adoptions(measure=MEASURE, territory=SICHUAN, viewer=PUBLIC)
    assert (line.status, line.instrument_no) == ("approved", "1号")


def test_the_authority_refuses_and_the_territory_begins_anew(w: world.World) -> None:
    supported(w)
    key = approved(w)
    with pytest.raises(commands.ActNotAllowed):
        commands.drop(adoption_id=key, reason="x", origin=by(w.first))
    commands.refuse(adoption_id=key, reason="not yet", origin=by(w.supervisor))
    assert queries.eligibility(queries.named(world.PACKAGE), SICHUAN, TODAY).approval.verdict == "failed"
    assert status(live(w)) == "live"


def test_what_was_dropped_leaves_nothing_in_the_register(w: world.World) -> None:
    supported(w)
    key = granted(w)
    commands.drop(adoption_id=key, reason="not now", origin=by(w.second))
    assert [a.status for a in policies.adoptions(measure=MEASURE, territory=SICHUAN, viewer=PUBLIC)] == ["ended"]
    with pytest.raises(commands.ActNotAllowed):
        live_commands.go_live(adoption_id=key, origin=by(w.first, 1))


# --- what is asked before --------------------------------------------------------------------------------------------------


def test_what_is_not_known_is_never_a_yes(w: world.World) -> None:
    key = examined(w)
    seen = queries.adoption(adoption_id=key, viewer=w.first).examination
    assert seen
    assert (seen.ready, seen.conditions.market.verdict, seen.conditions.risk.verdict) == ("unknown", "met", "unknown")
    with pytest.raises(commands.NotEligible) as no:
        commands.propose(adoption_id=key, origin=by(w.first))
    assert "supervision grade" in str(no.value.facts["missing"])
    assert no.value.facts["failing"] == "-"
    supported(w)
    state(w.supervisor, "debt_colour", "red")
    with pytest.raises(commands.NotEligible) as no:
        commands.propose(adoption_id=key, origin=by(w.first))
    assert "colour of local-government debt: red" in str(no.value.facts["failing"])
    state(w.supervisor, "debt_colour", "orange")
    commands.propose(adoption_id=key, origin=by(w.first))


def test_evidence_goes_out_of_date(w: world.World) -> None:
    supported(w)
    state(w.supervisor, "supervision_grade", "A", days=3)
    p = queries.named(world.PACKAGE)
    assert [queries.eligibility(p, SICHUAN, tomorrow(n)).risk.verdict for n in (3, 4)] == ["met", "unknown"]


def test_nobody_has_it_so_nobody_copies_it(w: world.World) -> None:
    supported(w)
    state(w.first, "data", ["transport_document", "customs_declaration", "port_operation", "ship_call"])
    key = examined(w, package="port-shipping")
    with pytest.raises(commands.NotEligible) as no:
        commands.propose(adoption_id=key, origin=by(w.first))
    assert "another territory has it" in str(no.value.facts["failing"])


def test_a_package_that_needs_a_sea_port_is_not_for_a_province_without_port(w: world.World) -> None:
    fit = queries.eligibility(queries.named("port-shipping"), "610000", TODAY)
    assert fit.market.verdict != "met"
    assert [r.en for r in fit.market.failing] or fit.market.missing


def test_an_estimate_counts_the_territory_s_own_payments(w: world.World) -> None:
    w.exporter.paid(10_000_00, 213)
    w.exporter.paid(11_000_00, 30)
    Exporter(CHONGQING).paid(12_000_00, 214)
    waiting = product([MEASURE])
    key = examined(w)
    seen = queries.adoption(adoption_id=key, viewer=w.first).examination
    assert seen
    told = seen.impact
    assert (told["payments"], told["spoke"], told["newly_blocked"], told["newly_clear"]) == (2, 2, 1, 0)
    assert told["checks"] == {"freight_recent": {"blocked": 1, "let_pass": 0}}
    assert told["amounts"] == {"USD": 10_000_00}
    assert [p["id"] for p in told["products"]] == [str(waiting)]
    loose = examined_again(w, key, {DAYS: "240"})
    assert loose["newly_blocked"] == 0
    assert str(parameters.parameters(viewer=SYSTEM).value(DAYS, TODAY, SICHUAN).value) == "180", "nothing of the trial remains"
    assert checks.scenes_in_force(territory=SICHUAN, viewer=SYSTEM) == []


def examined_again(w: world.World, key: Any, overrides: dict[str, str]) -> dict[str, Any]:
    commands.draft(
        adoption_id=key, package=world.PACKAGE, overrides=overrides, starts_on=tomorrow(), ends_on=None, origin=by(w.second)
    )
    commands.examine(adoption_id=key, origin=by(w.first))
    seen = queries.adoption(adoption_id=key, viewer=w.first).examination
    assert seen
    return seen.impact


def test_a_changed_draft_is_examined_again(w: world.World) -> None:
    supported(w)
    key = examined(w)
    commands.draft(adoption_id=key, package=world.PACKAGE, overrides={DAYS: "90"}, starts_on=tomorrow(), ends_on=None, origin=by(w.first))
    with pytest.raises(commands.ActNotAllowed):
        commands.propose(adoption_id=key, origin=by(w.first))
    commands.examine(adoption_id=key, origin=by(w.first))
    seen = queries.adoption(adoption_id=key, viewer=w.first).examination
    assert seen
    assert seen.current
    assert {v["name"]: v["here"] for v in seen.vectors if v["differs"]} == {}
    commands.propose(adoption_id=key, origin=by(w.first))


def test_the_same_scene_twice_is_refused(w: world.World) -> None:
    supported(w)
    live(w)
    key = drafted(w, start=5)
    commands.examine(adoption_id=key, origin=by(w.first, 2))
    with pytest.raises(commands.InForce):
        commands.propose(adoption_id=key, origin=by(w.first, 2))
    with pytest.raises(commands.OnItsWay):
        drafted(w, start=6)
    with pytest.raises(commands.InForce):
        world.entered(days=1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"overrides": {"settlement.amount_tolerance": "1"}}, "overrides.settlement.amount_tolerance"),
        ({"overrides": {DAYS: "59"}}, f"overrides.{DAYS}"),
        ({"overrides": {DAYS: "271"}}, f"overrides.{DAYS}"),
        ({"overrides": {DAYS: "many"}}, f"overrides.{DAYS}"),
        ({"overrides": {DAYS: "NaN"}}, f"overrides.{DAYS}"),
        ({"starts_on": TODAY - timedelta(days=1)}, "starts_on"),
        ({"ends_on": TODAY}, "ends_on"),
    ],
)
def test_a_draft_says_what_is_wrong(w: world.World, change: dict[str, Any], field: str) -> None:
    given: dict[str, Any] = {"package": world.PACKAGE, "overrides": {}, "starts_on": tomorrow(), "ends_on": None} | change
    with pytest.raises(Invalid) as no:
        commands.draft(adoption_id=uuid4(), origin=by(w.first), **given)
    assert no.value.facts["field"] == field


def test_a_draft_is_of_ones_own_territory_and_of_another_s_package(w: world.World) -> None:
    with pytest.raises(queries.NoPackage):
        drafted(w, package="nothing")
    with pytest.raises(Invalid):
        drafted(world.World(official(CHONGQING), w.second, w.supervisor, w.origin, w.exporter))
    key = drafted(w)
    other = official(GUANGXI)
    with pytest.raises(Absent):
        commands.draft(adoption_id=key, package=world.PACKAGE, overrides={}, starts_on=tomorrow(), ends_on=None, origin=by(other))
    with pytest.raises(NotEntitled):
        commands.examine(adoption_id=key, origin=by(other))


@pytest.mark.parametrize(
    ("who", "fact", "value", "field"),
    [
        ("supervisor", "controls_complete", True, "fact"),
        ("first", "supervision_grade", "A", "fact"),
        ("supervisor", "supervision_grade", "E", "value"),
        ("supervisor", "red_warnings", -1, "value"),
        ("supervisor", "red_warnings", True, "value"),
        ("first", "controls_complete", "yes", "value"),
        ("first", "data", ["gossip"], "value"),
    ],
)
def test_a_statement_says_what_is_wrong(w: world.World, who: str, fact: str, value: Any, field: str) -> None:
    with pytest.raises(Invalid) as no:
        state(getattr(w, who), fact, value)
    assert no.value.facts["field"] == field


def test_statements_are_for_a_time_and_of_ones_own_territory(w: world.World) -> None:
    with pytest.raises(NotEntitled):
        state(w.first, "controls_complete", True, territory=GUANGXI)
    with pytest.raises(Invalid):
        state(w.first, "controls_complete", True, stated=tomorrow())
    with pytest.raises(Invalid):
        state(w.first, "controls_complete", True, days=401)


# --- the product of a package ----------------------------------------------------------------------------------------------


def test_an_institution_of_the_territory_offers_the_package_s_product(w: world.World) -> None:
    supported(w)
    here = world.party("institution", Role.BANK, sort="city_bank", territory=SICHUAN, name="Here")
    there = world.party("institution", Role.BANK, sort="city_bank", territory=GUANGXI, name="There")
    key = granted(w)
    given: dict[str, Any] = {"adoption_id": key, "product_id": uuid4(), "changes": {"price_max_bp": 400, "name_zh": "成渝单证贷"}}
    with pytest.raises(Absent):
        commands.draft_product(**given, origin=by(here, 1))
    live_commands.go_live(adoption_id=key, origin=by(w.first, 1))
    with pytest.raises(NotEntitled):
        commands.draft_product(**given, origin=by(there, 1))
    for changes, field in (({"price_max_bp": 451}, "price_max_bp"), ({"amount_max_minor": 10**12}, "amount_max_minor"),
                           ({"requires": []}, "requires"), ({"tenor_min_days": "15"}, "tenor_min_days")):  # fmt: skip
        with pytest.raises(Invalid) as no:
            commands.draft_product(**given | {"changes": changes}, origin=by(here, 1))
        assert no.value.facts["field"] == field
    made = commands.draft_product(**given, origin=by(here, 1))
    products.publish_product(product_id=made, origin=by(here, 1))
    card = shelf.product(product_id=made, viewer=PUBLIC).card
    assert (card.requires, card.territories, card.price_max_bp, card.name_zh) == ((MEASURE,), (SICHUAN,), 400, "成渝单证贷")
    assert [t.adoption_id for t in queries.templates(on=tomorrow(), viewer=here)] == [key]
    assert queries.templates(on=tomorrow(), viewer=there) == []

"""Scenes in force: from a day, in a territory, one version at a time; and what payments there are checked by."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connections, transaction

from luhai.core.evidence.tests.world import (
    bank,
    company,
    declaration,
    id_of,
    number,
    official,
    received,
    sql,
)
from luhai.core.titles.tests.world import subject, title
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Invalid, NotEntitled, NotPermitted, Refusal
from luhai.settlement.checks import commands, queries
from luhai.settlement.checks.commands import SceneInForceAlready, SceneNotInForce
from luhai.settlement.checks.models import SceneInForce
from luhai.settlement.checks.policy import Judgement, Said
from luhai.settlement.checks.scenes import NoScene
from luhai.settlement.checks.tests.test_grades import at_once
from luhai.settlement.checks.tests.world import AFTER, DATA, by, carrier, in_the_way, rail_note, status_of
from luhai.shell.command import command
from luhai.shell.models import Entry

TODAY = date(2026, 3, 2)
CHONGQING, GUANGXI, SHAANXI = "500000", "450000", "610000"
WORTH = 10_000_00


def put(scene: str = "rail-trains", territory: str = SHAANXI, after: int = 0, until: int | None = None, who: Actor = SYSTEM, days: int = 0) -> UUID:
    return commands.put_scene_in_force(
        scene=scene, territory=territory, valid_from=TODAY + timedelta(days=after),
        valid_to=None if until is None else TODAY + timedelta(days=until), origin=by(who, days),
    )  # fmt: skip


def withdrawn(scene: str = "rail-trains", territory: str = SHAANXI, after: int = 0, who: Actor = SYSTEM, days: int = 0) -> UUID:
    return commands.withdraw_scene(scene=scene, territory=territory, valid_to=TODAY + timedelta(days=after), origin=by(who, days))


def held(territory: str = SHAANXI, after: int = 0) -> list[str]:
    return [s.version for s in queries.in_force_for(territory, TODAY + timedelta(days=after))]


class Carriage:
    """A company, its declaration, and a rail note that names both; without invoice and contract."""

    def __init__(self, territory: str = SHAANXI, station: str = "CNSIA", by_carrier: bool = True) -> None:
        self.bank, self.company = bank(territory), company(territory)
        self.declared = declaration(self.company, WORTH)
        self.carrier, self.number = carrier(), number()
        note = rail_note(self.company, self.declared["declaration_no"], self.number, station)
        self.declaration = received(self.declared, self.company)
        self.note = received(note, self.company, self.carrier if by_carrier else self.company)

    def judged(self, on: date = TODAY, scenes: list[str] | None = None, **changes: Any) -> Judgement:
        made = dict(
            direction="in", currency="USD", amount_minor=WORTH, debtor_name="SIAM MOTOR PARTS CO LTD", debtor_country="TH",
            creditor_name="Some Exporter", invoices=(), value_date=on, situation=AFTER,
        ) | changes  # fmt: skip
        return queries.judge(
            said=Said(**made), papers=[self.declaration, self.note], bank_id=id_of(self.bank), company_id=id_of(self.company), on=on,
            scenes=scenes,
        )  # fmt: skip


@pytest.mark.django_db
def test_a_scene_changes_a_verdict_only_in_its_territory_from_its_day() -> None:
    here, elsewhere = Carriage(), Carriage(GUANGXI)
    for deal in (here, elsewhere):
        assert in_the_way(deal.judged()) == {"invoice_or_contract": "missing"}
    put(after=5)
    for deal in (here, elsewhere):
        assert deal.judged(TODAY + timedelta(days=4)).rule_set == "goods-in@2026-01-01"
    found = here.judged(TODAY + timedelta(days=5))
    assert (found.verdict, found.rule_set) == ("clear", "goods-in@2026-01-01+rail-trains@2026-01-01")
    assert status_of(found, "invoice_or_contract") == "stood_in"
    found = elsewhere.judged(TODAY + timedelta(days=5))
    assert (found.verdict, found.scenes) == ("blocked", ())
    # Whoever asks what it would do is told, wherever the company is; and what would be without it.
    assert elsewhere.judged(scenes=["rail-trains"]).verdict == "clear"
    assert here.judged(TODAY + timedelta(days=5), scenes=[]).verdict == "blocked"
    with pytest.raises(NoScene):
        here.judged(scenes=["nothing"])
    withdrawn(after=7)
    assert here.judged(TODAY + timedelta(days=6)).verdict == "clear"
    assert here.judged(TODAY + timedelta(days=7)).verdict == "blocked"


@pytest.mark.django_db
def test_a_note_that_the_company_itself_brought_stands_in_for_nothing() -> None:
    deal = Carriage(by_carrier=False)
    found = deal.judged(scenes=["rail-trains"])
    assert found.facts["transport_from_carrier"] == "no"
    assert in_the_way(found) == {"invoice_or_contract": "missing"}


@pytest.mark.django_db
def test_another_way_is_not_of_the_scene() -> None:
    deal = Carriage(station="CNCKG")
    found = deal.judged(scenes=["rail-trains"])
    assert found.facts["transport_route"] == "500000"
    assert found.scenes == ()
    unknown = Carriage(station="CNSHA").judged(scenes=["rail-trains"])
    assert "transport_route" not in unknown.facts


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("document", "form"), [("rail_bill", "rail"), ("rail_sea_bill", "rail_sea"), ("multimodal_bill", "multimodal"), ("ocean_bill", "sea")]
)
def test_the_title_behind_the_note(document: str, form: str) -> None:
    """The same number by the same carrier in the registry of titles: what it is, its state and its way count too."""
    deal = Carriage(station="CNSHA")
    assert "title_state" not in deal.judged().facts
    title(bank(), deal.company, "transport_document", about=subject("transport_document", number=deal.number, document=document))
    assert "title_state" not in deal.judged().facts, "another issuer's paper of this number is another paper"
    title(deal.carrier, deal.company, "transport_document", about=subject("transport_document", number=deal.number, document=document, origin="CNCQI"))
    found = deal.judged()
    assert (found.facts["title_state"], found.facts["transport_forms"], found.facts["transport_route"]) == ("live", form, "500000")
    assert found.verdict == "blocked"
    eased = deal.judged(scenes=["corridor-logistics"])
    assert (eased.verdict == "clear") is (form != "sea")


# --- putting in force -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_putting_and_withdrawing_are_on_the_record() -> None:
    made = put(who=official(Role.SUPERVISOR))
    row = SceneInForce.objects.get(pk=made)
    assert (row.scene, row.version, row.territory, row.valid_from, row.valid_to) == ("rail-trains", "rail-trains@2026-01-01", SHAANXI, TODAY, None)
    assert held() == ["rail-trains@2026-01-01"]
    assert withdrawn(after=3, who=official(Role.OPERATOR)) == made
    events = {e["kind"]: e for x in Entry.objects.all() for e in x.events}
    first, second = events["checks.scene_put"], events["checks.scene_withdrawn"]
    assert (first["measures"], first["rules"]) == (["M14-05"], ["rail-trains@2026-01-01"])
    assert first["data"] == {"scene": "rail-trains", "territory": SHAANXI, "valid_from": "2026-03-02", "valid_to": None}
    assert second["data"]["valid_to"] == "2026-03-05"
    row.refresh_from_db()
    assert row.withdrawn_by is not None
    assert (held(after=2), held(after=3)) == (["rail-trains@2026-01-01"], [])
    shown = queries.scenes_in_force(viewer=SYSTEM)
    assert [(s.territory, s.valid_from, s.valid_to) for s in shown] == [(SHAANXI, TODAY, TODAY + timedelta(days=3))]
    assert queries.scenes_in_force(territory=GUANGXI, viewer=SYSTEM) == []
    assert queries.scenes_in_force(on=TODAY + timedelta(days=3), viewer=SYSTEM) == []
    assert len(queries.scenes_in_force(key="rail-trains", on=TODAY, viewer=SYSTEM)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"after": -1}, Invalid), ({"until": 0}, Invalid), ({"territory": "110000"}, Invalid), ({"territory": "610100"}, Invalid),
        ({"scene": "nothing"}, NoScene), ({"scene": "rail-trains@2025-01-01"}, NoScene),
    ],
)  # fmt: skip
def test_what_cannot_be_put_in_force(more: dict[str, Any], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        put(**more)
    assert not SceneInForce.objects.exists()


@pytest.mark.django_db
def test_of_one_scene_one_version_at_a_time() -> None:
    put(after=5, until=10)
    for after, until in ((5, None), (0, None), (0, 6), (9, 20), (6, 7)):
        with pytest.raises(SceneInForceAlready):
            put(after=after, until=until)
    put(after=0, until=5)
    put(after=10)
    put("corridor-logistics")
    put(territory=GUANGXI)
    assert held() == ["corridor-logistics@2026-01-01", "rail-trains@2026-01-01"]


@pytest.mark.django_db
def test_withdrawing_ends_what_would_come_too() -> None:
    first, later = put(until=5), put(after=8)
    assert withdrawn(after=2) == first
    assert [held(after=n) for n in (1, 2, 8, 20)] == [["rail-trains@2026-01-01"], [], [], []]
    assert SceneInForce.objects.get(pk=later).valid_to == TODAY + timedelta(days=8)
    assert [s.id for s in queries.scenes_in_force(viewer=SYSTEM)] == [first]
    put(after=8)  # what never came to hold is in nobody's way
    with pytest.raises(SceneNotInForce):
        withdrawn(territory=GUANGXI)
    with pytest.raises(Invalid):
        withdrawn(after=-1)
    assert len(held(after=8)) == 1
    withdrawn("rail-trains@2026-01-01", after=9)
    assert held(after=9) == []


@pytest.mark.django_db
def test_the_nearest_place_counts_and_the_corridor_alone() -> None:
    put(territory="440800", scene="port-shipping")
    assert held("440800") == ["port-shipping@2026-01-01"]
    assert held("440802") == ["port-shipping@2026-01-01"]
    assert held("440000") == held("440100") == []
    assert queries.in_force_for(None, TODAY) == ()


@pytest.mark.django_db
def test_who_may() -> None:
    for role in (Role.SUPERVISOR, Role.OPERATOR):
        put(territory=GUANGXI if role is Role.OPERATOR else SHAANXI, who=official(role))
    for actor in (bank(), company(), official(Role.PROVINCE)):
        with pytest.raises(NotPermitted):
            put("port-shipping", who=actor)
        with pytest.raises(NotPermitted):
            withdrawn(who=actor)
    for key in ("rail-trains", "rail-trains@2026-01-01"):
        assert queries.scene(key=key, viewer=company()).version == "rail-trains@2026-01-01"
    with pytest.raises(NoScene):
        queries.scene(key="x", viewer=company())


@command(may=[Role.PROVINCE, Role.SUPERVISOR, Role.COMPANY])
def adopt_for_tests(*, scene: str, territory: str, ends: bool, origin: Origin) -> UUID:
    """What an upper floor does inside its own command."""
    if ends:
        return commands.end_scene(scene=scene, territory=territory, valid_to=TODAY, origin=origin)
    return commands.begin_scene(scene=scene, territory=territory, valid_from=TODAY, origin=origin)


@pytest.mark.django_db
def test_an_adoption_puts_it_in_force_for_its_own_territory() -> None:
    province = official(Role.PROVINCE)  # of Chongqing
    made = adopt_for_tests(scene="corridor-logistics", territory=CHONGQING, ends=False, origin=by(province))
    assert held(CHONGQING) == ["corridor-logistics@2026-01-01"]
    with pytest.raises(NotEntitled):
        adopt_for_tests(scene="corridor-logistics", territory=GUANGXI, ends=False, origin=by(province))
    stranger = company()
    with pytest.raises(DatabaseError):  # the database says so too
        adopt_for_tests(scene="port-shipping", territory=CHONGQING, ends=False, origin=by(stranger))
    assert adopt_for_tests(scene="corridor-logistics", territory=CHONGQING, ends=True, origin=by(province)) == made
    assert held(CHONGQING) == []
    kinds = [e["kind"] for x in Entry.objects.filter(command__endswith="adopt_for_tests") for e in x.events]
    assert sorted(kinds) == ["checks.scene_put", "checks.scene_withdrawn"]


# --- walls and races --------------------------------------------------------------------------------------------------------

_ADD = """INSERT INTO checks_sceneinforce (id, scene, version, territory, valid_from, set_by, set_at, key)
    VALUES (gen_random_uuid(), 'rail-trains', 'rail-trains@2026-01-01', %s, '2026-03-02', gen_random_uuid(), now(), gen_random_uuid())"""
WALLS = {
    "scene_add": "ALTER POLICY scene_add ON checks_sceneinforce WITH CHECK (true)",
    "scene_end": "ALTER POLICY scene_end ON checks_sceneinforce USING (true)",
    "ends_earlier": "ALTER TABLE checks_sceneinforce DISABLE TRIGGER ends_earlier",
    "one_scene_version_in_force": "ALTER TABLE checks_sceneinforce DROP CONSTRAINT one_scene_version_in_force",
    "scene_withdrawn_whole": "ALTER TABLE checks_sceneinforce DROP CONSTRAINT scene_withdrawn_whole",
    "update": "GRANT UPDATE ON checks_sceneinforce TO luhai_app",
    "delete": "GRANT DELETE ON checks_sceneinforce TO luhai_app; CREATE POLICY d ON checks_sceneinforce FOR DELETE USING (true)",
}


@pytest.mark.parametrize("wall", WALLS)
def test_each_wall_holds_and_is_noticed_when_it_falls(fresh_db: str, wall: str) -> None:
    put(until=9)
    end = "UPDATE checks_sceneinforce SET valid_to = {}, withdrawn_by = gen_random_uuid(), withdrawn_at = now() RETURNING 1"
    province = official(Role.PROVINCE)  # of Chongqing, not of Shaanxi
    attempts: dict[str, tuple[Actor, str, list[Any]]] = {
        "scene_add": (province, _ADD, [GUANGXI]),
        "scene_end": (province, end.format("'2026-03-03'"), []),
        "ends_earlier": (SYSTEM, end.format("NULL").replace("NULL", "'2026-03-30'"), []),
        "one_scene_version_in_force": (SYSTEM, _ADD, [SHAANXI]),
        "scene_withdrawn_whole": (SYSTEM, "UPDATE checks_sceneinforce SET valid_to = '2026-03-03', withdrawn_at = now() RETURNING 1", []),
        "update": (SYSTEM, "UPDATE checks_sceneinforce SET territory = '450000', valid_to = '2026-03-03' RETURNING 1", []),
        "delete": (SYSTEM, "DELETE FROM checks_sceneinforce RETURNING 1", []),
    }  # fmt: skip
    actor, statement, values = attempts[wall]

    def done() -> bool:
        try:
            with transaction.atomic():
                return bool(sql(actor, statement, *values))
        except DatabaseError:
            return False

    assert not done()
    with connections["owner"].cursor() as cursor:
        cursor.execute(WALLS[wall])
    assert done()


def test_two_who_put_it_in_force_at_once(fresh_db: str) -> None:
    got = at_once(*(lambda: put() for _ in range(4)), *(lambda: put(territory=GUANGXI) for _ in range(2)))
    assert got == ["checks.scene_in_force"] * 4 + ["done"] * 2
    assert SceneInForce.objects.count() == 2


def test_put_and_withdrawn_at_once(fresh_db: str) -> None:
    put()
    got = at_once(lambda: withdrawn(after=1), lambda: withdrawn(after=1), lambda: put(after=1), lambda: put(after=1))
    # Whoever puts it again comes before the withdrawal, and is refused, or after it; a second withdrawal may then end that one.
    assert set(got) <= {"done", "checks.scene_in_force", "checks.scene_not_in_force"}
    assert "done" in got
    rows = sorted((r.valid_from, r.valid_to) for r in SceneInForce.objects.exclude(valid_to=None) if r.valid_to and r.valid_to > r.valid_from)
    assert rows == [(TODAY, TODAY + timedelta(days=1))]
    assert SceneInForce.objects.filter(valid_to=None).count() <= 1


def test_shipped_files_and_rows_agree() -> None:
    names = {p.name for p in Path(DATA / "checks" / "scenes").iterdir()}
    assert names == {s.file for s in queries.shipped_scenes()}

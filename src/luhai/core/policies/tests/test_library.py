"""The library in the database: loading, searching, proposals, adoption, and who may do what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from luhai.core.parties.territories import territories
from luhai.core.policies import commands, queries
from luhai.core.policies.lifecycle import GRANTED, NEXT, Status
from luhai.core.policies.models import Adoption, AdoptionEvent, Measure
from luhai.core.policies.seed import SeedBroken, read, read_measures
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, NotPermitted, Refusal
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = NOON.date()
GUANGXI = Actor(UUID(int=7), Role.PROVINCE, UUID(int=70), "450000")
YUNNAN = Actor(UUID(int=8), Role.PROVINCE, UUID(int=80), "530000")
SUPERVISOR = Actor(UUID(int=9), Role.SUPERVISOR, UUID(int=90))
OPERATOR = Actor(UUID(int=10), Role.OPERATOR, UUID(int=100))
BANK = Actor(UUID(int=11), Role.BANK, UUID(int=110))

NOTICE = """甲市金融办关于支持外贸企业融资的通知
甲金〔2026〕3号
各银行：
为支持外贸企业，现通知如下：
一、扩大融资。支持银行向外贸企业提供订单融资、仓单融资。鼓励保险公司开发出口保险产品。
二、加强服务。建立融资对接机制。
甲市金融办
2026年2月1日
"""


def by(actor: Actor, at: datetime = NOON) -> Origin:
    return Origin(actor, uuid4(), at)


@pytest.fixture
def seeded() -> None:
    commands.load_seed(origin=by(SYSTEM))


def step(actor: Actor, status: str, *, since: date = TODAY, measure: str = "M07-06", territory: str = "450000", **rest: object) -> UUID:
    given = {"until": None, "instrument_no": "", "approver": "", "scope": "", "reason": "", "evidence_digest": ""} | rest
    return commands.change_adoption(
        measure=measure, territory=territory, status=status, since=since, origin=by(actor), **given  # type: ignore[arg-type]
    )


GRANT = {"instrument_no": "桂汇发〔2026〕1号", "approver": "国家外汇管理局广西分局", "scope": "互市贸易代理人付汇"}


class TestLoading:
    def test_seed_is_loaded_once_and_every_quote_is_what_stands_there(self) -> None:
        first = commands.load_seed(origin=by(SYSTEM))
        again = commands.load_seed(origin=by(SYSTEM))
        assert (first["measures"], first["new"], again["new"]) == (239, 1, 0)
        assert Measure.objects.count() == 239
        for m in Measure.objects.select_related("document", "article"):
            assert m.document.text[m.start : m.end] == m.quote
            assert m.article.start <= m.start < m.end <= m.article.end, m.code
        document = queries.document(name="pbc-2025-11-26", viewer=PUBLIC)
        assert [a.number for a in document.articles] == list(range(1, 25))
        assert len(document.line.issuers) == 8

    def test_a_measures_file_that_does_not_fit_is_refused_whole(self) -> None:
        given = read(commands.LIBRARY / "pbc-2025-11-26.md")
        table = (commands.LIBRARY / "pbc-2025-11-26.measures.csv").read_text(encoding="utf-8")
        assert len(read_measures(given.text, table)) == 239
        with pytest.raises(SeedBroken, match=r"M01-01.*not its quote"):
            read_measures(" " + given.text, table)
        with pytest.raises(SeedBroken, match="M01-02"):
            read_measures(given.text, table.replace("M01-02,1,", "M01-02,one,", 1))
        with pytest.raises(SeedBroken, match="columns"):
            read_measures(given.text, "id,article\n")

    def test_a_changed_seed_is_not_loaded_over_the_old_one(
        self, seeded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = (commands.LIBRARY / "pbc-2025-11-26.md").read_text(encoding="utf-8")
        (tmp_path / "pbc-2025-11-26.md").write_text(whole + "又及。\n", encoding="utf-8")
        table = "pbc-2025-11-26.measures.csv"
        (tmp_path / table).write_bytes((commands.LIBRARY / table).read_bytes())
        monkeypatch.setattr(commands, "LIBRARY", tmp_path)
        with pytest.raises(commands.SeedChanged):
            commands.load_seed(origin=by(SYSTEM))

    def test_an_import_is_parsed_and_its_measures_wait_for_a_person(self) -> None:
        document = commands.import_document(name="jia.txt", text=NOTICE, origin=by(OPERATOR))
        assert commands.import_document(name="other", text=NOTICE, origin=by(OPERATOR)) == document
        with pytest.raises(commands.NameTaken):
            commands.import_document(name="jia.md", text=NOTICE + "又及。", origin=by(OPERATOR))
        view = queries.document(document_id=document, viewer=PUBLIC)
        assert view.line.title == "甲市金融办关于支持外贸企业融资的通知"
        assert (view.line.document_no, view.line.issued_on) == ("甲金〔2026〕3号", date(2026, 2, 1))
        assert [a.heading for a in view.articles] == ["扩大融资", "加强服务"]
        found = queries.proposals(document_id=document, viewer=OPERATOR)
        assert [(p.quote[:2], p.modality) for p in found] == [
            ("支持", "SUPPORT"), ("鼓励", "ENCOURAGE"), ("建立", "BUILD"),
        ]  # fmt: skip
        assert found[0].items == ["订单融资", "仓单融资"]
        assert queries.measures(document_id=document, viewer=PUBLIC) == []

    @pytest.mark.parametrize(
        ("name", "text", "field"),
        [("", "字", "name"), ("a/b", "字", "name"), ("a", "  ", "text"), ("a", "字\x00", "text")],
    )
    def test_an_import_that_cannot_be_is_refused_by_field(self, name: str, text: str, field: str) -> None:
        with pytest.raises(Invalid) as refused:
            commands.import_document(name=name, text=text, origin=by(OPERATOR))
        assert refused.value.facts["field"] == field

    def test_a_text_without_articles_is_a_document_too(self) -> None:
        document = commands.import_document(name="free", text="一段没有条款的文字。\n", origin=by(OPERATOR))
        assert queries.document(document_id=document, viewer=PUBLIC).articles == []
        assert queries.document_text(document_id=document, viewer=PUBLIC) == "一段没有条款的文字。\n"


class TestProposals:
    @pytest.fixture
    def proposal(self) -> UUID:
        document = commands.import_document(name="jia", text=NOTICE, origin=by(OPERATOR))
        return queries.proposals(document_id=document, viewer=OPERATOR)[0].id

    def confirm(self, proposal: UUID, actor: Actor = SUPERVISOR, **change: str) -> UUID:
        given = {"code": "JIA-01", "title_en": "Order financing", "tag": "credit", "item": "订单融资", "modality": "SUPPORT"} | change
        return commands.confirm_measure(proposal_id=proposal, **given, origin=by(actor))  # type: ignore[arg-type]

    def test_one_proposal_may_become_a_measure_an_item(self, proposal: UUID) -> None:
        self.confirm(proposal)
        self.confirm(proposal, code="JIA-02", item="仓单融资")
        with pytest.raises(commands.CodeTaken):
            self.confirm(proposal)
        found = queries.search(text="订单融资", viewer=PUBLIC)
        assert found[0].measure == "JIA-01"
        with pytest.raises(commands.AlreadyDecided):
            commands.reject_measure(proposal_id=proposal, reason="no", origin=by(SUPERVISOR))

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"code": "x"}, "code"), ({"modality": "MAY"}, "modality"), ({"item": "别的"}, "item"), ({"tag": "A b"}, "tag")],
    )
    def test_faults_are_named(self, proposal: UUID, change: dict[str, str], field: str) -> None:
        with pytest.raises(Invalid) as refused:
            self.confirm(proposal, **change)
        assert refused.value.facts["field"] == field

    def test_a_rejection_needs_a_reason_and_is_final(self, proposal: UUID) -> None:
        with pytest.raises(Invalid):
            commands.reject_measure(proposal_id=proposal, reason=" ", origin=by(SUPERVISOR))
        commands.reject_measure(proposal_id=proposal, reason="says why", origin=by(SUPERVISOR))
        with pytest.raises(commands.AlreadyDecided):
            self.confirm(proposal)

    @pytest.mark.parametrize("actor", [BANK, GUANGXI, PUBLIC])
    def test_only_supervisor_and_operator_decide(self, proposal: UUID, actor: Actor) -> None:
        with pytest.raises(NotPermitted):
            self.confirm(proposal, actor)


class TestSearch:
    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ("银企融资对接", "M12-01"),
            ("边民互市", "M07-06"),
            ("数字人民币", "M10-13"),
            ("ecny", "M10-13"),  # by the synonym table
            ("purpose-built", None),
            ("border resident", None),
            ("Syndicated loans", "M01-09"),
            ("银团", "M01-09"),
            ("M05-16", "M05-16"),
            ("船舶融资租赁", "M05-16"),
        ],
    )
    def test_finds(self, seeded: None, asked: str, code: str | None) -> None:
        codes = [h.measure for h in queries.search(text=asked, viewer=PUBLIC, limit=200)]
        assert code in codes if code else True

    def test_pairs_find_what_the_dictionary_cut_elsewhere(self, seeded: None) -> None:
        """Every run of four characters of every quote finds its measure."""
        for m in list(Measure.objects.order_by("code"))[::9]:
            run = next((part for part in m.quote.replace("（", "，").replace("、", "，").split("，") if len(part) >= 6), None)
            if run and '"' not in run:
                codes = {h.measure for h in queries.search(text=run[1:5], viewer=PUBLIC, limit=500)}
                assert m.code in codes, (m.code, run[1:5])

    def test_filters_narrow_and_pages_join_without_gap_or_repeat(self, seeded: None) -> None:
        whole = queries.search(text="支持", viewer=PUBLIC, limit=500)
        joined: list[queries.Hit] = []
        after = None
        while True:
            part = queries.search(text="支持", viewer=PUBLIC, limit=7, after=after)
            if not part:
                break
            joined += part
            after = (part[-1].score, part[-1].key)
        assert [h.key for h in joined] == [h.key for h in whole]
        assert all(a.score >= b.score for a, b in pairwise(whole))
        banks = queries.search(actor="BANK", modality="SUPPORT", territory="450000", viewer=PUBLIC, limit=500)
        assert banks
        assert all("BANK" in h.actors and h.modality == "SUPPORT" and "450000" in h.territories for h in banks)
        assert {h.article for h in queries.search(article=12, viewer=PUBLIC, limit=500)} == {12}
        assert {h.tag for h in queries.search(tag="debt", viewer=PUBLIC)} == {"debt"}

    @pytest.mark.parametrize("asked", ["，。！", "'; DROP TABLE x; --", "a:*|b", "\\", "(((", "支持 & !", "‘’“”", "x" * 5000, "𠀀𠀁"])
    def test_nothing_that_is_typed_breaks_it(self, seeded: None, asked: str) -> None:
        queries.search(text=asked, viewer=PUBLIC)


class TestAdoption:
    def test_the_way_into_force_and_out_by_days(self, seeded: None) -> None:
        for status, day in (("listed", 1), ("under_study", 2), ("applied", 3)):
            step(GUANGXI, status, since=date(2026, 3, day))
        step(GUANGXI, "approved", since=date(2026, 3, 4), **GRANT)
        step(GUANGXI, "piloting", since=date(2026, 3, 5), until=date(2026, 6, 30))
        assert not queries.in_force("M07-06", "450000", date(2026, 3, 6)), "a pilot is narrower than its territory"
        step(GUANGXI, "in_force", since=date(2026, 3, 10), until=date(2026, 12, 31))
        step(SUPERVISOR, "suspended", since=date(2026, 5, 1), reason="warning")
        step(SUPERVISOR, "in_force", since=date(2026, 6, 1), until=date(2026, 12, 31))
        answers = {
            date(2026, 3, 9): False, date(2026, 3, 10): True, date(2026, 4, 30): True, date(2026, 5, 1): False,
            date(2026, 5, 31): False, date(2026, 6, 1): True, date(2026, 12, 31): True, date(2027, 1, 1): False,
        }  # fmt: skip
        assert {day: queries.in_force("M07-06", "450000", day) for day in answers} == answers
        assert not queries.in_force("M07-06", "530000", date(2026, 7, 1)), "each territory for itself"
        assert not queries.in_force("M99-99", "450000", date(2026, 7, 1)), "unknown is not in force"
        assert queries.measures_in_force("450000", date(2026, 7, 1)) == {"M07-06"}
        view = queries.adoption(measure="M07-06", territory="450000", viewer=PUBLIC)
        assert [s.version for s in view.steps] == list(range(8, 0, -1))
        assert view.line.instrument_no == GRANT["instrument_no"], "what is left empty of the grant is kept"

    @pytest.mark.parametrize("before", [None, *Status])
    def test_every_pair_of_statuses(self, seeded: None, before: Status | None) -> None:
        """What NEXT allows is done, whatever else is refused and changes nothing. A measure for each pair."""
        free = [m.code for m in Measure.objects.filter(territories__contains=["450000"]).order_by("code")[: len(Status)]]
        for code, status in zip(free, Status, strict=True):
            if before is not None:
                commands.enter_adoption(
                    measure=code, territory="450000", status=before, valid_from=TODAY, until=TODAY, invented=False,
                    origin=by(SYSTEM), **GRANT,
                )  # fmt: skip
            if status in NEXT[before]:
                step(GUANGXI, status, measure=code, until=TODAY, **GRANT)
                assert Adoption.objects.get(measure__code=code).status == status
            else:
                with pytest.raises(commands.StepNotAllowed):
                    step(GUANGXI, status, measure=code, until=TODAY, **GRANT)
                assert AdoptionEvent.objects.filter(adoption__measure__code=code).count() == (before is not None)

    @pytest.mark.parametrize("field", ["instrument_no", "approver", "scope"])
    @pytest.mark.parametrize("status", sorted(GRANTED))
    def test_a_grant_names_its_instrument(self, seeded: None, status: Status, field: str) -> None:
        with pytest.raises(Invalid) as refused:
            commands.enter_adoption(
                measure="M07-06", territory="450000", status=status, valid_from=TODAY, until=TODAY, invented=False,
                origin=by(SYSTEM), **(GRANT | {field: " "}),
            )  # fmt: skip
        assert refused.value.facts["field"] == field
        assert not Adoption.objects.exists()

    def test_a_pilot_needs_an_end_and_no_end_lies_before_the_beginning(self, seeded: None) -> None:
        for until in (None, date(2026, 3, 1)):
            with pytest.raises(Invalid) as refused:
                commands.enter_adoption(
                    measure="M07-06", territory="450000", status="piloting", valid_from=TODAY, until=until, invented=False,
                    origin=by(SYSTEM), **GRANT,
                )  # fmt: skip
            assert refused.value.facts["field"] == "until"

    def test_who_may(self, seeded: None) -> None:
        with pytest.raises(NotEntitled):
            step(YUNNAN, "listed")
        for actor in (BANK, PUBLIC, OPERATOR):
            with pytest.raises(NotPermitted):
                step(actor, "listed")
        with pytest.raises(commands.NotForThisTerritory):
            step(SUPERVISOR, "listed", territory="500000")
        with pytest.raises(Absent):
            step(SUPERVISOR, "listed", measure="M99-01")
        with pytest.raises(Invalid):
            step(SUPERVISOR, "listed", territory="110000")
        step(SUPERVISOR, "listed")
        with pytest.raises(commands.AlreadyAdopted):
            commands.enter_adoption(
                measure="M07-06", territory="450000", status="listed", valid_from=TODAY, until=None, instrument_no="",
                approver="", scope="", invented=False, origin=by(SYSTEM),
            )  # fmt: skip

    def test_the_database_says_so_too(self, seeded: None) -> None:
        """Without the checks in Python: another province's row, a grant without instrument, a history rewritten."""
        step(SUPERVISOR, "listed")
        row = Adoption.objects.get()
        with acting(YUNNAN):
            assert Adoption.objects.filter(pk=row.pk).update(status="ended") == 0
            with pytest.raises(DatabaseError), transaction.atomic():
                Adoption.objects.create(measure=row.measure, territory="540000", status="listed", since=TODAY)
        with acting(BANK), pytest.raises(DatabaseError), transaction.atomic():
            AdoptionEvent.objects.create(
                adoption=row, version=2, status="ended", since=TODAY, person_id=BANK.person_id, role="bank_officer", at=NOON
            )
        with acting(SYSTEM):
            for change in ({"status": "in_force"}, {"status": "piloting", **GRANT}, {"status": "wonderful"}):
                with pytest.raises(DatabaseError), transaction.atomic():
                    Adoption.objects.filter(pk=row.pk).update(**change)
            with pytest.raises(DatabaseError), transaction.atomic():
                AdoptionEvent.objects.update(reason="never happened")
            with pytest.raises(DatabaseError), transaction.atomic():
                AdoptionEvent.objects.all().delete()

    def test_coverage_shows_every_measure_in_every_territory(self, seeded: None) -> None:
        step(GUANGXI, "listed")
        lines = queries.coverage(viewer=PUBLIC)
        assert len(lines) == 239
        assert {len(line.statuses) for line in lines} == {len(territories())}
        (line,) = [line for line in lines if line.measure.code == "M07-06"]
        assert dict(zip(sorted(territories()), line.statuses, strict=True))["450000"] == "listed"


class TestEdges:
    @pytest.fixture
    def client(self, seeded: None) -> Client:
        commands.enter_adoption(
            measure="M07-06", territory="450000", status="in_force", valid_from=TODAY, until=None, invented=True,
            origin=by(SYSTEM), **GRANT,
        )  # fmt: skip
        return Client()

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    @pytest.mark.parametrize(
        ("address", "shows"),
        [
            ("/policies/", "关于金融支持加快西部陆海新通道建设的意见"),
            ("/policies/?q=银团贷款", "M01-09"),
            ("/policies/?q=Syndicated", "M01-09"),
            ("/policies/?article=7&actor=BANK", "M07-01"),
            ("/policies/documents/pbc-2025-11-26/", "（二十四）"),
            ("/policies/documents/pbc-2025-11-26/articles/11/", "M12-06"),
            ("/policies/measures/M07-06/", "桂汇发〔2026〕1号"),
            ("/adoption/", "M24-"),
            ("/adoption/M07-06/450000/", "桂汇发〔2026〕1号"),
        ],
    )
    def test_pages(self, client: Client, language: str, address: str, shows: str) -> None:
        client.cookies["django_language"] = language
        answer = client.get(address)
        assert answer.status_code == 200, answer.content[:500]
        assert shows in answer.content.decode()

    def test_invented_adoptions_say_so(self, client: Client) -> None:
        client.cookies["django_language"] = "en"
        for address in ("/policies/measures/M07-06/", "/adoption/M07-06/450000/"):
            assert "invented</span>" in client.get(address).content.decode()

    @pytest.mark.parametrize(
        "address",
        [
            "/policies/documents/none/", "/policies/measures/M99-99/", "/policies/documents/pbc-2025-11-26/articles/99/",
            "/adoption/M07-06/110000/", "/adoption/nothing/450000/",
        ],
    )  # fmt: skip
    def test_what_is_not_there_is_404(self, client: Client, address: str) -> None:
        assert client.get(address).status_code == 404

    def test_api(self, client: Client) -> None:
        def get(path: str, status: int = 200) -> dict[str, object]:
            answer = client.get(f"/api/v1/policies{path}")
            assert answer.status_code == status, answer.content
            return answer.json()

        (document,) = get("/documents")["items"]
        assert document["articles"] == 24
        here = f"/documents/{document['id']}"
        assert len(get(here)["chapters"]) == 8
        first = get(f"{here}/articles?limit=20")
        second = get(f"{here}/articles?limit=20&cursor={first['next']}")
        assert [a["number"] for a in first["items"] + second["items"]] == list(range(1, 25))
        assert second["next"] == ""
        assert get(f"{here}/articles/6")["article"]["heading"] == "提升通道商贸领域金融服务普惠性"
        text = get(f"{here}/text")["text"]
        measure = get("/measures/M07-06")
        assert text[measure["measure"]["start"] : measure["measure"]["end"]] == measure["measure"]["quote"]
        assert measure["adoptions"][0]["invented"] is True
        codes: list[str] = []
        cursor = ""
        while True:
            page = get(f"/measures?limit=100&cursor={cursor}")
            codes += [m["code"] for m in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        assert len(codes) == len(set(codes)) == 239
        assert "M01-09" in [hit["measure"] for hit in get("/search?q=银团")["items"]]
        assert get("/in-force/M07-06/450000?on=2026-03-02")["in_force"] is True
        assert get("/in-force/M07-06/450000?on=2026-03-01")["in_force"] is False
        assert get("/adoptions?territory=450000")["items"][0]["measure"] == "M07-06"
        assert get("/adoptions/M07-06/450000")["next"] == ["evaluated", "suspended", "ended"]
        get("/measures/M99-99", 404)
        get("/measures/nonsense", 422)
        get("/search?cursor=x", 422)
        get(f"{here}/proposals", 401)
        answer = client.post(
            "/api/v1/policies/adoptions", {"measure": "M07-06", "territory": "450000", "status": "ended", "since": "2026-03-02"},
            content_type="application/json", headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert answer.status_code == 401, answer.content


def test_refusals_translate(seeded: None) -> None:
    """Every refusal of this subject has facts for every place in its text."""
    from luhai.shell.web import say

    for refuse in (
        lambda: step(SUPERVISOR, "in_force"),
        lambda: step(SUPERVISOR, "listed", territory="500000"),
        lambda: commands.import_document(name="pbc-2025-11-26", text="别的。", origin=by(OPERATOR)),
    ):
        with pytest.raises(Refusal) as refused:
            refuse()
        assert "%(" not in say(refused.value)

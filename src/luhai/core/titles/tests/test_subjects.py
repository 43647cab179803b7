"""What titles are about, and the keys under which they live once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.titles import commands, queries, subjects
from luhai.core.titles.lifecycle import Form, Kind
from luhai.core.titles.models import Claim, Title
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import as_everybody, undone
from luhai.core.titles.tests.world import NOON, by, id_of
from luhai.kernel.origin import SYSTEM, Role
from luhai.kernel.refusal import Invalid, Refusal

DAY = NOON.date()

SAME = ["CK 2026-0017", "ck2026-0017", "ＣＫ２０２６－００１７", "CK2026—0017", " ck 2026‑0017 ", "CK20260017", "CK-02026 0017"]


@pytest.mark.parametrize("text", SAME)
@pytest.mark.django_db
def test_one_number_however_it_is_written(text: str) -> None:
    carrier, a = world.company(), world.company()
    world.title(carrier, a, "transport_document", about=world.subject("transport_document", number=SAME[0]))
    with pytest.raises(commands.AlreadyLive) as refused:
        world.title(carrier, a, "transport_document", about=world.subject("transport_document", number=text))
    assert refused.value.facts["key"] == "document"
    assert refused.value.facts["holder"] == str(id_of(a)), "the issuer may see its own title"


@pytest.mark.django_db
def test_the_other_is_told_what_it_may_know_and_no_more() -> None:
    carrier, other, a = world.company(), world.company(), world.company()
    about = world.subject("transport_document")
    title = world.title(carrier, a, "transport_document", about=about)
    taken = world.subject("transport_document", waybills=[about["waybills"][0].lower().replace(" ", "-")])
    with pytest.raises(commands.AlreadyLive) as refused:
        world.title(other, a, "transport_document", about=taken)
    assert refused.value.facts["key"] == "waybill"
    assert (refused.value.facts["title"], refused.value.facts["holder"]) == (None, None)
    commands.transfer_title(title_id=title, to=id_of(other), origin=by(a))
    with pytest.raises(commands.AlreadyLive) as refused:
        world.title(other, a, "transport_document", about=taken)
    assert (refused.value.facts["title"], refused.value.facts["holder"]) == (str(title), str(id_of(other)))


@pytest.mark.django_db
def test_a_container_is_on_one_live_negotiable_document_at_a_time() -> None:
    carrier, other, a = world.company(), world.company(), world.company()
    about = world.subject("transport_document")
    box = about["containers"]
    first = world.title(carrier, a, "transport_document", about=about)

    def again(day: str, form: str = "TO_ORDER", document: str = "rail_bill") -> UUID:
        return world.title(
            other, a, "transport_document", form=form,
            about=world.subject("transport_document", containers=box, departs_on=day, document=document),
        )  # fmt: skip

    for day in ("2026-03-01", "2026-03-08", "2026-02-22"):
        with pytest.raises(commands.AlreadyLive) as refused:
            again(day)
        assert refused.value.facts["key"] == "container"
    again("2026-03-09")  # it has travelled and come back
    again("2026-03-02", "STRAIGHT", "waybill")  # no document of title
    commands.surrender_title(title_id=first, origin=by(a))
    commands.accept_surrender(title_id=first, origin=by(carrier))
    again("2026-02-27")


@pytest.mark.django_db
def test_intervals_of_a_bill_never_overlap() -> None:
    drawer, payee = world.company(), world.company()
    pack = world.subject("bill")["pack_no"]

    def issue(start: int, end: int, **more: Any) -> UUID:
        about = {"pack_no": pack, "start": start, "end": end, "due_on": "2026-08-01"} | more
        return world.title(drawer, payee, "bill", quantity=end - start + 1, about=about)

    issue(101, 200)
    for start, end in [(101, 200), (150, 160), (1, 101), (200, 300), (1, 999)]:
        with pytest.raises(commands.AlreadyLive) as refused:
            issue(start, end)
        assert refused.value.facts["key"] == "bill"
    with pytest.raises(commands.AlreadyLive):
        issue(500, 600, indivisible=True)
    issue(1, 100)
    title = issue(201, 300)
    parts = commands.split_title(title_id=title, parts=[40, 60], origin=by(payee))
    seen = [queries.title(title_id=UUID(p), viewer=payee).subject for p in parts]
    assert [(s["start"], s["end"]) for s in seen] == [(201, 240), (241, 300)]
    whole = commands.merge_titles(title_id=UUID(parts[1]), others=[UUID(parts[0])], origin=by(payee))
    assert queries.title(title_id=whole, viewer=payee).subject["start"] == 201
    one, two, three = commands.split_title(title_id=whole, parts=[10, 10, 80], origin=by(payee))
    with pytest.raises(Refusal) as refused:  # they do not touch
        commands.merge_titles(title_id=UUID(one), others=[UUID(three)], origin=by(payee))
    assert refused.value.code == "titles.do_not_fit"
    with pytest.raises(Refusal) as refused:
        commands.pledge_title(title_id=UUID(two), pledgee=id_of(world.bank()), quantity=5, origin=by(payee))
    assert refused.value.code == "titles.split_first"
    other = world.subject("bill")
    whole_only = world.title(drawer, payee, "bill", about=other | {"indivisible": True})
    with pytest.raises(Refusal) as refused:
        commands.split_title(title_id=whole_only, parts=[500, 500], origin=by(payee))
    assert refused.value.code == "titles.indivisible"


@pytest.mark.django_db
def test_a_key_is_free_when_the_last_part_has_ended() -> None:
    core, a = world.company(), world.company()
    about = world.subject("receivable_voucher")
    title = world.title(core, a, "receivable_voucher", about=about)
    parts = [UUID(p) for p in commands.split_title(title_id=title, parts=[400, 600], origin=by(a))]
    for n, part in enumerate(parts):
        with pytest.raises(commands.AlreadyLive):
            world.title(core, a, "receivable_voucher", about=about)
        commands.surrender_title(title_id=part, origin=by(a))
        commands.accept_surrender(title_id=part, origin=by(core))
        as_everybody()
        assert Claim.objects.filter(root_id=title, live=True).exists() == (n == 0)
    world.title(core, a, "receivable_voucher", about=about)


@pytest.mark.django_db
def test_receipts_stand_for_no_more_than_the_lot_holds() -> None:
    warehouse, a = world.company(), world.company()
    lot = {"lot": "L-9", "warehouse": "3", "yard": "B"}
    first = world.title(warehouse, a, quantity=600, about=world.subject("warehouse_receipt", lot_quantity=1000, **lot))
    with pytest.raises(commands.LotTooSmall) as refused:
        world.title(warehouse, a, quantity=401, about=world.subject("warehouse_receipt", **lot | {"lot": "l 09"}))
    assert refused.value.facts["free"] == 400
    world.title(warehouse, a, quantity=400, about=world.subject("warehouse_receipt", **lot))
    world.title(world.company(), a, quantity=400, about=world.subject("warehouse_receipt", **lot))  # another's lot
    commands.surrender_title(title_id=first, quantity=100, origin=by(a))
    commands.accept_surrender(title_id=first, origin=by(warehouse))
    (held,) = queries.lots(viewer=warehouse)
    assert (held.on_hand, held.receipted) == (900, 900)
    commands.take_stock(lot_id=held.id, on_hand=899, origin=by(warehouse))
    assert queries.title(title_id=first, viewer=a).state == "FROZEN"
    with pytest.raises(commands.LotShort):
        world.title(warehouse, a, quantity=1, about=world.subject("warehouse_receipt", **lot))
    commands.take_stock(lot_id=held.id, on_hand=1200, origin=by(warehouse))
    assert queries.title(title_id=first, viewer=a).state == "ISSUED"
    world.title(warehouse, a, quantity=300, about=world.subject("warehouse_receipt", **lot))
    with pytest.raises(Refusal):
        commands.take_stock(lot_id=held.id, on_hand=5, origin=by(world.company()))


@pytest.mark.django_db
def test_a_number_that_was_edited_goes_to_a_person() -> None:
    warehouse, a, operator = world.company(), world.company(), world.official()
    lot = {"lot": "L-9", "warehouse": "3", "lot_quantity": 100_000}
    first = world.title(warehouse, a, about=world.subject("warehouse_receipt", number="WR-2026-1047", **lot))

    def issue(number: str, quantity: int = 1000, **more: Any) -> UUID:
        return world.title(
            warehouse, a, quantity=quantity, about=world.subject("warehouse_receipt", number=number, **lot), **more
        )

    for number in ("WR-2026-1048", "WR-2026-1074", "WR-2026-10477", "WR-2026-I047", "WR-2026-1O47"):
        with undone(), pytest.raises(Refusal) as refused:
            issue(number)
        assert refused.value.code == "titles.near_duplicate", number
    issue("WR-2026-1048", quantity=999)  # another quantity
    issue("WR-2026-1049", at=NOON + timedelta(days=4))  # later
    with pytest.raises(Refusal):
        issue("WR-2026-I047", quantity=77)  # looks the same whatever the quantity
    with pytest.raises(commands.NearDuplicate) as refused:
        issue("WR-2026-1074")
    (review,) = [r for r in queries.reviews(viewer=operator) if r.number == "WR20261074"]
    assert str(review.id) == refused.value.facts["review"]
    assert review.title_id == first
    with pytest.raises(Refusal) as denied:
        commands.clear_review(review_id=review.id, why="two", origin=by(warehouse))
    assert denied.value.code == "not_permitted"
    with pytest.raises(Invalid):
        commands.clear_review(review_id=review.id, why="  ", origin=by(operator))
    commands.clear_review(review_id=review.id, why="both loads were seen", origin=by(operator))
    with pytest.raises(commands.AlreadyCleared):
        commands.clear_review(review_id=review.id, why="again", origin=by(operator))
    issue("WR-2026-1074")
    assert review.id not in [r.id for r in queries.reviews(viewer=operator)]
    assert review.id in [r.id for r in queries.reviews(open_only=False, viewer=warehouse)]
    assert queries.reviews(open_only=False, viewer=a) == []


@pytest.mark.django_db
def test_terms_have_legal_ends() -> None:
    core, a = world.company(), world.company()
    for kind, last, beyond in (
        ("receivable_voucher", "2027-03-02", "2027-03-03"), ("bill", "2026-09-02", "2026-09-03"),
    ):  # fmt: skip
        with undone():
            world.title(core, a, kind, about=world.subject(kind, due_on=last))
        with pytest.raises(commands.TermTooLong) as refused:
            world.title(core, a, kind, about=world.subject(kind, due_on=beyond))
        assert refused.value.facts["latest"] == last


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("transport_document", {"number": ""}, "subject.number"),
    ("transport_document", {"number": " - "}, "subject.number"),
    ("transport_document", {"document": "napkin"}, "subject.document"),
    ("transport_document", {"departs_on": None}, "subject.departs_on"),
    ("transport_document", {"departs_on": "2026-02-30"}, "subject.departs_on"),
    ("transport_document", {"containers": ["TLLU1234560"]}, "subject.containers.0"),
    ("transport_document", {"origin": "Chongqing"}, "subject.origin"),
    ("transport_document", {"document": "waybill"}, "form"),
    ("transport_document", {"lot": "7"}, "subject.lot"),
    ("transport_document", {"waybills": "SMGS 1"}, "subject.waybills"),
    ("warehouse_receipt", {"countersigned": False}, "subject.countersigned"),
    ("warehouse_receipt", {"lot": None}, "subject.lot"),
    ("receivable_voucher", {"due_on": "2026-03-01"}, "subject.due_on"),
    ("receivable_voucher", {"evidence": None}, "subject.evidence"),
    ("bill", {"pack_no": "123"}, "subject.pack_no"),
    ("bill", {"start": 0}, "subject.end"),
    ("bill", {"end": 999}, "quantity"),
    ("bill", {"end": 10**12}, "subject.end"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "changes", "field"), WRONG, ids=lambda v: str(v)[:30])
def test_what_is_wrong_is_named(kind: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.title(world.company(), world.company(), kind, about=world.subject(kind, **changes))
    assert refused.value.facts["field"].startswith(field)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "napkin"), ("form", "LOOSE"), ("profile", "md5"), ("quantity", 0), ("quantity", -1), ("quantity", 2**53),
     ("quantity", True), ("unit", "CNY"), ("content", {"a": 2**60}), ("content", {"a": "\ud800"})],
)  # fmt: skip
def test_wrong_fields_of_an_issue_are_named(field: str, value: Any) -> None:
    asked: dict[str, Any] = {
        "title_id": uuid4(), "kind": "warehouse_receipt", "holder_id": id_of(world.company()), "quantity": 5, "unit": "TNE",
        "subject": world.subject("warehouse_receipt"),
    }  # fmt: skip
    with pytest.raises(Invalid) as refused:
        commands.issue_title(**asked | {field: value}, origin=by(world.company()))
    assert refused.value.facts["field"] == field


@given(st.text(max_size=12), st.text(max_size=12))
def test_claims_agree_when_numbers_fold_to_one(a: str, b: str) -> None:
    def digest(number: str) -> str:
        return subjects.claims(
            Kind.WAREHOUSE_RECEIPT, "uscc:1", {"number": number}, Form.TO_ORDER, container_days=7
        )[0].digest

    assert (digest(a) == digest(b)) == (subjects.fold(a) == subjects.fold(b))


@given(st.text("AB01", max_size=6), st.text("AB01", max_size=6))
def test_one_edit_is_what_people_do(a: str, b: str) -> None:
    letters = "AB01"
    edits = {a[:i] + a[i + 1 :] for i in range(len(a))}
    edits |= {a[:i] + c + a[i:] for i in range(len(a) + 1) for c in letters}
    edits |= {a[:i] + c + a[i + 1 :] for i in range(len(a)) for c in letters}
    edits |= {a[:i] + a[i + 1] + a[i] + a[i + 2 :] for i in range(len(a) - 1)}
    assert subjects.one_edit(a, b) == (b in edits and a != b)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [(date(2026, 3, 31), 6, date(2026, 9, 30)), (date(2025, 8, 31), 6, date(2026, 2, 28)), (date(2026, 12, 1), 1, date(2027, 1, 1)),
     (date(2024, 2, 29), 12, date(2025, 2, 28)), (date(2026, 11, 30), 12, date(2027, 11, 30))],
)  # fmt: skip
def test_months_later(day: date, months: int, expected: date) -> None:
    assert subjects.months_later(day, months) == expected


@pytest.mark.django_db
def test_the_database_keeps_keys_apart_without_our_help() -> None:
    carrier, a = world.company(), world.company()
    one = world.title(carrier, a, "transport_document")
    bill = world.title(carrier, a, "bill")
    as_everybody()
    taken = Claim.objects.filter(root_id=one, sort="document").get()
    span = Claim.objects.filter(root_id=bill).get()
    for wrong in (
        Claim(root_id=bill, sort="document", digest=taken.digest),
        Claim(root_id=one, sort="bill", digest=span.digest, first=5, last=6, line=(int(span.digest, 16) * 10**13 + 5, int(span.digest, 16) * 10**13 + 6)),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save(force_insert=True)
    with connection.cursor() as cursor:
        for statement in (
            "UPDATE titles_claim SET live = false", "DELETE FROM titles_claim", "UPDATE titles_event SET act = 'void'",
            "DELETE FROM titles_event", "DELETE FROM titles_title", "UPDATE titles_version SET version = 7",
        ):  # fmt: skip
            cursor.execute("SAVEPOINT wall")
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(statement)
            cursor.execute("ROLLBACK TO SAVEPOINT wall")
        for statement in (
            "UPDATE titles_title SET pledged = quantity + 1 WHERE id = %s",
            "UPDATE titles_title SET quantity = quantity + 1 WHERE id = %s",
            "UPDATE titles_title SET holder_id = gen_random_uuid() WHERE id = %s",
        ):  # fmt: skip
            cursor.execute("SAVEPOINT wall")
            with pytest.raises(Exception, match="violates"):
                cursor.execute(statement, [one])
            cursor.execute("ROLLBACK TO SAVEPOINT wall")
    with pytest.raises(IntegrityError, match="its pledges say 0"), transaction.atomic():  # noqa: PT012
        Title.objects.filter(pk=one).update(pledged=1)
        connection.check_constraints()


@pytest.mark.django_db
def test_who_sees_which_rows() -> None:
    issuer, a, b, bank = world.company(), world.company(), world.company(), world.bank()
    title = world.title(issuer, a)
    commands.pledge_title(title_id=title, pledgee=id_of(bank), quantity=10, origin=by(a))
    for viewer in (issuer, a, bank, world.official(Role.OPERATOR), world.official(Role.SUPERVISOR), SYSTEM):
        assert [t.id for t in queries.titles(viewer=viewer).items] == [title]
        assert len(queries.events(title_id=title, viewer=viewer)) == 2
    for viewer in (b, world.bank(), world.official(Role.PROVINCE)):
        assert queries.titles(viewer=viewer).items == ()
        for ask in (queries.title, queries.events, queries.export, queries.versions, queries.custody):
            with pytest.raises(Refusal) as refused:
                ask(title_id=title, viewer=viewer)
            assert refused.value.code == "absent"
    assert len(queries.pledge_book(viewer=bank)) == 1
    assert queries.pledge_book(viewer=b) == []
    assert queries.lots(viewer=a) == []
    assert [t.id for t in queries.titles(relation="pledgee", viewer=bank).items] == [title]
    assert queries.titles(relation="holder", viewer=bank).items == ()


@pytest.mark.django_db
def test_pages_of_titles_follow_one_another() -> None:
    issuer, a = world.company(), world.company()
    made = {world.title(issuer, a, at=NOON + timedelta(minutes=n // 2)) for n in range(7)}
    seen: list[UUID] = []
    cursor = ""
    while True:
        page = queries.titles(cursor=cursor, limit=3, viewer=a)
        seen += [t.id for t in page.items]
        cursor = page.next
        if not cursor:
            break
    assert len(seen) == 7
    assert set(seen) == made
    with pytest.raises(Invalid):
        queries.titles(cursor="x", viewer=a)
    assert NOON.date() == DAY

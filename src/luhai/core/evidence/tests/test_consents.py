"""The life of a consent, and what may be read while it lives: INV-CON-1 to INV-CON-5 of the domain notes on financing, §7.3.

Consents are looked at by the clock of the database: here it is always this very moment, and "expired" is made by asking in the past.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence import consent_commands as consents
from luhai.core.evidence import queries
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import answer, id_of, now, sql, used
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, Refusal

pytestmark = pytest.mark.django_db

REFUSED = "evidence.consent_act_not_allowed"


class Cast(NamedTuple):
    subject: Actor
    reader: Actor
    paper: UUID


@pytest.fixture
def cast() -> Cast:
    """A company, a bank, and a contract about the company."""
    subject = world.company()
    return Cast(subject, world.bank(), world.received(world.contract(subject), subject))


def at(actor: Actor, days: float) -> Origin:
    """A request of so many days from now."""
    return Origin(actor, uuid4(), datetime.now(UTC) + timedelta(days=days))


def ask(cast: Cast, origin: Origin | None = None, **terms: Any) -> UUID:
    origin = origin or now(cast.reader)
    said = {
        "consent_id": uuid4(), "grantor_id": id_of(cast.subject), "purpose": "financing", "kinds": [], "pieces": [],
        "until": origin.at + timedelta(days=5), "origin": origin,
    }  # fmt: skip
    return consents.ask_consent(**said | terms)


def grant(cast: Cast, origin: Origin | None = None, **terms: Any) -> UUID:
    origin = origin or now(cast.subject)
    said = {
        "consent_id": uuid4(), "grantee_id": id_of(cast.reader), "purpose": "financing", "kinds": [], "pieces": [],
        "until": origin.at + timedelta(days=5), "origin": origin,
    }  # fmt: skip
    return consents.grant_consent(**said | terms)


def read(
    reader: Actor, paper: UUID, purpose: str = "financing", origin: Origin | None = None
) -> dict[str, Any]:
    return consents.read_evidence(evidence_id=paper, purpose=purpose, origin=origin or now(reader))


def why(reader: Actor, paper: UUID, purpose: str = "financing") -> str:
    """The answer to a reading, as one word: on what it rests, or why not."""
    found = read(reader, paper, purpose)
    assert found["granted"] is (found["why"] in {"own", "office", "consent"})
    return str(found["why"])


def state(consent: UUID, viewer: Actor) -> str:
    return queries.consent(consent_id=consent, moment=datetime.now(UTC), viewer=viewer).state


# --- every act in every state -----------------------------------------------------------------------------------------


def in_state(name: str, cast: Cast) -> UUID:
    """A consent that has come to this state through the commands."""
    if name == "expired request":
        return ask(cast, at(cast.reader, -6))
    if name.startswith(("asked", "declined", "taken back")):
        consent = ask(cast)
        if name == "declined":
            consents.answer_consent(consent_id=consent, yes=False, origin=now(cast.subject))
        if name == "taken back":
            consents.withdraw_consent(consent_id=consent, origin=now(cast.reader))
        return consent
    if name == "expired":
        return grant(cast, at(cast.subject, -6))
    if name == "given after asking":
        consent = ask(cast)
        consents.answer_consent(consent_id=consent, yes=True, origin=now(cast.subject))
        return consent
    abroad = cast.reader.role is Role.PARTNER
    consent = grant(cast, one_off=name == "spent", abroad=abroad)
    if name == "withdrawn":
        consents.withdraw_consent(consent_id=consent, origin=now(cast.subject))
    if name == "spent":
        assert why(cast.reader, cast.paper) == "consent"
    if name == "reviewed":
        consents.review_consent(consent_id=consent, origin=now(world.official()))
    return consent


NOT = REFUSED
UNUSED = "evidence.not_consented"
#: state: (as shown, given, declined, withdrawn by the grantor, by the grantee, reviewed) and (a reading, a use).
#: None: a pair that is not tried.
LIFE: dict[str, tuple[str, tuple[str | None, ...], tuple[str, str]]] = {
    "asked":              ("asked",     ("done", "done", "done", "done",   "absent"), ("asked", UNUSED)),
    "declined":           ("declined",  (NOT,    NOT,    NOT,    NOT,      "absent"), ("declined", UNUSED)),
    "taken back":         ("withdrawn", (NOT,    NOT,    NOT,    NOT,      "absent"), ("withdrawn", UNUSED)),
    "expired request":    ("expired",   (NOT,    NOT,    NOT,    NOT,      "absent"), ("expired", UNUSED)),
    "given":              ("given",     (NOT,    NOT,    "done", "absent", "absent"), ("consent", "done")),
    "given after asking": ("given",     (NOT,    NOT,    "done", "absent", "absent"), ("consent", "done")),
    "withdrawn":          ("withdrawn", (NOT,    NOT,    NOT,    "absent", "absent"), ("withdrawn", UNUSED)),
    "expired":            ("expired",   (NOT,    NOT,    NOT,    "absent", "absent"), ("expired", UNUSED)),
    "spent":              ("spent",     (NOT,    NOT,    None,   "absent", "absent"), ("spent", UNUSED)),
    "abroad":             ("given",     (NOT,    NOT,    "done", "absent", "done"),   ("not_reviewed", UNUSED)),
    "reviewed":           ("given",     (NOT,    NOT,    "done", "absent", NOT),      ("consent", "done")),
}  # fmt: skip
ACTS = ("given", "declined", "withdrawn", "taken back", "reviewed")


@pytest.mark.parametrize("name", LIFE)
def test_every_act_in_every_state(cast: Cast, name: str) -> None:
    if name in {"abroad", "reviewed"}:
        cast = cast._replace(reader=world.bank(role=Role.PARTNER, country="TH"))
    consent = in_state(name, cast)
    shown, expected, (reading, use) = LIFE[name]
    assert state(consent, cast.subject) == state(consent, cast.reader) == shown
    supervisor = world.official()
    acts: dict[str, Callable[[], object]] = {
        "given": lambda: consents.answer_consent(consent_id=consent, yes=True, origin=now(cast.subject)),
        "declined": lambda: consents.answer_consent(consent_id=consent, yes=False, origin=now(cast.subject)),
        "withdrawn": lambda: consents.withdraw_consent(consent_id=consent, origin=now(cast.subject)),
        "taken back": lambda: consents.withdraw_consent(consent_id=consent, origin=now(cast.reader)),
        "reviewed": lambda: consents.review_consent(consent_id=consent, origin=now(supervisor)),
    }
    got = {act: answer(acts[act]) for act in ACTS}
    assert got == {a: e if e is not None else got[a] for a, e in zip(ACTS, expected, strict=True)}
    assert answer(lambda: used(cast.reader, cast.paper, 1)) == use
    assert why(cast.reader, cast.paper) == reading
    for act, outcome in zip(
        ACTS, expected, strict=True
    ):  # what may be done leads where the table of states says
        if outcome == "done" and act != "reviewed":
            with world.undone():
                acts[act]()
                after = {"taken back": "withdrawn"}.get(act, act)
                assert state(consent, cast.subject) == after


@pytest.mark.parametrize("name", ["given", "asked"])
def test_nobody_else_has_a_say_or_a_sight(cast: Cast, name: str) -> None:
    consent = in_state(name, cast)
    for stranger in (world.company(), world.bank(), world.bank(role=Role.PARTNER)):
        o = now(stranger)
        assert answer(lambda o=o: consents.answer_consent(consent_id=consent, yes=True, origin=o)) == "absent"
        assert answer(lambda o=o: consents.withdraw_consent(consent_id=consent, origin=o)) == "absent"
        with pytest.raises(Absent):
            queries.consent(consent_id=consent, moment=o.at, viewer=stranger)
        assert queries.consents(moment=o.at, viewer=stranger).items == []
        assert sql(stranger, "SELECT 1 FROM evidence_consent") == []
    # Whoever asked does not answer for whoever was asked.
    assert (
        answer(lambda: consents.answer_consent(consent_id=consent, yes=True, origin=now(cast.reader)))
        == "absent"
    )
    for role, seen in ((Role.SUPERVISOR, 1), (Role.OPERATOR, 1), (Role.PROVINCE, 0)):
        official = world.official(role)
        assert len(queries.consents(moment=datetime.now(UTC), viewer=official).items) == seen
        o = now(official)
        terms = {
            "grantee_id": id_of(cast.reader),
            "purpose": "financing",
            "kinds": [],
            "pieces": [],
            "until": at(SYSTEM, 1).at,
        }
        assert (
            answer(lambda o=o: consents.answer_consent(consent_id=consent, yes=True, origin=o))
            == "not_permitted"
        )
        assert (
            answer(lambda o=o, t=terms: consents.grant_consent(consent_id=uuid4(), origin=o, **t))
            == "not_permitted"
        )
    for actor in (cast.subject, cast.reader, world.official(Role.OPERATOR), world.official(Role.PROVINCE)):
        assert (
            answer(lambda a=actor: consents.review_consent(consent_id=consent, origin=now(a)))
            == "not_permitted"
        )


def test_an_answer_may_shorten_and_never_lengthen(cast: Cast) -> None:
    consent = ask(cast)
    asked = queries.consent(consent_id=consent, moment=datetime.now(UTC), viewer=cast.subject).until
    for until in (asked + timedelta(seconds=1), datetime.now(UTC) - timedelta(seconds=1)):
        with pytest.raises(Invalid) as refused:
            consents.answer_consent(consent_id=consent, yes=True, until=until, origin=now(cast.subject))
        assert refused.value.facts["field"] == "until"
    consents.answer_consent(
        consent_id=consent, yes=True, until=asked - timedelta(days=4), origin=now(cast.subject)
    )
    given = queries.consent(consent_id=consent, moment=datetime.now(UTC), viewer=cast.reader)
    assert (given.until, given.state) == (asked - timedelta(days=4), "given")
    assert queries.consent(consent_id=consent, moment=asked, viewer=cast.reader).state == "expired"


def test_what_is_agreed_to_is_digested_word_by_word(cast: Cast) -> None:
    """Two consents of the same words have one digest; any other word makes another."""
    until, other = at(SYSTEM, 9).at, world.bank()

    def digest(**terms: Any) -> str:
        consent = grant(cast, **{"until": until} | terms)
        return queries.consent(consent_id=consent, moment=until, viewer=cast.subject).terms_digest

    assert digest() == digest()
    assert digest(kinds=["invoice", "contract"]) == digest(kinds=["contract", "invoice"]), "in whatever order"
    changes: list[dict[str, Any]] = [
        {}, {"grantee_id": id_of(other)}, {"purpose": "settlement"}, {"kinds": ["contract"]}, {"pieces": [cast.paper]},
        {"until": until + timedelta(seconds=1)}, {"one_off": True},
    ]  # fmt: skip
    assert len({digest(**c) for c in changes}) == len(changes)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"purpose": "curiosity"}, "purpose"),
        ({"purpose": ""}, "purpose"),
        ({"kinds": ["contract", "diary"]}, "kinds"),
        ({"kinds": [""]}, "kinds"),
        ({"until": datetime(2026, 9, 1)}, "until"),  # noqa: DTZ001  (without a zone)
        ({"until": timedelta(0)}, "until"),
        ({"until": timedelta(seconds=-1)}, "until"),
        ({"until": timedelta(days=365, seconds=1)}, "until"),
        ({"pieces": [UUID(int=5)]}, "pieces"),
    ],
)
def test_every_word_of_a_consent_is_checked(cast: Cast, terms: dict[str, Any], field: str) -> None:
    for propose, actor in ((ask, cast.reader), (grant, cast.subject)):
        origin = now(actor)
        until = terms.get("until")
        said = terms | ({"until": origin.at + until} if isinstance(until, timedelta) else {})
        with pytest.raises(Invalid) as refused:
            propose(cast, origin, **said)
        assert refused.value.facts["field"] == field
        assert refused.value.facts["problem"]


def test_a_consent_lasts_a_year_at_most(cast: Cast) -> None:
    for propose, actor in ((ask, cast.reader), (grant, cast.subject)):
        origin = now(actor)
        propose(cast, origin, until=origin.at + timedelta(days=365))


def test_a_consent_is_between_two_registered_parties_and_about_the_grantor(cast: Cast) -> None:
    theirs = world.company()
    stolen = world.received(world.contract(theirs), theirs)
    mine = grant(cast)
    for run, field in (
        (lambda: grant(cast, grantee_id=id_of(cast.subject)), "grantee_id"),
        (lambda: ask(cast, grantor_id=id_of(cast.reader)), "grantee_id"),
        (lambda: grant(cast, pieces=[stolen]), "pieces"),
        (lambda: grant(cast, pieces=[cast.paper, stolen]), "pieces"),
        (lambda: ask(cast, pieces=[stolen]), "pieces"),
        (lambda: grant(cast, consent_id=mine), "consent_id"),
        (lambda: grant(cast, abroad=True), "abroad"),
    ):
        with pytest.raises(Invalid) as refused:
            run()
        assert refused.value.facts["field"] == field
    with pytest.raises(Absent):
        grant(cast, grantee_id=uuid4())
    with pytest.raises(Absent):
        ask(cast, grantor_id=uuid4())
    for nobody in (Actor(uuid4(), Role.COMPANY), SYSTEM):
        with pytest.raises(Refusal) as refused_:
            grant(cast, now(nobody))
        assert refused_.value.code == "not_entitled"


# --- INV-CON-1: no reading without a living consent of this party, to this party, for this class, purpose and time ------


def test_a_reading_needs_each_word_of_a_consent(cast: Cast) -> None:
    subject, reader, paper = cast
    assert why(reader, paper) == "no_consent"
    grant(
        cast, purpose="assessment", kinds=["invoice"]
    )  # neither the class nor the purpose: the class is looked at first
    assert why(reader, paper) == "other_kind"
    grant(cast, purpose="assessment")
    assert why(reader, paper) == "other_purpose"
    grant(cast, kinds=["invoice", "order"])
    assert why(reader, paper) == "other_purpose", "the nearest miss is told"
    somebody = world.company()
    world.received(world.contract(somebody), somebody)
    world.consented(somebody, reader)  # another company's consent says nothing about this one
    assert why(reader, paper) == "other_purpose"
    elsewhere = world.received(world.contract(subject, 77_00), subject)
    grant(cast, pieces=[elsewhere])
    assert why(reader, paper) == "other_purpose"
    assert why(reader, elsewhere) == "consent"
    assert why(world.bank(), elsewhere) == "no_consent", "a consent is to one party"
    grant(cast, kinds=["contract"], pieces=[paper])
    assert why(reader, paper) == "consent"
    assert why(reader, paper, "assessment") == "consent"
    assert why(reader, paper, "supervision") == "other_purpose"


def test_the_living_consent_counts_whatever_died_before_or_after(cast: Cast) -> None:
    grant(cast, at(cast.subject, -9))
    given = grant(cast)
    ended = grant(cast)
    consents.withdraw_consent(consent_id=ended, origin=now(cast.subject))
    consents.answer_consent(consent_id=ask(cast), yes=False, origin=now(cast.subject))
    assert why(cast.reader, cast.paper) == "consent"
    consents.withdraw_consent(consent_id=given, origin=now(cast.subject))
    assert why(cast.reader, cast.paper) == "withdrawn"


@pytest.mark.parametrize("purpose", ["settlement", "financing", "assessment", "supervision"])
def test_a_consent_to_read_for_one_purpose_is_none_for_another(cast: Cast, purpose: str) -> None:
    grant(cast, purpose=purpose)
    others = {"settlement", "financing", "assessment", "supervision"} - {purpose}
    assert {why(cast.reader, cast.paper, other) for other in others} == {"other_purpose"}
    assert why(cast.reader, cast.paper, purpose) == "consent"
    for use in ("settlement", "financing"):  # to assess is not to use
        expected = "done" if use == purpose else UNUSED
        assert answer(lambda u=use: used(cast.reader, cast.paper, 1, u)) == expected


def test_each_of_those_whom_it_is_about_may_consent(cast: Cast) -> None:
    """An invoice is about its seller and its buyer: either lets a bank read it and pay on it. To finance it is its owner's alone."""
    seller, buyer = cast.subject, world.company()
    document = world.invoice(seller, buyer={"name": "买方", "uscc": world.uscc_of(buyer)})
    invoice = world.received(document, seller)
    assert why(buyer, invoice) == "own"
    for purpose in ("settlement", "financing"):
        world.consented(buyer, cast.reader, purpose)
    assert why(cast.reader, invoice, "settlement") == "consent"
    assert why(cast.reader, invoice, "financing") == "no_consent"
    assert answer(lambda: used(cast.reader, invoice, 1, "settlement", "CNY")) == "done"
    assert answer(lambda: used(cast.reader, invoice, 1, "financing", "CNY")) == UNUSED
    assert why(cast.reader, cast.paper, "settlement") == "no_consent", (
        "the buyer has no say over what is not about it"
    )
    for about in (seller, buyer):
        seen = [
            (r.reader.id, r.why)
            for r in queries.receipts(evidence_id=invoice, viewer=about).items
            if r.reader
        ]
        reader = id_of(cast.reader)
        assert seen == [(reader, "no_consent"), (reader, "consent"), (id_of(buyer), "own")]


# --- INV-CON-2: a receipt of every reading, granted or refused, for ever ------------------------------------------------


def test_who_reads_without_a_consent(cast: Cast) -> None:
    source = world.bank()
    delivered = world.received(world.contract(cast.subject, 5_00), cast.subject, source)
    assert why(cast.subject, delivered) == "own"
    assert why(source, delivered) == "own", "who delivered it knows it"
    assert why(source, cast.paper) == "no_consent", "and nothing else"
    for role, expected in (
        (Role.SUPERVISOR, "office"),
        (Role.OPERATOR, "office"),
        (Role.PROVINCE, "no_consent"),
    ):
        assert why(world.official(role), delivered, "supervision") == expected


REASONS = [
    "no_consent",
    "other_kind",
    "other_purpose",
    "asked",
    "declined",
    "expired",
    "withdrawn",
    "spent",
    "not_reviewed",
]


@pytest.mark.parametrize("reason", ["own", "office", "consent", *REASONS])
def test_each_answer_leaves_a_receipt_for_the_reader_and_the_subject_alone(cast: Cast, reason: str) -> None:
    subject, reader, paper = cast
    if reason == "own":
        reader = subject
    elif reason == "office":
        reader = world.official()
    elif reason == "not_reviewed":
        cast = cast._replace(reader=world.bank(role=Role.PARTNER, country="TH"))
        reader = cast.reader
        in_state("abroad", cast)
    elif reason == "other_kind":
        grant(cast, kinds=["invoice"])
    elif reason == "other_purpose":
        grant(cast, purpose="assessment")
    elif reason != "no_consent":
        in_state({"consent": "given"}.get(reason, reason), cast)
    already = len(queries.receipts(evidence_id=paper, viewer=SYSTEM).items)  # a spent one was read once
    origin = now(reader)
    found = read(reader, paper, origin=origin)
    assert found["why"] == reason
    assert read(reader, paper, origin=origin) == found, "asked twice under one key, it is one reading"
    (receipt, *before) = queries.receipts(evidence_id=paper, viewer=SYSTEM).items
    assert len(before) == already
    assert receipt.reader is not None
    assert (str(receipt.id), receipt.reader.id, receipt.why) == (found["receipt_id"], id_of(reader), reason)
    assert (receipt.purpose, receipt.granted, receipt.version, receipt.at) == (
        "financing", found["granted"], 1, origin.at,
    )  # fmt: skip
    assert (receipt.consent_id is not None) is (reason == "consent")
    number = queries.evidence(evidence_id=paper, viewer=subject).external_ref
    seen_by = {
        "reader": reader, "subject": subject, "supervisor": world.official(), "operator": world.official(Role.OPERATOR),
        "province": world.official(Role.PROVINCE), "company": world.company(), "bank": world.bank(),
    }  # fmt: skip
    for who, viewer in seen_by.items():
        shown = [r for r in queries.receipts(evidence_id=paper, viewer=viewer).items if r.id == receipt.id]
        (count,) = sql(viewer, "SELECT count(*) FROM evidence_receipt WHERE id = %s", receipt.id)[0]
        visible = who in {"reader", "subject", "supervisor", "operator"}
        assert count == (1 if visible else 0), who
        if who != "reader":
            assert len(shown) == count, who
        for r in shown:  # who was refused does not learn the document's number; whom it is about does
            assert r.external_ref == ("" if who == "reader" and not found["granted"] else number), who
    mine = [r.id for r in queries.receipts(about_me=True, viewer=subject).items]
    assert (receipt.id in mine) is (reader != subject), "who else has read my data?"


def test_receipts_are_added_and_never_changed(cast: Cast) -> None:
    grant(cast)
    ids = [read(cast.reader, cast.paper)["receipt_id"] for _ in range(3)]
    page = queries.receipts(viewer=cast.subject, limit=2)
    rest = queries.receipts(viewer=cast.subject, limit=2, cursor=page.next)
    assert [str(r.id) for r in page.items + rest.items] == ids[::-1]
    assert rest.next == ""
    rested_on = page.items[0].consent_id
    assert rested_on is not None
    consents.withdraw_consent(consent_id=rested_on, origin=now(cast.subject))
    assert [str(r.id) for r in queries.receipts(viewer=cast.subject).items] == ids[::-1], "past ones stay"


def test_what_is_not_there_leaves_no_receipt(cast: Cast) -> None:
    with pytest.raises(Absent):
        read(cast.reader, uuid4())
    with pytest.raises(Invalid) as refused:
        read(cast.reader, cast.paper, "curiosity")
    assert refused.value.facts["field"] == "purpose"
    assert answer(lambda: read(SYSTEM, cast.paper)) == "not_entitled"
    assert sql(SYSTEM, "SELECT count(*) FROM evidence_receipt") == [(0,)]


# --- INV-CON-3: withdrawal, expiry and a first reading end a consent at once; what was done stays lawful ----------------

SEEN = """SELECT (SELECT count(*) FROM evidence_evidence WHERE id = %s), (SELECT count(*) FROM evidence_piece WHERE evidence_id = %s),
    (SELECT count(*) FROM evidence_mention WHERE evidence_id = %s)"""


def sight(viewer: Actor, paper: UUID) -> tuple[Any, ...]:
    """What PostgreSQL shows this party of a document, asked past Python: the document, its versions, what it mentions."""
    return sql(viewer, SEEN, paper, paper, paper)[0]


def shown(viewer: Actor, receipt: str) -> list[str]:
    """The numbers of the versions that a receipt shows; or "absent"."""
    try:
        return [p.external_ref for p in queries.disclosed(receipt_id=UUID(receipt), viewer=viewer)]
    except Absent:
        return ["absent"]


def test_content_is_seen_from_the_reading_to_the_withdrawal(cast: Cast) -> None:
    subject, reader, paper = cast
    number = queries.evidence(evidence_id=paper, viewer=subject).external_ref
    consent = grant(cast)
    assert sight(reader, paper) == (0, 0, 0), (
        "a consent alone shows nothing: a reading leaves a receipt first"
    )
    receipt = read(reader, paper)["receipt_id"]
    assert shown(reader, receipt) == [number]
    assert sight(reader, paper) == (1, 1, 1)
    use = used(reader, paper, 100)
    for other in (subject, world.bank(), world.official()):
        assert shown(other, receipt) == ["absent"], "a receipt is its reader's"
    consents.withdraw_consent(consent_id=consent, origin=now(subject))
    assert shown(reader, receipt) == ["absent"]
    assert sight(reader, paper) == (0, 0, 0)
    assert why(reader, paper) == "withdrawn"
    assert answer(lambda: used(reader, paper, 100)) == UNUSED
    assert queries.use(use_id=use, viewer=reader).left == 100, "the loan that was made stays"
    assert answer(lambda: world.commands.free_evidence(use_id=use, origin=now(reader))) == "done"


def test_a_second_consent_carries_what_was_read_under_the_first_no_further(cast: Cast) -> None:
    first = grant(cast)
    receipt = read(cast.reader, cast.paper)["receipt_id"]
    consents.withdraw_consent(consent_id=first, origin=now(cast.subject))
    grant(cast)
    assert sight(cast.reader, cast.paper) == (0, 0, 0)
    assert shown(cast.reader, receipt) == ["absent"]
    assert shown(cast.reader, read(cast.reader, cast.paper)["receipt_id"]) != ["absent"]


def test_the_database_itself_ends_a_consent_on_its_day(cast: Cast) -> None:
    """Read yesterday under a consent that ended an hour ago: nobody wrote anything down, and nothing is seen."""
    consent = grant(cast, at(cast.subject, -2), until=at(SYSTEM, -1 / 24).at)
    found = read(cast.reader, cast.paper, origin=at(cast.reader, -1))
    assert (found["granted"], found["why"]) == (True, "consent")
    assert sight(cast.reader, cast.paper) == (0, 0, 0)
    assert shown(cast.reader, found["receipt_id"]) == ["absent"]
    assert state(consent, cast.subject) == "expired"
    assert why(cast.reader, cast.paper) == "expired"
    assert sight(cast.subject, cast.paper) == (1, 1, 1)


def test_sight_ends_while_the_clock_runs(cast: Cast) -> None:
    """In one statement: whether the document is seen, and whether the day has come. They never differ."""
    until = datetime.now(UTC) + timedelta(seconds=1)
    grant(cast, until=until)
    read(cast.reader, cast.paper)
    ask_both = "SELECT EXISTS (SELECT FROM evidence_evidence WHERE id = %s), clock_timestamp() < %s"
    before = sql(cast.reader, ask_both, cast.paper, until)
    assert before in ([(True, True)], [(False, False)])  # a slow machine may see the end alone
    sql(cast.reader, "SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp())))", until)
    assert sql(cast.reader, ask_both, cast.paper, until) == [(False, False)]
    assert sight(cast.reader, cast.paper) == (0, 0, 0)


def test_a_consent_for_one_reading_is_spent_by_it(cast: Cast) -> None:
    consent = grant(cast, one_off=True)
    other = world.received(world.contract(cast.subject, 77_00), cast.subject)
    receipt = read(cast.reader, cast.paper)
    assert receipt["why"] == "consent"
    assert state(consent, cast.reader) == "spent"
    assert [why(cast.reader, paper) for paper in (cast.paper, other)] == ["spent", "spent"]
    assert len(shown(cast.reader, receipt["receipt_id"])) == 1, "what was read may be looked at"


def test_a_refused_reading_spends_nothing(cast: Cast) -> None:
    consent = grant(cast, one_off=True, kinds=["contract"])
    invoice = world.received(world.invoice(cast.subject), cast.subject)
    assert why(cast.reader, invoice) == "other_kind"
    assert why(cast.reader, cast.paper, "assessment") == "other_purpose"
    assert state(consent, cast.subject) == "given"
    assert why(cast.reader, cast.paper) == "consent"


# --- INV-CON-4: what is shown is of the classes that were consented to --------------------------------------------------


def test_nothing_is_shown_but_what_was_read(cast: Cast) -> None:
    subject, reader, paper = cast
    papers = {
        "contract": paper,
        "invoice": world.received(world.invoice(subject, 70_00), subject),
        "customs_declaration": world.received(world.declaration(subject, 60_00), subject),
    }
    grant(cast, kinds=["invoice", "customs_declaration"])
    answers = {kind: read(reader, p) for kind, p in papers.items()}
    assert {k: a["why"] for k, a in answers.items()} == {
        "contract": "other_kind", "invoice": "consent", "customs_declaration": "consent",
    }  # fmt: skip
    assert {k: sight(reader, p)[:2] for k, p in papers.items()} == {
        "contract": (0, 0), "invoice": (1, 1), "customs_declaration": (1, 1),
    }  # fmt: skip
    assert shown(reader, answers["contract"]["receipt_id"]) == ["absent"], "a refusal shows nothing"
    assert {e.kind for e in queries.evidences(viewer=reader).items} == {"invoice", "customs_declaration"}
    with pytest.raises(Absent):
        queries.facts(evidence_id=paper, viewer=reader)
    with pytest.raises(Absent):
        queries.remaining(evidence_id=paper, viewer=reader)
    invoice = papers["invoice"]
    (piece,) = queries.disclosed(receipt_id=UUID(answers["invoice"]["receipt_id"]), viewer=reader)
    assert piece.payload["format"] == "luhai.vat-invoice"
    with pytest.raises(Absent):  # the way of those whom it is about
        queries.pieces(evidence_id=invoice, viewer=reader)
    later = world.received(world.invoice(subject, 50_00), subject)
    assert sight(reader, later) == (0, 0, 0), "of the class, and not read"
    assert why(reader, later) == "consent", "and covered, though it came after the consent"
    grant(cast)
    again = read(reader, paper)["receipt_id"]
    assert len(shown(reader, again)) == 1
    assert shown(reader, answers["contract"]["receipt_id"]) == ["absent"], "a refusal stays one"


def test_a_consent_to_some_pieces_covers_no_others(cast: Cast) -> None:
    other = world.received(world.contract(cast.subject, 77_00), cast.subject)
    grant(cast, pieces=[other])
    assert (why(cast.reader, other), why(cast.reader, cast.paper)) == ("consent", "other_kind")


def test_the_lender_sees_neither_the_goods_nor_the_others_uses(cast: Cast) -> None:
    subject, reader, paper = cast
    rival = world.bank()
    grant(cast)
    world.consented(subject, rival)
    read(reader, paper)
    mine, theirs = used(reader, paper, 100), used(rival, paper, 200)
    assert sql(reader, "SELECT id FROM evidence_use") == [(mine,)]
    assert sql(reader, "SELECT 1 FROM evidence_lot") == []
    assert queries.use(use_id=mine, viewer=reader).others == 1, "that there is another, not who"
    with pytest.raises(Absent):
        queries.use(use_id=theirs, viewer=reader)
    assert {u.id for u in queries.uses(evidence_id=paper, viewer=subject).items} == {mine, theirs}


# --- INV-CON-5: a reader abroad ---------------------------------------------------------------------------------------


def test_a_consent_to_somebody_abroad_is_given_by_name_and_reviewed(cast: Cast) -> None:
    abroad = cast._replace(reader=world.bank(role=Role.PARTNER, country="TH"))
    with pytest.raises(Invalid) as refused:
        grant(abroad)
    assert refused.value.facts["field"] == "abroad"
    consent = grant(abroad, abroad=True)
    view = queries.consent(consent_id=consent, moment=datetime.now(UTC), viewer=abroad.subject)
    assert (view.state, view.abroad, view.reviewed) == ("given", True, False)
    refused_reading = read(abroad.reader, abroad.paper)
    assert refused_reading["why"] == "not_reviewed"
    assert sight(abroad.reader, abroad.paper) == (0, 0, 0)
    consents.review_consent(consent_id=consent, origin=now(world.official()))
    assert sight(abroad.reader, abroad.paper) == (0, 0, 0), "the reading that was refused stays refused"
    assert why(abroad.reader, abroad.paper) == "consent"
    assert sight(abroad.reader, abroad.paper) == (1, 1, 1)


def test_a_request_from_abroad_is_known_as_one(cast: Cast) -> None:
    abroad = cast._replace(reader=world.bank(role=Role.PARTNER, country="TH"))
    consent = ask(abroad)
    consents.answer_consent(consent_id=consent, yes=True, origin=now(abroad.subject))
    assert queries.consent(consent_id=consent, moment=datetime.now(UTC), viewer=abroad.subject).abroad
    assert why(abroad.reader, abroad.paper) == "not_reviewed"


def test_who_gave_a_consent_does_not_review_it(cast: Cast) -> None:
    """A person may have two memberships; the second pair of eyes is another person's."""
    abroad = cast._replace(reader=world.bank(role=Role.PARTNER, country="TH"))
    consent = grant(abroad, abroad=True)
    office = world.official()
    self = Actor(abroad.subject.person_id, Role.SUPERVISOR, office.party_id, office.territory)
    assert (
        answer(lambda: consents.review_consent(consent_id=consent, origin=now(self)))
        == "evidence.same_person"
    )
    consents.withdraw_consent(consent_id=consent, origin=now(abroad.subject))
    assert answer(lambda: consents.review_consent(consent_id=consent, origin=now(office))) == REFUSED


def test_the_journal_says_what_was_agreed_and_what_was_read(cast: Cast) -> None:
    consent = grant(cast, kinds=["contract"])
    read(cast.reader, cast.paper)
    read(world.bank(), cast.paper)
    rows = sql(SYSTEM, "SELECT events FROM journal_entry WHERE at > %s ORDER BY at", at(SYSTEM, -1).at)
    told = {event["kind"]: event["data"] for (events,) in rows for event in json.loads(events)}
    assert told["evidence.consent_given"]["kinds"] == ["contract"]
    assert len(told["evidence.consent_given"]["terms_digest"]) == 64
    assert told["evidence.read"]["consent"] == str(consent)
    assert told["evidence.reading_refused"]["why"] == "no_consent"

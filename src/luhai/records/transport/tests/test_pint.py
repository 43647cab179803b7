"""PINT: two instances, two databases, one HTTP server between them. Envelopes are sent, repeated, damaged, spent twice, lost."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID, uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.wsgi import get_wsgi_application
from django.db import connections

from conftest import _point_at
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.origin import SYSTEM, Actor
from luhai.kernel.refusal import Refusal
from luhai.records.transport import gateway, keys, pint, pint_commands, pint_queries, queries
from luhai.records.transport.bill import read
from luhai.records.transport.forms import dcsa
from luhai.records.transport.pint import Fault, Signer
from luhai.records.transport.tests import world
from luhai.records.transport.tests.bills import content
from luhai.records.transport.tests.world import by, id_of

# --- what an envelope must be ----------------------------------------------------------------------------------------

A, B, STRANGER = (Signer(code, Ed25519PrivateKey.generate()) for code in ("AAAA", "BBBB", "CCCC"))
KEYS = {s.kid: (s.code, s.public) for s in (A, B)}


def party(platform: str, name: str = "Somebody") -> dict[str, Any]:
    codes = [{"codeListProvider": "ZZZ", "codeListName": "UUID", "partyCode": str(UUID(int=len(name)))}]
    return {"partyName": name, "eblPlatform": platform, "identifyingCodes": codes}


def act(code: str, actor: str, recipient: str) -> dict[str, Any]:
    when = "2026-03-02T04:00:00.000Z"
    return {"actionCode": code, "actionDateTime": when, "actor": party(actor), "recipient": party(recipient)}


def sealed(document: dict[str, Any] | None = None, signer: Signer = A, **more: Any) -> dict[str, Any]:
    """An envelope from AAAA to BBBB with nothing wrong in it."""
    document = document or dcsa.write(read(content())).document
    link = pint.entry(
        document, [act("ISSUE", signer.code, signer.code), act("TRANSFER", signer.code, "BBBB")], None, signer
    )
    return pint.sealed(document, more.pop("chain", [link]), [], signer)


def fault(envelope: Any) -> str:
    with pytest.raises(Fault) as found:
        pint.examine(envelope, KEYS, own="BBBB")
    return found.value.code


def changed(envelope: dict[str, Any], how: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    made = copy.deepcopy(envelope)
    how(made)
    return made


def test_a_sound_envelope() -> None:
    found = pint.examine(sealed(), KEYS, own="BBBB")
    assert (found.sender, found.recipient["eblPlatform"], len(found.chain)) == ("AAAA", "BBBB", 1)


def _resigned(envelope: dict[str, Any], signer: Signer = A, **fields: Any) -> dict[str, Any]:
    """The same with a manifest that says something else."""
    said, _ = pint.opened(envelope["envelopeManifestSignedContent"], KEYS)
    said = {k: v for k, v in (said | fields).items() if v is not None}
    return envelope | {"envelopeManifestSignedContent": pint.sign(said, signer)}


def _relinked(signer: Signer = A, sign_with: Signer | None = None, **fields: Any) -> dict[str, Any]:
    """The same with a first entry that says something else."""
    envelope = sealed()
    said, _ = pint.opened(envelope["envelopeTransferChain"][0], KEYS)
    said = {k: v for k, v in (said | fields).items() if v is not None}
    link = pint.sign(said, sign_with or signer)
    return pint.sealed(envelope["transportDocument"], [link], [], signer)


def _spoilt(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]
    return ".".join(parts)


DAMAGE: dict[str, tuple[Callable[[], Any], str]] = {
    "no object": (lambda: [], "BENV"),
    "no chain": (lambda: sealed() | {"envelopeTransferChain": []}, "BENV"),
    "document changed": (lambda: changed(sealed(), lambda e: e["transportDocument"].update(termsAndConditions="other")), "BENV"),
    "document without its number": (lambda: changed(sealed(), lambda e: e["transportDocument"].pop("transportDocumentReference")), "BENV"),
    "manifest payload changed": (lambda: changed(sealed(), lambda e: e.update(envelopeManifestSignedContent=_spoilt(e["envelopeManifestSignedContent"], 1))), "BSIG"),
    "manifest signature changed": (lambda: changed(sealed(), lambda e: e.update(envelopeManifestSignedContent=_spoilt(e["envelopeManifestSignedContent"], 2))), "BSIG"),
    "entry payload changed": (lambda: changed(sealed(), lambda e: e.update(envelopeTransferChain=[_spoilt(e["envelopeTransferChain"][0], 1)])), "BSIG"),
    "no JWS": (lambda: sealed() | {"envelopeManifestSignedContent": "a.b"}, "BSIG"),
    "unknown key": (lambda: sealed(signer=STRANGER), "BSIG"),
    "entry signed by another than it names": (lambda: _relinked(sign_with=B), "BENV"),
    "manifest over another document": (lambda: _resigned(sealed(), transportDocumentChecksum="0" * 64), "BENV"),
    "manifest over another chain": (lambda: _resigned(sealed(), lastEnvelopeTransferChainEntrySignedContentChecksum="0" * 64), "BENV"),
    "manifest without a field": (lambda: _resigned(sealed(), transportDocumentChecksum=None), "BENV"),
    "manifest of another platform": (lambda: _resigned(sealed(), B), "BENV"),
    "last entry of another document": (lambda: sealed() | {"envelopeTransferChain": sealed()["envelopeTransferChain"]}, "BENV"),
    "entry about another document": (lambda: _relinked(transportDocumentChecksum="0" * 64), "BENV"),
    "first entry with one before": (lambda: _relinked(previousEnvelopeTransferChainEntrySignedContentChecksum="0" * 64), "BENV"),
    "nothing was issued": (lambda: _relinked(issuanceManifestSignedContent=None), "BENV"),
    "control tracking registry": (lambda: _relinked(controlTrackingRegistry="https://ctr.example.org/v1"), "BENV"),
    "issued twice": (lambda: _relinked(transactions=[act("ISSUE", "AAAA", "AAAA")] * 2 + [act("TRANSFER", "AAAA", "BBBB")]), "BENV"),
    "not issued": (lambda: _relinked(transactions=[act("TRANSFER", "AAAA", "BBBB")]), "BENV"),
    "already delivered": (lambda: _relinked(transactions=[act("ISSUE", "AAAA", "AAAA"), act("SACC", "AAAA", "AAAA"), act("TRANSFER", "AAAA", "BBBB")]), "BENV"),
    "for another platform": (lambda: _relinked(transactions=[act("ISSUE", "AAAA", "AAAA"), act("TRANSFER", "AAAA", "CCCC")]), "BENV"),
    "no transfer": (lambda: _relinked(transactions=[act("ISSUE", "AAAA", "BBBB")]), "BENV"),
    "acts of another platform": (lambda: _relinked(transactions=[act("ISSUE", "BBBB", "AAAA"), act("TRANSFER", "AAAA", "BBBB")]), "BENV"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_damage_is_seen(damage: str) -> None:
    make, code = DAMAGE[damage]
    assert fault(make()) == code


def test_algorithm_none_and_others_are_no_signature() -> None:
    said, _ = pint.opened(sealed()["envelopeManifestSignedContent"], KEYS)
    for header in (
        {"alg": "none", "kid": A.kid},
        {"alg": "HS256", "kid": A.kid},
        {"alg": "EdDSA", "kid": A.kid, "crit": ["b64"], "b64": False},
    ):
        head, body = pint._b64(json.dumps(header).encode()), pint._b64(json.dumps(said).encode())
        mark = pint._b64(A.private.sign(f"{head}.{body}".encode()))
        assert fault(sealed() | {"envelopeManifestSignedContent": f"{head}.{body}.{mark}"}) == "BSIG"


@pytest.mark.parametrize(
    ("known", "new", "how"),
    [("a", "a", "same"), ("a", "ab", "extends"), ("ab", "a", "contradicts"), ("ab", "ac", "contradicts"), ("a", "b", "contradicts"), ("ab", "acd", "contradicts")],
)  # fmt: skip
def test_how_chains_stand_to_each_other(known: str, new: str, how: str) -> None:
    assert pint.relation(list(known), list(new)) == how


# --- two instances ---------------------------------------------------------------------------------------------------


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@dataclass
class Two:
    """Instance AAA in this test's database; BBB in another, served over HTTP from a thread. `c` are at home with AAA."""

    c: world.Corridor
    buyer: Actor  # at BBB
    url: str
    there: Callable[[], Any]  # a context in which this thread works at BBB


@contextmanager
def serving(cluster: Any, database: str, port_of: Callable[[int], None]) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)

    def run() -> None:
        for alias, role in (
            ("default", "app"),
            ("owner", "owner"),
        ):  # this thread's own connections, to its own database
            connections[alias].settings_dict = connections[alias].settings_dict | cluster.settings(
                role, database
            )
        server.serve_forever(poll_interval=0.05)
        connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    port_of(server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def two(fresh_db: str, cluster: Any, django_db_blocker: Any) -> Iterator[Two]:
    other, ports = f"t_{uuid4().hex[:12]}", []
    with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{other}" TEMPLATE luhai OWNER luhai_owner STRATEGY wal_log')

    @contextmanager
    def there() -> Iterator[None]:
        _point_at(cluster, other)
        try:
            yield
        finally:
            _point_at(cluster, fresh_db)

    a, b = f"A{uuid4().hex[:3].upper()}", f"B{uuid4().hex[:3].upper()}"
    with django_db_blocker.unblock(), serving(cluster, other, ports.append):
        here, far = "http://127.0.0.1:9", f"http://127.0.0.1:{ports[0]}/api/v1/transport/pint"
        mine = pint_commands.name_platform(code=a, name="Here", url=here, origin=by())
        with there():
            theirs = pint_commands.name_platform(code=b, name="There", url=far, origin=by())
            stands = titles_world.company(name="Platform Here Ltd")
            pint_commands.register_platform(
                code=a, name="Here", url=here, public=mine, party_id=id_of(stands), origin=by()
            )
            buyer = titles_world.company(name="Buyer There")
        stands = titles_world.company(name="Platform There Ltd")
        pint_commands.register_platform(
            code=b, name="There", url=far, public=theirs, party_id=id_of(stands), origin=by()
        )
        yield Two(world.corridor(), buyer, far, there)
    with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{other}" WITH (FORCE)')


def codes_of(t: Two) -> tuple[str, str]:
    own, other = pint_queries.platforms(viewer=SYSTEM)
    return own.code, other.code


def to(actor: Actor, name: str = "Buyer There") -> dict[str, Any]:
    return {"name": name, "codes": {"uuid": str(id_of(actor))}}


def sent(t: Two, title: UUID, receiver: dict[str, Any] | None = None) -> UUID:
    return pint_commands.send_document(
        title_id=title,
        envelope_id=uuid4(),
        platform=codes_of(t)[1],
        receiver=receiver or to(t.buyer),
        origin=by(t.c.shipper),
    )


def state(envelope: UUID) -> tuple[str, str]:
    return next((e.state, e.code) for e in pint_queries.envelopes(viewer=SYSTEM) if e.id == envelope)


def call(method: str, url: str, body: Any) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=30) as answer:
            assert answer.headers["API-Version"] == "3.0.0"
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
    except HTTPError as answer:
        return answer.code, json.loads(answer.read())


def said(t: Two, answer: str) -> dict[str, Any]:
    return pint.opened(answer, pint_commands.known_keys())[0]


def refused(call_: Callable[[], Any]) -> str:
    with pytest.raises(Refusal) as no:
        call_()
    return no.value.code


def test_a_document_moves_and_comes_home(two: Two) -> None:
    c = two.c
    title = world.issued(c)
    key = sent(two, title)
    assert (
        refused(lambda: titles.transfer_title(title_id=title, to=id_of(c.buyer), origin=by(c.shipper)))
        == "titles.kept"
    )
    assert refused(lambda: sent(two, title)) == "titles.kept"
    assert gateway.carry(key, by(c.shipper)) == "accepted"
    assert state(key) == ("accepted", "RECE")
    assert (
        refused(lambda: titles.surrender_title(title_id=title, origin=by(c.shipper))) == "titles.kept"
    )  # for good
    own = queries.document(title_id=title, viewer=c.shipper).content
    with two.there():
        (item,) = queries.documents(viewer=two.buyer).items
        view = queries.document(title_id=item.id, viewer=two.buyer)
        assert (view.title.holder_id, view.title.beneficiary_id) == (id_of(two.buyer), id_of(two.buyer))
        assert view.content == own  # our own data set came along
        back = pint_commands.send_document(
            title_id=item.id,
            envelope_id=uuid4(),
            platform=codes_of(two)[1],
            receiver=to(c.buyer, "Buyer Here"),
            origin=by(two.buyer),
        )
        _url, envelope, additional = pint_queries.to_send(envelope_id=back, viewer=two.buyer)
        assert len(envelope["envelopeTransferChain"]) == 2
    actor = pint_queries.sender(token=envelope["envelopeManifestSignedContent"], viewer=SYSTEM)
    assert actor is not None
    started = pint_commands.receive_envelope(envelope=envelope, origin=by(actor))["started"]
    reference = UUID(started["envelopeReference"])
    for checksum in started["missingAdditionalDocumentChecksums"]:
        assert (
            pint_commands.receive_additional(
                reference=reference, checksum=checksum, data=additional[checksum], origin=by(actor)
            )
            == {}
        )
    done = pint_commands.finish_envelope(reference=reference, origin=by(actor))
    assert done["code"] == "RECE"
    home = title_queries.title(title_id=title, viewer=c.buyer)
    assert (home.holder_id, home.beneficiary_id, home.keeper, home.state) == (
        id_of(c.buyer),
        id_of(c.buyer),
        None,
        "ISSUED",
    )
    with two.there():
        assert (
            pint_commands.settle_envelope(envelope_id=back, answer=done["answer"], origin=by(two.buyer))
            == "accepted"
        )
    titles.surrender_title(title_id=title, origin=by(c.buyer))  # and ends where it began
    # Out again is a third link of the same chain there; but it was surrendered now.
    assert refused(lambda: pint_commands.send_document(
        title_id=title, envelope_id=uuid4(), platform=codes_of(two)[1], receiver=to(two.buyer), origin=by(c.buyer)
    )) in ("titles.act_not_allowed", "titles.kept")  # fmt: skip


def test_out_and_home_and_out_again_is_one_chain(two: Two) -> None:
    c = two.c
    title = world.issued(c)
    assert gateway.carry(sent(two, title), by(c.shipper)) == "accepted"
    with two.there():
        (item,) = queries.documents(viewer=two.buyer).items
        back = pint_commands.send_document(
            title_id=item.id,
            envelope_id=uuid4(),
            platform=codes_of(two)[1],
            receiver=to(c.shipper),
            origin=by(two.buyer),
        )
        _url, envelope, _more = pint_queries.to_send(envelope_id=back, viewer=two.buyer)
        there = pint_commands.signer()
        bare = pint.sealed(
            envelope["transportDocument"], envelope["envelopeTransferChain"], [], there
        )  # without papers
    actor = pint_queries.sender(token=bare["envelopeManifestSignedContent"], viewer=SYSTEM)
    assert actor is not None
    assert pint_commands.receive_envelope(envelope=bare, origin=by(actor))["code"] == "RECE"
    again = sent(two, title)
    assert gateway.carry(again, by(c.shipper)) == "accepted"
    with two.there():
        assert [d.id for d in queries.documents(viewer=two.buyer).items] == [
            item.id
        ]  # the same title there, not another
        assert title_queries.title(title_id=item.id, viewer=two.buyer).keeper is None


def test_what_is_sent_twice_is_taken_once(two: Two) -> None:
    title = world.issued(two.c)
    key = sent(two, title)
    url, envelope, additional = pint_queries.to_send(envelope_id=key, viewer=two.c.shipper)
    first = gateway.send(url, envelope, additional)  # the answer is lost on its way to us
    assert first is not None
    assert said(two, first)["responseCode"] == "RECE"
    assert state(key) == ("sent", "")
    status, second = call("POST", f"{two.url}/v3/envelopes", envelope)
    assert (status, said(two, second)["responseCode"]) == (200, "DUPE")
    assert (
        said(two, second)["duplicateOfAcceptedEnvelopeTransferChainEntrySignedContent"]
        == envelope["envelopeTransferChain"][-1]
    )
    assert gateway.carry(key, by(two.c.shipper)) == "accepted"
    assert state(key) == ("accepted", "DUPE")
    with two.there():
        assert len(queries.documents(viewer=two.buyer).items) == 1


def test_a_damaged_envelope_is_refused_over_http_and_signed(two: Two) -> None:
    title = world.issued(two.c)
    url, envelope, _ = pint_queries.to_send(envelope_id=sent(two, title), viewer=two.c.shipper)
    bad = changed(envelope, lambda e: e["transportDocument"].update(termsAndConditions="I owe nothing."))
    status, answer = call("POST", f"{url}/v3/envelopes", bad)
    assert (status, said(two, answer)["responseCode"]) == (422, "BENV")
    bad = changed(
        envelope,
        lambda e: e.update(envelopeManifestSignedContent=_spoilt(e["envelopeManifestSignedContent"], 2)),
    )
    status, answer = call("POST", f"{url}/v3/envelopes", bad)
    assert (status, said(two, answer)["responseCode"]) == (422, "BSIG")
    for nonsense in (None, [], {"envelopeTransferChain": 3}, "text"):
        status, answer = call("POST", f"{url}/v3/envelopes", nonsense)
        assert (status, said(two, answer)["responseCode"]) == (422, "BENV")
    with two.there():
        assert queries.documents(viewer=SYSTEM).items == ()


def spent_again(t: Two, envelope: dict[str, Any]) -> dict[str, Any]:
    """What a corrupt sender would sign: the same document, transferred to somebody else over there."""
    with t.there():
        rival = titles_world.company(name="Rival There")
    mine = pint_commands.signer()
    first, _ = pint.opened(envelope["envelopeTransferChain"][0], pint_commands.known_keys())
    acts = copy.deepcopy(first["transactions"])
    for one in acts[-2:]:
        one["recipient"] = pint_commands._receiver(to(rival), codes_of(t)[1])
    link = pint.entry(envelope["transportDocument"], acts, None, mine)
    return pint.sealed(envelope["transportDocument"], [link], [], mine)


@pytest.mark.parametrize("delivered", [False, True])
def test_spending_twice_is_a_dispute(two: Two, delivered: bool) -> None:
    """Even after delivery, when the goods are free for another document and only the chain remembers."""
    c = two.c
    key = sent(two, world.issued(c))
    url, envelope, _ = pint_queries.to_send(envelope_id=key, viewer=c.shipper)
    assert gateway.carry(key, by(c.shipper)) == "accepted"
    with two.there():
        (item,) = queries.documents(viewer=two.buyer).items
        if delivered:
            titles.surrender_title(title_id=item.id, origin=by(two.buyer))
            issuer = pint_queries.actor_of("any", item.issuer.id)
            titles.accept_surrender(title_id=item.id, origin=by(issuer))
    twice = spent_again(two, envelope)
    status, answer = call("POST", f"{url}/v3/envelopes", twice)
    assert (status, said(two, answer)["responseCode"]) == (409, "DISE")
    status, answer = call("POST", f"{url}/v3/envelopes", envelope)  # the honest one is still known
    assert (status, said(two, answer)["responseCode"]) == (200, "DUPE")
    with two.there():
        (item,) = queries.documents(viewer=SYSTEM).items
        assert (item.holder.id, item.state) == (id_of(two.buyer), "DELIVERED" if delivered else "ISSUED")


def test_a_transfer_of_one_bill_is_none_of_another(two: Two) -> None:
    c = two.c
    agreement = world.signed(c)
    one, other = world.issued(c, agreement), world.issued(c, agreement)
    url, first, _ = pint_queries.to_send(envelope_id=sent(two, one), viewer=c.shipper)
    document = dcsa.write(read(queries.document(title_id=other, viewer=c.shipper).content)).document
    mine = pint_commands.signer()
    replayed = pint.sealed(document, first["envelopeTransferChain"], [], mine)
    status, answer = call("POST", f"{url}/v3/envelopes", replayed)
    assert (status, said(two, answer)["responseCode"]) == (422, "BENV")
    with two.there():
        assert queries.documents(viewer=SYSTEM).items == ()


def test_refused_there_it_comes_back(two: Two) -> None:
    c = two.c
    title = world.issued(c)
    nobody = {"name": "Nobody", "codes": {"uuid": str(uuid4())}}
    key = sent(two, title, nobody)
    assert gateway.carry(key, by(c.shipper)) == "refused"
    assert state(key) == ("refused", "BENV")
    assert gateway.carry(sent(two, title), by(c.shipper)) == "accepted"  # and may go elsewhere


def test_what_travels_along_must_arrive_and_fit(two: Two) -> None:
    title = world.issued(two.c)
    url, envelope, additional = pint_queries.to_send(envelope_id=sent(two, title), viewer=two.c.shipper)
    status, started = call("POST", f"{url}/v3/envelopes", envelope)
    assert status == 201
    path, (checksum,) = (
        f"{url}/v3/envelopes/{started['envelopeReference']}",
        started["missingAdditionalDocumentChecksums"],
    )
    status, answer = call("PUT", f"{path}/finish-transfer", None)
    assert (status, said(two, answer)["responseCode"]) == (409, "MDOC")
    assert said(two, answer)["missingAdditionalDocumentChecksums"] == [checksum]
    for where, data in ((checksum, "AAAA"), ("0" * 64, additional[checksum]), (checksum, "no base64!")):
        status, answer = call("PUT", f"{path}/additional-documents/{where}", data)
        assert (status, said(two, answer)["responseCode"]) == (409, "INCD")
    assert call("PUT", f"{path}/additional-documents/{checksum}", additional[checksum])[0] == 204
    status, answer = call("PUT", f"{path}/finish-transfer", None)
    assert (status, said(two, answer)["responseCode"]) == (200, "RECE")
    assert said(two, answer)["receivedAdditionalDocumentChecksums"] == [checksum]
    status, answer = call("PUT", f"{path}/finish-transfer", None)
    assert (status, said(two, answer)["responseCode"]) == (200, "DUPE")
    assert call("PUT", f"{url}/v3/envelopes/{uuid4()}/finish-transfer", None)[0] == 404


def test_only_the_receivers_signed_answer_counts(two: Two) -> None:
    c = two.c
    title = world.issued(c)
    key = sent(two, title)
    _url, envelope, _ = pint_queries.to_send(envelope_id=key, viewer=c.shipper)
    last, mine = pint.last_of(envelope), pint_commands.signer()

    def settle(answer: str) -> str:
        return pint_commands.settle_envelope(envelope_id=key, answer=answer, origin=by(c.shipper))

    theirs = keys.own(pint_commands.settings.STATE, codes_of(two)[1])
    assert (
        refused(lambda: settle(pint.answer("BENV", last, mine))) == "transport.no_answer"
    )  # we said it ourselves
    assert refused(lambda: settle(pint.answer("BENV", "0" * 64, theirs))) == "transport.no_answer"
    assert refused(lambda: settle("nonsense")) == "transport.no_answer"
    assert settle(pint.answer("DISE", last, theirs)) == "sent"  # a dispute gives nothing back
    assert settle(pint.answer("RECE", last, theirs)) == "accepted"
    assert settle(pint.answer("BENV", last, theirs)) == "accepted"  # the first definite answer stands
    assert title_queries.title(title_id=title, viewer=c.shipper).keeper == key


def test_four_at_once_send_one_title_one_way(two: Two) -> None:
    c = two.c
    title = world.issued(c)
    gate, found = threading.Barrier(4), []
    receivers = [{"name": f"R{n}", "codes": {"uuid": str(uuid4())}} for n in range(4)]

    def go(receiver: dict[str, Any]) -> None:
        gate.wait()
        try:
            sent(two, title, receiver)
            found.append("sent")
        except Refusal as refusal:
            found.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(r,)) for r in receivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["sent"] + ["titles.kept"] * 3


def test_a_receiver_is_named_before_one_sends(two: Two) -> None:
    with two.there():
        key = str(id_of(two.buyer))
    ask = {"codeListProvider": "ZZZ", "codeListName": "UUID", "partyCode": key}
    assert call("POST", f"{two.url}/v3/receiver-validation", ask) == (200, {"partyName": "Buyer There"})
    assert call("POST", f"{two.url}/v3/receiver-validation", ask | {"partyCode": str(uuid4())})[0] == 404

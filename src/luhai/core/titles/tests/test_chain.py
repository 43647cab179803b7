"""The exported chain proves itself without the register, and nothing in it can be changed unseen."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from luhai.core.titles import chain
from luhai.core.titles.lifecycle import Act, State

TITLE, OTHER, ALICE = UUID(int=1), UUID(int=2), UUID(int=3)


def made(steps: list[tuple[Act, State]], title: UUID = TITLE, profile: str = "sha256", pair: Any = None) -> bytes:
    """A file with these steps, each signed if there is a key."""
    head, events = chain.genesis(title, profile), []
    for n, (act, after) in enumerate(steps, 1):
        details = {"to": str(OTHER), "remark": "装车 \"quoted\" \\ \"key\":{"} if n % 2 else {}
        key = None
        if pair:
            said = chain.statement(title=title, n=n, act=act, details=details, previous=head)
            key = {"profile": pair.profile, "public": pair.public, "signature": chain.sign(pair, said)}
        body = chain.canonical(
            title=title, n=n, act=act, actor=ALICE, after=after, at="2026-03-02T04:00:00+00:00", details=details,
            effect={
                "holder": str(ALICE), "beneficiary": str(ALICE), "form": "TO_ORDER", "keeper": None, "pledged": 0,
                "quantity": 5, "unit": "TNE", "version": 1,
            },
            key=key,
        )  # fmt: skip
        head = chain.digest(profile, head, body)
        events.append((head, body.decode()))
    return chain.export(title, profile, events)


LIFE = [
    (Act.ISSUE, State.ISSUED), (Act.TRANSFER, State.ISSUED), (Act.SURRENDER, State.DELIVERY_ASKED),
    (Act.ACCEPT_SURRENDER, State.DELIVERED),
]  # fmt: skip


@pytest.mark.parametrize("profile", chain.PROFILES)
def test_an_honest_file_is_sound(profile: str) -> None:
    found = chain.verify(made(LIFE, profile=profile))
    assert (found.ok, found.events, found.state, found.signed) == (True, 4, "DELIVERED", 0), found
    assert found.control["quantity"] == 5


@pytest.mark.parametrize("signed", [False, True])
def test_any_altered_byte_is_found(signed: bool) -> None:
    file = made(LIFE[:2], pair=chain.new_key("ed25519") if signed else None)
    assert chain.verify(file).ok
    for at in range(len(file)):
        for flip in (1, 0x20, 0x80):
            broken = bytearray(file)
            broken[at] ^= flip
            assert not chain.verify(bytes(broken)).ok, (at, flip, file[at : at + 1])


def test_bytes_added_or_taken_are_found() -> None:
    file = made(LIFE)
    for at in range(0, len(file), 7):
        assert not chain.verify(file[:at]).ok
        assert not chain.verify(file[:at] + file[at + 1 :]).ok
        assert not chain.verify(file[:at] + b"0" + file[at:]).ok
    assert not chain.verify(file + b"\n").ok


def lines(file: bytes) -> list[bytes]:
    return file.split(b"\n")


def test_events_that_are_reordered_doubled_or_left_out_are_found() -> None:
    top, a, b, c, d, foot, _ = lines(made(LIFE))
    for events in ([a, c, b, d], [a, b, b, c, d], [a, c, d], [b, c, d], [a, b, c]):
        assert not chain.verify(b"\n".join([top, *events, foot, b""])).ok


def rebuilt(file: bytes, bodies: list[bytes]) -> bytes:
    """What somebody who owns the register could write: every digest anew."""
    title, profile = UUID(json.loads(lines(file)[0])["title"]), json.loads(lines(file)[0])["profile"]
    head, events = chain.genesis(title, profile), []
    for body in bodies:
        head = chain.digest(profile, head, body)
        events.append((head, body.decode()))
    return chain.export(title, profile, events)


def bodies(file: bytes) -> list[bytes]:
    return [line[64:] for line in lines(file)[1:-2]]


def test_a_rebuilt_chain_is_still_bound_by_the_life() -> None:
    file = made(LIFE)
    assert chain.verify(rebuilt(file, bodies(file))).ok
    after = made([*LIFE, (Act.TRANSFER, State.ISSUED)])
    found = chain.verify(after)
    assert (found.ok, found.line, found.events) == (False, 6, 4), "nothing is done to a title after its end"
    skipped = [json.loads(b) for b in bodies(file)]
    skipped[1]["n"] = 3
    assert "belongs elsewhere" in chain.verify(rebuilt(file, [chain.rfc8785.dumps(b) for b in skipped])).fault


def test_replay_on_another_title_is_found() -> None:
    file = made(LIFE, title=OTHER)
    other = rebuilt(made(LIFE), bodies(file))
    assert "belongs elsewhere" in chain.verify(other).fault


@pytest.mark.parametrize("profile", chain.SIGNATURES)
def test_a_rebuilt_chain_is_bound_by_signatures(profile: str) -> None:
    pair = chain.new_key(profile)
    file = made(LIFE[:2], pair=pair)
    assert chain.verify(file).signed == 2
    forged = [json.loads(b) for b in bodies(file)]
    forged[0]["details"]["to"] = str(ALICE)
    found = chain.verify(rebuilt(file, [chain.rfc8785.dumps(b) for b in forged]))
    assert found.line == 2
    assert "signature" in found.fault
    # The same signed act after another first event: the signature covers what went before.
    moved = [json.loads(b) for b in bodies(file)]
    moved[0]["at"] = "2026-03-02T04:00:01+00:00"
    found = chain.verify(rebuilt(file, [chain.rfc8785.dumps(b) for b in moved]))
    assert found.line == 3


def test_a_head_noted_earlier_finds_what_a_rebuilt_chain_hides() -> None:
    file = made(LIFE)
    head = chain.verify(file).head
    assert chain.verify(file, head=head).ok
    cut = rebuilt(file, bodies(file)[:3])
    assert chain.verify(cut).ok
    assert not chain.verify(cut, head=head).ok


@pytest.mark.parametrize("junk", [b"", b"\n", b"\n\n", b"{}", b"\xff\xfe", b"{}\n{}\n{}\n"])
def test_what_is_no_file_of_ours_is_said_to_be_none(junk: bytes) -> None:
    found = chain.verify(junk)
    assert (found.ok, found.line) == (False, 1)
    assert not chain.verify(made(LIFE).split(b"\n")[0] + b"\n" + junk).ok


def test_published_vectors() -> None:
    # GB/T 32905-2016 annex A.1
    assert chain._sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    # GB/T 32918.5-2017 annex A.2
    private = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
    public = (
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    )
    signature = (
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    )
    assert chain.key_pair("sm2", private).public == public
    assert chain.verified("sm2", public, b"message digest", signature)
    assert not chain.verified("sm2", public, b"message digesT", signature)
    # RFC 8032 7.1, test 2
    pair = chain.key_pair("ed25519", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert pair.public == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert chain.sign(pair, b"\x72") == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@pytest.mark.parametrize("profile", chain.SIGNATURES)
def test_signatures_that_are_none(profile: str) -> None:
    pair = chain.new_key(profile)
    good = chain.sign(pair, b"x")
    assert chain.verified(profile, pair.public, b"x", good)
    other = chain.new_key(profile)
    for public, signature in [
        (other.public, good), (pair.public, "0" * 128), (pair.public, "f" * 128), (pair.public, good[:-1]),
        (pair.public, good.upper() if good.upper() != good else ""), ("0" * len(pair.public), good), ("", ""),
        (pair.public, good[64:] + good[:64]),
    ]:  # fmt: skip
        assert not chain.verified(profile, public, b"x", signature)
    assert not chain.verified("rsa", pair.public, b"x", good)
    assert chain.new_key(profile).private != pair.private


def test_the_same_act_is_signed_differently_each_time_with_sm2() -> None:
    pair = chain.new_key("sm2")
    assert chain.sign(pair, b"x") != chain.sign(pair, b"x"), "K is drawn anew"

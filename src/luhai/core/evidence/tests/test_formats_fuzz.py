"""Whatever bytes arrive, the answer is a document or a refusal that names a field."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.evidence.formats import schemas
from luhai.core.evidence.formats.document import Document
from luhai.core.evidence.formats.read import read
from luhai.kernel.refusal import Invalid

EXAMPLES = [p.read_bytes() for p in sorted((schemas.SHIPPED / "examples").iterdir())]
ODD: list[Any] = [
    None, "", " ", 0, -1, 1e300, True, [], {}, [[]], [None], {"": None}, "x" * 3000, "{x}", "2026-02-30", "9" * 30,
    {"content": None}, {"content": []}, ["a", "a"], 2**70, "\u202e", "١٢٣", "1e5", "-0", {"type": {"type": []}},
]  # fmt: skip


def answered(data: bytes) -> None:
    try:
        document = read(data)
    except Invalid as refusal:
        named = refusal.facts
    else:
        assert isinstance(document, Document)
        assert document.external_ref
        json.dumps(document.payload, allow_nan=False)
        return
    assert isinstance(named["field"], str)
    assert named["field"]
    assert isinstance(named["problem"], str)
    assert named["problem"]


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    answered(data)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["format", "version", "type", "@context", "epcisBody", "eventList", "events", "document", "exchangedDocument",
                     "exchanged_document", "specifiedConsignment", "transportDocumentTypeCode", "eventType", "eventTime"]) | st.text(), inner), max_leaves=30))  # fmt: skip
def test_any_json(value: Any) -> None:
    answered(json.dumps(value).encode())


def mutated(value: Any, dice: random.Random) -> Any:
    """The same tree with one spot made odd."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        match dice.randrange(12):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {**value, key: dice.choice(ODD)}
            case 2:
                return {**value, key + "x": value[key]}
            case _:
                return {**value, key: mutated(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        index = dice.randrange(len(value))
        match dice.randrange(8):
            case 0:
                return [*value, *value]
            case 1:
                return value[:index]
            case _:
                return [*value[:index], mutated(value[index], dice), *value[index + 1 :]]
    return dice.choice([*ODD, [value], {"x": value}])


@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32))
def test_mutated_examples(data: bytes, seed: int) -> None:
    dice = random.Random(seed)
    value = json.loads(data)
    for _ in range(dice.randrange(1, 4)):
        value = mutated(value, dice)
    answered(json.dumps(value).encode())


FOLDERS = ["wco-customs", "epcis-examples", "epcis-hash", "dcsa-messages", "fiata-efbl/examples", "efti"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_mutated_third_party_files(folder: str, shared: Path) -> None:
    """Bytes flipped, cut, doubled and swapped; JSON also spoiled spot by spot. The seed is printed by the failure."""
    files = [
        p
        for p in sorted((shared / "data/2-title-docs" / folder).rglob("*"))
        if p.suffix in {".xml", ".json", ".jsonld"}
    ]
    assert files
    for seed in range(400):
        dice = random.Random(f"{folder} {seed}")
        data = dice.choice(files).read_bytes()
        if data.lstrip()[:1] in (b"{", b"[") and dice.random() < 0.6:
            try:
                data = json.dumps(mutated(json.loads(data), dice)).encode()
            except ValueError:
                continue
        else:
            data = scrambled(data, dice)
        try:
            answered(data)
        except Exception as fault:
            raise AssertionError(f"{folder}, seed {seed}: {fault!r}") from fault


def scrambled(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randrange(1, 6)):
        a, b = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + 200)
        match dice.randrange(6):
            case 0:
                data = data[:a] + data[b:]
            case 1:
                data = data[:b] + data[a:b] + data[b:]
            case 2:
                data = data[:a] + bytes([dice.randrange(256)]) + data[a + 1 :]
            case 3:
                data = (
                    data[:a]
                    + dice.choice(
                        [b"0", b"-", b"<x/>", b"{}", b'"', b"&#0;", b"\xe6\xb8\x9d", b"9999999999999999999"]
                    )
                    + data[a:]
                )
            case 4:  # two words of the file change places
                words = data.split(b">")
                if len(words) > 3:
                    i, j = dice.randrange(len(words)), dice.randrange(len(words))
                    words[i], words[j] = words[j], words[i]
                    data = b">".join(words)
            case _:
                data = data.replace(b"2", dice.choice([b"", b"3", b"99"]), 1)
        data = data or b" "
    return data

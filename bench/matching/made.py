"""The invented input of the bench `matching`: companies as arrays and products as criteria, from one seed.

Made once and kept in a folder; every side reads the same files. Companies: `<field>.npy` (numbers, with
`<field>.missing.npy`; or dictionary codes, −1 for missing) and `dictionary.json`. Products: `products.json`, the
criteria in the JSON form of `luhai.core.rules.criteria`.

What it is like: 341 places in 31 provinces, 97 divisions of industry, numbers spread over orders of magnitude, 3 to 8 %
of each fact missing, companies in no order. A product has about seven conditions: sets of one to 340 places and one to
97 divisions, ranges, flags, lists; one in six has an any-of group. Two pairs in a hundred are met, as many are unknown.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Raised whenever the files would come out otherwise, so that an old cache is not used.
VERSION = 4

PROVINCES = (11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
             61, 62, 63, 64, 65)  # fmt: skip
PLACES = [f"{p}{c:02d}00" for p in PROVINCES for c in range(1, 12)]
DIVISIONS = [
    f"{section}{division:02d}"
    for section, divisions in {
        "A": range(1, 6), "B": range(6, 13), "C": range(13, 44), "D": range(44, 47), "E": range(47, 51),
        "F": range(51, 53), "G": range(53, 61), "H": range(61, 63), "I": range(63, 66), "J": range(66, 70),
        "K": range(70, 71), "L": range(71, 73), "M": range(73, 76), "N": range(76, 80), "O": range(80, 83),
        "P": range(83, 84), "Q": range(84, 86), "R": range(86, 91), "S": range(91, 97), "T": range(97, 98),
    }.items()
    for division in divisions
]  # fmt: skip
SIZES = ["large", "medium", "small", "micro"]
GRADES = ["AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C"]
LISTS = [
    "corridor_enterprise",
    "key_logistics",
    "logistics_park",
    "major_project",
    "foreign_trade_white",
    "advanced_aeo",
]

#: field → (median, spread in factors of e, step to which values are rounded), in the field's unit
_NUMBERS = {
    "age_months": (70, 0.9, 1),
    "revenue_minor": (1_500_000_000, 2.0, 10_000),
    "assets_minor": (1_200_000_000, 1.9, 10_000),
    "employees": (28, 1.4, 1),
    "export_share_bp": (900, 1.3, 1),
    "debt_ratio_bp": (4_800, 0.5, 1),
    "existing_loans_minor": (300_000_000, 2.2, 10_000),
    "corridor_shipments_12m": (12, 1.8, 1),
    "innovation_points": (45, 0.4, 1),
}
_CEILING = {"export_share_bp": 10_000, "innovation_points": 100, "age_months": 1_200, "employees": 1_000_000}
_FLAGS = {
    "overdue": 0.06,
    "dishonest": 0.02,
    "abnormal": 0.03,
    "tech_sme": 0.2,
    "private": 0.8,
    "first_loan": 0.3,
}


def make(folder: Path, companies: int, products: int, seed: int = 7) -> dict[str, Any]:
    """Make the input unless it is there; returns what is in it. Files appear whole or not at all."""
    about = folder / "about.json"
    if about.exists():
        told: dict[str, Any] = json.loads(about.read_text())
        return told
    rough = folder.with_name(folder.name + ".new")
    shutil.rmtree(rough, ignore_errors=True)
    rough.mkdir(parents=True)
    dictionary = _companies(rough, companies, seed)
    made = _products(products, seed)
    (rough / "dictionary.json").write_text(json.dumps(dictionary))
    (rough / "products.json").write_text(json.dumps(made))
    told = {"companies": companies, "products": products, "seed": seed, "version": VERSION}
    (rough / "about.json").write_text(json.dumps(told))
    shutil.rmtree(folder, ignore_errors=True)
    rough.rename(folder)
    return told


def _companies(folder: Path, n: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    dictionary: dict[str, Any] = {}

    def gaps() -> NDArray[np.bool_]:
        return rng.random(n) < rng.uniform(0.03, 0.08)

    def codes(name: str, values: list[Any], weights: NDArray[np.float64]) -> None:
        at = rng.choice(len(values), n, p=weights / weights.sum()).astype(np.int32)
        at[gaps()] = -1
        np.save(folder / f"{name}.npy", at)
        dictionary[name] = values

    codes("territory", PLACES, rng.gamma(1.5, 1, len(PLACES)))
    codes("industry", DIVISIONS, rng.gamma(1.2, 1, len(DIVISIONS)))
    codes("size", SIZES, np.array([0.03, 0.12, 0.45, 0.4]))
    codes("credit_grade", GRADES, np.array([1, 3, 8, 16, 22, 20, 14, 10, 6.0]))
    sets = [[name for b, name in enumerate(LISTS) if mask >> b & 1] for mask in range(64)]
    codes("lists", sets, np.array([0.62 if not s else 0.25 ** len(s) for s in sets]))
    for name, share in _FLAGS.items():
        codes(name, [False, True], np.array([1 - share, share]))
    for name, (median, spread, step) in _NUMBERS.items():
        drawn = median * np.exp(spread * rng.standard_normal(n))
        values = np.minimum(drawn, _CEILING.get(name, 2**52)).astype(np.int64) // step * step
        missing = gaps()
        values[missing] = 0
        np.save(folder / f"{name}.npy", values)
        np.save(folder / f"{name}.missing.npy", missing)
    return dictionary


def _products(n: int, seed: int) -> list[Any]:
    rng = random.Random(seed)
    # Banks reuse their areas and their lists of industries; that is where equal conditions come from.
    areas = [sorted(rng.sample(PLACES, rng.choice([1, 3, 11, 33, 80, 150, 250, 340]))) for _ in range(340)]
    areas += [
        [f"{p}0000" for p in sorted(rng.sample(PROVINCES, rng.choice([1, 2, 5, 10, 15])))] for _ in range(100)
    ]
    sectors = [sorted(rng.sample(DIVISIONS, rng.choice([1, 4, 10, 25, 50, 80, 96]))) for _ in range(260)]
    sectors += [sorted(rng.sample("ABCDEFGHIJKLMNOPQRST", rng.choice([1, 2, 3, 6]))) for _ in range(60)]
    return [{"all": _product(rng, areas, sectors)} for _ in range(n)]


def _round(number: float) -> int:
    """A number as banks write it: one of ten round ones in each power of ten."""
    power = 10 ** max(0, len(str(int(number))) - 1)
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    return max(1, int(min(steps, key=lambda step: abs(step * power - number)) * power))


def _product(rng: random.Random, areas: list[list[str]], sectors: list[list[str]]) -> list[Any]:
    def where() -> Any:
        return {"field": "territory", "op": "within", "value": rng.choice(areas), "measure": "M12-07"}

    def industry() -> Any:
        op = "not_within" if rng.random() < 0.2 else "within"
        return {"field": "industry", "op": op, "value": rng.choice(sectors), "measure": "M05-05"}

    def number(name: str) -> Any:
        median, spread, _step = _NUMBERS[name]
        most = _CEILING.get(name, 1_000_000 if median < 1_000_000 else 2**52)
        low = min(_round(median * 2.718 ** (spread * rng.gauss(-0.6, 0.8))), most // 3)
        draw = rng.random()
        if name in ("debt_ratio_bp", "existing_loans_minor") or draw < 0.2:
            return {"field": name, "op": "at_most", "value": min(low * rng.choice([2, 4, 8]), most)}
        if draw < 0.4:
            return {
                "field": name,
                "op": "between",
                "value": [low, min(low * rng.choice([10, 50, 200]), most)],
            }
        return {"field": name, "op": "at_least", "value": low}

    def flag() -> Any:
        name = rng.choice(["overdue", "overdue", "overdue", "dishonest", "dishonest", "abnormal"])
        return {"field": name, "op": "is", "value": False, "measure": "M05-05"}

    def wanted() -> Any:
        return {"field": rng.choice(["tech_sme", "private", "first_loan"]), "op": "is", "value": True}

    def grade() -> Any:
        return {"field": "credit_grade", "op": "at_least", "value": rng.choice(GRADES[2:8])}

    def size() -> Any:
        return {
            "field": "size",
            "op": "one_of",
            "value": rng.choice([["micro", "small"], ["medium", "micro", "small"], ["medium", "small"]]),
        }

    def listed() -> Any:
        return {
            "field": "lists",
            "op": "includes_any",
            "value": sorted(rng.sample(LISTS, rng.choice([2, 3, 4]))),
        }

    names = list(_NUMBERS)
    made = [where(), industry(), flag()]
    made += [number(name) for name in rng.sample(names, rng.choice([1, 2, 2, 3]))]
    made += [part() for part in rng.sample([grade, size, wanted, listed], rng.choice([1, 1, 2]))]
    if rng.random() < 1 / 6:
        made.append({"any": [listed(), number(rng.choice(names))]})
    return made

"""One company against a shelf of 2,000 products: the SQL form stays fast. The bench measures it properly."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import pytest

from luhai.kernel.origin import PUBLIC, SYSTEM
from luhai.records.products import queries
from luhai.records.products.models import Branch, Product
from luhai.records.products.tests import world
from luhai.records.products.tests.world import FACTS, NOON
from luhai.shell.context import acting


@pytest.mark.long
@pytest.mark.django_db
def test_one_company_against_two_thousand_products() -> None:
    officer = world.bank()
    for n in range(60):
        world.product(
            officer, promise_hours=n + 1, amount_max_minor=1_000_000_000 + n, tenor_max_days=365 + n,
            criteria={"all": [
                {"field": "age_months", "op": "at_least", "value": n},
                {"field": "revenue_minor", "op": "at_least", "value": n * 1_000_000},
                {"field": "industry", "op": "within", "value": [chr(ord("A") + n % 20)]},
            ]},
        )  # fmt: skip
    with acting(SYSTEM):  # the same criteria over and over: 2,000 products share most of theirs anyway
        branches = list(Branch.objects.all())
        copies = [
            Product(institution_id=officer.party_id, state="ONLINE", version=1, created_at=NOON)
            for _ in range(1940)
        ]
        Product.objects.bulk_create(copies)
        Branch.objects.bulk_create(
            Branch(product=copy, needs=branches[n % len(branches)].needs) for n, copy in enumerate(copies)
        )
    facts = FACTS | {"industry": {"value": "F51"}, "revenue_minor": {"value": 100_000_000}}
    times = []
    for _ in range(30):
        start = perf_counter()
        found = queries.eligible(facts=facts, on=NOON.date(), viewer=PUBLIC)
        times.append(perf_counter() - start)
    assert 0 < len(found) < 200
    assert median(times) < 0.1, f"median {median(times) * 1000:.1f} ms"
    print(f"median {median(times) * 1000:.2f} ms, {len(found)} products")

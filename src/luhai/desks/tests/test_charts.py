"""Charts show the numbers of the table, in its order."""

from __future__ import annotations

from luhai.desks import charts
from luhai.market.matching.queries import FunnelLine


def test_the_funnel_has_one_bar_a_step_in_order() -> None:
    line = FunnelLine("all", "", "", 16, 14, 13, 12, 4, 9, 1_000, 500, None)
    drawn = charts.funnel(line, {"published": "Published", "offered": "Offered", "accepted": "Accepted"})
    assert drawn["yAxis"]["data"] == ["Published", "Offered", "Accepted"]
    assert drawn["series"][0]["data"] == [16, 12, 4]

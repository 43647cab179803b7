"""The drawing of the corridor: every territory once, every hub with a name, nothing outside the picture."""

from __future__ import annotations

import re

from luhai.core.parties.corridor import schematic, tiles
from luhai.core.parties.territories import territories


def test_each_territory_has_one_tile_and_a_cell_of_its_own() -> None:
    assert set(tiles()) == set(territories())
    cells = [(t.column, t.row) for t in tiles().values()]
    assert len(set(cells)) == len(cells)


def test_tiles_do_not_overlap_and_stay_in_the_picture() -> None:
    drawing = schematic()
    boxes = [(t.x, t.y, t.x + t.width, t.y + t.height) for t in (*drawing.tiles, *drawing.abroad)]
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert min(left, top) >= 0
        assert right <= drawing.width
        assert bottom <= drawing.height
        for other in boxes[n + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_hubs_are_places_that_have_names() -> None:
    assert all(hub.name_zh and hub.name_en for hub in schematic().hubs)


def test_each_route_begins_and_ends_at_a_hub() -> None:
    hubs = {(hub.x, hub.y) for hub in schematic().hubs}
    for route in schematic().routes:
        points = [(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)", route.path)]
        assert {points[0], points[-1]} <= hubs, route.name_en

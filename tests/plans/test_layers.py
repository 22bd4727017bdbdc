"""A layered layout: down the ranks, nothing on top of anything, lines straight where they can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.plans.drawing.layers import GAP, Arrow, Layout, Point, layers
from tests.plans.documents import unhurried

BETWEEN = 40.0
SIZE: Point = (100.0, 50.0)


def laid(count: int, *arrows: Arrow) -> Layout:
    return layers([SIZE] * count, arrows, BETWEEN)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Point], list[Arrow]]:
    count = draw(st.integers(1, 12))
    sides = st.integers(10, 200).map(float)
    sizes = draw(st.lists(st.tuples(sides, sides), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    return sizes, draw(st.lists(st.tuples(ends, ends), max_size=20))


@unhurried
@given(graphs())
def test_no_two_boxes_touch_and_all_lie_on_the_page(graph: tuple[list[Point], list[Arrow]]) -> None:
    sizes, arrows = graph
    layout = layers(sizes, arrows, BETWEEN)
    boxes = [
        (x - width / 2, x + width / 2, y, y + height)
        for (x, y), (width, height) in zip(layout.places, sizes, strict=True)
    ]
    for number, (left, right, top, bottom) in enumerate(boxes):
        assert left >= -0.01 and right <= layout.width + 0.01
        assert top >= 0 and bottom <= layout.height + 0.01
        for other_left, other_right, other_top, other_bottom in boxes[:number]:
            apart_x = left >= other_right + GAP - 0.01 or other_left >= right + GAP - 0.01
            apart_y = top >= other_bottom + BETWEEN or other_top >= bottom + BETWEEN
            assert apart_x or apart_y


@unhurried
@given(graphs())
def test_arrows_lead_down_but_for_those_that_close_a_cycle(
    graph: tuple[list[Point], list[Arrow]],
) -> None:
    sizes, arrows = graph
    layout = layers(sizes, arrows, BETWEEN)
    down = [arrow for arrow, route in zip(arrows, layout.routes, strict=True) if route is not None]
    assert all(layout.ranks[source] < layout.ranks[target] for source, target in down)
    assert len(down) == len(arrows) or _cyclic(len(sizes), arrows)


def _cyclic(count: int, arrows: list[Arrow]) -> bool:
    left = set(range(count))
    while True:
        free = {n for n in left if not any(t == n and s in left for s, t in arrows)}
        if not free:
            return bool(left)
        left -= free


def test_a_chain_is_one_straight_line() -> None:
    layout = laid(4, (0, 1), (1, 2), (2, 3))
    assert {x for x, _ in layout.places} == {50.0}
    assert [y for _, y in layout.places] == [0.0, 90.0, 180.0, 270.0]


def test_branches_lie_around_their_source() -> None:
    (top, left, right, join) = laid(4, (0, 1), (0, 2), (1, 3), (2, 3)).places
    assert abs((left[0] + right[0]) / 2 - top[0]) < 0.5
    assert abs(join[0] - top[0]) < 0.5


def test_a_long_arrow_goes_past_the_boxes_between() -> None:
    layout = laid(3, (0, 1), (1, 2), (0, 2))
    (enters, leaves) = layout.routes[2] or ()
    assert enters[0] == leaves[0]
    assert abs(enters[0] - layout.places[1][0]) >= SIZE[0] / 2


def test_lines_that_need_not_cross_do_not() -> None:
    layout = laid(4, (0, 3), (1, 2))
    assert (layout.places[0][0] < layout.places[1][0]) == (
        layout.places[3][0] < layout.places[2][0]
    )


def test_a_trigger_of_a_late_step_lies_just_above_it() -> None:
    assert laid(4, (0, 1), (1, 2), (3, 2)).ranks == (0, 1, 2, 1)


def test_nothing_to_draw_is_no_size() -> None:
    assert layers([], [], BETWEEN) == Layout((), (), (), 0.0, 0.0)

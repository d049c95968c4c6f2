"""The arrows point where the shifts do, on one scale."""

import math

import pytest
from commonground.core.coregistration.blocks import BlockShift
from commonground.core.report.arrow_map import LONGEST, arrow_map


def block(col, dx, dy, status="used", sigma=0.1, row=0):
    return BlockShift(row=row, col=col, bounds=(10.0 * col, 0.0, 10.0 * col + 10, 10.0), dx=dx, dy=dy, dz=0.0,
                      sigma_dx=sigma, sigma_dy=2 * sigma, sigma_dz=sigma, n=9, status=status)


def arrows(figure):
    """(tail, tip) of each arrow, map units, from west to east."""
    found = [((x, y), (x + u, y + v)) for drawn in figure.axes[0].collections if hasattr(drawn, "U")
             for (x, y), u, v in zip(drawn.XY.tolist(), drawn.U.tolist(), drawn.V.tolist())]
    return sorted(found)


def ellipses(figure):
    """(width, height) of each ellipse, map units."""
    return [size for drawn in figure.axes[0].collections if type(drawn).__name__ == "EllipseCollection"
            for size in zip((2 * drawn._widths).tolist(), (2 * drawn._heights).tolist())]


def test_arrows_point_east_and_north_on_one_scale():
    (tail, tip), (_, other) = arrows(arrow_map([block(0, 4.0, 0.0), block(1, 0.0, -2.0)]))
    assert tail == (5.0, 5.0) and tip == pytest.approx((5.0 + LONGEST * 10, 5.0))
    assert other == pytest.approx((15.0, 5.0 - LONGEST * 10 / 2))


def test_every_arrow_lies_inside_of_the_picture():
    figure = arrow_map([block(0, -4.0, 0.0), block(1, 0.0, -4.0)])
    axis = figure.axes[0]
    (west, east), (south, north) = axis.get_xlim(), axis.get_ylim()
    assert all(west < x < east and south < y < north for _, (x, y) in arrows(figure))


def test_rejected_blocks_do_not_shrink_the_others():
    first, _ = arrows(arrow_map([block(0, 1.0, 0.0), block(1, 50.0, 0.0, "rejected")]))
    assert first[1][0] - first[0][0] == pytest.approx(LONGEST * 10)


def test_ellipses_have_the_size_of_sigma():
    figure = arrow_map([block(0, 1.0, 0.0, sigma=0.1)])
    (ellipse,) = ellipses(figure)
    assert ellipse == pytest.approx((0.2 * LONGEST * 10, 0.4 * LONGEST * 10))
    assert "enlarged" not in figure.axes[0].get_title()


def test_ellipses_too_small_to_be_seen_are_enlarged_and_that_is_said():
    figure = arrow_map([block(0, 100.0, 0.0, sigma=0.1)])
    (ellipse,) = ellipses(figure)
    assert ellipse[0] == pytest.approx(0.2 * LONGEST * 10 / 100 * 100)
    assert "enlarged 100 times" in figure.axes[0].get_title()


def test_blocks_without_a_shift_have_no_arrow():
    figure = arrow_map([block(0, 1.0, 0.0), block(1, math.nan, math.nan, "filled")])
    assert len(arrows(figure)) == 1


def test_geographic_maps_keep_angles():
    """With degrees of longitude half as long, an arrow to the north-east is still drawn at 45 degrees."""
    ((tail, tip),) = arrows(arrow_map([block(0, 1.0, 1.0)], aspect=2.0))
    assert (tip[1] - tail[1]) * 2.0 == pytest.approx(tip[0] - tail[0])


def test_thousands_of_blocks_are_drawn_in_a_moment():
    """They took ten seconds as single patches."""
    import time

    blocks = [block(col, 1.0, 0.5, row=row) for row in range(45) for col in range(45)]
    began = time.perf_counter()
    figure = arrow_map(blocks)
    figure.canvas.draw()
    assert time.perf_counter() - began < 3.0 and len(arrows(figure)) == 2025

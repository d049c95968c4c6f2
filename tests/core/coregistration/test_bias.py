"""Biases of known shape and sign found again and taken away, and nothing taken where there is none."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.bias import Ramp, correct, draw, fit_ramp, fit_terrain, positions
from commonground.core.coregistration.bias_waves import fit_directional
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from commonground.core.statistics.robust import nmad
from commonground.core.statistics.terrain import curvature, slope

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, correlated, wkt

SIZE, CELL = 500, 20.0
GRID = Grid((500000.0, CELL, 0.0, 7800000.0, 0.0, -CELL), SIZE, SIZE, wkt(32622))


def save(path, values, grid=GRID):
    with RasterWriter(str(path), grid) as writer:
        writer.write(values.astype(np.float32))
    return Dem.open(str(path))


def ground(margin=0, seed=1, slope_=12):
    row, col = np.mgrid[-margin:SIZE + margin, -margin:SIZE + margin]
    return Surface(seed, shortest=200.0, slope=slope_)(col * CELL, -row * CELL)


def pair_with(folder, bias, white=0.5, correlated_noise=0.5, changed=True, terrain=None, seed=0):
    """A pair whose dh is `bias` (m) plus noise; a tenth of the ground has changed by +20 m in the secondary."""
    rng = np.random.default_rng(seed)
    truth = ground()
    noise = rng.normal(size=truth.shape) * white + correlated(rng, truth.shape, 5) * correlated_noise
    secondary = truth - bias + noise
    if changed:
        secondary[50:210, 100:260] += 20.0
    return Pair(save(folder / "reference.tif", truth), save(folder / "secondary.tif", secondary),
                terrain or StableTerrain()), noise


def km():
    return positions(GRID, *np.mgrid[:SIZE, :SIZE])


def corrected(pair, model, folder, attribute=""):
    with open_executor(2) as executor:
        lost = correct(pair, model, attribute, str(folder / "out.tif"), str(folder / "bias.tif"), executor, Silent())
    return Dem.open(str(folder / "out.tif")).read(), Dem.open(str(folder / "bias.tif")).read(), lost


def test_positions_are_kilometres_east_and_north():
    east, north = km()
    assert east[0, 0] == pytest.approx(-4.99) and east[0, -1] == pytest.approx(4.99)
    assert north[0, 0] == pytest.approx(4.99) and north[-1, 0] == pytest.approx(-4.99)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_ramps_of_every_order(tmp_path, order):
    terms = {(0, 0): 4.0, (1, 0): 1.5, (0, 1): -0.8, (2, 0): 0.12, (1, 1): -0.1, (0, 2): 0.07, (3, 0): 0.02,
             (2, 1): -0.015, (1, 2): 0.01, (0, 3): 0.012}
    truth = Ramp({key: value for key, value in terms.items() if sum(key) <= order})
    east, north = km()
    bias = truth.at(east, north) + 0 * east
    pair, noise = pair_with(tmp_path, bias)
    model = fit_ramp(draw(pair, "", Silent()), order)
    assert set(model.coefficients) == set(truth.coefficients)
    # As good as least squares that know the noise, and nothing of the ground that changed.
    design = np.column_stack([(east**i * north**j).ravel() for i, j in truth.coefficients])
    floor = np.abs(design @ np.linalg.lstsq(design, noise.ravel(), rcond=None)[0]).max()
    assert np.abs(model.at(east, north) - bias).max() < 1.3 * floor + 0.02
    heights, added, lost = corrected(pair, model, tmp_path)
    np.testing.assert_allclose(heights, pair.secondary.read() + added, atol=1e-3)
    assert lost == 0 and nmad((pair.reference.read() - heights)[210:]) < 1.02 * nmad(noise[210:])
    assert abs(np.median((pair.reference.read() - heights)[210:])) < 0.05


def test_a_ramp_of_degrees_is_in_kilometres(tmp_path):
    grid = Grid((-50.0, 0.0005, 0.0, 70.0, 0.0, -0.0002), 400, 400, wkt(4326))
    east, north = positions(grid, *np.mgrid[:400, :400])
    assert np.ptp(north) == pytest.approx(399 * 0.0002 * 111.5, rel=0.01)
    assert np.ptp(east) == pytest.approx(399 * 0.0005 * 111.5 * np.cos(np.radians(69.96)), rel=0.01)
    pair = Pair(save(tmp_path / "r.tif", 100 + 0 * east, grid), save(tmp_path / "s.tif", 100 - 2 - east + 0.5 * north,
                                                                      grid), StableTerrain())
    found = fit_ramp(draw(pair, "", Silent()), 1).coefficients
    assert (found[0, 0], found[1, 0], found[0, 1]) == pytest.approx((2.0, 1.0, -0.5), abs=1e-3)


@pytest.mark.parametrize("azimuth", [8.0, 97.0, 160.0])
@pytest.mark.parametrize("given", [True, False])
def test_waves_along_a_direction(tmp_path, azimuth, given):
    east, north = km()
    s = east * np.sin(np.radians(azimuth)) + north * np.cos(np.radians(azimuth))
    bias = 1.0 + 0.2 * s + 1.6 * np.sin(2 * np.pi * s / 3.1 + 0.4) + 0.7 * np.cos(2 * np.pi * s / 0.83)
    pair, noise = pair_with(tmp_path, bias)
    model = fit_directional(draw(pair, "", Silent()), np.radians(azimuth) if given else None, 4, 4 * CELL / 1000)
    assert np.degrees(model.azimuth) == pytest.approx(azimuth, abs=1e-9 if given else 0.3)
    strongest = sorted(model.terms, key=lambda term: -np.hypot(*term[1:]))
    assert [length for length, _, _ in strongest[:2]] == pytest.approx([3.1, 0.83], rel=0.015)
    assert all(np.hypot(*term[1:]) < 0.12 for term in strongest[2:])
    assert np.sqrt(np.mean((model.at(east, north) - bias)**2)) < 0.12
    heights, _, _ = corrected(pair, model, tmp_path)
    assert nmad((pair.reference.read() - heights)[210:]) < 1.03 * nmad(noise[210:])


def test_no_wave_is_found_in_noise(tmp_path):
    pair, _ = pair_with(tmp_path, 0.0, white=0.5, correlated_noise=1.0)
    sample = draw(pair, "", Silent())
    model = fit_directional(sample, np.radians(30.0), 4, 4 * CELL / 1000)
    assert np.std(model.at(*km())) < 0.12
    with pytest.raises(CoregistrationError, match="No direction stands out"):
        fit_directional(sample, None, 4, 4 * CELL / 1000)


@pytest.mark.parametrize("attribute", ["elevation", "slope", "curvature"])
def test_biases_by_terrain(tmp_path, attribute):
    around = ground(margin=1).astype(np.float32)
    value = {"elevation": around[1:-1, 1:-1], "slope": slope(around, GRID), "curvature": curvature(around, GRID)}
    value = value[attribute].astype(float)
    score = (value - value.mean()) / value.std()
    bias = 2.0 + 1.5 * score - 0.3 * score**2
    pair, noise = pair_with(tmp_path, bias)
    model = fit_terrain(draw(pair, attribute, Silent()), attribute)
    assert np.sqrt(np.nanmean((model.at(0, 0, value) - bias)**2)) < 0.15
    heights, added, lost = corrected(pair, model, tmp_path, attribute)
    inner = np.s_[215:-5, 5:-5]
    assert np.corrcoef(added[inner].ravel(), bias[inner].ravel())[0, 1] > 0.99
    assert nmad((pair.reference.read() - heights)[inner]) < 1.04 * nmad(noise[inner])
    # Slope and curvature need the cells around: the outermost have none.
    assert lost == (0 if attribute == "elevation" else 4 * SIZE - 4)


def test_noise_of_the_secondary_makes_no_terrain_bias(tmp_path):
    pair, _ = pair_with(tmp_path, 0.0, white=1.5, changed=False)
    model = fit_terrain(draw(pair, "curvature", Silent()), "curvature")
    assert np.abs(model.values).max() < 0.15


def test_unstable_ground_has_no_say(tmp_path):
    pair, _ = pair_with(tmp_path, 1.0 + 0.5 * km()[0], changed=False)
    heights = pair.secondary.read()
    heights[:, :300] += 30.0
    marks = np.zeros((SIZE, SIZE))
    marks[:, 300:] = 1
    pair = Pair(pair.reference, save(tmp_path / "moved.tif", heights),
                StableTerrain(mask=save(tmp_path / "mask.tif", marks)))
    found = fit_ramp(draw(pair, "", Silent()), 1).coefficients
    assert (found[0, 0], found[1, 0], found[0, 1]) == pytest.approx((1.0, 0.5, 0.0), abs=0.08)


def test_what_cannot_be_told_is_refused(tmp_path):
    pair, _ = pair_with(tmp_path, 0.0)
    marks = np.zeros((SIZE, SIZE))
    marks[:5, :5] = 1
    few = Pair(pair.reference, pair.secondary, StableTerrain(mask=save(tmp_path / "few.tif", marks)))
    with pytest.raises(CoregistrationError, match="share only 25 stable cells"):
        draw(few, "", Silent())
    marks[:] = 0
    marks[:, 100] = 1
    line = Pair(pair.reference, pair.secondary, StableTerrain(mask=save(tmp_path / "line.tif", marks)))
    with pytest.raises(CoregistrationError, match="does not tell all terms"):
        fit_ramp(draw(line, "", Silent()), 1)
    flat = Pair(save(tmp_path / "flat.tif", np.full((SIZE, SIZE), 5.0)), pair.secondary, StableTerrain())
    with pytest.raises(CoregistrationError, match="hardly varies"):
        fit_terrain(draw(flat, "slope", Silent()), "slope")


def test_other_grid_crs_and_voids(tmp_path):
    """The secondary keeps its own cells, voids stay voids, and the reference is sampled beneath them."""
    surface = Surface(1, shortest=200.0, slope=12)
    own = Grid((500403.0, 27.0, 0.0, 7799610.0, 0.0, -27.0), 300, 280, wkt(32622))
    x, y = own.map_of(*np.mgrid[:280, :300])
    heights = surface(x - 500010.0, y - 7799990.0) - 3.0
    heights[40:60, 70:90] = np.nan
    pair = Pair(save(tmp_path / "r.tif", ground()), save(tmp_path / "s.tif", heights, own), StableTerrain())
    model = fit_ramp(draw(pair, "", Silent()), 0)
    assert model.coefficients[0, 0] == pytest.approx(3.0, abs=0.02)
    out, _, _ = corrected(pair, model, tmp_path)
    assert out.shape == (280, 300) and np.array_equal(np.isnan(out), np.isnan(heights))
    np.testing.assert_allclose(out, heights + 3.0, atol=0.02)

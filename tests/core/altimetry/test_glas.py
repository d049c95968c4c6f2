"""TOPEX/Poseidon to WGS 84 against the published difference, and against PROJ."""

import numpy as np
import pytest
from commonground.core.altimetry.glas import to_wgs84

# lat, height above T/P; exact lat, height above WGS 84 (to 1e-9 degrees and 0.1 mm).
TABLE = ((0.0, 0.0, 0.0, -0.7000), (30.0, 1000.0, 29.999999893, 999.2966), (-45.0, 0.0, -44.999999877, -0.7068),
         (69.2, -20.0, 69.199999918, -20.7120), (-72.25, 3200.0, -72.249999929, 3199.2876),
         (86.0, 0.0, 85.999999983, -0.7136))


@pytest.mark.parametrize("lat, height, new_lat, new_height", TABLE)
def test_published_values(lat, height, new_lat, new_height):
    found_lat, found_height = to_wgs84(lat, height)
    assert found_lat == pytest.approx(new_lat, abs=6e-10) and found_height == pytest.approx(new_height, abs=6e-5)


def test_approximation_holds_to_13_micrometres():
    rng = np.random.default_rng(5)
    lat, height = rng.uniform(-90, 90, 10000), rng.uniform(-100, 4500, 10000)
    new_lat, new_height = to_wgs84(lat, height)
    approximate = height - (0.7 * np.cos(np.radians(lat)) ** 2 + 0.713682 * np.sin(np.radians(lat)) ** 2)
    assert np.abs(new_height - approximate).max() < 1.3e-5
    assert (np.abs(new_lat) <= np.abs(lat) + 1e-13).all()
    assert np.radians(np.abs(new_lat - lat)).max() * 6.4e6 == pytest.approx(0.0137, abs=2e-4)


def test_poles_and_missing_values():
    lat, height = to_wgs84(np.array([90.0, -90.0, 10.0]), np.array([0.0, 0.0, np.nan]))
    np.testing.assert_allclose(lat[:2], [90.0, -90.0], atol=1e-12)
    np.testing.assert_allclose(height[:2], -0.713682, atol=1e-6)
    assert np.isnan(height[2])


def test_it_equals_proj():
    pyproj = pytest.importorskip("pyproj")
    pipeline = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +a=6378136.3 +rf=298.257 "
        "+step +inv +proj=cart +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg")
    rng = np.random.default_rng(6)
    lat, height = rng.uniform(-89.9, 89.9, 1000), rng.uniform(-100, 4500, 1000)
    _, proj_lat, proj_height = pipeline.transform(np.full(1000, 20.0), lat, height)
    new_lat, new_height = to_wgs84(lat, height)
    np.testing.assert_allclose(new_lat, proj_lat, atol=1e-11)
    np.testing.assert_allclose(new_height, proj_height, atol=2e-8)

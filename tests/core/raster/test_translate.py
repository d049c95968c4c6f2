"""Rasters moved by their georeference: position, sign, and not one bit of the cells."""

import numpy as np
import pytest

pytest.importorskip("osgeo")
from commonground.core.errors import EpochError, OutputError, PlateError, RasterError
from commonground.core.frames.transform import FrameEpoch, PlateMotion, Velocity
from commonground.core.progress import Cancelled
from commonground.core.raster.dem import Dem
from commonground.core.raster.translate import (
    check_heights,
    check_not_moved,
    check_residual,
    default_tolerance,
    fit_move,
    write_moved,
)
from osgeo import gdal, osr

OLD, NEW = FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5)
NOAM = PlateMotion("ITRF2014-PMM", "NOAM")
# ITRF93 -> ITRF2014 by EPSG:8074 (published at 2010.0 as ITRF2014 -> ITRF93), then NOAM of Altamimi et al.
# 2017.
TRUTH = ("+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80 "
         "+step +inv +proj=helmert +x=-0.0504 +y=0.0033 +z=-0.0602 +s=0.00429 +rx=-0.00281 +ry=-0.00338 "
         "+rz=0.0004 "
         "+dx=-0.0028 +dy=-0.0001 +dz=-0.0025 +ds=0.00012 +drx=-0.00011 +dry=-0.00019 +drz=0.00007 "
         "+t_epoch=2010 "
         "+convention=position_vector "
         "+step +inv +proj=helmert +drx=0.000024 +dry=-0.000694 +drz=-0.000063 +t_epoch=2018.5 "
         "+convention=position_vector +step +inv +proj=cart +ellps=GRS80 "
         "+step +proj=unitconvert +xy_in=rad +xy_out=deg")


def make(
    path,
    epsg=3413,
    origin=(-100_000.0, -2_000_000.0),
    cell=50.0,
    shape=(80, 100),
    dtype=np.float32,
    bands=1,
    nodata=-9999.0,
    options=(),
):
    """A file with noise; the first cells are void."""
    rng = np.random.default_rng(7)
    codes = {np.float32: gdal.GDT_Float32, np.int16: gdal.GDT_Int16, np.uint8: gdal.GDT_Byte,
             np.int32: gdal.GDT_Int32, np.float64: gdal.GDT_Float64}
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), shape[1], shape[0], bands, codes[dtype], list(options)
    )
    dataset.SetGeoTransform((origin[0], cell, 0.0, origin[1], 0.0, -cell))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(reference)
    for number in range(1, bands + 1):
        values = (rng.random(shape) * 200 + number).astype(dtype)
        if nodata is not None:
            values[:3, :4] = nodata
            dataset.GetRasterBand(number).SetNoDataValue(nodata)
        dataset.GetRasterBand(number).WriteArray(values)
    dataset = None
    return str(path)


def moved(path, out, source=OLD, target=NEW, motion=NOAM, heights="keep", **options):
    dem = Dem.open(str(path), colours=heights == "keep")
    move = fit_move(dem, source, target, motion)
    write_moved(
        dem,
        str(out),
        move,
        heights,
        target,
        {"TARGET_FRAME": target.frame, "TARGET_EPOCH": target.epoch},
        **options,
    )
    return move, gdal.Open(str(out))


@pytest.mark.parametrize(
    "epsg, origin, cell",
    [
        (3413, (-100_000.0, -2_000_000.0), 50.0),
        (32622, (500_000.0, 7_700_000.0), 30.0),
        (4326, (-50.0, 70.0), 0.001),
    ],
)
def test_cells_land_where_proj_says(tmp_path, epsg, origin, cell):
    from pyproj import CRS, Transformer

    path = make(tmp_path / "dem.tif", epsg, origin, cell)
    move, result = moved(path, tmp_path / "moved.tif")
    crs = CRS.from_epsg(epsg)
    project = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    old, new = gdal.Open(path).GetGeoTransform(), result.GetGeoTransform()
    for col, row in ((0, 0), (100, 0), (50, 40), (0, 80), (100, 80)):
        x, y = old[0] + col * cell, old[3] - row * cell
        lon, lat = project.transform(x, y, direction="INVERSE")
        lon2, lat2, _, _ = Transformer.from_pipeline(TRUTH).transform(lon, lat, move.height, 1993.5)
        true = np.array(project.transform(lon2, lat2)) - project.transform(lon, lat)
        metres = np.array([111_320.0 * np.cos(np.radians(lat)), 111_320.0]) if epsg == 4326 else np.ones(2)
        error = (np.array([new[0] - old[0], new[3] - old[3]]) - true) * metres
        assert np.hypot(*error) < max(move.max_residual * 1.5, 1e-4)
    assert move.max_residual < 0.005
    assert move.east < 0 < move.north
    assert np.hypot(move.east, move.north) == pytest.approx(np.hypot(0.4177, 0.3017), abs=0.05)


def test_pixels_stay_bit_by_bit(tmp_path):
    path = make(
        tmp_path / "dem.tif",
        dtype=np.int16,
        bands=3,
        nodata=-32768,
        options=["COMPRESS=DEFLATE", "TILED=YES"],
    )
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadata({"AREA_OR_POINT": "Point", "flown": "1993"})
    dataset.SetDescription("survey")
    for number in (1, 2, 3):
        band = dataset.GetRasterBand(number)
        band.SetScale(0.1)
        band.SetOffset(5.0)
        band.SetDescription(f"band {number}")
        band.SetUnitType("m")
    dataset.BuildOverviews("NEAREST", [2])
    dataset = None
    old = gdal.Open(path)
    _, new = moved(path, tmp_path / "moved.tif")
    assert np.array_equal(old.ReadAsArray(), new.ReadAsArray())
    assert new.GetMetadataItem("flown") == "1993"
    assert new.GetMetadataItem("AREA_OR_POINT") == "Point"
    for number in (1, 2, 3):
        a, b = old.GetRasterBand(number), new.GetRasterBand(number)
        for read in (
            "GetNoDataValue",
            "GetScale",
            "GetOffset",
            "GetDescription",
            "GetUnitType",
            "GetOverviewCount",
        ):
            assert getattr(a, read)() == getattr(b, read)()
        assert a.DataType == b.DataType
        assert np.array_equal(a.GetOverview(0).ReadAsArray(), b.GetOverview(0).ReadAsArray())


def test_masks_outside_the_file_come_along(tmp_path):
    path = make(tmp_path / "dem.tif", nodata=None)
    dataset = gdal.Open(path)
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    mask = np.full((80, 100), 255, np.uint8)
    mask[10:20] = 0
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    dataset = None
    for heights in ("keep", "ellipsoidal"):
        _, new = moved(path, tmp_path / f"{heights}.tif", heights=heights)
        assert np.array_equal(new.GetRasterBand(1).GetMaskBand().ReadAsArray(), mask)


def test_colour_tables_and_other_formats_pass_when_kept(tmp_path):
    path = make(tmp_path / "image.tif", dtype=np.uint8, nodata=None)
    dataset = gdal.Open(path, gdal.GA_Update)
    table = gdal.ColorTable()
    table.SetColorEntry(1, (200, 10, 10, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    dataset = None
    _, new = moved(path, tmp_path / "moved.tif")
    assert new.GetRasterBand(1).GetColorTable().GetColorEntry(1) == (200, 10, 10, 255)
    heard = Listener()
    _, image = moved(make(tmp_path / "dem.tif"), tmp_path / "moved.img", progress=heard)
    assert np.array_equal(image.ReadAsArray(), gdal.Open(str(tmp_path / "dem.tif")).ReadAsArray())
    assert any("coordinate epoch" in warning for warning in heard.warnings)
    again, _ = moved(tmp_path / "moved.img", tmp_path / "back.tif", NEW, OLD, NOAM)
    assert again.dx == pytest.approx(0.39, abs=0.2)


def test_moving_agrees_with_warping(tmp_path):
    """gdal.Warp onto the moved grid must find nothing left to do: nearest cells equal, to the last one."""
    path = make(tmp_path / "dem.tif", cell=0.25)
    move, new = moved(path, tmp_path / "moved.tif")
    x, step, _, y, _, _ = gdal.Open(path).GetGeoTransform()
    # Read the old raster as if its origin had been displaced by hand, on the new raster's own grid.
    by_hand = gdal.Translate("/vsimem/by_hand.tif", path, outputBounds=[
        x + move.dx, y + move.dy, x + move.dx + 100 * step, y + move.dy - 80 * step])
    bounds = [new.GetGeoTransform()[0], new.GetGeoTransform()[3] - 80 * step,
              new.GetGeoTransform()[0] + 100 * step, new.GetGeoTransform()[3]]
    warped = gdal.Warp(
        "", by_hand, format="MEM", outputBounds=bounds, xRes=step, yRes=step, resampleAlg="bilinear"
    )
    assert np.allclose(warped.ReadAsArray(), new.ReadAsArray(), atol=1e-3)
    # A wrong sign would lie three cells off on this grid.
    assert abs(2 * move.dx) > 2 * step


@pytest.mark.parametrize("dtype, expected", [(np.int16, gdal.GDT_Float32), (np.float32, gdal.GDT_Float32),
                                             (np.int32, gdal.GDT_Float64), (np.float64, gdal.GDT_Float64)])
def test_heights_rise_by_the_plane_and_voids_stay(tmp_path, dtype, expected):
    from pyproj import CRS, Transformer

    path = make(tmp_path / "dem.tif", dtype=dtype)
    move, new = moved(path, tmp_path / "moved.tif", heights="ellipsoidal")
    band = new.GetRasterBand(1)
    assert band.DataType == expected
    assert band.GetNoDataValue() == -9999.0
    old, values = gdal.Open(path).ReadAsArray().astype(float), band.ReadAsArray()
    assert (values[:3, :4] == -9999.0).all()
    rise = (values - old)[5:, 5:]
    crs = CRS.from_epsg(3413)
    lon, lat = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform(
        -100_000.0 + 50 * 50, -2_000_000.0 - 40 * 50, direction="INVERSE")
    _, _, up, _ = Transformer.from_pipeline(TRUTH).transform(lon, lat, 0.0, 1993.5)
    assert move.up == pytest.approx(up, abs=1e-5)
    assert np.allclose(rise, up, atol=2e-5)


def test_scaled_heights_rise_in_metres(tmp_path):
    path = make(tmp_path / "dem.tif")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).SetScale(0.01)
    dataset.GetRasterBand(1).SetUnitType("ft")
    dataset = None
    move, new = moved(path, tmp_path / "moved.tif", heights="geoid")
    rise = (new.ReadAsArray() - gdal.Open(path).ReadAsArray())[5:, 5:] * 0.01 * 0.3048
    assert np.allclose(rise, move.up, atol=5e-6)


def test_epoch_and_sibling_are_written(tmp_path):
    _, new = moved(make(tmp_path / "a.tif", 4326, (-50.0, 70.0), 0.001), tmp_path / "b.tif")
    assert new.GetSpatialRef().GetCoordinateEpoch() == 2018.5
    assert new.GetSpatialRef().GetAuthorityCode(None) == "4326"
    _, new = moved(make(tmp_path / "c.tif", 8993, (-50.0, 70.0), 0.001), tmp_path / "d.tif")
    assert new.GetSpatialRef().GetAuthorityCode(None) == "9000"


def test_the_same_run_twice_is_refused(tmp_path):
    moved(make(tmp_path / "a.tif"), tmp_path / "b.tif")
    dem = Dem.open(str(tmp_path / "b.tif"))
    with pytest.raises(EpochError, match=r"already moved to ITRF2014 at 2018.5"):
        check_not_moved(dem, OLD)
    check_not_moved(dem, NEW)
    check_not_moved(Dem.open(str(tmp_path / "a.tif")), OLD)


def test_residual_beyond_tolerance_says_tile(tmp_path):
    dem = Dem.open(make(tmp_path / "wide.tif", 3413, (-2e6, -1e6), 40_000.0))
    move = fit_move(dem, OLD, NEW, NOAM)
    assert move.max_residual > 0.01
    with pytest.raises(RasterError, match="tiles"):
        check_residual(dem, move, 0.01)
    assert default_tolerance(dem) == pytest.approx(2000.0)


def test_a_velocity_is_that_velocity(tmp_path):
    dem = Dem.open(make(tmp_path / "la.tif", 4326, (-118.3, 34.6), 1 / 3600))
    at = (FrameEpoch("WGS84(G1150)", 2000.13), FrameEpoch("WGS84(G1150)", 2012.9))
    move = fit_move(dem, *at, Velocity(-0.0366, 0.0122))
    assert (move.east, move.north) == pytest.approx((-0.467382, 0.155794), abs=1e-7)
    assert move.dx < 0 < move.dy


def test_several_plates_are_refused(tmp_path):
    dem = Dem.open(make(tmp_path / "wide.tif", 4326, (-125.0, 40.0), 0.1))
    with pytest.raises(PlateError, match="several plates"):
        fit_move(dem, FrameEpoch("ITRF2014", 2000.0), NEW, PlateMotion("ITRF2014-PMM"))


def test_levelled_heights_are_refused(tmp_path):
    path = make(tmp_path / "navd.tif", 5498, (-100.0, 40.0), 0.001)
    with pytest.raises(RasterError, match="HEIGHTS=keep"):
        check_heights(Dem.open(path), "ellipsoidal")
    check_heights(Dem.open(path), "keep")


class Listener:
    """Hears warnings, and cancels once asked to."""

    def __init__(self, cancel=False):
        self.cancel, self.warnings = cancel, []

    def step(self, fraction, message=""):
        if self.cancel:
            raise Cancelled

    def warn(self, message):
        self.warnings.append(message)


@pytest.mark.parametrize(
    "heights, name", [("keep", "out.tif"), ("ellipsoidal", "out.tif"), ("keep", "out.img")]
)
def test_cancelling_leaves_nothing(tmp_path, heights, name):
    path = make(tmp_path / "dem.tif")
    with pytest.raises(Cancelled):
        moved(path, tmp_path / "out" / name, heights=heights, progress=Listener(cancel=True))
    assert list((tmp_path / "out").iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"\.foo"):
        moved(make(tmp_path / "dem.tif"), tmp_path / "out.foo")


def velocities(path, values, epsg=4326, origin=(-119.0, 35.0), cell=0.5):
    """A velocity raster (bands, 3, 3)."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 3, 3, len(values), gdal.GDT_Float32)
    dataset.SetGeoTransform((origin[0], cell, 0, origin[1], 0, -cell))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(reference)
    for band, value in enumerate(values, 1):
        dataset.GetRasterBand(band).WriteArray(np.full((3, 3), value, np.float32))
    dataset = None
    return str(path)


def test_a_velocity_raster_of_one_value_is_that_velocity(tmp_path):
    from commonground.core.frames.velocity_raster import VelocityRaster

    dem = Dem.open(make(tmp_path / "la.tif", 4326, (-118.3, 34.6), 1 / 3600))
    at = (FrameEpoch("WGS84(G1150)", 2000.0), FrameEpoch("WGS84(G1150)", 2010.0))
    raster = VelocityRaster(velocities(tmp_path / "v.tif", (-0.03, 0.01, 0.002)))
    move, constant = fit_move(dem, *at, raster), fit_move(dem, *at, Velocity(-0.03, 0.01, 0.002))
    assert (move.dx, move.dy, move.up) == pytest.approx((constant.dx, constant.dy, constant.up), abs=1e-7)
    assert move.up == pytest.approx(0.02, abs=1e-6)
    assert (move.motion.east, move.motion.north) == pytest.approx((-0.03, 0.01), abs=1e-8)


def test_a_velocity_raster_of_the_same_extent_reaches_the_edges(tmp_path):
    from commonground.core.frames.velocity_raster import VelocityRaster

    dem = Dem.open(make(tmp_path / "a.tif", 4326, (-119.0, 35.0), 0.015, (100, 100)))
    at = (FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2010.0))
    fit_move(dem, *at, VelocityRaster(velocities(tmp_path / "same.tif", (0.01, 0.0))))
    with pytest.raises(RasterError, match="no velocity for parts"):
        fit_move(dem, *at, VelocityRaster(velocities(tmp_path / "small.tif", (0.01, 0.0), cell=0.4)))


def test_warping_puts_the_ground_where_it_belongs(tmp_path):
    """On a DEM that is a plane each height tells where its ground came from, and each cell has its own motion."""
    from commonground.core.frames.velocity_raster import VelocityRaster
    from commonground.core.raster.drift import Drift

    cell, shape, origin = 100.0, (300, 400), (480_000.0, 3_815_000.0)
    path = make(tmp_path / "plane.tif", 32611, origin, cell, shape)
    x, y = np.meshgrid(origin[0] + (np.arange(400) + 0.5) * cell, origin[1] - (np.arange(300) + 0.5) * cell)

    def height(x, y):
        return 500.0 + 0.05 * (x - 500_000.0) - 0.03 * (y - 3_800_000.0)

    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(height(x, y).astype(np.float32))
    dataset = None
    # Up to 0.8 m/yr is no ground, but shows every sign: east grows eastwards, north shrinks southwards.
    rates = np.meshgrid(np.array([-0.8, 0.0, 0.8]), np.array([0.4, 0.0, -0.4]))
    raster = VelocityRaster(velocities(tmp_path / "v.tif", rates, 32611, (470_000.0, 3_830_000.0), 20_000.0))
    at = (FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2040.0))
    dem = Dem.open(path)
    move = fit_move(dem, *at, raster)
    assert move.max_residual > 10.0
    drift = Drift.of(dem, move, *at, raster)
    write_moved(dem, str(tmp_path / "warped.tif"), move, "keep", at[1], {"RESAMPLING": "cubic"}, drift=drift)
    new = gdal.Open(str(tmp_path / "warped.tif"))
    x0, _, _, y0, _, _ = new.GetGeoTransform()
    assert (x0 - origin[0], y0 - origin[1]) == pytest.approx((move.dx, move.dy), abs=1e-6)
    assert new.GetSpatialRef().GetCoordinateEpoch() == 2040.0
    assert new.GetMetadataItem("COMMONGROUND_RESAMPLING") == "cubic"
    here_x, here_y = x + move.dx, y + move.dy
    # In UTM near its central meridian, east and north are x and y to 1e-3; the ground came from 40 years before.
    from_x = here_x - 40.0 * 0.8 * (here_x - 500_000.0) / 20_000.0 * 0.9996
    from_y = here_y - 40.0 * 0.4 * (here_y - 3_800_000.0) / 20_000.0 * 0.9996
    error = (new.ReadAsArray() - height(from_x, from_y))[5:-5, 5:-5]
    moved_height = 0.05 * 30.0
    assert np.abs(error).max() < 0.05 * moved_height
    _, plain = moved(path, tmp_path / "plain.tif", *at, Velocity(0.0, 0.0))
    assert np.abs(plain.ReadAsArray() - height(from_x, from_y)).max() > 0.9 * moved_height


def test_warping_lifts_and_keeps_voids_and_refuses_colours(tmp_path):
    from commonground.core.raster.drift import Drift

    path = make(tmp_path / "wide.tif", 3413, (-2e6, -1e6), 40_000.0)
    dem = Dem.open(path)
    move = fit_move(dem, OLD, NEW, NOAM)
    drift = Drift.of(dem, move, OLD, NEW, NOAM)
    for heights, expected in (("keep", 0.0), ("ellipsoidal", move.up)):
        out = str(tmp_path / f"{heights}.tif")
        write_moved(dem, out, move, heights, NEW, {}, drift=drift)
        rise = gdal.Open(out).ReadAsArray() - gdal.Open(path).ReadAsArray()
        assert (gdal.Open(out).ReadAsArray()[:3, :4] == -9999.0).all()
        # The shift within the grid is a hundred-thousandth of these cells of 40 km.
        assert np.median(rise[5:, 5:]) == pytest.approx(expected, abs=0.01)
        assert rise[5:, 5:].std() < 0.05
    image = gdal.Open(make(tmp_path / "image.tif", dtype=np.uint8, nodata=None), gdal.GA_Update)
    table = gdal.ColorTable()
    table.SetColorEntry(1, (200, 10, 10, 255))
    image.GetRasterBand(1).SetColorTable(table)
    image = None
    dem = Dem.open(str(tmp_path / "image.tif"), colours=True)
    with pytest.raises(RasterError, match="colour table"):
        write_moved(dem, str(tmp_path / "no.tif"), move, "keep", NEW, {}, drift=drift)
    assert not (tmp_path / "no.tif").exists()


def test_cogs_and_geopackages_keep_the_epoch(tmp_path):
    path = make(tmp_path / "dem.tif", nodata=None, dtype=np.uint8)
    gdal.GetDriverByName("COG").CreateCopy(str(tmp_path / "cog.tif"), gdal.Open(path))
    for source, target in ((tmp_path / "cog.tif", "moved.tif"), (path, "moved.gpkg")):
        heard = Listener()
        move, new = moved(source, tmp_path / target, progress=heard)
        assert new.GetSpatialRef().GetCoordinateEpoch() == 2018.5 and heard.warnings == []
        assert new.GetGeoTransform()[0] == pytest.approx(-100_000.0 + move.dx, abs=1e-6)
        assert np.array_equal(new.GetRasterBand(1).ReadAsArray(), gdal.Open(str(source)).ReadAsArray())


def test_overviews_of_lifted_heights_are_made_anew(tmp_path):
    path = make(tmp_path / "dem.tif", shape=(128, 128), nodata=None)
    gdal.Open(path, gdal.GA_Update).BuildOverviews("AVERAGE", [2, 4])
    _, new = moved(path, tmp_path / "moved.tif", heights="ellipsoidal")
    band = new.GetRasterBand(1)
    assert band.GetOverviewCount() == 2
    mean = band.ReadAsArray().reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.allclose(band.GetOverview(0).ReadAsArray(), mean, atol=1e-3)

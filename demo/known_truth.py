"""A DEM displaced by a shift field that is known, so that what comes out can be judged.

Nothing here uses the product: the resampling (quintic splines), the metres in a degree and the sine field are
its own.
"""

import numpy as np
from osgeo import gdal

NODATA = -9999.0
PERIODS = 2.0
NOISE, SEED = 1.0, 20
AMPLITUDE = (36.0, 30.0, 3.0)
"""East, north and up in metres: about one cell and a half, one cell, and 3 m."""


def field(rows, cols, shape):
    """(dx, dy, dz) in metres to add to the displaced DEM, at fractional cells of a grid of `shape`."""
    u, v = 2 * np.pi * PERIODS * cols / shape[1], 2 * np.pi * PERIODS * rows / shape[0]
    east, north, up = AMPLITUDE
    return east * np.sin(u) * np.cos(v / 2), north * np.cos(u / 2) * np.sin(v), up * np.sin(u / 2 + v)


def metres_in_a_cell(dataset, rows):
    """Metres east along a column step and south along a row step, on WGS 84, of a grid in degrees."""
    _, width, _, y0, _, height = dataset.GetGeoTransform()
    latitude = np.radians(y0 + (rows + 0.5) * height)
    a, e2 = 6378137.0, 0.00669437999014
    w = np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    return np.radians(width) * a / w * np.cos(latitude), np.radians(-height) * a * (1 - e2) / w**3


def displace(source, displaced, true_field):
    """Write the DEM `source`, displaced and with white noise, and the field that undoes it (dx, dy, dz).

    The field is a function of the true position p: the displaced DEM holds at q = p - d(p) the height
    z(p) - dz(p).
    """
    from scipy.ndimage import map_coordinates

    dataset = gdal.Open(str(source))
    heights = dataset.ReadAsArray().astype(float)
    shape = heights.shape
    q_rows, q_cols = np.indices(shape, dtype=float)
    rows, cols = q_rows.copy(), q_cols.copy()
    for _ in range(25):
        dx, dy, _ = field(rows, cols, shape)
        metres_east, metres_south = metres_in_a_cell(dataset, rows)
        rows, cols = q_rows - dy / metres_south, q_cols + dx / metres_east
    moved = map_coordinates(heights, [rows, cols], order=5, mode="constant", cval=np.nan)
    moved -= field(rows, cols, shape)[2]
    moved += np.random.default_rng(SEED).normal(0.0, NOISE, shape)
    _write(displaced, dataset, [np.where(np.isfinite(moved), moved, NODATA)], [""])
    _write(true_field, dataset, field(*np.indices(shape, dtype=float), shape), ["dx", "dy", "dz"])


def figure(reference, found_field, path):
    """Draw the true and the found shifts and what is left; return the RMS of the rest (m; east, north, up).

    The found field may lie on a coarser grid than the reference's: the true one is taken at its cells.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    grid, coarse = gdal.Open(str(reference)), gdal.Open(str(found_field))
    found = coarse.ReadAsArray().astype(float)
    rows, cols = np.indices(found.shape[1:]) + 0.5
    x0, width, _, y0, _, height = grid.GetGeoTransform()
    cx0, cwidth, _, cy0, _, cheight = coarse.GetGeoTransform()
    rows, cols = (cy0 + rows * cheight - y0) / height - 0.5, (cx0 + cols * cwidth - x0) / width - 0.5
    truth = np.array(field(rows, cols, (grid.RasterYSize, grid.RasterXSize)))
    inside = (rows >= 0) & (rows < grid.RasterYSize) & (cols >= 0) & (cols < grid.RasterXSize)
    rest = np.where(inside, found - truth, np.nan)
    rms = np.sqrt(np.nanmean(rest**2, axis=(1, 2)))

    canvas = Figure(figsize=(11, 12), layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.subplots(3, 3)
    for column, name in enumerate(("dx (east)", "dy (north)", "dz (up)")):
        limit = np.abs(truth[column]).max()
        titles = f"true {name}", f"found {name}", f"found \u2212 true, RMS {rms[column]:.2f} m"
        for axis, values, title in zip(axes[:, column], (truth[column], found[column], rest[column]), titles):
            image = axis.imshow(values, cmap="RdYlBu", vmin=-limit, vmax=limit)
            axis.set(title=title, xticks=[], yticks=[])
        canvas.colorbar(image, ax=axes[:, column], location="bottom", label="m", pad=0.01, aspect=30)
    canvas.savefig(path, dpi=110)
    return rms


def spread(first, second):
    """(median, NMAD) in metres of the difference of two rasters on one grid, where both have heights."""
    datasets = [gdal.Open(str(name)) for name in (first, second)]
    heights = [dataset.ReadAsArray().astype(float) for dataset in datasets]
    for dataset, values in zip(datasets, heights):
        values[values == dataset.GetRasterBand(1).GetNoDataValue()] = np.nan
    dh = heights[0] - heights[1]
    dh = dh[np.isfinite(dh)]
    return np.median(dh), 1.4826 * np.median(np.abs(dh - np.median(dh)))


def _write(path, like, bands, names):
    driver = gdal.GetDriverByName("GTiff")
    target = driver.Create(str(path), like.RasterXSize, like.RasterYSize, len(bands), gdal.GDT_Float32,
                           ["TILED=YES", "COMPRESS=DEFLATE"])
    target.SetGeoTransform(like.GetGeoTransform())
    target.SetSpatialRef(like.GetSpatialRef())
    for number, (values, name) in enumerate(zip(bands, names), 1):
        band = target.GetRasterBand(number)
        band.SetNoDataValue(NODATA)
        band.SetDescription(name)
        band.WriteArray(values)

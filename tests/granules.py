"""Altimetry files to the products' published layouts, written without h5py: netCDF-4 files are HDF5."""

from __future__ import annotations

import os

import numpy as np
from osgeo import gdal

ICESAT2_DESCRIPTION = "heights above the WGS 84 ellipsoid (ITRF2014 reference frame)"
F4_FILL, F8_FILL = float(np.float32(3.4028235e38)), 1.7976931348623157e308


def write_hdf5(path, arrays, attributes=None, nodata=None, numbers=None):
    """Write arrays by full path; text attributes by (group, name); nodata by array path;
    number attributes by (array path, name).

    A list of str makes a string array.
    """
    temporary = f"{path}.nc"
    dataset = gdal.GetDriverByName("netCDF").CreateMultiDimensional(temporary, [], ["FORMAT=NC4"])
    groups = {"": dataset.GetRootGroup()}

    def group(name):
        if name not in groups:
            parent, _, last = name.rpartition("/")
            groups[name] = group(parent).CreateGroup(last)
        return groups[name]

    dimensions = {}
    for full, values in arrays.items():
        place, _, name = full.rpartition("/")
        owner = group(place)
        is_text = isinstance(values, list)
        values = values if is_text else np.asarray(values)
        shape = (len(values),) if is_text else values.shape
        dims = []
        for axis, size in enumerate(shape):
            key = place, axis, size
            if key not in dimensions:
                dimensions[key] = owner.CreateDimension(f"n{len(dimensions)}", None, None, size)
            dims.append(dimensions[key])
        kind = gdal.ExtendedDataType.CreateString() if is_text else gdal.ExtendedDataType.Create(
            {"f8": gdal.GDT_Float64, "f4": gdal.GDT_Float32, "i4": gdal.GDT_Int32, "i2": gdal.GDT_Int16,
             "u1": gdal.GDT_Byte}[values.dtype.str[1:]])
        array = owner.CreateMDArray(name, dims, kind)
        if nodata and full in nodata:
            array.SetNoDataValueDouble(nodata[full])
        for (where, attribute), value in (numbers or {}).items():
            if where == full:
                number = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
                array.CreateAttribute(attribute, [], number).Write(value)
        if len(values) if is_text else values.size:
            array.Write(values)
    for (place, name), text in (attributes or {}).items():
        owner = group(place)
        owner.CreateAttribute(name, [], gdal.ExtendedDataType.CreateString()).Write(text)
    array = owner = None
    dimensions.clear()
    groups.clear()
    del dataset
    os.replace(temporary, path)
    return str(path)


def atl06(path, beams=("gt1l", "gt3r"), count=50, release=6, description=ICESAT2_DESCRIPTION, extra=None, drop=(),
          empty=(), orient=0, lat=69.0, step=1e-4):
    """An ATL06 granule: heights 1000 + row, the first three rows with a fill, a bad quality, both fine else."""
    arrays, nodata = {"orbit_info/sc_orient": np.array([orient], "i2"),
                      "ancillary_data/atlas_sdp_gps_epoch": np.array([1198800018.0])}, {}
    for number, beam in enumerate(beams):
        if beam in empty:
            arrays[f"{beam}/segment_quality/x"] = np.zeros(1)
            continue
        row = np.arange(count)
        base = f"{beam}/land_ice_segments"
        height = (1000.0 + row % 10000 + 10.0 * number).astype("f4")
        quality = np.zeros(count, "u1")
        if count > 3:
            height[0], quality[1] = F4_FILL, 1
        values = {"latitude": lat + row * step, "longitude": -50.0 + row * 1e-5, "h_li": height,
                  "delta_time": 134086984.07 + row * 0.003, "h_li_sigma": np.full(count, 0.05, "f4"),
                  "sigma_geo_h": np.full(count, 0.02, "f4"), "atl06_quality_summary": quality,
                  "dem/geoid_h": np.full(count, 30.0, "f4")}
        arrays.update({f"{base}/{name}": data for name, data in values.items() if name not in drop})
        nodata[f"{base}/h_li"] = F4_FILL
    attributes = {("", "description"): description, ("", "short_name"): "ATL06"}
    if release is not None:
        attributes["", "identifier_product_doi"] = f"10.5067/ATLAS/ATL06.{release:03d}"
    for beam in beams:
        attributes[beam, "atlas_beam_type"] = "strong" if beam.endswith("l") else "weak"
    arrays.update(extra or {})
    return write_hdf5(path, arrays, attributes, nodata)


def atl03(path, counts=(4, 0, 6), photons=None, podppd=(0, 0, 1)):
    """An ATL03 granule of one beam: photons in segments, one value a segment for sigma, geoid and pointing."""
    total = sum(counts) if photons is None else photons
    confidence = np.full((total, 5), -1, "i2")
    confidence[:, 3] = 4
    confidence[0, 3], confidence[1, 3] = 2, 3
    quality = np.zeros(total, "u1")
    quality[2] = 3
    heights = {"lon_ph": -120.0 + np.arange(total) * 1e-5, "lat_ph": 40.0 + np.arange(total) * 1e-5,
               "h_ph": np.arange(total, dtype="f4"), "delta_time": 134086984.07 + np.arange(total) * 1e-4,
               "signal_conf_ph": confidence, "quality_ph": quality}
    arrays = {f"gt1r/heights/{name}": values for name, values in heights.items()}
    arrays["gt1r/geolocation/segment_ph_cnt"] = np.array(counts, "i4")
    # One too low but in the first segment, as subsetters leave it.
    arrays["gt1r/geolocation/ph_index_beg"] = np.array([1, 0, 4], "i4")
    arrays["gt1r/geolocation/sigma_h"] = np.array([0.1, 0.2, 0.3], "f4")
    arrays["gt1r/geolocation/podppd_flag"] = np.array(podppd, "i2")
    arrays["gt1r/geophys_corr/geoid"] = np.array([-20.0, -21.0, -22.0], "f4")
    arrays["orbit_info/sc_orient"] = np.array([0], "i2")
    return write_hdf5(path, arrays, {("", "description"): ICESAT2_DESCRIPTION})


def atl08(path):
    """An ATL08 granule: single-precision positions, a canopy height above the terrain."""
    base = "gt2l/land_segments"
    return write_hdf5(path, {
        f"{base}/latitude": np.array([70.0, 70.001, 70.002], "f4"),
        f"{base}/longitude": np.array([130.0, 130.0, 130.0], "f4"),
        f"{base}/delta_time": np.zeros(3), f"{base}/terrain/h_te_best_fit": np.array([5, 6, 7], "f4"),
        f"{base}/terrain/h_te_uncertainty": np.array([0.5, 0.6, F4_FILL], "f4"),
        f"{base}/terrain/n_te_photons": np.array([50, 9, 50], "i4"),
        f"{base}/cloud_flag_atm": np.array([0, 1, 2], "i2"),
        f"{base}/canopy/h_canopy": np.array([12, 13, 14], "f4")})


def atl13(path):
    """An ATL13 granule: its arrays lie in the beams' groups themselves."""
    values = {"segment_lon": np.array([10.0, 10.1]), "segment_lat": np.array([60.0, 60.1]),
              "ht_water_surf": np.array([100.0, 101.0], "f4"), "ht_ortho": np.array([60.0, 61.0], "f4"),
              "delta_time": np.array([0.0, 1.0]), "err_ht_water_surf": np.array([0.03, 0.04], "f4"),
              "stdev_water_surf": np.array([0.1, 0.1], "f4"), "segment_quality": np.array([1, 2], "i4"),
              "segment_geoid": np.array([40.0, 40.0], "f4"), "rgt": np.array([7, 8], "i4"),
              "cycle_number": np.array([3, 3], "i4")}
    return write_hdf5(path, {f"gt1l/{name}": data for name, data in values.items()})


def glah06(path, ellipsoids=0.71, drop=(), numbers=None, more=()):
    """A GLAH06 granule of 8 shots; each test fails once: use, saturation, attitude, peaks; two fills."""
    count = 8
    values = {
        "DS_UTCTime_40": np.arange(count) * 0.025 + 86400.0, "Geolocation/d_lat": np.full(count, -72.25),
        "Geolocation/d_lon": 310.0 + np.arange(count) * 1e-3, "Elevation_Surfaces/d_elev": np.full(count, 3199.5),
        "Elevation_Corrections/d_satElevCorr": np.array([0.5] * 6 + [F8_FILL, 0.5]),
        "Geophysical/d_deltaEllip": np.full(count, ellipsoids), "Geophysical/d_gdHt": np.full(count, 30.0),
        "Geophysical/d_ElevBiasCorr": np.full(count, 0.017), "Quality/elev_use_flg": np.array([1] + [0] * 7, "i2"),
        "Quality/sat_corr_flg": np.array([0, 3] + [2] * 6, "i2"),
        "Quality/sigma_att_flg": np.array([0, 0, 50] + [0] * 5, "i2"),
        "Waveform/i_numPk": np.array([1, 1, 1, 2, 1, 1, 1, 1], "i4"),
        "Reflectivity/d_reflctUC": np.full(count, 0.4), "Reflectivity/d_sDevNsOb1": np.full(count, 0.01),
        "Elevation_Flags/elv_cloud_flg": np.zeros(count, "i2")}
    values["Elevation_Surfaces/d_elev"][7] = F8_FILL
    arrays = {f"Data_40HZ/{name}": data for name, data in values.items() if name not in drop}
    arrays.update({name: np.zeros(count) for name in more if name not in arrays})
    return write_hdf5(path, {**arrays, "ANCILLARY_DATA/x": np.zeros(1)}, {("ANCILLARY_DATA", "Campaign"): "3A"},
                      {"Data_40HZ/Elevation_Surfaces/d_elev": F8_FILL}, numbers)


def atm(path, frame="ITRF2014", clocks=(110310.5, 110311.0)):
    """An ILATM1B version 2 granule."""
    count = len(clocks)
    names = ("rel_time", "azimuth", "pitch", "roll", "xmt_sigstr", "rcv_sigstr", "gps_pdop", "pulse_width")
    arrays = {"latitude": np.full(count, 76.5), "longitude": np.full(count, 291.25),
              "elevation": np.arange(count) + 500.25, "instrument_parameters/time_hhmmss": np.array(clocks),
              **{f"instrument_parameters/{name}": np.full(count, 1.5 + number) for number, name in enumerate(names)}}
    if frame is not None:
        arrays["ancillary_data/reference_frame"] = [frame]
    return write_hdf5(path, arrays)


LVIS1_HEADER = "# LFID SHOTNUMBER TIME LONGITUDE_CENTROID LATITUDE_CENTROID ELEVATION_CENTROID LONGITUDE_LOW\n"


def lvis1(path, header=LVIS1_HEADER, rows=2):
    """An ILVIS2 version 1 file; the second row lies after midnight."""
    lines = [f"1234567890 {10 + row} {86399.5 + row} 310.1 69.1 {90 + row} 310.2 69.2 {80 + row} 310.3 69.3 {95 + row}"
             for row in range(rows)]
    with open(path, "w", encoding="ascii") as stream:
        stream.write(header + "\n".join(lines) + "\n")
    return str(path)


def lvis2(path, rows=2, columns=42):
    """An ILVIS2 version 2 file: RH and the like count up from 100."""
    start = ["1", "2", "{time}", "310.2", "69.2", "80.5", "310.3", "69.3", "95.5", "310.4", "69.4", "99.5"]
    lines = [" ".join([*start, *(str(100 + place) for place in range(12, columns))]).format(time=1000 + row)
             for row in range(rows)]
    with open(path, "w", encoding="ascii") as stream:
        stream.write("# LFID SHOTNUMBER TIME GLON GLAT ZG HLON HLAT ZH TLON TLAT ZT RH10\n" + "\n".join(lines) + "\n")
    return str(path)


def qfit(path, rows, words=12, order=">", header="trajectory 060522_itrf05_x.nav", offset=None):
    """A qfit file of integer rows (n, words); the header's text is cut into records wherever it falls."""
    text = header.encode("latin-1")
    room = 4 * (words - 1)
    texts = [text[first:first + room].ljust(room, b"\0") for first in range(0, len(text), room)] if text else []
    size = 4 * words
    begin = (2 + len(texts)) * size
    heads = [np.array([size] + [0] * (words - 1), f"{order}i4").tobytes(),
             np.array([-9000008, begin if offset is None else offset] + [0] * (words - 2), f"{order}i4").tobytes()]
    heads += [np.array([-9000000], f"{order}i4").tobytes() + text for text in texts]
    with open(path, "wb") as stream:
        stream.write(b"".join(heads) + np.asarray(rows, f"{order}i4").tobytes())
    return str(path)

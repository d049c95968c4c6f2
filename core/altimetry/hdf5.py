"""HDF5 altimetry (ICESat-2, GLAH06, ATM since 2013) through GDAL's multidimensional API."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import AltimetryError
from .glas import to_wgs84
from .product_frames import frame_of_release, frames_in_text
from .source import BLOCK, INTEGER, Block, Column, Layout, Source, Test
from .times import GpsClock, after, date_in_name, seconds_of_day

SIGNATURE = b"\x89HDF\r\n\x1a\n"
BEAMS = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
ICESAT2_ORIGIN, ICESAT2_GPS_EPOCH = "2018-01-01T00:00:00", 1198800018.0
GLAS_ORIGIN = "2000-01-01T12:00:00"
_FILL = 1e30
_ELLIPSOID_TOLERANCE = 0.02


@dataclass(frozen=True)
class Hdf5Layout(Layout):
    """Arrays by their path below each beam's group (ICESat-2) or the root.

    by_segment: `(counts, groups)`: the array with the number of points of each segment, and the groups whose arrays
    have a value a segment. valid_range: whether attributes valid_min and valid_max are to be believed.
    """

    beams: tuple = ("",)
    by_segment: tuple = ("", ())
    valid_range: bool = False


_ORIENTATION = "orbit_info/sc_orient"
_TRANSITION = Test("in a spacecraft yaw manoeuvre", _ORIENTATION, "!=", 2)

ATL03 = Hdf5Layout(
    "ATL03", "heights/lon_ph", "heights/lat_ph", "heights/h_ph", "heights/delta_time", "geolocation/sigma_h",
    (Column("confidence", "heights/signal_conf_ph", INTEGER), Column("quality", "heights/quality_ph", INTEGER),
     Column("geoid", "geophys_corr/geoid")),
    (Test("below medium signal confidence", "heights/signal_conf_ph", ">=", 3),
     Test("with a quality_ph other than nominal", "heights/quality_ph", "==", 0),
     Test("with degraded pointing or orbit", "geolocation/podppd_flag", "==", 0), _TRANSITION),
    beams=BEAMS, by_segment=("geolocation/segment_ph_cnt", ("geolocation/", "geophys_corr/")))
ATL06 = Hdf5Layout(
    "ATL06", *(f"land_ice_segments/{name}" for name in ("longitude", "latitude", "h_li", "delta_time", "h_li_sigma")),
    (Column("sigma_geo", "land_ice_segments/sigma_geo_h"),
     Column("quality", "land_ice_segments/atl06_quality_summary", INTEGER),
     Column("geoid", "land_ice_segments/dem/geoid_h")),
    (Test("not of the best quality", "land_ice_segments/atl06_quality_summary", "==", 0), _TRANSITION), beams=BEAMS)
ATL08 = Hdf5Layout(
    "ATL08", "land_segments/longitude", "land_segments/latitude", "land_segments/terrain/h_te_best_fit",
    "land_segments/delta_time", "land_segments/terrain/h_te_uncertainty",
    (Column("n_photons", "land_segments/terrain/n_te_photons", INTEGER),
     Column("cloud", "land_segments/cloud_flag_atm", INTEGER),
     Column("h_canopy", "land_segments/canopy/h_canopy")),
    (Test("with fewer than 10 terrain photons", "land_segments/terrain/n_te_photons", ">=", 10),
     Test("without a known uncertainty", "land_segments/terrain/h_te_uncertainty", "<", _FILL), _TRANSITION),
    beams=BEAMS)
ATL13 = Hdf5Layout(
    "ATL13", "segment_lon", "segment_lat", "ht_water_surf", "delta_time", "err_ht_water_surf",
    (Column("stdev", "stdev_water_surf"), Column("quality", "segment_quality", INTEGER),
     Column("height_ortho", "ht_ortho"), Column("geoid", "segment_geoid"), Column("track", "rgt", INTEGER),
     Column("cycle", "cycle_number", INTEGER)),
    (_TRANSITION,), beams=BEAMS)
GLAH06 = Hdf5Layout(
    "GLAH06", *(f"Data_40HZ/{name}" for name in ("Geolocation/d_lon", "Geolocation/d_lat",
                                                 "Elevation_Surfaces/d_elev", "DS_UTCTime_40")),
    columns=(Column("use_flag", "Data_40HZ/Quality/elev_use_flg", INTEGER),
             Column("saturation", "Data_40HZ/Quality/sat_corr_flg", INTEGER),
             Column("attitude", "Data_40HZ/Quality/sigma_att_flg", INTEGER),
             Column("sat_corr", "Data_40HZ/Elevation_Corrections/d_satElevCorr"),
             Column("bias_corr", "Data_40HZ/" "Geophysical/d_ElevBiasCorr"),
             Column("peaks", "Data_40HZ/Waveform/i_numPk", INTEGER),
             Column("reflectivity", "Data_40HZ/Reflectivity/d_reflctUC"),
             Column("misfit", "Data_40HZ/Reflectivity/d_sDevNsOb1"),
             Column("cloud", "Data_40HZ/Elevation_Flags/elv_cloud_flg", INTEGER),
             Column("geoid", "@geoid")),
    tests=(Test("not to be used (elev_use_flg)", "Data_40HZ/Quality/elev_use_flg", "==", 0),
           Test("saturated beyond correction", "Data_40HZ/Quality/sat_corr_flg", "<", 3),
           Test("with doubtful attitude", "Data_40HZ/Quality/sigma_att_flg", "==", 0),
           Test("with more than one peak", "Data_40HZ/Waveform/i_numPk", "==", 1)),
    valid_range=True)
ATM = Hdf5Layout(
    "ILATM1B", "longitude", "latitude", "elevation", "instrument_parameters/time_hhmmss",
    columns=(*(Column(name, f"instrument_parameters/{name}") for name in ("rel_time", "azimuth", "pitch", "roll")),
             Column("start_strength", "instrument_parameters/xmt_sigstr"),
             Column("return_strength", "instrument_parameters/rcv_sigstr"),
             Column("pdop", "instrument_parameters/gps_pdop"),
             Column("pulse_width", "instrument_parameters/pulse_width")))


class Hdf5Source(Source):
    """A granule; subclasses know their mission."""

    layout: Hdf5Layout

    def __init__(self, path: str, layout: Hdf5Layout):
        super().__init__(path)
        self.layout = layout
        self._file = Hdf5File(path)
        self._beams = [beam for beam in map(self._beam, layout.beams) if beam]
        if not self._beams:
            places = sorted({name.rpartition("/")[0] or "the root" for name in layout.required[:3]})
            raise AltimetryError(f"{self.name} has none of the groups of {layout.product} ({', '.join(places)}"
                                 f"{' below gt1l to gt3r' if len(layout.beams) > 1 else ''}): is it another PRODUCT?")
        if not any(beam.size for beam in self._beams):
            self.empty = f"{self.name} holds no points: all its beams are empty."

    def _beam(self, name: str):
        """The arrays of a beam; None where it is absent, as it is where the beam saw nothing."""
        found = {path: self._file.array(f"/{name}/{path}") for path in self.layout.required}
        lacking = [path for path, array in found.items() if array is None]
        if len(lacking) == len(found):
            return None
        place = f" in {name}" if name else ""
        if lacking:
            raise AltimetryError(f"{self.name} lacks {', '.join(lacking)}{place}, which {self.layout.product} needs: "
                                 "download it again, or choose another PRODUCT.")
        sizes = {array.GetShape()[0] for array in found.values()}
        if len(sizes) > 1:
            raise AltimetryError(f"{self.name} is inconsistent{place}: its positions, heights and times differ in "
                                 "number. Download it again.")
        return Beam(self._file, self.layout, name, sizes.pop())

    def has(self, path: str) -> bool:
        return any(beam.has(path) for beam in self._beams)

    def allows(self, path: str) -> bool:
        return all(beam.has(path) for beam in self._beams if beam.size)

    def blocks(self) -> Iterator[Block]:
        total, seen = max(sum(beam.size for beam in self._beams), 1), 0
        for beam in self._beams:
            for first in range(0, beam.size, BLOCK):
                count = min(BLOCK, beam.size - first)
                seen += count
                yield Block(count, seen / total, self._reader(beam, first, count), self._constants_of(beam))

    def _reader(self, beam, first, count):
        return lambda path: beam.read(path, first, count)

    def _constants_of(self, beam) -> dict:
        return {}


class Icesat2Source(Hdf5Source):
    """ATL03, ATL06, ATL08 or ATL13."""

    def __init__(self, path: str, layout: Hdf5Layout):
        super().__init__(path, layout)
        self._check_clock()
        in_name = re.search(r"ATL\d\d_\d{14}_(\d{4})(\d\d)\d\d_(\d{3})_\d\d", self.name, re.IGNORECASE)
        self._take_frame(int(in_name.group(3)) if in_name else None)
        track, cycle = (in_name.group(1), in_name.group(2)) if in_name else map(
            self._file.number, ("/orbit_info/rgt", "/orbit_info/cycle_number"))
        self.constants.update({key: int(value) for key, value in (("track", track), ("cycle", cycle))
                               if value is not None})
        self.constants["beam_type"] = None
        self._orientation = self._read_orientation()
        if layout is ATL08:
            self.warnings.append(f"{self.name}: ATL08 stores positions in single precision, in steps of up to 0.8 m "
                                 "north and 1.7 m east.")
        for beam in self._beams:
            if not beam.segments_fit:
                self.warnings.append(f"{self.name}: the photon counts of the segments of {beam.name} do not add up "
                                     "to its photons, so their sigma, geoid and pointing flags stay empty.")

    def _check_clock(self) -> None:
        epoch = self._file.number("/ancillary_data/atlas_sdp_gps_epoch")
        if epoch is not None and epoch != ICESAT2_GPS_EPOCH:
            raise AltimetryError(f"{self.name} counts time from GPS second {epoch:.0f} instead of "
                                 f"{ICESAT2_GPS_EPOCH:.0f} (2018-01-01): its times cannot be trusted.")

    def _take_frame(self, in_name: int | None) -> None:
        """The release decides; what the granule's text says can be wrong (release 007)."""
        product = self.layout.product
        stated = self._stated_release()
        if in_name is not None and stated is not None and in_name != stated:
            self.warnings.append(f"{self.name}: the name says release {in_name:03d}, the file {stated:03d}; the file "
                                 "is believed.")
        release = stated if stated is not None else in_name
        self.frame = frame_of_release(product, release)
        declared = frames_in_text(self._file.text("/", "description"))
        if not self.frame:
            said = "neither its name nor the file itself tells the release" if release is None else (
                f"no frame is known for release {release:03d}")
            text = f" (its text says {' and '.join(declared)}, which can be wrong)" if declared else ""
            self.frame_problem = f"{self.name}: {said}, so the frame stays unknown{text}: choose FRAME."
        elif declared and declared != [self.frame]:
            self.warnings.append(f"{self.name}: its text says {' and '.join(declared)}, but {product} release "
                                 f"{release:03d} is in {self.frame}, which is used.")

    def _stated_release(self) -> int | None:
        """By the file's doi (10.5067/ATLAS/ATL06.006), else by its own number."""
        doi = re.search(r"\.(\d{3})$", self._file.text("/", "identifier_product_doi").strip())
        number = doi or re.fullmatch(r"\s*(\d{1,3})\s*", self._file.strings("/ancillary_data/release"))
        return int(number.group(1)) if number else None

    def _read_orientation(self):
        """`(times, values)` of the spacecraft's orientation: 0 backward, 1 forward, 2 in transition; None: unknown."""
        values, times = (self._file.numbers(f"/orbit_info/{name}") for name in ("sc_orient", "sc_orient_time"))
        if not values.size:
            return None
        if times.size != values.size:
            return (np.full(1, -np.inf), values) if values.size == 1 else None
        return times, values

    def allows(self, path: str) -> bool:
        return self._orientation is not None if path == _ORIENTATION else super().allows(path)

    def times(self, block):
        return after(ICESAT2_ORIGIN, block[self.layout.time])

    def _reader(self, beam, first, count):
        plain = super()._reader(beam, first, count)

        def read(path):
            if path != _ORIENTATION:
                return plain(path)
            times, values = self._orientation
            row = np.searchsorted(times, plain(self.layout.time), side="right") - 1
            return values[np.clip(row, 0, None)]

        return read

    def _constants_of(self, beam):
        kind = self._file.text(f"/{beam.name}", "atlas_beam_type").strip().lower()
        if not kind and self._orientation is not None and set(self._orientation[1]) <= {0.0, 1.0} \
                and len(set(self._orientation[1])) == 1:
            # Flying backward the strong beams are on the left, forward on the right.
            strong_side = "l" if self._orientation[1][0] == 0 else "r"
            kind = "strong" if beam.name.endswith(strong_side) else "weak"
        return {"beam": beam.name, "beam_type": kind or None}


class GlasSource(Hdf5Source):
    """GLAH06: heights corrected for saturation, and turned from the TOPEX/Poseidon ellipsoid to WGS 84."""

    _CORRECTION = "Data_40HZ/Elevation_Corrections/d_satElevCorr"
    _ELLIPSOIDS = "Data_40HZ/Geophysical/d_deltaEllip"
    _GEOID = "Data_40HZ/Geophysical/d_gdHt"

    def __init__(self, path: str):
        super().__init__(path, GLAH06)
        # GLAH06_mmm_prkk_ccc_tttt_...: release, repeat phase, cycle, track. The release is 6 and the version, 634.
        name = re.search(r"GLAH06_6(\d\d)_\d{4}_(\d{3})_(\d{4})_", self.name, re.IGNORECASE)
        release = int(name.group(1)) if name else None
        self.frame = frame_of_release("GLAH06", release)
        if not self.frame:
            said = f"no frame is known for release 6{release:02d}" if name else "its name does not tell the release"
            self.frame_problem = f"{self.name}: {said}, so the frame stays unknown: choose FRAME."
        if name:
            self.constants.update(cycle=int(name.group(2)), track=int(name.group(3)))
        self.constants["campaign"] = self._file.text("/ANCILLARY_DATA", "Campaign").strip() or None
        if not self.has(self._CORRECTION):
            self.warnings.append(f"{self.name} has no saturation correction: heights of saturated shots are too low.")

    def has(self, path: str) -> bool:
        return super().has(self._GEOID if path == "@geoid" else path)

    def times(self, block):
        return after(GLAS_ORIGIN, block[self.layout.time])

    def positions(self, block):
        lon, _, _ = super().positions(block)
        return lon, block["@lat"], block["@height"]

    def _reader(self, beam, first, count):
        """Arrays, and what is computed from them: @lat, @height (WGS 84) and @geoid (above WGS 84)."""
        plain, known = super()._reader(beam, first, count), {}

        def read(path):
            if path not in ("@lat", "@height", "@geoid"):
                return plain(path)
            if not known:
                known.update(self._on_wgs84(plain))
            return known[path]

        return read

    def _on_wgs84(self, plain) -> dict:
        lat, height = plain(self.layout.lat), plain(self.layout.height)
        if self.has(self._CORRECTION):
            correction = plain(self._CORRECTION)
            height = height + np.where(np.isfinite(correction), correction, 0.0)
        new_lat, new_height = to_wgs84(lat, height)
        lowered = height - new_height
        self._check_ellipsoid(plain, lowered)
        geoid = plain(self._GEOID) - lowered if super().has(self._GEOID) else np.full(lat.size, np.nan)
        # A missing height takes the latitude along, but the shot has its place.
        new_lat = np.where(np.isfinite(new_lat), new_lat, lat)
        return {"@lat": new_lat, "@height": new_height, "@geoid": geoid}

    def _check_ellipsoid(self, plain, lowered) -> None:
        """Raise where the file's own difference of the ellipsoids is another: its heights are on another one."""
        if not super().has(self._ELLIPSOIDS):
            return
        off = np.abs(plain(self._ELLIPSOIDS) - lowered)
        off = off[np.isfinite(off)]
        if off.size and np.median(off) > _ELLIPSOID_TOLERANCE:
            raise AltimetryError(f"{self.name}: d_deltaEllip differs by {np.median(off):.2f} m from TOPEX/Poseidon "
                                 "minus WGS 84, so its heights seem to be converted already: use the original file.")


class AtmSource(Hdf5Source):
    """ILATM1B version 2: what the file declares is its frame; GPS time of day to UTC by the date in its name."""

    def __init__(self, path: str):
        super().__init__(path, ATM)
        self._date = date_in_name(self.name)
        GpsClock(*self._date)
        declared = self._file.strings("/ancillary_data/reference_frame")
        self.frame, self.frame_problem = declared_frame(self.name, declared, "ancillary_data/reference_frame")

    def blocks(self):
        self._clock = GpsClock(*self._date)
        return super().blocks()

    def times(self, block):
        return self._clock.utc(seconds_of_day(block[self.layout.time]))


def declared_frame(name: str, text: str, place: str) -> tuple:
    """`(frame, "")` of an ATM file that declares exactly one; `("", why not)` where it names none or several."""
    frames = frames_in_text(text)
    if len(frames) == 1:
        return frames[0], ""
    said = f"names {' and '.join(frames)}" if frames else "names no frame"
    return "", f"{name}: its {place} {said}, so the frame stays unknown: choose FRAME by the campaign's guide."


class Beam:
    """The arrays of one beam."""

    def __init__(self, file: Hdf5File, layout: Hdf5Layout, name: str, size: int):
        self.name, self.size = name, size
        self._file, self._layout, self._arrays = file, layout, {}
        self._ends = self._segment_ends()

    @property
    def segments_fit(self) -> bool:
        """False where values by segment cannot be given to the points."""
        return self._ends is None or not self._ends.size or self._ends[-1] == self.size

    def has(self, path: str) -> bool:
        array = self._array(path)
        if array is None:
            return False
        if not self._by_segment(path):
            return array.GetShape()[0] == self.size
        return self._ends is not None and self.segments_fit and array.GetShape()[0] == self._ends.size

    def _array(self, path):
        if path not in self._arrays:
            self._arrays[path] = self._file.array(f"/{self.name}/{path}")
        return self._arrays[path]

    def _by_segment(self, path) -> bool:
        return path.startswith(self._layout.by_segment[1])

    def _segment_ends(self):
        """Running sum of the points of the segments, None where there are no segments.

        ph_index_beg is not used: subsetters leave it one too low.
        """
        counts = self._file.array(f"/{self.name}/{self._layout.by_segment[0]}") if self._layout.by_segment[0] else None
        if counts is None or not counts.GetShape()[0]:
            return None
        return np.cumsum(counts.ReadAsArray().astype(np.int64))

    def read(self, path: str, first: int, count: int) -> np.ndarray:
        """Values (count,) from a row on, NaN where missing; of several a point (signal_conf_ph) the largest."""
        if not self.has(path):
            return np.full(count, np.nan)
        if not self._by_segment(path):
            return self._values(path, first, count)
        row = np.searchsorted(self._ends, np.arange(first, first + count), side="right")
        return self._values(path, int(row[0]), int(row[-1] - row[0]) + 1)[row - row[0]]

    def _values(self, path, first, count):
        array = self._array(path)
        shape = array.GetShape()
        raw = quietly(array.ReadAsArray, [first] + [0] * (len(shape) - 1), [count, *shape[1:]])
        if raw is None:
            raise AltimetryError(f"{self._file.name} is damaged: {self.name}/{path} cannot be read. "
                                 "Download it again.")
        raw = raw.reshape(count, -1).max(axis=1) if raw.ndim > 1 else raw
        values = raw.astype(float)
        with np.errstate(invalid="ignore"):
            missing = ~(np.abs(values) < _FILL) | (raw == array.GetNoDataValueAsDouble())
            if self._layout.valid_range:
                low, high = (self._limit(array, name) for name in ("valid_min", "valid_max"))
                missing |= (values < low) | (values > high)
        values[missing] = np.nan
        return values

    @staticmethod
    def _limit(array, name) -> float:
        attribute = quietly(array.GetAttribute, name)
        return np.nan if attribute is None else attribute.ReadAsDouble()


class Hdf5File:
    """An HDF5 file; what is missing is None or "". Raises AltimetryError where it cannot be opened."""

    def __init__(self, path: str):
        from osgeo import gdal

        self.name = os.path.basename(path)
        if gdal.GetDriverByName("HDF5") is None:
            raise AltimetryError("This GDAL has no HDF5 driver: install GDAL's HDF5 plugin to read this product.")
        # Every opening has its dataset: GDAL's are not to be shared by threads.
        self._dataset = quietly(lambda: gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER, allowed_drivers=["HDF5"]))
        if self._dataset is None:
            raise AltimetryError(f"{self.name} is no HDF5 file, or is damaged or incomplete: download it again.")
        self._root = self._dataset.GetRootGroup()

    def array(self, path: str):
        """The array of that path, without a look at its values."""
        array = quietly(self._root.OpenMDArrayFromFullname, path.replace("//", "/"))
        return array if array is not None and array.GetDimensionCount() else None

    def numbers(self, path: str) -> np.ndarray:
        """The values of a short array or of a single number (n,), none where it is missing."""
        array = quietly(self._root.OpenMDArrayFromFullname, path)
        empty = array is None or 0 in (array.GetShape() or ())
        values = None if empty else quietly(array.ReadAsArray)
        return np.zeros(0) if values is None else np.asarray(values, dtype=float).ravel()

    def number(self, path: str) -> float | None:
        """The first value of an array."""
        return next(iter(self.numbers(path).tolist()), None)

    def text(self, path: str, attribute: str) -> str:
        """A text attribute of a group."""
        group = self._root if path == "/" else quietly(self._root.OpenGroupFromFullname, path)
        found = quietly(group.GetAttribute, attribute) if group is not None else None
        return (found.ReadAsString() or "") if found is not None else ""

    def strings(self, path: str) -> str:
        """The text of a string array, elements joined by blanks."""
        array = quietly(self._root.OpenMDArrayFromFullname, path)
        found = quietly(array.Read) if array is not None else None
        return found if isinstance(found, str) else " ".join(map(str, found or []))


def quietly(call, *arguments):
    """What GDAL answers, None for what is missing, silently, whether or not someone switched its exceptions on."""
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        return call(*arguments)
    except RuntimeError:
        return None
    finally:
        gdal.PopErrorHandler()


def short_name(path: str) -> str:
    """The product that an HDF5 file says it is, whatever its name: attribute short_name or ShortName."""
    file = Hdf5File(path)
    return file.text("/", "short_name").strip() or file.text("/", "ShortName").strip()


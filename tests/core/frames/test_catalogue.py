"""The catalogue: names, codes, recognition of a layer's frame, refusals that say what to do."""

import hashlib
from pathlib import Path

import pytest
from commonground.core.errors import FrameError
from commonground.core.frames import catalogue
from commonground.core.frames.catalogue import FRAMES, TABLE_VERSION, frame, frame_of_crs, sibling_code

DATA = Path(catalogue.__file__).parent / "data"


def test_every_promised_frame_is_there():
    promised = """
        ITRF88 ITRF89 ITRF90 ITRF91 ITRF92 ITRF93 ITRF94 ITRF96 ITRF97 ITRF2000 ITRF2005 ITRF2008
        ITRF2014 ITRF2020 IGS97 IGS00 IGb00 IGS05 IGS08 IGb08 IGS14 IGb14 IGS20 IGb20 ITRF2020-u2023
        WGS84(Transit) WGS84(G730) WGS84(G873) WGS84(G1150) WGS84(G1674) WGS84(G1762) WGS84(G2139)
        WGS84(G2296) ETRF89 ETRF90 ETRF91 ETRF92 ETRF93 ETRF94 ETRF96 ETRF97 ETRF2000 ETRF2005
        ETRF2014 ETRF2020 NAD83(2011) NAD83(CSRS)v8 GDA94 GDA2020 NATRF2022
    """.split()  # noqa: SIM905
    assert set(promised) <= set(FRAMES)
    assert FRAMES[0] == "ITRF88"


def test_rows_are_consistent():
    codes = []
    for name in FRAMES:
        item = frame(name)
        assert item.source and item.accuracy_m >= 0
        parent = frame(item.parent)
        assert parent.name.startswith("ITRF") and parent.parent == parent.name
        codes += [item.epsg_geocentric, item.epsg_geographic3d, item.epsg_geographic2d]
    assert len(set(codes)) == 3 * len(FRAMES)


def test_codes_agree_with_the_installed_database():
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    checked = 0
    for name in FRAMES:
        item = frame(name)
        for code, kind in (
            (item.epsg_geocentric, "Geocentric CRS"),
            (item.epsg_geographic3d, "Geographic 3D CRS"),
            (item.epsg_geographic2d, "Geographic 2D CRS"),
        ):
            try:
                crs = CRS.from_epsg(code)
            except CRSError:
                continue  # newer than the installed database
            assert crs.type_name == kind
            assert frame_of_crs(None, crs.to_wkt()).name == name
            checked += 1
    assert checked > 120


@pytest.mark.parametrize(
    "given, name",
    [
        ("igs14", "IGS14"),
        ("itrf 2014", "ITRF2014"),
        ("ITRF1997", "ITRF97"),
        ("WGS 84 (G1762)", "WGS84(G1762)"),
        ("IGB08", "IGb08"),
        ("nad83(csrs)V8", "NAD83(CSRS)v8"),
        ("ITRF08", "ITRF2008"),
    ],
)
def test_spelling_is_forgiven(given, name):
    assert frame(given).name == name


@pytest.mark.parametrize(
    "given, hint",
    [
        ("ITRF95", "ITRF94"),
        ("ITRF2015", "ITRF2014"),
        ("", "missing"),
        (None, "missing"),
        ("WGS84", "SOURCE_FRAME=WGS84.G1762."),
        ("ETRS89", "ETRF2000"),
        ("NZGD2000", "deformation model"),
    ],
)
def test_unknown_names_are_answered(given, hint):
    with pytest.raises(FrameError, match=hint):
        frame(given)


@pytest.mark.parametrize(
    "code, name",
    [
        ("EPSG:7905", "ITRF93"),
        ("EPSG:7789", "ITRF2014"),
        ("EPSG:8988", "ITRF88"),
        ("EPSG:6318", "NAD83(2011)"),
        ("EPSG:7855", "GDA2020"),
        ("EPSG:28355", "GDA94"),
        ("EPSG:10604", "WGS84(G2296)"),
        ("EPSG:9057", "WGS84(G1762)"),
        ("EPSG:5514", None),
        ("EPSG:27700", None),
        ("USER:100000", None),
        ("", None),
        (None, None),
    ],
)
def test_frame_of_a_code(code, name):
    found = frame_of_crs(code)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    "code", ["EPSG:4326", "EPSG:4979", "EPSG:3413", "EPSG:32633", "EPSG:3857", "OGC:CRS84"]
)
def test_wgs84_ensemble_is_refused_with_advice(code):
    with pytest.raises(
        FrameError, match=r"about 2 m vague; name the realization.*SOURCE_FRAME=WGS84\(G1762\)"
    ):
        frame_of_crs(code)


@pytest.mark.parametrize(
    "code, words",
    [
        ("EPSG:4258", "ETRS89"),
        ("EPSG:25832", "ETRS89"),
        ("EPSG:2193", "deformation"),
        ("EPSG:6668", "deformation"),
        ("EPSG:31983", "SIRGAS"),
        ("EPSG:4747", "GR96"),
        ("EPSG:4269", "NAD83"),
        ("EPSG:4617", "version"),
    ],
)
def test_vague_and_deforming_frames_are_refused(code, words):
    with pytest.raises(FrameError, match=words):
        frame_of_crs(code)


@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT1_ESRI", "WKT2_2019"])
@pytest.mark.parametrize("code, name", [(7855, "GDA2020"), (9057, "WGS84(G1762)"), (8999, "ITRF2008")])
def test_frame_of_wkt_without_codes(code, name, version):
    import re

    from pyproj import CRS

    wkt = re.sub(r',\s*(ID|AUTHORITY)\["EPSG","?\d+"?\]', "", CRS.from_epsg(code).to_wkt(version))
    assert "EPSG" not in wkt
    assert frame_of_crs("USER:100001", wkt).name == name


def test_custom_wgs84_is_as_vague():
    with pytest.raises(FrameError, match="2 m"):
        frame_of_crs("USER:100001", "+proj=stere +lat_0=90 +lon_0=-45 +datum=WGS84 +type=crs")
    assert frame_of_crs("USER:100001", "+proj=stere +lat_0=90 +lon_0=-45 +ellps=GRS80 +type=crs") is None


def test_sibling_is_of_the_same_kind():
    assert sibling_code(7905, "ITRF2014") == 7912
    assert sibling_code("EPSG:4915", "ITRF2014") == 7789
    assert sibling_code(8993, "ETRF2014") == 9069
    assert sibling_code(3413, "ITRF2014") is None


def test_table_version_changes_with_the_tables():
    """The digest of the data; whoever changes a table raises TABLE_VERSION and renews the digest."""
    digest = hashlib.sha256()
    for path in sorted(DATA.glob("*.csv")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    assert (TABLE_VERSION, digest.hexdigest()[:16]) == ("1", "5c8bf6e30cf71119")

"""Vertices of any geometry, read and put back."""

import struct

import numpy as np
import pytest
from commonground.core.errors import VectorError
from commonground.core.frames.wkb import Vertices

ogr = pytest.importorskip("osgeo.ogr")

TEXTS = [
    "POINT (1 2)", "POINT Z (1 2 3)", "POINT M (1 2 9)", "POINT ZM (1 2 3 9)", "LINESTRING ZM (1 2 3 9,4 5 6 "
                                                                               "8)",
    "POLYGON ((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))", "MULTIPOINT Z (1 2 3,4 5 6)",
    "MULTILINESTRING ((0 0,1 1),(2 2,3 3))", "MULTIPOLYGON Z (((0 0 1,9 0 1,9 9 1,0 0 1)),((5 5 2,6 5 2,6 6 "
                                             "2,5 5 2)))",
    "GEOMETRYCOLLECTION (POINT (1 2),LINESTRING (3 4,5 6))", "CIRCULARSTRING (0 0,1 1,2 0)",
    "COMPOUNDCURVE (CIRCULARSTRING (0 0,1 1,2 0),(2 0,3 0))",
    "CURVEPOLYGON (COMPOUNDCURVE (CIRCULARSTRING (0 0,1 1,2 0),(2 0,0 0)))",
    "MULTISURFACE (CURVEPOLYGON (CIRCULARSTRING (0 0,1 1,2 0,1 -1,0 0)))", "TRIANGLE ((0 0,1 0,0 1,0 0))",
    "TIN Z (((0 0 1,1 0 1,0 1 1,0 0 1)))", "POLYHEDRALSURFACE Z (((0 0 1,1 0 1,0 1 1,0 0 1)))",
]


def wkb(text):
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb())


def moved(data, by):
    vertices = Vertices(data)
    return vertices.replaced(vertices.xyz + by)


@pytest.mark.parametrize("text", TEXTS)
def test_each_kind_moves_and_keeps_its_structure(text):
    (result,) = moved([wkb(text)], np.array([10.0, 100.0, 1000.0]))
    numbers = iter(Vertices([wkb(text)]).xyz + np.array([10.0, 100.0, 1000.0]))
    found, expected = ogr.CreateGeometryFromWkb(result), ogr.CreateGeometryFromWkt(text)
    assert found.GetGeometryType() == expected.GetGeometryType()
    assert np.array_equal(Vertices([result]).xyz, np.array(list(numbers)), equal_nan=True)
    assert moved([result], np.array([-10.0, -100.0, -1000.0])) == [wkb(text)]


def test_values_and_owners():
    vertices = Vertices([wkb("LINESTRING ZM (1 2 3 9,4 5 6 8)"), wkb("POINT (7 8)")])
    assert vertices.xyz[:2].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert vertices.xyz[2, :2].tolist() == [7, 8] and np.isnan(vertices.xyz[2, 2])
    assert vertices.owner.tolist() == [0, 0, 1]
    line, _ = vertices.replaced(vertices.xyz + 1.0)
    assert ogr.CreateGeometryFromWkb(line).ExportToIsoWkt() == "LINESTRING ZM (2 3 4 9,5 6 7 8)"


def test_many_points_take_the_short_way():
    points = [wkb(f"POINT ZM ({i} {i + 1} {i + 2} 7)") for i in range(50)]
    vertices = Vertices(points)
    assert vertices.xyz[49].tolist() == [49, 50, 51]
    assert ogr.CreateGeometryFromWkb(vertices.replaced(vertices.xyz * 2.0)[49]).ExportToIsoWkt() == \
        "POINT ZM (98 100 102 7)"


def test_big_endian_and_flagged_types():
    big = struct.pack(">BIddd", 0, 0x80000001, 1.0, 2.0, 3.0)
    assert Vertices([big]).xyz.tolist() == [[1.0, 2.0, 3.0]]
    assert struct.unpack(">BIddd", moved([big], 1.0)[0]) == (0, 0x80000001, 2.0, 3.0, 4.0)


def test_unknown_types_are_refused():
    with pytest.raises(VectorError, match="unknown type"):
        Vertices([struct.pack("<BI", 1, 99)])


def test_nothing_is_nothing():
    assert Vertices([]).xyz.shape == (0, 3)
    assert Vertices([]).replaced(np.empty((0, 3))) == []

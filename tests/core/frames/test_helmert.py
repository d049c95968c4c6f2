"""The parameter table: closure against published operations, signs, and the peers' mistakes."""

import csv
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from commonground.core.frames.catalogue import FRAMES, frame
from commonground.core.frames.helmert import MILLIARCSECOND, Helmert, between, legs

HERE = Path(__file__).parents[2] / "data"
ITRF = [name for name in FRAMES if frame(name).parent == name]
SCALE = np.array([1e3] * 3 + [1e9] + [1 / MILLIARCSECOND] * 3)

# EPSG operations between ITRFs that are not the IERS transformation, each with the reason.
EXPLAINED = {
    9079: "NAD83(CSRS)-related, not IERS",
    9080: "NAD83(CSRS)-related, not IERS",
    9081: "NAD83(CSRS)-related, not IERS",
    9082: "NAD83(CSRS)-related, not IERS",
    9083: "NAD83(CSRS)-related, not IERS",
    9020: "superseded by EPSG:10139",
    9021: "superseded by EPSG:10140",
    9022: "superseded by EPSG:10141",
    9023: "superseded by EPSG:10142",
    9025: "superseded by EPSG:10143",
}


def published_operations():
    """(code, source, target, Helmert) of the ITRF to ITRF operations of the installed proj.db."""
    import pyproj

    path = Path(pyproj.datadir.get_data_dir()) / "proj.db"
    names = {str(frame(name).epsg_geocentric): name for name in ITRF}
    columns = """code, source_crs_code, target_crs_code, method_code, epoch, tx, ty, tz, scale_difference,
        rx, ry, rz, rate_tx, rate_ty, rate_tz, rate_scale_difference, rate_rx, rate_ry, rate_rz,
        translation_uom_code, rate_translation_uom_code, rotation_uom_code"""
    factor = {1025: 1e-3, 1033: 1e-2, 9001: 1.0, 1027: 1e-3, 1034: 1e-2, 1042: 1.0}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute(
            f"SELECT {columns} FROM helmert_transformation_table WHERE auth_name='EPSG' AND deprecated=0"
        ).fetchall()
    found = []
    for row in rows:
        code, source, target, method, epoch = row[:5]
        if str(source) not in names or str(target) not in names:
            continue
        assert str(method) in ("1053", "1033", "1065") and str(row[21]) == "1031"  # position vector, mas
        values = np.array([value or 0.0 for value in row[5:19]])
        units = np.array([factor[int(row[19])]] * 3 + [1e-9] + [MILLIARCSECOND] * 3)
        rates = np.array([factor[int(row[20] or 1027)]] * 3 + [1e-9] + [MILLIARCSECOND] * 3)
        found.append(
            (
                int(code),
                names[str(source)],
                names[str(target)],
                epoch,
                Helmert("", "", tuple(values[:7] * units), tuple(values[7:] * rates), epoch or 1988.0),
            )
        )
    return found


def worst_mm(one, other, epoch):
    """The largest displacement (mm) that two sets of 7 parameters can differ by on the Earth's surface."""
    difference = np.abs(np.array(one.at(epoch)) - np.array(other.at(epoch)))
    return 1e3 * (np.linalg.norm(difference[:3]) + 6.378e6 * (difference[3] + np.linalg.norm(difference[4:])))


def test_closure_with_all_published_itrf_operations():
    operations = published_operations()
    assert len(operations) > 50
    for code, source, target, epoch, published in operations:
        years = (1990.0, 2010.0, 2025.0) if epoch else (1988.0,)
        worst = max(worst_mm(between(source, target), published, year) for year in years)
        if code in EXPLAINED:
            assert worst > 0.5, f"EPSG:{code} needs no explanation"
        else:
            assert worst < 1e-6, (code, source, target, worst)


def test_two_tables_agree():
    """ITRF2020 minus ITRF2014 leg of the same frame: rounded to the published digits they are one table."""
    lines = (HERE / "itrf2014_leg.csv").read_text().splitlines()[1:]
    rows = list(csv.DictReader(lines))
    assert len(rows) == 12
    for row in rows:
        ours = between("ITRF2014", row["to"])
        names = ["tx_mm", "ty_mm", "tz_mm", "d_ppb", "rx_mas", "ry_mas", "rz_mas"]
        published = np.array([float(row[name]) for name in names])
        rates = np.array([float(row[f"d{name}_yr"]) for name in names])
        np.testing.assert_allclose(np.array(ours.at(2010.0)) * SCALE, published, atol=1e-9)
        np.testing.assert_allclose(np.array(ours.rates) * SCALE, rates, atol=1e-9)


@pytest.mark.parametrize("source", FRAMES)
def test_there_and_back(source):
    for target in ("ITRF2020", "ITRF93", "GDA94", "NAD83(2011)"):
        for epoch in (1988.0, 2024.5):
            x = np.array([2181410.0, -2599710.0, 5372220.0])
            there = between(source, target).apply(*x, epoch)
            back = between(target, source).apply(*there, epoch)
            np.testing.assert_allclose(back, x, atol=5e-6)


def test_aliases_are_null():
    for name, parent in (("IGS14", "ITRF2014"), ("WGS84(G1762)", "ITRF2008"), ("ITRF2020-u2023", "ITRF2020")):
        assert not np.any(between(name, parent).at(2018.0))
    np.testing.assert_allclose(
        between("IGS14", "ITRF2008").at(2000.0), between("ITRF2014", "ITRF2008").at(2000.0)
    )


def test_parameters_of_an_array_of_epochs():
    item = between("ITRF93", "ITRF2014")
    epochs = np.array([1993.5, 2010.0])
    together = np.array([np.broadcast_to(value, 2) for value in item.at(epochs)])
    np.testing.assert_allclose(together[:, 0], item.at(1993.5))


def test_published_operation_between_two_frames_goes_first():
    assert [leg.reference[:9] for leg in legs("GDA94", "GDA2020")] == ["EPSG:8048"]
    assert [leg.reference[:9] for leg in legs("ITRF2005", "GDA94")] == ["EPSG:6277"]
    assert len(legs("ETRF2014", "ITRF2014")) == 1
    assert legs("ITRF2014", "itrf2014") == []


def test_gda94_to_gda2020_technical_manual():
    """Alice Springs, GDA2020 Technical Manual (ICSM) section 3.1, also in GeodePy's tests."""
    x = between("GDA94", "GDA2020").apply(-4052051.7643, 4212836.2017, -2545106.0245, 2020.0)
    np.testing.assert_allclose(x, (-4052052.7379, 4212835.9897, -2545104.5898), atol=2e-4)


class TestPeers:
    """Values on which other software is wrong."""

    def test_proj_itrf2008_itrf93_has_tz_of_386_not_38(self):
        item = between("ITRF2008", "ITRF93")
        np.testing.assert_allclose(
            np.array(item.at(2000.0)) * SCALE, [-24.0, 2.4, -38.6, 3.41, -1.71, -1.48, -0.30], atol=1e-9
        )

    def test_proj_itrf2008_itrf88_has_rx(self):
        assert between("ITRF2008", "ITRF88").at(2000.0)[4] * SCALE[4] == pytest.approx(0.10)

    def test_proj_itrf2014_itrf97_has_scale(self):
        item = between("ITRF2014", "ITRF97")
        assert item.at(2010.0)[3] * 1e9 == pytest.approx(3.80)
        assert item.rates[3] * 1e9 == pytest.approx(0.12)

    @pytest.mark.parametrize("name", ["ITRF94", "ITRF96", "ITRF88"])
    def test_proj_itrf2014_rotation_rates(self, name):
        item = between("ITRF2014", name)
        assert item.rates[6] / MILLIARCSECOND == pytest.approx(0.02)
        assert item.at(2010.0)[6] / MILLIARCSECOND == pytest.approx(0.26)

    @pytest.mark.parametrize("one, other", [("ITRF96", "ITRF97"), ("ITRF94", "ITRF96"), ("ITRF94", "ITRF97")])
    def test_from_crs_83_mm_and_not_a_transformation(self, one, other):
        assert not np.any(np.abs(between(one, other).at(2018.0)) > 1e-15)

    def test_from_crs_itrf96_itrf2005(self):
        np.testing.assert_allclose(
            between("ITRF96", "ITRF2005").at(2000.0), between("ITRF97", "ITRF2005").at(2000.0), atol=1e-15
        )

    def test_geodepy_scale_of_itrf94_to_itrf92(self):
        for name in ("ITRF94", "ITRF96"):
            assert between(name, "ITRF92").at(2000.0)[3] * 1e9 == pytest.approx(-0.71)
        assert between("ITRF2008", "ITRF93").at(2000.0)[0] * 1e3 == pytest.approx(-24.0)

    @pytest.mark.parametrize("name", ["IGS08", "IGb14", "IGS20", "IGb20"])
    def test_igs_frames_are_not_ballpark(self, name):
        assert worst_mm(between(name, "ITRF93"), between(frame(name).parent, "ITRF93"), 2018.0) == 0.0
        assert worst_mm(between(name, "ITRF93"), Helmert("", "", (0.0,) * 7, (0.0,) * 7, 2000.0), 2018.0) > 50

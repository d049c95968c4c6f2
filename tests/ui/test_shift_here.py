"""What is the shift here? Known answers, refusals in words, and a click on the map."""

import pytest

core = pytest.importorskip("qgis.core")


@pytest.fixture
def canvas(qgis_app):
    from qgis.gui import QgsMapCanvas

    canvas = QgsMapCanvas()
    canvas.setDestinationCrs(core.QgsCoordinateReferenceSystem("EPSG:3413"))
    yield canvas
    canvas.deleteLater()


@pytest.fixture
def dialog(canvas):
    from commonground.ui.shift_here import ShiftHere

    dialog = ShiftHere(None, canvas)
    yield dialog
    dialog.close()
    dialog.deleteLater()


def ask(dialog, point="-50, 70, 1", source="ITRF93", epoch="1993.5", target="ITRF2014", target_epoch="2018.5",
        model="ITRF2014-PMM"):
    for line, text in (("point", point), ("epoch", epoch), ("target_epoch", target_epoch)):
        getattr(dialog, line).setText(text)
    for combo, text in (("source", source), ("target", target), ("model", model)):
        getattr(dialog, combo).setCurrentText(text)
    return dialog.text.toPlainText()


def test_the_notebooks_point(dialog):
    """ITRF93 -> ITRF2014 at 1993.5 (E -5.0, N -27.9, U +5.3 mm), then 25 years of NOAM (-412.6, 329.7, 0.7 mm)."""
    words = ask(dialog)
    assert "-0.4177 m" in words and "+0.3017 m" in words and "+0.0060 m" in words
    assert "ITRF2014-PMM NOAM" in words
    assert "differ here by +-0.0401 m east and +-0.0214 m north" in words
    assert "+proj=pipeline" in words


def test_without_a_target_epoch_nothing_moves(dialog):
    words = ask(dialog, target_epoch="")
    assert "-0.0050 m" in words and "-0.0279 m" in words and "+0.0053 m" in words
    assert "none" in words


def test_dates_and_plate_fixed_frames(dialog):
    words = ask(dialog, "10, 47", "ETRF2014", "2000-01-01", "ETRF2014", "2020-01-01")
    assert "0.0000 m" in words and "-0.4" not in words.split("+proj")[0]


def test_near_a_boundary_it_says_so(dialog):
    assert "a measured velocity may be better" in ask(dialog, "-122.4, 37.8")


@pytest.mark.parametrize("changes, words", [
    ({"point": ""}, "pick a point"),
    ({"point": "here"}, "not readable"),
    ({"point": "70, -150"}, "longitude comes first"),
    ({"epoch": "1066"}, "between 1980 and 2050"),
    ({"epoch": ""}, "an empty value"),
    ({"point": "-75, 15"}, "no plate of ITRF2014-PMM"),
])
def test_what_cannot_be_answered_is_said(dialog, changes, words):
    assert words in ask(dialog, **changes)


def test_a_click_on_the_map(dialog, canvas):
    """EPSG:3413's central meridian is 45 W; x = 0 below the pole lies on it."""
    ask(dialog, "0, 0, 123")
    dialog.take(core.QgsPointXY(0.0, -2_000_000.0))
    lon, lat, height = map(float, dialog.point.text().split(","))
    assert lon == pytest.approx(-45.0, abs=1e-7) and lat == pytest.approx(71.6, abs=0.2) and height == 123.0
    assert "NOAM" in dialog.text.toPlainText()


def test_picking_takes_the_map_and_gives_it_back(dialog, canvas):
    from qgis.gui import QgsMapToolPan

    pan, other = QgsMapToolPan(canvas), QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    dialog.pick.setChecked(True)
    assert canvas.mapTool() is not pan
    canvas.mapTool().canvasClicked.emit(core.QgsPointXY(0.0, -2_000_000.0), left_button())
    assert dialog.point.text().startswith("-45.0")
    dialog.pick.setChecked(False)
    assert canvas.mapTool() is pan
    dialog.pick.setChecked(True)
    canvas.setMapTool(other)
    assert not dialog.pick.isChecked() and canvas.mapTool() is other


def left_button():
    from qgis.PyQt.QtCore import Qt

    return Qt.MouseButton.LeftButton


def test_without_a_map_there_is_nothing_to_pick(qgis_app):
    from commonground.ui.shift_here import ShiftHere

    dialog = ShiftHere()
    assert not dialog.pick.isEnabled()
    dialog.deleteLater()


@pytest.mark.parametrize("code, frame", [("EPSG:7905", "ITRF93"), ("EPSG:4326", "ITRF2014"), ("", "ITRF2014")])
def test_the_active_layer_proposes_its_frame(dialog, code, frame):
    layer = core.QgsVectorLayer(f"Point?crs={code}", "x", "memory")
    if code:
        crs = core.QgsCoordinateReferenceSystem(code)
        crs.setCoordinateEpoch(1997.25)
        layer.setCrs(crs)
    dialog.propose(layer)
    dialog.propose(None)
    assert dialog.source.currentText() == frame
    assert dialog.epoch.text() == ("1997.25" if code else "2010.0")

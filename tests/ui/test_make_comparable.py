"""The guided dialog: what it says of two DEMs, and a run as a person clicks it."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

core = pytest.importorskip("qgis.core")


def write_dem(path, east=0.0, up=0.0, origin=400000, epsg=32611, epoch=0.0, kind=None):
    from osgeo import gdal, osr

    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    if epoch:
        reference.SetCoordinateEpoch(epoch)
    rows, cols = np.indices((240, 240)) * 30.0
    x = cols - east
    heights = 150 * np.sin(x / 400) * np.cos(rows / 520) + 60 * np.sin((x + 2 * rows) / 300) + 500 + up
    heights = heights + np.random.default_rng(3).normal(0, 0.3, heights.shape)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 240, 240, 1, kind or gdal.GDT_Float32)
    dataset.SetGeoTransform((origin, 30, 0, 3800000, 0, -30))
    dataset.SetSpatialRef(reference)
    dataset.GetRasterBand(1).WriteArray(heights)
    dataset = None
    return core.QgsRasterLayer(str(path), Path(path).stem)


@pytest.fixture
def project(provider):
    project = core.QgsProject.instance()
    project.clear()
    yield project
    project.clear()


@pytest.fixture
def pair(project, tmp_path):
    folder = tmp_path / "deux modèles"
    folder.mkdir()
    layers = [write_dem(folder / "référence.tif"), write_dem(folder / "à l'ouest.tif", -12, -2)]
    project.addMapLayers(layers)
    return layers


@pytest.fixture
def dialog(pair):
    from commonground.ui.make_comparable import MakeComparable

    dialog = MakeComparable()
    dialog.layers["reference"].setLayer(pair[0])
    dialog.layers["secondary"].setLayer(pair[1])
    yield dialog
    dialog.close()
    dialog.deleteLater()
    core.QgsApplication.processEvents()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        core.QgsApplication.processEvents()
        time.sleep(0.01)
    assert condition()


def state(dialog, frames, epochs, plate="NOAM"):
    dialog.plate.setCurrentText(plate)
    for side, frame, epoch in zip(("reference", "secondary"), frames, epochs):
        dialog.frames[side].setCurrentText(frame)
        dialog.epochs[side].setText(epoch)


def test_it_says_what_it_found_and_what_it_cannot_know(dialog):
    texts = {key: cell.text() for key, cell in dialog._cells.items()}
    assert texts["crs", "secondary"].startswith("EPSG:32611")
    assert texts["cell", "reference"] == "30 m, 240 \u00d7 240 cells"
    assert texts["heights", "reference"] == "not declared"
    assert dialog.frames["reference"].currentText() == "unknown", "WGS 84 is no realization"
    together = dialog._together.text()
    assert "Overlap: 100 %" in together and "cm a year" in together and "realization" in together
    assert "No step of geodesy" in dialog.proposal.text() and dialog.reframe.isHidden()
    assert "blocks of 100 cells" in dialog.proposal.text()


def test_frames_and_epochs_give_the_expected_shift_with_its_sign(dialog):
    from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace

    state(dialog, ("ITRF2014", "ITRF2000"), ("2012.9", "2000-02-17"))
    moved = displace(dialog._pair.lon, dialog._pair.lat, 0.0, FrameEpoch("ITRF2000", 2000 + 47 / 366),
                     FrameEpoch("ITRF2014", 2012.9), PlateMotion("ITRF2014-PMM", "NOAM"))
    assert f"east {float(moved.east):+.3f} m, north {float(moved.north):+.3f} m" in dialog._together.text()
    assert not dialog.reframe.isHidden() and dialog.reframe.isChecked()
    assert "from ITRF2000 @ 2000.13 to ITRF2014 @ 2012.9" in dialog.reframe.text()
    state(dialog, ("ITRF2014", "ITRF2014"), ("2012.9", "2012.9"))
    assert dialog.reframe.isHidden() and "one frame and epoch already" in dialog.proposal.text()


def test_a_dem_across_a_plate_boundary_needs_a_word(dialog):
    """This place near San Diego lies on both sides of the outline between North America and the Pacific."""
    dialog._pair = replace(dialog._pair, plates=("NOAM", "PCFC"))
    state(dialog, ("ITRF2014", "ITRF2014"), ("2012.9", "2000.13"), "by its outline")
    assert "several plates, NOAM, PCFC: choose one" in dialog.proposal.text() and dialog.reframe.isHidden()
    state(dialog, ("ITRF2014", "ITRF2014"), ("2012.9", "2012.9"), "by its outline")
    assert "one frame and epoch already" in dialog.proposal.text(), "no motion, no plate"
    state(dialog, ("ITRF2014", "ITRF2014"), ("2012.9", "2000.13"), "PCFC")
    pacific = dialog._together.text()
    state(dialog, ("ITRF2014", "ITRF2014"), ("2012.9", "2000.13"), "NOAM")
    assert "(PCFC)" in pacific and "(NOAM)" in dialog._together.text() and not dialog.reframe.isHidden()


def test_coregistration_is_told_what_is_known(dialog):
    from commonground.ui.pair_facts import told

    state(dialog, ("ITRF2014", "ITRF2000"), ("2012.9", ""))
    pair = dialog._stated_pair()
    assert told(pair, reframed=False) == {"REFERENCE_FRAME": "ITRF2014", "REFERENCE_EPOCH": "2012.9",
                                          "SECONDARY_FRAME": "ITRF2000"}
    assert told(pair, reframed=True) == {f"{role}_{what}": value for role in ("REFERENCE", "SECONDARY")
                                         for what, value in (("FRAME", "ITRF2014"), ("EPOCH", "2012.9"))}


def test_an_epoch_that_is_none_is_one_sentence(dialog):
    dialog.epochs["secondary"].setText("last summer")
    assert "last summer" in dialog.message.text() and not dialog.run_button.isEnabled()
    dialog.epochs["secondary"].setText("2000.13")
    assert dialog.message.text() == "" and dialog.run_button.isEnabled()


def test_a_stated_epoch_and_a_named_frame_are_found(project, tmp_path):
    from commonground.ui.pair_facts import look_at

    layer = write_dem(tmp_path / "moved.tif", epsg=32611, epoch=2012.9)
    facts = look_at(layer, "it")
    assert facts.epoch == 2012.9 and facts.frame == "" and "realization" in facts.advice.lower()
    from osgeo import gdal

    degrees = str(tmp_path / "degrees.tif")
    gdal.Translate(degrees, layer.source(), outputBounds=[10.0, 50.1, 10.1, 50.0], outputSRS="EPSG:4326")
    layer = core.QgsRasterLayer(degrees, "degrees")
    layer.setCrs(core.QgsCoordinateReferenceSystem("EPSG:7912"))
    assert look_at(layer, "it").frame == "ITRF2014" and look_at(layer, "it").heights == "the ellipsoid"


def test_dems_that_cannot_be_compared_are_refused_with_a_sentence(dialog, pair, project, tmp_path):
    dialog.layers["secondary"].setLayer(pair[0])
    assert "same file" in dialog.message.text() and not dialog.run_button.isEnabled()
    far = write_dem(tmp_path / "far.tif", origin=700000)
    project.addMapLayer(far)
    dialog.layers["secondary"].setLayer(far)
    assert "do not overlap" in dialog.message.text() and not dialog.run_button.isEnabled()


def test_an_empty_project_says_what_to_do(project):
    from commonground.ui.make_comparable import MakeComparable

    dialog = MakeComparable()
    assert "Load two DEMs" in dialog.message.text() and not dialog.run_button.isEnabled()
    dialog.deleteLater()


def test_a_run_adds_a_styled_group(dialog, project):
    state(dialog, ("ITRF2014", "ITRF2000"), ("2012.9", "2000.13"))
    names = []
    dialog.completed.connect(names.append)
    dialog.show()
    dialog.run_button.click()
    assert dialog.busy and not dialog.run_button.isEnabled()
    wait_for(lambda: names)
    assert names == ["à l'ouest → référence"], dialog.message.text()
    core.QgsApplication.processEvents()
    group = project.layerTreeRoot().findGroup(names[0])
    assert [node.name() for node in group.findLayers()] == [
        "Shifts", "Difference before", "Difference after", "Aligned DEM"]
    layers = {node.name(): node.layer() for node in group.findLayers()}
    limits = {layers[f"Difference {when}"].renderer().classificationMax() for when in ("before", "after")}
    assert len(limits) == 1 and layers["Aligned DEM"].renderer().type() == "hillshade"
    assert [node.isVisible() for node in group.findLayers()] == [True, True, False, True]
    folder = Path(layers["Aligned DEM"].source()).parent
    assert (folder / "report.html").exists() and (folder / "reframed.tif").exists()
    assert layers["Shifts"].renderer().type() == "categorizedSymbol"
    assert "NMAD" in layers["Aligned DEM"].metadata().abstract()
    assert layers["Aligned DEM"].metadata().links()[0].url.endswith("report.html")
    assert "NMAD" in dialog.message.text() and not dialog.busy and dialog.run_button.isEnabled()
    assert dialog.report_button.isVisible() and dialog.report_button.isDefault()
    reference = core.QgsProject.instance().mapLayersByName("référence")[0]
    from osgeo import gdal

    dh = (gdal.Open(reference.source()).ReadAsArray()
          - gdal.Open(layers["Aligned DEM"].source()).ReadAsArray())[10:-10, 10:-10]
    assert abs(np.nanmedian(dh)) < 0.1


def test_cancelling_leaves_the_project_as_it_was(dialog, project):
    before = set(project.mapLayers())
    names = []
    dialog.completed.connect(names.append)
    dialog.show()
    dialog.run_button.click()
    dialog.cancel_button.click()
    wait_for(lambda: names)
    assert names == [""] and set(project.mapLayers()) == before
    assert "Cancelled" in dialog.message.text() and not dialog.busy


def test_stopping_waits_until_nothing_runs(dialog):
    """As unloading the plugin does while a run is under way."""
    dialog.run_button.click()
    task = dialog._chain._task
    dialog.stop()
    assert not task.isActive()
    core.QgsApplication.processEvents()
    assert not dialog.busy


def test_a_folder_that_cannot_be_made_is_told(dialog):
    dialog.folder.setFilePath("/proc/nowhere")
    dialog.run_button.click()
    assert "folder cannot be made" in dialog.message.text() and not dialog.busy


def test_a_map_from_a_server_is_refused_with_a_sentence(dialog, project):
    layer = core.QgsRasterLayer("type=xyz&url=file:///nowhere/{z}/{x}/{y}.png&zmax=3&zmin=0", "tiles", "wms")
    assert layer.isValid()
    project.addMapLayer(layer)
    dialog.layers["secondary"].setLayer(layer)
    assert "cannot be read cell by cell" in dialog.message.text() and "export it" in dialog.message.text()
    assert not dialog.run_button.isEnabled()


def test_virtual_and_subset_rasters_are_dems_as_well(dialog, pair, project, tmp_path):
    from osgeo import gdal

    path = str(tmp_path / "virtuel é.vrt")
    gdal.BuildVRT(path, [pair[1].source()])
    geopackage = str(tmp_path / "two.gpkg")
    gdal.Translate(geopackage, pair[1].source(), creationOptions=["RASTER_TABLE=dem"])
    for source in (path, f"GPKG:{geopackage}:dem"):
        layer = core.QgsRasterLayer(source, "other")
        assert layer.isValid()
        project.addMapLayer(layer)
        dialog.layers["secondary"].setLayer(layer)
        assert dialog.message.text() == "" and dialog.run_button.isEnabled(), source
